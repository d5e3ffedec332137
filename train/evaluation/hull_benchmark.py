"""`object_consistency_hull`: are a generator's silhouettes of one content code those of one shape?

Protocol: each content code is rendered from 12 cameras, one in every 30 degrees of azimuth, at
elevations of 0 to 30 degrees. A segmenter finds the silhouettes. `train.metrics.visual_hull` fits
one shape to them and gives the mean IoU of its silhouettes with them. `_12_views`: one shape for
all twelve; `_2_views`: one for each pair of cameras a quarter of the circle apart. Two references
by the same segmenter stand beside: `true_renders` (upper bound), and `mixed_renders`, which show
another object in every view (baseline).
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphics.camera import NOMINAL_DISTANCE
from train.data.vehicles import HELD_OUT_SEED, views
from train.data.view_plan import asked_cameras
from train.metrics.visual_hull import VisualHull
from train.models.generated import generate_grid, sample_contents
from train.models.generator import Generator
from train.models.segmenter import Segment
from train.running.device import default_device

VIEWS = 12
CAMERA_SEED = 5
BATCH = 64


class HullMetrics(NamedTuple):
    """Mean IoU over the objects, 0..1."""

    object_consistency_hull_12_views: float
    object_consistency_hull_2_views: float


class HullBenchmark:
    """Fixed cameras all around the circle, and what finds silhouettes."""

    def __init__(self, segment: Segment, size: int, objects: int) -> None:
        """`segment`: takes images on the default device; `size`: of the images in pixels;
        `objects`: how many are measured."""
        self.segment, self.size, self.objects = segment, size, objects
        distances = (NOMINAL_DISTANCE, NOMINAL_DISTANCE)
        self.cameras = asked_cameras(VIEWS, CAMERA_SEED, distances=distances)
        self.hull = VisualHull(self.cameras, size)

    def references(self) -> dict[str, HullMetrics]:
        """Renders of held-out vehicles: the upper bound and the baseline."""
        same = np.arange(self.objects).repeat(VIEWS)
        mixed = self.objects + np.arange(self.objects * VIEWS)
        return {
            "true_renders": self.measure_vehicles(same),
            "mixed_renders": self.measure_vehicles(mixed),
        }

    def measure(self, generator: Generator, seed: int) -> HullMetrics:
        """Measure new content codes of a camera-conditioned generator.

        Raises:
            ValueError: an unconditional one, which cannot be asked for cameras.
        """
        if generator.camera_mapping is None:
            raise ValueError("an unconditional generator cannot be asked for these cameras")
        rng = torch.Generator().manual_seed(seed)
        contents = sample_contents(generator, self.objects, 1.0, rng)
        with torch.no_grad():
            asked = torch.from_numpy(self.cameras).to(generator.constant.device)
            codes = generator.camera_mapping(asked)
        images = generate_grid(generator, contents, codes, self.size)  # [12 * N, 3, R, R]
        return self._measure(images.unflatten(0, (VIEWS, self.objects)).swapaxes(0, 1))

    def measure_vehicles(
        self,
        indices: np.ndarray,  # [N * 12] the held-out vehicle that each view shows
    ) -> HullMetrics:
        """Measure true renders."""
        cameras = np.tile(self.cameras, (self.objects, 1))
        pictures = views(HELD_OUT_SEED, indices, cameras, self.size).images
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        return self._measure(images.unflatten(0, (self.objects, VIEWS)))

    @torch.inference_mode()
    def _measure(self, images: Tensor) -> HullMetrics:  # [N, 12, 3, R, R]
        parts = images.flatten(0, 1).to(default_device()).split(BATCH)
        silhouettes = torch.cat([self.segment(part) for part in parts]).cpu()
        fits = [self.hull.fit(one.numpy()) for one in silhouettes.split(VIEWS)]
        return HullMetrics(
            float(np.mean([fit.iou for fit in fits])),
            float(np.mean([fit.pair_iou for fit in fits])),
        )
