import numpy as np
import pytest
import torch

from graphics.frames import frame_around
from train.data.augmentation import (
    BatchRandom,
    augment,
    augment_views,
    cut_out_views,
    ragged,
)
from train.data.vehicles import photographs


def sample(count: int = 16):
    drawn = photographs(3, np.arange(count), 32)
    images = torch.from_numpy(drawn.images).permute(0, 3, 1, 2).float() / 255
    return images, torch.from_numpy(drawn.masks).float() / 255


def random(images, seed: int):
    return BatchRandom(torch.Generator().manual_seed(seed), len(images))


def test_ranges_and_shapes_stay():
    images, masks = sample()
    changed = augment(images, masks, random(masks, 0))
    assert changed.images.shape == images.shape and changed.masks.shape == masks.shape
    for values in (changed.seen, changed.images, changed.masks):
        assert 0 <= values.min() and values.max() <= 1
    assert changed.mirrored.any() and not changed.mirrored.all()


def test_the_same_generator_state_gives_the_same_images():
    images, masks = sample(4)
    first, second = (augment(images, masks, random(masks, 8)) for _ in range(2))
    assert torch.equal(first.seen, second.seen)


def test_masks_move_with_the_images():
    masks = sample()[1]
    # An image that is its own mask must still be it after moving, but for colour and grain.
    changed = augment(masks[:, None].repeat(1, 3, 1, 1), masks, random(masks, 1), colour=0.0)
    assert (changed.seen.mean(dim=1) - changed.masks).abs().mean() < 0.04


def test_mirrored_says_which_sides_were_exchanged():
    left = torch.zeros(64, 3, 32, 32)
    left[..., :16] = 1
    changed = augment(left, left[:, 0], random(left, 2), colour=0.0)
    now_on_the_right = changed.masks[..., 24:].mean((1, 2)) > changed.masks[..., :8].mean((1, 2))
    assert torch.equal(now_on_the_right, changed.mirrored)


def test_views_keep_their_masks_and_their_single_object():
    masks = torch.zeros(64, 32, 32)
    masks[:, 12:20, 2:8] = 1
    changed = augment_views(masks[:, None].repeat(1, 3, 1, 1), masks, random(masks, 2))
    torch.testing.assert_close(changed.images[:, 0], changed.masks)
    right = changed.masks[..., 16:].sum((1, 2)) > changed.masks[..., :16].sum((1, 2))
    assert torch.equal(right, changed.mirrored) and 10 < changed.mirrored.sum() < 54
    # Reflected at the border, an object near it would be there twice.
    assert changed.masks.sum((1, 2)).max() <= masks[0].sum() * 1.15**2 * 1.1


@pytest.mark.parametrize("change", [augment, augment_views])
def test_what_shrinks_looks_as_many_times_as_far_away(change):
    masks = torch.zeros(64, 32, 32)
    masks[:, 10:22, 10:22] = 1
    changed = change(masks[:, None].repeat(1, 3, 1, 1), masks, random(masks, 4))
    sides = changed.masks.sum((1, 2)).sqrt()
    torch.testing.assert_close(12 / sides, changed.distances, rtol=0.02, atol=0)
    assert changed.distances.min() < 0.95 and changed.distances.max() > 1.05


def test_a_part_of_a_batch_is_changed_as_in_the_whole():
    images, masks = sample(10)
    whole = augment_views(images, masks, random(masks, 5))
    own = torch.arange(10)[1::3]
    part = augment_views(
        images[own], masks[own], BatchRandom(torch.Generator().manual_seed(5), 10, own)
    )
    for values, every in zip(part, whole, strict=True):
        torch.testing.assert_close(values, every[own])


@pytest.mark.parametrize("change", [augment, augment_views])
def test_what_is_changed_comes_back_where_the_images_are(change):
    images, masks = (values.to("meta") for values in sample(2))
    changed = change(images, masks, random(masks, 0))
    assert {value.device.type for value in changed} == {"meta"}


class Middle(BatchRandom):
    """Every number is the middle of its range: nothing is moved, turned, stretched or mirrored."""

    def uniform(self, *shape: int) -> torch.Tensor:
        return torch.full((self.count, *shape), 0.5)


BOXES = ((20, 30, 44, 38), (50, 8, 58, 60), (0, 0, 30, 30), (31, 31, 33, 33))
"""Left, top, right, bottom in an image of 64 px: wide, tall, at a corner, small."""


def boxed(box: tuple[int, int, int, int]) -> torch.Tensor:
    mask = torch.zeros(64, 64)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = 1
    return mask


def ends(line: torch.Tensor) -> np.ndarray:
    """First pixel, and the one behind the last, that is covered more than by half."""
    inside = torch.nonzero(line > 0.5)[:, 0]
    return np.array([inside.min(), inside.max() + 1])


def test_objects_are_framed_as_the_service_frames_what_it_cuts_out():
    masks = torch.stack([boxed(box) for box in BOXES])
    images = masks[:, None].repeat(1, 3, 1, 1)
    generator = torch.Generator().manual_seed(0)
    changed = cut_out_views(images, masks, Middle(generator, len(BOXES)), 96)
    assert changed.images.shape == changed.seen.shape == (4, 3, 96, 96)
    for box, mask, distance in zip(BOXES, changed.masks, changed.distances, strict=True):
        frame = frame_around(*box)
        scale = 96 / frame.side
        columns, rows = np.array(box[::2]) - frame.left, np.array(box[1::2]) - frame.top
        rounded = 1 + 0.5 * scale  # that frame is of whole pixels of the image
        np.testing.assert_allclose(ends(mask.amax(0)), columns * scale, atol=rounded)
        np.testing.assert_allclose(ends(mask.amax(1)), rows * scale, atol=rounded)
        assert float(distance) == pytest.approx(frame.side / 64, abs=0.6 / 64)
    torch.testing.assert_close(changed.images[1:2, 0], changed.masks[1:2], atol=1e-5, rtol=0)


def test_an_empty_mask_is_framed_as_the_whole_image():
    images = torch.rand(2, 3, 64, 64)
    changed = cut_out_views(images, torch.zeros(2, 64, 64), Middle(torch.Generator(), 2), 64)
    assert changed.masks.max() == 0 and torch.isfinite(changed.seen).all()
    assert (changed.distances > 1).all()


def test_cut_outs_are_moved_about_the_rule_s_frame_and_their_distance_says_how_large_they_are():
    box = (20, 24, 44, 40)
    masks = boxed(box).expand(256, 64, 64)
    changed = cut_out_views(masks[:, None].repeat(1, 3, 1, 1), masks, random(masks, 4), 64)
    middles = np.array([[ends(m.amax(0)).mean(), ends(m.amax(1)).mean()] for m in changed.masks])
    np.testing.assert_allclose(middles.mean(0), 32, atol=0.6)
    assert 1 < middles.std() < 4
    zooms = changed.distances * 64 / frame_around(*box).side
    assert zooms.log().mean().abs() < 0.03 and zooms.max() < 1.25 and zooms.min() > 0.8
    areas = changed.masks.sum((1, 2)) * changed.distances.square()
    torch.testing.assert_close(areas, masks.sum((1, 2)), rtol=0.05, atol=0)


def test_a_mirrored_cut_out_says_so():
    masks = torch.zeros(64, 64, 64)
    masks[:, 24:40, 16:48] = 1
    left = torch.zeros(64, 3, 64, 64)
    left[..., :32] = 1
    changed = cut_out_views(left, masks, random(masks, 6), 64)
    brightness = changed.images[:, 0]
    on_the_right = brightness[..., 40:].mean((1, 2)) > brightness[..., :24].mean((1, 2))
    assert torch.equal(on_the_right, changed.mirrored) and 16 < changed.mirrored.sum() < 48


def test_ragged_masks_stay_masks_of_their_objects():
    y, x = torch.meshgrid(torch.arange(64) - 32.0, torch.arange(64) - 32.0, indexing="ij")
    masks = (x.square() / 26**2 + y.square() / 15**2 < 1).float().expand(300, 64, 64)
    spoilt = ragged(masks, random(masks, 5))
    assert spoilt.shape == masks.shape and 0 <= spoilt.min() and spoilt.max() <= 1
    inside = spoilt > 0.5
    common, either = (inside & (masks > 0.5)).sum((1, 2)), (inside | (masks > 0.5)).sum((1, 2))
    ious = common / either
    exact = (spoilt == masks).all(2).all(1)
    assert 0.2 < exact.float().mean() < 0.5
    assert (ious > 0.85).float().mean() > 0.75 and ious.median() > 0.9
    assert ious.min() < 0.9  # some lack a piece
