import torch

from train.renderer import reference

TRIANGLE = torch.tensor([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], dtype=torch.float64)


def test_pixel_centres_start_at_the_top_left():
    found = reference.pixel_centres(2, 4, torch.device("cpu"))
    assert found[0].tolist() == [-0.75, 0.5] and found[-1].tolist() == [0.75, -0.5]
    assert found[1].tolist() == [-0.25, 0.5]


def test_barycentric_weights_by_hand():
    found = reference.barycentric(TRIANGLE, torch.tensor([0.25, 0.5], dtype=torch.float64), 0.0)
    torch.testing.assert_close(found, torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64))


def test_squared_distances_by_hand():
    for point, squared in (
        ((0.5, -0.5), 0.25),  # below an edge
        ((-3.0, -4.0), 25.0),  # nearest to a corner, the distance capped by no edge
        ((1.0, 1.0), 0.5),  # beyond the slanted edge
        ((0.25, 0.25), 0.0625),  # inside
        ((2.0, -1.0), 2.0),
    ):
        found = reference.squared_distance(TRIANGLE, torch.tensor(point, dtype=torch.float64))
        # An edge without a foot counts as 4, as in kaolin; chances there are 0 either way.
        assert abs(found.item() - min(squared, 4.0)) < 1e-12


def test_first_index():
    flags = torch.tensor([[False, True, True], [False, False, False]])
    assert reference.first_index(flags).tolist() == [1, -1]
