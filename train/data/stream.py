"""The endless stream of photographs, of their cameras, and of their masks, that is trained on."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from train.data.codes import as_images
from train.models.segmenter import Segment


class RealBatch(NamedTuple):
    """Photographs as the discriminator sees them."""

    images: Tensor  # [B, 3, R, R] in [-1, 1], channels last
    cameras: Tensor | None  # [B, 5] labels; None without labels


def moved(values: Tensor, device: torch.device | None) -> Tensor:
    """Values moved to that device (None: not at all), without waiting for a GPU."""
    if device is None or device.type != "cuda":
        return values if device is None else values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def mirrored_cameras(cameras: Tensor) -> Tensor:  # [B, 5]
    """The cameras of mirrored images: azimuth and horizontal offset change sign."""
    return cameras * cameras.new_tensor([-1.0, 1.0, 1.0, -1.0, 1.0])


class PhotographStream:
    """Samples batches with replacement; everything random comes from the generator that is passed.

    With `cameras` only the photographs marked `keep` are sampled. `mirror` flips half the images
    from left to right, and their cameras with them: for categories that are mirror-symmetric.
    """

    def __init__(
        self,
        images: np.ndarray,  # uint8 [N, R, R, 3], may be a memory map
        cameras: np.ndarray | None = None,  # [N, 5]
        keep: np.ndarray | None = None,  # bool [N]
        *,
        mirror: bool = False,
    ) -> None:
        for name, labels in (("cameras", cameras), ("keep", keep)):
            if labels is not None and len(labels) != len(images):
                raise ValueError(
                    f"{len(labels)} {name} for {len(images)} photographs: label them again"
                )
        chosen = np.arange(len(images)) if keep is None else np.flatnonzero(keep)
        if not len(chosen):
            raise ValueError("no photograph is kept: nothing to train on")
        self.images, self.chosen, self.mirror = images, torch.from_numpy(chosen), mirror
        self.cameras = None if cameras is None else torch.from_numpy(cameras).float()

    def sample_cameras(self, batch: int, rng: torch.Generator) -> Tensor | None:  # [B, 5]
        """Cameras of random photographs: what fakes are conditioned on."""
        if self.cameras is None:
            return None
        cameras = self.cameras[self._sample_rows(batch, rng)]
        if not self.mirror:
            return cameras
        flips = torch.rand(batch, generator=rng)[:, None] < 0.5
        return torch.where(flips, mirrored_cameras(cameras), cameras)

    def sample(
        self,
        batch: int,
        rng: torch.Generator,
        shard: slice = slice(None),
        device: torch.device | None = None,
    ) -> RealBatch:
        """The next photographs, or this process's shard of them, on `device`."""
        rows = self._sample_rows(batch, rng)
        flips = (torch.rand(batch, generator=rng) < 0.5)[shard] if self.mirror else None
        pixels = torch.from_numpy(self.images[rows[shard].numpy()])  # [B, R, R, 3]
        images = as_images(moved(pixels, device)).permute(0, 3, 1, 2) * 2 - 1
        cameras = None if self.cameras is None else moved(self.cameras[rows[shard]], device)
        if flips is not None:
            flips = moved(flips, device)
            images = torch.where(flips[:, None, None, None], images.flip(3), images)
            if cameras is not None:
                cameras = torch.where(flips[:, None], mirrored_cameras(cameras), cameras)
        return RealBatch(images.contiguous(memory_format=torch.channels_last), cameras)

    def _sample_rows(self, batch: int, rng: torch.Generator) -> Tensor:
        return self.chosen[torch.randint(len(self.chosen), (batch,), generator=rng)]


class LabelledViews(NamedTuple):
    """B photographs, each of an object of its own."""

    images: Tensor  # [B, 3, R, R] in 0..1
    masks: Tensor  # [B, R, R] in 0..1
    cameras: Tensor  # [B, 5] as estimated


class LabelledPhotographs:
    """Photographs with estimated cameras, sampled with replacement, and the masks found in them.

    The inverse graphics network is trained on them beside the generated images.
    """

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
