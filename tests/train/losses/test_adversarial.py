import math

import pytest
import torch

from train.losses.adversarial import (
    discriminator_loss,
    generator_loss,
    generator_share,
    r1_penalty,
)
from train.models.discriminator import Discriminator, DiscriminatorShape


def test_losses_of_an_undecided_discriminator_are_logarithms_of_two():
    undecided = torch.zeros(4)
    assert generator_loss(undecided).item() == pytest.approx(math.log(2))
    assert discriminator_loss(undecided, undecided).item() == pytest.approx(2 * math.log(2))


def test_generator_wants_high_logits_and_discriminator_low_ones_on_fakes():
    logits = torch.zeros(3, requires_grad=True)
    (wish,) = torch.autograd.grad(generator_loss(logits), logits)
    (defence,) = torch.autograd.grad(discriminator_loss(torch.zeros(3), logits), logits)
    assert (wish < 0).all()
    assert (defence > 0).all()


def test_the_generators_gradient_is_its_share_of_the_discriminators():
    torch.manual_seed(0)
    discriminator = Discriminator(DiscriminatorShape(size=16, channels=(8, 8, 4), patch=1)).double()
    fakes = (3 * torch.randn(8, 3, 16, 16, dtype=torch.float64)).requires_grad_()
    logits = discriminator(fakes)
    (wish,) = torch.autograd.grad(generator_loss(logits), fakes, retain_graph=True)
    loss = discriminator_loss(torch.zeros(8, dtype=torch.float64), logits)
    (defence,) = torch.autograd.grad(loss, fakes)
    assert logits.std() > 0.1
    share = generator_share(logits.detach())
    torch.testing.assert_close(share[:, None, None, None] * defence, wish)


def test_no_logit_makes_the_generators_share_infinite():
    assert generator_share(torch.tensor([-1e4, 0.0, 1e4])).isfinite().all()


def test_r1_of_a_quadratic_is_known():
    images = torch.randn(5, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    logits = (scale * images.square()).sum(dim=(1, 2, 3))
    penalty = r1_penalty(logits, images)
    squares = images.detach().square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(penalty, 4 * scale.detach() ** 2 * squares)
    (slope,) = torch.autograd.grad(penalty, scale)
    torch.testing.assert_close(slope, 8 * scale.detach() * squares)


def test_r1_reaches_every_weight_that_shapes_the_discriminator():
    torch.manual_seed(0)
    discriminator = Discriminator(DiscriminatorShape(size=16, channels=(8, 8, 4), patch=1))
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    r1_penalty(discriminator(images), images).backward()
    for name, parameter in discriminator.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
