"""The multi-view data set of one round: its plan, and the images of generated objects it holds.

Files of the folder, written by `train/stages/multiview.py`:
`images.npy` uint8 [M, R, R, 3], `masks.npy` uint8 [M, R, R], `index.npz` (object, viewpoint int32
[M]), `viewpoints.npz` (cameras f32 [K, 5], elevation and distance nan where unlabelled, codes
f32 [K, D]), `contents.npz` (codes f32 [N, D]).
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION
from train.config import MultiviewConfig
from train.running.workspace import WorkspaceError

ELEVATIONS_DEGREES = (0.0, 30.0)
"""Elevations to ask for where no photographs say better (paper 3.1)."""


def plan_views(
    cameras: np.ndarray,  # [K, 5]
    settings: MultiviewConfig,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:  # int32 [M], int32 [M]: object and viewpoint of each image
    """Give every object viewpoints all around the circle.

    The viewpoints in order of azimuth are cut into as many stretches as an object has views; each
    object gets a random one of every stretch.
    """
    views = min(settings.views, len(cameras))
    around = np.argsort(cameras[:, AZIMUTH], kind="stable")
    positions = np.random.default_rng(seed).random((settings.objects, views)) + np.arange(views)
    chosen = around[(positions * len(cameras) / views).astype(np.int64)]
    objects = np.repeat(np.arange(settings.objects, dtype=np.int32), views)
    return objects, chosen.reshape(-1).astype(np.int32)


def asked_cameras(
    count: int,
    seed: int,
    elevations: tuple[float, float] | None = ELEVATIONS_DEGREES,
    distances: tuple[float, float] | None = None,
) -> np.ndarray:  # f32 [count, 5]
    """Cameras all around the circle: one random azimuth in each of `count` sectors.

    Elevations are stratified likewise between the ends of their range and shuffled, and so are
    distances; without a range none is asked for: nan. Offsets are nominal.
    """
    random = np.random.default_rng(seed)
    cameras = np.zeros((count, CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH] = (np.arange(count) + random.random(count)) * (360 / count)
    for column, ends in ((ELEVATION, elevations), (DISTANCE, distances)):
        positions = (random.permutation(count) + random.random(count)) / count
        cameras[:, column] = np.nan if ends is None else np.interp(positions, (0, 1), ends)
    return cameras


def seen_ranges(path: Path) -> dict[str, list[float]]:
    """Least and greatest elevation and distance of the views in a `cameras.npz` of stage inverse,
    by their keys in `camera_ranges` of a manifest; one that was unlabelled is missing.

    Rounded outwards, elevations to whole degrees and distances to a tenth: views are drawn from
    quantiles, which lie just inside of round numbers.
    """
    with np.load(path, allow_pickle=False) as arrays:
        cameras = arrays["cameras"]
        estimated = arrays.get("elevations", np.empty(0))  # of objects whose own are unlabelled
    ranges = {}
    for key, values, step in (
        ("elevation_degrees", np.concatenate([cameras[:, ELEVATION], estimated]), 1.0),
        ("distance", cameras[:, DISTANCE], 0.1),
    ):
        known = values[np.isfinite(values)].astype(np.float64)
        if len(known):
            ends = np.floor(known.min() / step) * step, np.ceil(known.max() / step) * step
            ranges[key] = [round(float(end), 6) for end in ends]
    return ranges


class MultiviewError(WorkspaceError):
    """A multi-view folder cannot be used; the message says why."""


class MultiviewData:
    """Reads a multi-view folder; images stay on the disk until `load`."""

    def __init__(self, folder: Path) -> None:
        folder = Path(folder)
        if not (folder / "index.npz").exists():
            raise MultiviewError(f"{folder} holds no index.npz: run stage `multiview` first")
        self.images = np.load(folder / "images.npy", mmap_mode="r")
        self.masks = np.load(folder / "masks.npy", mmap_mode="r")
        with np.load(folder / "index.npz") as index:
            self.object: np.ndarray = index["object"]
            self.viewpoint: np.ndarray = index["viewpoint"]
        with np.load(folder / "viewpoints.npz") as viewpoints:
            self.initial_cameras: np.ndarray = viewpoints["cameras"]
            self.viewpoint_codes: np.ndarray = viewpoints["codes"]
        with np.load(folder / "contents.npz") as contents:
            self.content_codes: np.ndarray = contents["codes"]
        lengths = {len(self.images), len(self.masks), len(self.object), len(self.viewpoint)}
        if len(lengths) != 1:
            raise MultiviewError(
                f"{folder}: {len(self.images)} images, {len(self.masks)} masks, "
                f"{len(self.object)} objects, {len(self.viewpoint)} viewpoints; they must be as "
                "many: delete the folder and run stage `multiview` again"
            )
        self._order = np.argsort(self.object, kind="stable")
        _, self._starts, self._counts = np.unique(
            self.object[self._order], return_index=True, return_counts=True
        )

    def __len__(self) -> int:
        return len(self.images)

    def sample_pairs(self, batch: int, generator: torch.Generator, views: int = 2) -> np.ndarray:
        """Sample `views` different images of each of `batch` objects -> int64 [batch, views].

        Every image is equally likely: an object that lost views to the filter comes up less often.
        Objects are sampled with replacement, their views without.
        """
        if views > (fewest := self._counts.min()):
            raise MultiviewError(f"{views} views asked for; the data's smallest has {fewest}")
        random = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
        objects = random.choice(len(self._counts), batch, p=self._counts / len(self.object))
        counts = self._counts[objects]
        # The views with the smallest of random keys are a sample without replacement.
        keys = random.random((batch, int(counts.max())))
        keys[np.arange(keys.shape[1]) >= counts[:, None]] = np.inf
        chosen = np.argsort(keys, axis=1)[:, :views]  # [batch, views]
        return self._order[self._starts[objects][:, None] + chosen]

    def some_views(self, count: int) -> np.ndarray:  # int64 [B]
        """The first images of every object, at most `count`."""
        ranks = np.arange(len(self._order)) - np.repeat(self._starts, self._counts)
        return self._order[ranks < count]

    def load(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Images [B, 3, R, R] and masks [B, R, R] of indices [B], both float32 in 0..1."""
        images = torch.from_numpy(np.ascontiguousarray(self.images[indices]))
        masks = torch.from_numpy(np.ascontiguousarray(self.masks[indices]))
        return images.permute(0, 3, 1, 2).float() / 255, masks.float() / 255
