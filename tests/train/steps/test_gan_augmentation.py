"""Each change is held to what it must do to an image, and p to what it follows."""

import math

import pytest
import torch

from train.running.device import Device
from train.steps.gan_augmentation import (
    ADJUST_EVERY,
    AdaptiveAugmentation,
    Changes,
    change,
    sample_changes,
    seen,
)

BATCH, SIDE = 512, 16


def rng():
    return torch.Generator().manual_seed(3)


def images(batch=BATCH):
    return torch.rand((batch, 3, SIDE, SIDE), generator=rng()) * 2 - 1


def unchanged(batch=1):
    places = torch.eye(3)[:2].repeat(batch, 1, 1)
    return Changes(places, torch.eye(3, 4).repeat(batch, 1, 1), torch.zeros(batch, dtype=bool))


@pytest.mark.parametrize("with_cameras", [False, True])
def test_at_probability_zero_nothing_changes(with_cameras):
    given = images()
    changed = change(given, sample_changes(BATCH, 0.0, rng(), with_cameras=with_cameras))
    assert torch.allclose(changed, given, atol=1e-5)


def test_each_kind_leaves_its_share_of_the_images_alone():
    changes = sample_changes(20_000, 0.3, rng(), with_cameras=True)
    moved = (changes.affine - torch.eye(3)[:2]).abs().flatten(1).amax(1) > 1e-6
    coloured = (changes.colours - torch.eye(3, 4)).abs().flatten(1).amax(1) > 1e-6
    # Flip (half of 0.3), scale and shift; brightness, contrast, luma (half), hue, saturation.
    assert moved.float().mean() == pytest.approx(1 - 0.85 * 0.7**2, abs=0.02)
    assert coloured.float().mean() == pytest.approx(1 - 0.85 * 0.7**4, abs=0.02)
    assert changes.mirrored.float().mean() == pytest.approx(0.15, abs=0.02)


def test_a_flip_mirrors_the_image_and_its_camera():
    given = images(1)
    mirror = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
    changes = unchanged()._replace(affine=mirror, mirrored=torch.tensor([True]))
    shown = seen(given, torch.tensor([[30.0, 10, 5, 0.1, 0.2]]), changes)
    assert torch.allclose(shown.images, given.flip(-1), atol=1e-5)
    assert shown.cameras[0].tolist() == pytest.approx([-30, 10, 5, -0.1, 0.2])


def test_a_smaller_object_is_farther_away():
    cameras = torch.tensor([[30.0, 10, 5, 0.1, 0.2], [30.0, 10, math.nan, 0.1, 0.2]])
    halved = torch.tensor([[2.0, 0, 0], [0, 2, 0]]).repeat(2, 1, 1)  # places lie twice as far out
    shown = seen(images(2), cameras, unchanged(2)._replace(affine=halved))
    assert shown.cameras[0].tolist() == pytest.approx([30, 10, 10, 0.1, 0.2])
    assert shown.cameras[1, 2].isnan() and cameras[0, 2] == 5


def test_mirrored_images_are_those_whose_places_are_reflected():
    changes = sample_changes(BATCH, 0.8, rng(), with_cameras=True)
    assert 0 < changes.mirrored.sum() < BATCH
    assert torch.equal(torch.linalg.det(changes.affine[:, :, :2]) < 0, changes.mirrored)


def test_with_cameras_nothing_rolls_or_squeezes_the_image():
    camera_conditioned, plain = (
        sample_changes(BATCH, 1.0, rng(), with_cameras=cameras).affine for cameras in (True, False)
    )
    assert (camera_conditioned[:, 0, 1] == 0).all() and (camera_conditioned[:, 1, 0] == 0).all()
    assert torch.allclose(camera_conditioned[:, 0, 0].abs(), camera_conditioned[:, 1, 1])
    assert (plain[:, 0, 1].abs() > 0.1).float().mean() > 0.5


def test_a_shift_moves_the_image_by_a_share_of_its_side():
    given = images(1)
    quarter = torch.tensor([[[1.0, 0, 0.5], [0, 1, 0]]])  # read half of [-1, 1] further right
    shown = change(given, unchanged()._replace(affine=quarter))
    step = SIDE // 4
    assert torch.allclose(shown[..., : SIDE - step], given[..., step:], atol=1e-5)


def test_colours_keep_grey_grey_and_hue_turns_keep_luma():
    changes = sample_changes(BATCH, 1.0, rng(), with_cameras=True)
    factors = changes.colours[:, :, :3]
    grey = factors @ torch.ones(3)
    assert torch.allclose(grey, grey.mean(1, keepdim=True).expand_as(grey), atol=1e-5)
    assert torch.allclose(changes.colours[:, 0, 3], changes.colours[:, 2, 3])
    # Red's mean over the channels is what the scale along grey leaves of a third of it.
    luma = factors[:, :, 0].mean(1)
    assert torch.allclose(luma, grey.mean(1) / 3, atol=1e-4)
    assert (grey.mean(1) < 0).float().mean() == pytest.approx(0.5, abs=0.08)
    spread = grey.mean(1).abs().log().std()
    assert spread.item() == pytest.approx(0.5 * math.log(2), rel=0.15)


def test_the_gradient_is_that_of_the_changed_image():
    given = images(2).double().requires_grad_()
    sampled = sample_changes(2, 1.0, rng(), with_cameras=False)
    changes = Changes(sampled.affine.double(), sampled.colours.double(), sampled.mirrored)
    weights = torch.rand((2, 3, SIDE, SIDE), generator=rng()).double()
    (gradient,) = torch.autograd.grad((change(given, changes) * weights).sum(), given)
    way = torch.randn(given.shape, generator=rng()).double()
    ahead, behind = (
        (change((given + sign * 1e-4 * way).detach(), changes) * weights).sum() for sign in (1, -1)
    )
    assert ((ahead - behind) / 2e-4).item() == pytest.approx(
        (gradient * way).sum().item(), rel=1e-6
    )


def test_p_rises_while_photographs_are_known_by_heart_and_falls_again():
    device = Device("float32")
    augmentation = AdaptiveAugmentation(0.6, kimg=0.8, batch_size=20, device=device)
    known = torch.ones(20).to(device.device)
    half = torch.tensor([1.0, -1.0]).repeat(10).to(device.device)
    courses = []
    for step in range(8 * ADJUST_EVERY):
        augmentation.adjust(step, known if step < 5 * ADJUST_EVERY else half)
        courses.append(augmentation.probability)
    at_changes = courses[ADJUST_EVERY - 1 :: ADJUST_EVERY]
    assert at_changes == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2])
    assert courses[0] == 0.0  # not before some steps have been seen


def test_p_stays_a_probability():
    device = Device("float32")
    augmentation = AdaptiveAugmentation(0.6, kimg=0.05, batch_size=20, device=device)
    for step in range(4 * ADJUST_EVERY):
        augmentation.adjust(step, torch.full((20,), 9.0).to(device.device))
    assert augmentation.probability == 1.0
    shown = change(
        images(4), sample_changes(4, augmentation.probability, rng(), with_cameras=False)
    )
    assert torch.isfinite(shown).all()
