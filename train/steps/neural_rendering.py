"""What one step of the neural renderer's training minimises (ours)."""

from collections.abc import Callable

import torch
from torch import Tensor

from train.config import NeuralConfig
from train.data.painted_views import PaintedViews
from train.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from train.losses.multiview import perceptual_loss
from train.models.discriminator import Discriminator
from train.models.neural_renderer import NeuralRenderer
from train.steps.disentangling import Step

R1_GAMMA = 1.0
"""Weight of the penalty on the adversary's gradients, as stage gan's at 64 px."""
Features = Callable[[Tensor], list[Tensor]]
"""Images [B, 3, R, R] in 0..1 -> feature maps."""


def rendering_step(
    network: NeuralRenderer,
    features: Features,
    views: PaintedViews,
    adversary: Discriminator | None,  # frozen here; None: there is none
    settings: NeuralConfig,
) -> Step:
    """Another view of an object against the image that shows it; mixtures against the adversary."""
    device = next(network.parameters()).device
    given, wanted = views.pairs(settings.batch_size)
    given, wanted = given.to(device), wanted.to(device)
    images = network(*given)
    terms = {
        "colour": (images - wanted).abs().mean(),
        "features": perceptual_loss(features(images), features(wanted)),
    }
    loss = settings.colour_weight * terms["colour"] + settings.feature_weight * terms["features"]
    if adversary is not None:
        mixed = views.mixtures(settings.batch_size).to(device)
        logits = judge(adversary, network(*mixed), mixed.cameras)
        terms["adversary"] = generator_loss(logits)
        loss = loss + settings.adversary_weight * terms["adversary"]
    return Step(loss, terms)


def adversary_step(
    adversary: Discriminator, network: NeuralRenderer, views: PaintedViews, settings: NeuralConfig
) -> Step:
    """Views of the GAN against mixtures of theirs, each with its camera."""
    device = next(network.parameters()).device
    mixed = views.mixtures(settings.batch_size).to(device)
    with torch.no_grad():
        fakes = network(*mixed)
    reals, cameras = (given.to(device) for given in views.real(settings.batch_size))
    reals.requires_grad_(True)
    real_logits = judge(adversary, reals, cameras)
    terms = {
        "loss": discriminator_loss(real_logits, judge(adversary, fakes, mixed.cameras)),
        "r1": r1_penalty(real_logits, reals),
    }
    return Step(terms["loss"] + 0.5 * R1_GAMMA * terms["r1"], terms)


def judge(adversary: Discriminator, images: Tensor, cameras: Tensor) -> Tensor:  # [B]
    """Logits of images [B, 3, R, R] in 0..1, with their cameras where it is conditioned on them."""
    conditions = cameras if adversary.camera_conditioned else None
    return adversary(images * 2 - 1, conditions)
