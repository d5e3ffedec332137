import numpy as np
import pytest
import torch

from graphics.camera import project
from graphics.frames import FRAME, LARGEST_FILL
from train.models.object_crop import FILL, Squares, cropped, squares_around


def box(left, top, right, bottom, pixels=64):
    mask = torch.zeros(1, pixels, pixels)
    mask[0, top:bottom, left:right] = 1
    return mask


def test_the_square_is_around_the_object_and_its_longer_side_fills_it():
    found = squares_around(box(10, 20, 50, 30))
    assert (found.across.item(), found.down.item()) == (30, 25)
    assert found.sides.item() == pytest.approx(40 / FILL)
    assert found.frames.item() == pytest.approx(max(FRAME * 20, 40 / LARGEST_FILL))


def test_an_empty_mask_s_square_is_about_the_image():
    found = squares_around(torch.zeros(2, 64, 64))
    assert found.across.tolist() == found.down.tolist() == [32, 32]
    assert found.sides.tolist() == pytest.approx([64 / FILL] * 2)


def test_a_square_as_large_as_the_crop_is_copied():
    images = torch.rand(2, 3, 48, 48)
    whole = Squares(*torch.tensor([[24.0, 24], [24, 24], [48, 48], [48, 48]]))
    assert torch.allclose(cropped(images, whole, 48), images, atol=1e-6)


@pytest.mark.parametrize("side", [13.0, 32.0, 47.0, 60.0])
def test_flat_colour_stays_flat_and_it_is_zero_beyond_the_image(side):
    images = torch.full((1, 1, 64, 64), 0.7)
    middle, sides = torch.tensor([40.0]), torch.tensor([side])
    crop = cropped(images, Squares(middle, torch.tensor([32.0]), sides, sides), 32)[0, 0]
    places = 40 + (np.arange(32) + 0.5 - 16) * side / 32
    reach = max(1.0, side / 32)
    inside = (places > reach) & (places < 64 - reach)
    assert torch.allclose(crop[16, inside], torch.tensor(0.7), atol=1e-6)
    assert (crop[16, places > 64 + reach] == 0).all()


def test_what_lies_at_a_place_lies_there_in_the_crop():
    images = torch.zeros(1, 1, 64, 64)
    images[0, 0, 40, 20] = 1
    crop = cropped(images, Squares(*torch.tensor([[24.5], [36.5], [16.0], [16.0]])), 32)[0, 0]
    # The pixel's middle, (20.5, 40.5), is 4 pixels left of and below the square's: 8 of the crop's.
    rows, columns = np.meshgrid(np.arange(32) + 0.5, np.arange(32) + 0.5, indexing="ij")
    weights = crop.numpy() / crop.sum().item()
    assert (weights * columns).sum() == pytest.approx(16 - 8, abs=1e-4)
    assert (weights * rows).sum() == pytest.approx(16 + 8, abs=1e-4)


def test_cameras_of_framed_objects_are_placed_where_the_frames_are():
    """A point that the framed camera shows at a place of the frame is there in the whole image."""
    points = np.array([[[0.0, 0, 0], [0.3, 0.1, 0]]], np.float32)
    framed = np.array([[20, 10, 60.0, 0.05, -0.1]], np.float32)  # far: hardly any perspective
    squares = Squares(*torch.tensor([[40.0], [20.0], [30.0], [25.0]]))
    placed = squares.placed(torch.from_numpy(framed), 64).numpy()
    inside, outside = (project(points, rows).vertices_image[0] for rows in (framed, placed))
    middle = np.array([2 * 40 / 64 - 1, 1 - 2 * 20 / 64])
    np.testing.assert_allclose(outside, inside * 25 / 64 + middle, atol=1e-3)


def test_moved_squares_keep_what_the_service_frames():
    before = squares_around(box(10, 20, 50, 30))
    after = before.moved(torch.tensor([2.0]), torch.tensor([[0.1, -0.2]]))
    assert after.sides.item() == pytest.approx(2 * before.sides.item())
    assert after.across.item() == pytest.approx(30 + 0.1 * before.sides.item())
    assert after.down.item() == pytest.approx(25 - 0.2 * before.sides.item())
    assert after.frames.equal(before.frames)
