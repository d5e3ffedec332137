"""The endless stream of photographs, and of their cameras, that the GAN is trained on."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from train.data.codes import as_images


class RealBatch(NamedTuple):
    """Photographs as the discriminator sees them."""

    images: Tensor
    """[B, 3, R, R] in [-1, 1], channels last."""
    cameras: Tensor | None
    """[B, 5] labels; None without labels."""


def moved(values: Tensor, device: torch.device | None) -> Tensor:
    """Values moved to that device (None: not at all), without waiting for a GPU."""
    if device is None or device.type != "cuda":
        return values if device is None else values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def mirrored_cameras(
    cameras: Tensor,  # [B, 5]
) -> Tensor:  # [B, 5]
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
        self.images = images
        self.chosen = torch.from_numpy(chosen)
        self.cameras = None if cameras is None else torch.from_numpy(cameras).float()
        self.mirror = mirror

    def sample_cameras(self, batch: int, rng: torch.Generator) -> Tensor | None:  # [B, 5]
        """Cameras of random photographs: what fakes are conditioned on."""
        if self.cameras is None:
            return None
        cameras = self.cameras[self._sample_rows(batch, rng)]
        return self._flip(batch, rng, cameras, mirrored_cameras(cameras))

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

    def _flip(self, batch: int, rng: torch.Generator, plain: Tensor, mirrored: Tensor) -> Tensor:
        if not self.mirror:
            return plain
        return torch.where(torch.rand(batch, generator=rng)[:, None] < 0.5, mirrored, plain)
