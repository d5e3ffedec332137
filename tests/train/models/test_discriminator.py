import pytest
import torch

from train.models.discriminator import Discriminator, DiscriminatorShape, minibatch_deviation

CAMERAS = torch.tensor([[30.0, 10, 5, 0, 0], [200.0, 20, 5, 0, 0]]).repeat(2, 1)


def small(**fields):
    torch.manual_seed(2)
    return Discriminator(DiscriminatorShape(size=16, channels=(8, 8, 4), patch=1, **fields))


@pytest.mark.parametrize(("size", "patch"), [(32, 1), (64, 2)])
def test_default_shapes_give_one_logit_per_image(size, patch):
    shape = DiscriminatorShape(size)
    assert shape.patch == patch
    assert Discriminator(shape)(torch.randn(4, 3, size, size)).shape == (4,)


def test_features_go_from_fine_to_four_pixels():
    maps = small().features(torch.randn(2, 3, 16, 16))
    assert [tuple(m.shape[1:]) for m in maps] == [(4, 16, 16), (8, 8, 8), (8, 4, 4)]


def test_first_logits_are_of_order_one():
    logits = Discriminator(DiscriminatorShape(32))(torch.randn(32, 3, 32, 32))
    assert logits.abs().max() < 10


def test_camera_and_distance_change_the_logit_and_offsets_do_not():
    discriminator = small(camera_conditioned=True)
    discriminator.camera.layers[0].weight.data.normal_()  # untrained it knows azimuths alone
    images = torch.randn(4, 3, 16, 16)
    logits = discriminator(images, CAMERAS)
    turned, nearer, moved = CAMERAS.clone(), CAMERAS.clone(), CAMERAS.clone()
    turned[:, 0] += 90
    nearer[:, 2] -= 0.5
    moved[:, 3:] += 0.5
    for other in (turned, nearer):
        assert (discriminator(images, other) - logits).abs().max() > 1e-4
    torch.testing.assert_close(discriminator(images, moved), logits)


def test_several_batches_are_judged_as_each_by_itself():
    discriminator = small(camera_conditioned=True)
    one, other = torch.randn(2, 4, 3, 16, 16)
    both = discriminator(torch.cat([one, other]), CAMERAS.repeat(2, 1), batches=2)
    apart = [discriminator(images, CAMERAS) for images in (one, other)]
    torch.testing.assert_close(both, torch.cat(apart))


def test_cameras_must_match_the_kind():
    images = torch.randn(4, 3, 16, 16)
    with pytest.raises(ValueError, match="got cameras, but this is no camera-conditioned"):
        small()(images, CAMERAS)
    with pytest.raises(ValueError, match="got no cameras, but this is a camera-conditioned"):
        small(camera_conditioned=True)(images)


def test_impossible_shapes_are_refused():
    with pytest.raises(ValueError, match="3 channel counts"):
        DiscriminatorShape(size=32, channels=(8, 8, 8), patch=1)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)


def test_minibatch_deviation_is_zero_for_equal_images_and_one_for_unit_noise():
    equal = torch.randn(1, 8, 4, 4).expand(8, -1, -1, -1)
    assert minibatch_deviation(equal).abs().max() < 1e-3
    varied = minibatch_deviation(torch.randn(8, 512, 4, 4), group=8)
    torch.testing.assert_close(varied, torch.full((8, 1, 4, 4), 0.93), atol=0.05, rtol=0)


def test_minibatch_deviation_stays_within_groups():
    images = torch.randn(8, 3, 4, 4)
    images[[0, 2, 4, 6]] = 1.0
    deviation = minibatch_deviation(images, group=4)[:, 0, 0, 0]
    assert deviation[::2].max() < 1e-3
    assert deviation[1::2].min() > 0.3


def test_minibatch_deviation_takes_batches_that_no_group_divides():
    assert minibatch_deviation(torch.randn(6, 3, 4, 4), group=4).shape == (6, 1, 4, 4)


def test_batches_after_one_another_are_grouped_apart():
    one, other = torch.randn(2, 8, 3, 4, 4)
    both = minibatch_deviation(torch.cat([one, 3 * other]), batches=2)
    apart = [minibatch_deviation(one), minibatch_deviation(3 * other)]
    torch.testing.assert_close(both, torch.cat(apart))


def test_an_image_answers_for_its_groups_deviation_by_its_own_logit():
    features = torch.randn(8, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    deviation = minibatch_deviation(features, group=4)[:, 0, 0, 0]
    (alike,) = torch.autograd.grad(deviation.sum(), features, retain_graph=True)
    grouped = features.reshape(4, 2, -1)
    true = 4 * grouped.std(dim=0, correction=0).mean(dim=1).sum()  # each of four logits reads it
    torch.testing.assert_close(alike, torch.autograd.grad(true, features)[0])
    wishes = torch.randn(8, dtype=torch.float64)
    (own,) = torch.autograd.grad((wishes * deviation).sum(), features)
    torch.testing.assert_close(own, wishes[:, None, None, None] * alike)


def test_bfloat16_features_are_summed_in_float32():
    features = torch.randn(8, 64, 4, 4)
    lowered = minibatch_deviation(features.bfloat16())
    assert lowered.dtype == torch.float32
    torch.testing.assert_close(lowered, minibatch_deviation(features), atol=1e-3, rtol=0)
