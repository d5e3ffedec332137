"""The photographs whose cameras were read: single views that the inverse graphics network learns
from beside the generated ones."""

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
    """[B, 5] as read."""


class LabelledPhotographs:
    """Samples photographs with replacement and finds their masks."""

    def __init__(
        self,
        images: np.ndarray,  # uint8 [N, R, R, 3], may be a memory map
        cameras: np.ndarray,  # [N, 5]
        keep: np.ndarray,  # bool [N]: those whose labels are trusted
        segment: Segment,
        place: torch.device | None = None,
    ) -> None:
        """`place`: where `segment` takes images, and the drawn ones are; default: the CPU."""
        self.stream = PhotographStream(images, cameras, keep)
        self.segment, self.place = segment, place

    @torch.no_grad()
    def draw(
        self, count: int, generator: torch.Generator, part: slice = slice(None)
    ) -> LabelledViews:
        """The next `count` photographs, or of them the part that this process takes."""
        drawn = self.stream.draw(count, generator, part, self.place)
        images = (drawn.images + 1) / 2
        # Of few photographs, some of many processes have none, which no network takes.
        masks = self.segment(images) if len(images) else images[:, 0]
        return LabelledViews(images, masks, drawn.cameras)
