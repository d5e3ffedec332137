import numpy as np
import pytest
import torch

from train.data.augmentation import BatchRandom, augment, augment_views
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
