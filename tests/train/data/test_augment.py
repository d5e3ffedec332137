import torch

from train.data.augment import augment


def test_equal_seeds_change_equally_and_masks_stay_on_their_images():
    masks = torch.zeros(16, 32, 32)
    masks[:, 10:20, 6:16] = 1
    images = masks[:, None].repeat(1, 3, 1, 1)
    first = augment(images, masks, torch.Generator().manual_seed(1))
    again = augment(images, masks, torch.Generator().manual_seed(1))
    assert torch.equal(first.seen, again.seen)
    torch.testing.assert_close(first.images[:, 0], first.masks)


def test_a_mirrored_image_has_its_object_on_the_other_side():
    masks = torch.zeros(64, 32, 32)
    masks[:, 12:20, 2:8] = 1
    changed = augment(masks[:, None].repeat(1, 3, 1, 1), masks, torch.Generator().manual_seed(2))
    right = changed.masks[..., 16:].sum((1, 2)) > changed.masks[..., :16].sum((1, 2))
    assert torch.equal(right, changed.mirrored)
    assert 10 < changed.mirrored.sum() < 54
