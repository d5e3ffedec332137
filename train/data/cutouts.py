"""Cut-outs: single objects with known cameras, framed as the service frames what it cuts out.

The inverse graphics network is trained on them as further single views (ours), beside the generated
ones: it meets shapes, looks and masks there that no GAN of a small category shows.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from graphics.camera import CAMERA_SIZE, DISTANCE
from graphics.photographs import frame_around
from train.data.stream import LabelledViews
from train.models.serving_graphs import channels_first

RENDERED, PHOTOGRAPHED = 0, 1
"""Kinds of cut-outs."""


def cut_out(
    image: NDArray[np.uint8],  # [R, R, 3]
    mask: NDArray[np.uint8],  # [R, R], 0..255
    camera: NDArray[np.floating],  # [5]
    size: int,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The square around an object as [size, size, 4], its mask last, and the camera [5] of it.

    What is around the object stays: a mask that is not exact lets some of it in.
    """
    rows, columns = np.nonzero(mask > 127)
    if not len(rows):
        raise ValueError("the mask is empty: there is nothing to cut out")
    left, top, side = frame_around(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    square = Image.fromarray(np.dstack([image, mask])).crop(
        (int(left), int(top), int(left + side), int(top + side))
    )
    method = Image.Resampling.BOX if side > size else Image.Resampling.BILINEAR
    framed = np.zeros(CAMERA_SIZE, np.float32)  # the object is in the middle: no offsets
    framed[:DISTANCE] = camera[:DISTANCE]
    framed[DISTANCE] = camera[DISTANCE] * side / len(mask)
    return np.asarray(square.resize((size, size), method)), framed


class CutOuts:
    """Samples the cut-outs of a folder that stage `cutouts` wrote."""

    def __init__(
        self, folder: Path, photographed: float, device: torch.device | None = None
    ) -> None:
        """`photographed`: share of photographs in what is sampled, where there are any."""
        self.images = np.load(folder / "images.npy", mmap_mode="r")  # uint8 [N, S, S, 4]
        with np.load(folder / "cameras.npz") as arrays:
            self.cameras = torch.from_numpy(arrays["cameras"])  # f32 [N, 5], nan where unlabelled
            kinds = arrays["kinds"]
        self.rows = [np.flatnonzero(kinds == kind) for kind in (RENDERED, PHOTOGRAPHED)]
        self.photographed = photographed if len(self.rows[PHOTOGRAPHED]) else 0.0
        if not len(self.rows[RENDERED]):
            self.photographed = 1.0
        self.device = device

    def sample(
        self, count: int, generator: torch.Generator, shard: slice = slice(None)
    ) -> LabelledViews:
        """The next `count` cut-outs, or this process's shard of them."""
        photographed = torch.rand(count, generator=generator) < self.photographed
        picks = torch.rand(count, generator=generator, dtype=torch.float64)
        chosen = np.empty(count, np.int64)
        for kind, of_kind in enumerate((~photographed, photographed)):
            rows = self.rows[kind]
            chosen[of_kind] = rows[(picks[of_kind] * len(rows)).long().numpy()]
        rows = chosen[shard]
        pixels = channels_first(torch.from_numpy(self.images[rows]).to(self.device))
        return LabelledViews(pixels[:, :3], pixels[:, 3], self.cameras[rows].to(self.device))
