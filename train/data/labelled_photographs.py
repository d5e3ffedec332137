"""Photographs with estimated cameras: single views that the inverse graphics network is trained on
beside the generated ones."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from train.data.stream import PhotographStream
from train.models.segmenter import Segment


class LabelledViews(NamedTuple):
    """B photographs, each of an object of its own."""

    images: Tensor
    """[B, 3, R, R] in 0..1."""
    masks: Tensor
    """[B, R, R] in 0..1."""
    cameras: Tensor
    """[B, 5] as estimated."""


class LabelledPhotographs:
    """Samples photographs with replacement and finds their masks."""

    def __init__(
        self,
        images: np.ndarray,  # uint8 [N, R, R, 3], may be a memory map
        cameras: np.ndarray,  # [N, 5]
        keep: np.ndarray,  # bool [N]: those whose labels are trusted
        segment: Segment,
        device: torch.device | None = None,
    ) -> None:
        """`device`: of `segment` and of the sampled photographs; default: the CPU."""
        self.stream = PhotographStream(images, cameras, keep)
        self.segment, self.device = segment, device

    @torch.no_grad()
    def sample(
        self, count: int, generator: torch.Generator, shard: slice = slice(None)
    ) -> LabelledViews:
        """The next `count` photographs, or this process's shard of them."""
        sampled = self.stream.sample(count, generator, shard, self.device)
        images = (sampled.images + 1) / 2
        # With few photographs and many processes a shard may be empty, which no network takes.
        masks = self.segment(images) if len(images) else images[:, 0]
        assert sampled.cameras is not None  # the stream was given cameras
        return LabelledViews(images, masks, sampled.cameras)
