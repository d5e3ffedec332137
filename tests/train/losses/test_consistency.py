import torch

from train.losses.consistency import (
    camera_distance,
    code_distance,
    selector_entropy,
    style_distance,
    texture_distance,
    vertex_distance,
)


def test_entropy_is_largest_for_even_shares_and_zero_for_one_owner():
    even = torch.full((3, 7), 1 / 3)
    owned = torch.zeros(3, 7)
    owned[1] = 1
    assert torch.isclose(selector_entropy(even), torch.tensor(1.0), atol=1e-5)
    assert torch.isclose(selector_entropy(owned), torch.tensor(0.0), atol=1e-5)


def test_minimising_the_entropy_makes_the_largest_share_larger():
    logits = torch.tensor([[0.5, 0.0], [0.0, 0.3], [0.0, 0.0]], requires_grad=True)
    selector_entropy(logits.softmax(0)).backward()
    moved = (logits - 0.1 * logits.grad).softmax(0)
    assert (moved.amax(0) > logits.softmax(0).amax(0)).all()


def test_the_mean_style_is_at_distance_one():
    torch.manual_seed(0)
    styles = torch.randn(4_000, 32) * torch.linspace(0.1, 2, 32)
    mean, spread = styles.mean(0), styles.std(0)
    distance = style_distance(mean.expand_as(styles), styles, spread)
    assert torch.isclose(distance, torch.tensor(1.0), atol=0.03)
    assert style_distance(styles, styles, spread) < 1e-3


def test_distances_are_in_the_units_they_claim():
    vertices = torch.zeros(2, 5, 3)
    assert torch.isclose(
        vertex_distance(vertices, vertices + torch.tensor([0.3, 0.0, 0.4])), torch.tensor(0.5)
    )
    textures = torch.zeros(2, 3, 4, 8)
    assert torch.isclose(texture_distance(textures, textures + 0.25), torch.tensor(0.25))
    codes = torch.zeros(2, 9)
    assert torch.isclose(code_distance(codes, codes - 2), torch.tensor(2.0))


def test_the_camera_distance_goes_around_the_circle():
    camera = torch.tensor([[179.0, 10.0, 5.0, 0.0, 0.0]])
    around = torch.tensor([[-181.0, 10.0, 5.0, 0.0, 0.0]])
    opposite = torch.tensor([[-1.0, 10.0, 5.0, 0.0, 0.0]])
    assert camera_distance(camera, around) < 1e-5
    assert torch.isclose(camera_distance(camera, opposite), torch.tensor(2.0))


def test_every_distance_is_differentiable_also_where_it_is_zero():
    numbers = torch.rand(2, 6, 3, dtype=torch.float64, requires_grad=True)
    other = torch.rand(2, 6, 3, dtype=torch.float64)
    flat = numbers.flatten(1)
    spread = torch.ones(18, dtype=torch.float64)
    for distance in (
        lambda x: vertex_distance(x, other),
        lambda x: code_distance(x.flatten(1), other.flatten(1)),
        lambda x: style_distance(x.flatten(1), other.flatten(1), spread),
        lambda x: selector_entropy(x.flatten(1).softmax(0)),
    ):
        assert torch.autograd.gradcheck(distance, (numbers,))
    (code_distance(flat, flat.detach()) + style_distance(flat, flat.detach(), spread)).backward()
    assert torch.isfinite(numbers.grad).all()
