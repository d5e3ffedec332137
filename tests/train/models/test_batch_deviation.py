import pytest
import torch

from train.models.batch_deviation import minibatch_deviation


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
