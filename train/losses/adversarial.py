"""The adversarial losses: non-saturating logistic (Goodfellow 2014) with R1 (Mescheder 2018)."""

import torch
import torch.nn.functional as F
from torch import Tensor

LOWEST_LOGIT = -60.0
"""Below it the discriminator's gradient is lost in float32, and no factor brings it back."""


def generator_loss(fake_logits: Tensor) -> Tensor:  # [B]
    """−log σ(D(G(z))), the mean over the batch."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:  # [B], [B]
    """−log σ(D(x)) − log(1 − σ(D(G(z)))), the mean over the batch."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_share(fake_logits: Tensor) -> Tensor:  # [B] -> [B]
    """d `generator_loss` / d logit over d `discriminator_loss` / d logit: −exp(−logit).

    A gradient of the discriminator's loss with respect to a fake, whose logit no other image has a
    part in, times this is the gradient of the generator's.
    """
    return -torch.exp(-fake_logits.clamp(min=LOWEST_LOGIT))


def r1_penalty(real_logits: Tensor, real_images: Tensor) -> Tensor:  # [B], [B, 3, R, R] -> []
    """E‖∇ₓ D(x)‖², differentiable, of images that require grad; the objective has γ/2 of it."""
    (gradients,) = torch.autograd.grad(real_logits.sum(), real_images, create_graph=True)
    return gradients.square().sum(dim=(1, 2, 3)).mean()
