"""What a step of StyleGAN-R's fine-tuning minimises (paper 3.3, eq. 6, and ours)."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphics.mesh import Template
from graphics.render import render
from train.config import DisentangleConfig
from train.data.codes import CodeSampler, Inputs, as_images
from train.losses import consistency
from train.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from train.losses.consistency import CycleTerms
from train.losses.multiview import perceptual_loss
from train.models.discriminator import Discriminator
from train.models.perceptual import DiscriminatorFeatures
from train.models.stylegan_r import StyleganR
from train.steps.disentangling import FrozenEncoder, ReadBack, Step
from train.steps.neural_rendering import R1_GAMMA, judge

KEPT = 0.4
"""So many of the mixtures keep shape and camera of their background's photograph."""
SURE = 0.9
"""From this much of a pixel on, it shows the object alone."""
SHADOW_FRACTION = 3 / 64
"""How far around an object its shadow may change the background, as a share of the side."""


class References(NamedTuple):
    """What pictures are compared by."""

    encoder: FrozenEncoder
    background_encoder: nn.Module
    """g_b as the warm-up left it: g_b in training could collapse to a constant."""
    template: Template
    features: DiscriminatorFeatures
    adversary: Discriminator | None
    """Frozen here; None: there is none."""


class Batch(NamedTuple):
    """A fine-tuning batch: half true pairs, half mixtures."""

    inputs: Inputs
    targets: Tensor  # [B/2] the true image of each of the first half
    behind: Tensor  # [B/2] the image that gives each of the second half its background


def sample_batch(sampler: CodeSampler, size: int) -> Batch:
    """Half another view of one object, half shape, texture, camera and background of any objects.

    In the second half neighbours (2i, 2i + 1) have one background. Some keep shape and camera of
    its photograph, so that only the texture is another one's.
    """
    half = size // 2
    own = sampler.sample(half)
    targets = sampler.other_views(own)
    backgrounds = sampler.sample(half // 2).repeat_interleave(2)
    shapes, textures, viewpoints = (sampler.sample(half) for _ in range(3))
    kept = torch.rand(half, generator=sampler.random) < KEPT
    shapes, viewpoints = (torch.where(kept, backgrounds, one) for one in (shapes, viewpoints))
    inputs = sampler.inputs(
        torch.cat((targets, viewpoints)),
        torch.cat((own, shapes)),
        torch.cat((own, textures)),
        torch.cat((own, backgrounds)),
    )
    return Batch(inputs, targets, backgrounds)


def cycle_terms(
    network: StyleganR, background_encoder: nn.Module, inputs: Inputs, read: ReadBack
) -> CycleTerms:
    """Equation 6; the last half of `inputs` comes in pairs of one background.

    Background codes are weighted by their selectors: the rest moves no image.
    """
    weight = network.selectors()[2].detach().flatten()
    wanted = background_encoder(inputs.backgrounds) * weight
    found = background_encoder(read.backgrounds) * weight
    pairs = found[len(found) // 2 :]
    return CycleTerms(
        consistency.vertex_distance(inputs.vertices, read.vertices),
        consistency.texture_distance(inputs.textures, read.textures),
        consistency.code_distance(wanted, found),
        consistency.code_distance(pairs[0::2], pairs[1::2]),
    )


def fine_tuning_step(
    network: StyleganR, references: References, sampler: CodeSampler, settings: DisentangleConfig
) -> Step:
    """True pairs against their images; mixtures against what the graphics renderer draws of them.

    Equation 6 has networks read shape, texture and background back from a picture. The renderer
    knows where a mixture's object is and which colours it has, and its photograph what is around.
    """
    batch = sample_batch(sampler, settings.batch_size)
    images, half = network(*batch.inputs), len(batch.targets)
    wanted = as_images(sampler.codes.images[batch.targets])
    features = references.features
    terms = {
        "colour": (images[:half] - wanted).abs().mean(),
        "features": perceptual_loss(features(images[:half]), features(wanted)),
        **_drawn_terms(images[half:], batch, sampler, references.template),
    }
    if settings.reads_back:
        read = references.encoder(images)
        cycle = cycle_terms(network, references.background_encoder, batch.inputs, read)
        camera = consistency.camera_distance(batch.inputs.cameras, read.cameras)
        terms |= {**cycle._asdict(), "camera": camera}
    if references.adversary is not None:
        logits = judge(references.adversary, images, batch.inputs.cameras)
        terms["adversary"] = generator_loss(logits)
    weights = {
        "colour": settings.colour_weight, "features": settings.feature_weight,
        "drawn_object": settings.drawn_object_weight,
        "drawn_background": settings.drawn_background_weight,
        "shape": settings.shape_weight, "texture": settings.texture_weight,
        "background": settings.background_weight, "same_background": settings.background_weight,
        "camera": settings.camera_weight, "adversary": settings.adversary_weight,
    }  # fmt: skip
    loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
    return Step(loss, terms)


def adversary_step(
    adversary: Discriminator, network: StyleganR, sampler: CodeSampler, settings: DisentangleConfig
) -> Step:
    """Views of the GAN against pictures of StyleGAN-R, each with its camera."""
    batch = sample_batch(sampler, settings.batch_size)
    with torch.no_grad():
        fakes = network(*batch.inputs)
    chosen = sampler.sample(settings.batch_size)
    reals = as_images(sampler.codes.images[chosen]).requires_grad_(True)
    real_logits = judge(adversary, reals, sampler.codes.cameras[chosen])
    terms = {
        "loss": discriminator_loss(real_logits, judge(adversary, fakes, batch.inputs.cameras)),
        "r1": r1_penalty(real_logits, reals),
    }
    return Step(terms["loss"] + 0.5 * R1_GAMMA * terms["r1"], terms)


def _drawn_terms(
    images: Tensor,  # [B/2, 3, R, R] of the mixtures
    batch: Batch,
    sampler: CodeSampler,
    template: Template,
) -> dict[str, Tensor]:
    """The object's pixels as the graphics renderer draws them, the others as the background's
    photograph has them; the object's edge, and where a shadow may fall, are left open."""
    side = images.shape[-1]
    cameras, vertices, textures, _ = (
        field[len(images) :].float().cpu().numpy() for field in batch.inputs
    )
    textures = np.ascontiguousarray(textures.transpose(0, 2, 3, 1))
    drawn = render(vertices, textures, cameras, template, side)
    colours, covered = (torch.from_numpy(one).to(images) for one in (drawn.images, drawn.masks))
    inside = -F.max_pool2d(-covered[:, None], 3, 1, 1) > SURE
    reach = 2 * round(side * SHADOW_FRACTION) + 1
    own = sampler.codes.masks[batch.behind].to(images) / 255
    touched = torch.maximum(covered, own)[:, None]
    around = F.max_pool2d(touched, reach, 1, reach // 2) < 1 - SURE
    photographs = as_images(sampler.codes.images[batch.behind])
    return {
        "drawn_object": _mean_where((images - colours.permute(0, 3, 1, 2)).abs(), inside),
        "drawn_background": _mean_where((images - photographs).abs(), around),
    }


def _mean_where(values: Tensor, chosen: Tensor) -> Tensor:  # [B, 3, R, R], bool [B, 1, R, R] -> []
    return (values * chosen).sum() / (values.shape[1] * chosen.sum()).clamp_min(1)
