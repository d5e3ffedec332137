"""The training set of StyleGAN-R, and what a step of its warm-up minimises (paper 3.3, eq. 5)."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from train.config import DisentangleConfig
from train.data.codes import Codes, CodeSampler, as_images, as_pixels, erase_object
from train.data.multiview import MultiviewData
from train.losses import consistency
from train.models.generator import Generator
from train.models.inverse_graphics import InverseGraphics, completed, resized
from train.models.neural_renderer import averaged
from train.models.segmenter import Segment
from train.models.stylegan_r import StyleganR
from train.running.workspace import WorkspaceError

CHUNK = 64  # images in one pass of the encoder
LARGEST_MISMATCH = 0.03
"""Mean absolute difference, 0..1, beyond which a style vector did not make the stored image."""


class CodesError(WorkspaceError):
    """The multi-view images are not those of this generator; the message gives the difference."""


class Step(NamedTuple):
    """A loss with its unweighted terms by name."""

    loss: Tensor
    terms: dict[str, Tensor]


class ReadBack(NamedTuple):
    """Predictions for B images; the bars of equation 6."""

    vertices: Tensor  # [B, V, 3] S̄
    textures: Tensor  # [B, 3, Ht, Wt] T̄ in 0..1
    cameras: Tensor  # [B, 5], by the camera head
    masks: Tensor  # [B, R, R] soft, in 0..1
    backgrounds: Tensor  # [B, 3, R, R] B̄ in 0..1, the object erased by the soft mask


class FrozenEncoder:
    """The segmenter and the inverse graphics network, frozen but differentiable.

    An ONNX segmenter gives no gradient: its masks are then constants.
    """

    def __init__(self, segment: Segment, inverse: InverseGraphics, side: int | None = None) -> None:
        """`side`: of the images that both read, a multiple of those that are given; None: any."""
        inverse.eval().requires_grad_(False)
        if isinstance(segment, nn.Module):
            segment.eval().requires_grad_(False)
        self.segment, self.inverse, self.side = segment, inverse, side

    def __call__(self, images: Tensor) -> ReadBack:  # [B, 3, R, R] in about 0..1
        """Predict shape, texture, camera, mask and background."""
        images, given = images.clamp(0.0, 1.0), images.shape[-1]
        read = images if self.side is None else resized(images, self.side)
        masks = self.segment(read)
        prediction = self.inverse(read, masks[:, None])
        masks = averaged(masks[:, None], given)[:, 0]
        return ReadBack(
            prediction.vertices,
            prediction.textures,
            prediction.cameras,
            masks,
            erase_object(images, masks),
        )


@torch.no_grad()
def read_codes(
    data: MultiviewData,
    cameras: Tensor,  # [K, 5] optimised cameras of the viewpoints
    generator: Generator,
    encoder: FrozenEncoder,
    limit: int,
    random: torch.Generator,
) -> Codes:
    """V, S, T and the true style w* of up to `limit` images, whole objects at a time.

    The viewpoint gives azimuth and elevation. Distance, offsets and unlabelled elevations are
    predicted from the image, as in the training of the inverse graphics network.
    """
    device = cameras.device
    content_codes = torch.from_numpy(data.content_codes).to(device)
    viewpoint_codes = torch.from_numpy(data.viewpoint_codes).to(device)
    indices = _some_objects(data.object, limit, random)
    parts: list[Codes] = []
    for chosen in np.split(indices, range(CHUNK, len(indices), CHUNK)):
        images, masks = (values.to(device) for values in data.load(chosen))
        read = encoder.inverse(images, masks[:, None])
        viewpoints = torch.from_numpy(data.viewpoint[chosen]).long().to(device)
        objects = torch.from_numpy(data.object[chosen]).long().to(device)
        styles = generator.styles(content_codes[objects], viewpoint_codes[viewpoints])
        codes = Codes(
            as_pixels(images),
            as_pixels(masks),
            objects,
            viewpoints,
            completed(cameras[viewpoints], read.cameras),
            read.vertices,
            as_pixels(read.textures),
            generator.flatten(styles),
        )
        if not parts:
            _refuse_foreign(generator, codes)
        parts.append(codes)
    return Codes(*(torch.cat(field) for field in zip(*parts, strict=True)))


def _some_objects(objects: np.ndarray, limit: int, random: torch.Generator) -> np.ndarray:
    """Indices of all images of random objects, at most `limit` but for the last object."""
    known = np.unique(objects)
    sampled = known[torch.randperm(len(known), generator=random).numpy()]
    counts = np.array([np.count_nonzero(objects == one) for one in sampled])
    kept = sampled[: 1 + np.searchsorted(counts.cumsum(), limit)]
    return np.flatnonzero(np.isin(objects, kept))


def _refuse_foreign(generator: Generator, codes: Codes) -> None:
    styles, images = generator.unflatten(codes.styles), as_images(codes.images)
    made = generator.synthesize(styles, noise=None) * 0.5 + 0.5
    mismatch = float((made.clamp(0.0, 1.0) - images).abs().mean())
    if not mismatch <= LARGEST_MISMATCH:
        raise CodesError(
            f"the multi-view images differ by {mismatch:.3f} (at most {LARGEST_MISMATCH}) from "
            "what this round's generator makes of their codes: run stage `multiview` again"
        )


def warm_up_step(network: StyleganR, sampler: CodeSampler, settings: DisentangleConfig) -> Step:
    """Equation 5 on pairs of views: ‖w̃ − w*‖₂ + Σ entropy(sᵢ)."""
    sources = sampler.sample(settings.warmup_batch_size)
    viewpoints = sampler.other_views(sources)
    inputs = sampler.inputs(viewpoints, sources, sources, sources)
    styles = network.styles(inputs.cameras, network.mix(network.codes(*inputs)))
    # The other view's true style has the given camera and the given object.
    terms = {
        "style": consistency.style_distance(
            styles, sampler.codes.styles[viewpoints], network.style_spread
        ),
        "entropy": consistency.selector_entropy(network.selectors()),
    }
    return Step(terms["style"] + settings.entropy_weight * terms["entropy"], terms)
