"""Cut-outs: single objects with known cameras, framed as the service frames what it cuts out.

The inverse graphics network is trained on them as further single views (ours), beside the generated
ones: it meets shapes, looks and masks there that no GAN of a small category shows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from graphics.averages import resized
from graphics.camera import CAMERA_SIZE, DISTANCE
from graphics.frames import frame_around
from graphics.photographs import square_of
from train.config import CommandError
from train.data.array_file import ArrayFile
from train.data.stream import LabelledViews
from train.models.serving_graphs import channels_first
from train.running.progress import ignore_progress
from train.running.workspace import StageFolder

RENDERED, PHOTOGRAPHED = 0, 1
"""Kinds of cut-outs."""
IMAGES, CAMERAS = "images.npy", "cameras.npz"


class CutOutsError(CommandError):
    """There is no cut-out to be trained on; the message says what to give."""


def cut_out(
    image: NDArray[np.uint8],  # [R, R, 3]
    mask: NDArray[np.uint8],  # [R, R], 0..255
    camera: NDArray[np.floating],  # [5]
    size: int,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The square around an object as [size, size, 4], its mask last, and the camera [5] of it.

    What is around the object stays: a mask that is not exact lets some of it in.

    Raises:
        ValueError: the mask is empty.
    """
    rows, columns = np.nonzero(mask > 127)
    if not len(rows):
        raise ValueError("the mask is empty: there is nothing to cut out")
    frame = frame_around(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    left, top, side = map(int, frame)
    # Pillow weights the colours of one picture of all four by the mask: black around the object.
    colours = square_of(Image.fromarray(image), frame, size)
    coverage = Image.fromarray(mask).crop((left, top, left + side, top + side))
    framed = np.zeros(CAMERA_SIZE, np.float32)  # the object is in the middle: no offsets
    framed[:DISTANCE] = camera[:DISTANCE]
    framed[DISTANCE] = camera[DISTANCE] * side / len(mask)
    return np.dstack([colours, np.asarray(resized(coverage, (size, size)))]), framed


class CutOutBatch(NamedTuple):
    """N cut-outs."""

    images: NDArray[np.uint8]
    """[N, S, S, 4], the mask last."""
    cameras: NDArray[np.float32]
    """[N, 5], nan where unlabelled."""
    kinds: NDArray[np.int32]
    """[N] RENDERED or PHOTOGRAPHED"""
    objects: NDArray[np.int32]
    """[N] from 0 on: cut-outs of one number show one object."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write_cutouts` wrote; the images stay on the disk."""
        images = np.load(folder / IMAGES, mmap_mode="r")
        with np.load(folder / CAMERAS) as arrays:
            return cls(images, arrays["cameras"], arrays["kinds"], arrays["objects"])

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """All of several, of other objects each; there has to be one."""
        images, cameras, kinds, objects = zip(*parts, strict=True)
        counts = [int(numbers.max(initial=-1)) + 1 for numbers in objects]
        starts = np.cumsum([0, *counts[:-1]], dtype=np.int32)
        apart = [numbers + start for numbers, start in zip(objects, starts, strict=True)]
        return cls(*map(np.concatenate, (images, cameras, kinds, apart)))


class CutOutSource(NamedTuple):
    """Cut-outs that are made as they are asked for."""

    most: int
    """How many they are; fewer where objects cannot be seen."""
    batches: Iterator[CutOutBatch]
    """Their `objects` are numbered through the whole source."""


def write_cutouts(
    folder: StageFolder,
    sources: Sequence[CutOutSource],
    size: int,  # S of the cut-outs
    on_progress: Callable[[int], None] = ignore_progress,  # gets the number made
) -> NDArray[np.int32]:  # their kinds [N]
    """Write the cut-outs of all sources into a folder, from which `CutOutBatch.read` reads them.

    Raises:
        CutOutsError: there is none.
    """
    most = sum(source.most for source in sources)
    if not most:
        raise CutOutsError("there is no object to cut out: give meshes, photographs or a number")
    file = ArrayFile(folder.file(IMAGES), (most, size, size, 4))
    count, first, parts = 0, 0, []
    for source in sources:
        following = first
        for images, cameras, kinds, objects in source.batches:
            file.rows[count : count + len(images)] = images
            count += len(images)
            parts.append((cameras, kinds, objects + np.int32(first)))
            following = max(following, first + int(objects.max(initial=-1)) + 1)
            on_progress(count)
        first = following
    if not count:
        raise CutOutsError(f"none of {most} objects can be seen: give other meshes or photographs")
    cameras, kinds, objects = map(np.concatenate, zip(*parts, strict=True))
    folder.save_arrays(CAMERAS, {"cameras": cameras, "kinds": kinds, "objects": objects})
    file.finish(None if count == most else np.arange(count))
    return kinds


class CutOuts:
    """Samples cut-outs with replacement."""

    def __init__(
        self, data: CutOutBatch, photographed: float, device: torch.device | None = None
    ) -> None:
        """`photographed`: share of photographs in what is sampled, where there are both kinds.

        Raises:
            ValueError: there is no cut-out.
        """
        if not len(data.images):
            raise ValueError("there is no cut-out: nothing to sample")
        self.images, cameras, kinds, objects = data
        self.cameras = torch.from_numpy(cameras)
        # The rows object by object, where each one's begin, and which of them a row is.
        self.by_object = np.argsort(objects, kind="stable")
        self.counts = np.bincount(objects)[objects]
        self.starts = np.searchsorted(objects[self.by_object], objects)
        self.ranks = np.empty(len(objects), np.int64)
        self.ranks[self.by_object] = np.arange(len(objects)) - self.starts[self.by_object]
        self.rows = [np.flatnonzero(kinds == kind) for kind in (RENDERED, PHOTOGRAPHED)]
        self.photographed = photographed if len(self.rows[PHOTOGRAPHED]) else 0.0
        if not len(self.rows[RENDERED]):
            self.photographed = 1.0
        self.device = device

    def sample(
        self, count: int, generator: torch.Generator, shard: slice = slice(None)
    ) -> LabelledViews:
        """The next `count` cut-outs, or this process's shard of them."""
        return self._views(self._choose(count, generator)[shard])

    def sample_pairs(
        self, count: int, generator: torch.Generator, shard: slice = slice(None)
    ) -> LabelledViews:
        """Two cut-outs of each of the next `count` objects, or of this process's shard of them, one
        after the other; the same one twice where an object has no other."""
        rows = self._choose(count, generator)
        counts = self.counts[rows]
        further = torch.rand(count, generator=generator, dtype=torch.float64).numpy()
        ranks = self.ranks[rows] + 1 + (further * (counts - 1)).astype(np.int64)
        others = self.by_object[self.starts[rows] + ranks % counts]
        return self._views(np.stack((rows, others), axis=1)[shard].reshape(-1))

    def _choose(self, count: int, generator: torch.Generator) -> NDArray[np.int64]:  # [count]
        photographed = torch.rand(count, generator=generator) < self.photographed
        picks = torch.rand(count, generator=generator, dtype=torch.float64)
        chosen = np.empty(count, np.int64)
        for kind, of_kind in enumerate((~photographed, photographed)):
            rows = self.rows[kind]
            chosen[of_kind] = rows[(picks[of_kind] * len(rows)).long().numpy()]
        return chosen

    def _views(self, rows: NDArray[np.int64]) -> LabelledViews:
        pixels = channels_first(torch.from_numpy(self.images[rows]).to(self.device))
        return LabelledViews(pixels[:, :3], pixels[:, 3], self.cameras[rows].to(self.device))
