"""The benchmark of multi-view generators: does the camera hold, does the object stay the same?

The attribute classifier reads the images. It was trained on procedural ground truth, and its own
errors stand beside the metrics. A camera-conditioned generator is asked for cameras all around; an
unconditional one is given random view codes. Larger images are made as small as the classifier's.

`object_consistency_hull`: are the silhouettes of one content code those of one shape?
Protocol: each content code is rendered from 12 cameras, one in every 30 degrees of azimuth, at
elevations of 0 to 30 degrees. A segmenter finds the silhouettes. `train.metrics.visual_hull` fits
one shape to them and gives the mean IoU of its silhouettes with them. `_12_views`: one shape for
all twelve; `_2_views`: one for each pair of cameras a quarter of the circle apart. Two references
by the same segmenter stand beside: `true_renders` (upper bound), and `mixed_renders`, which show
another object in every view (baseline).
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphics.camera import AZIMUTH, DISTANCE, ELEVATION, NOMINAL_DISTANCE
from train.data.multiview import asked_cameras
from train.data.vehicles import DISTANCES, HELD_OUT_SEED, photographs, views
from train.metrics.frechet import Moments, frechet_distance, moments
from train.metrics.view_content_grid import (
    OBJECT_ATTRIBUTES,
    measure_grid,
    steady_share,
    variance_shares,
)
from train.metrics.visual_hull import VisualHull
from train.models.attributes import AttributeClassifier, read_attributes
from train.models.generated import generate, generate_grid, sample_contents
from train.models.generator import Generator
from train.models.given_features import Features
from train.models.segmenter import Segment
from train.running.chunks import joined
from train.running.device import default_device

BATCH = 64
HULL_VIEWS, HULL_CAMERA_SEED = 12, 5


class Sizes(NamedTuple):
    """How many images are looked at."""

    views: int = 48
    contents: int = 48
    photographs: int = 4_096
    """Also the number of generated images, for the Fréchet distance."""
    hulls: int = 32
    """Content codes whose silhouettes are compared with one shape."""


class Photographed(NamedTuple):
    """The photographs, as the networks see them."""

    features: dict[str, tuple[Features, Moments]]
    """Name of the Fréchet distance -> the network that it is taken in, and their features."""
    roof_height_std: float
    """Object units, as the attribute classifier reads them."""


def photographed(
    classifier: AttributeClassifier, count: int, inception: Features | None = None
) -> Photographed:
    """Features and attributes of held-out photographs.

    `inception`: adds the distance `fid_inception`.
    """
    networks: dict[str, Features] = {"fd_attributes": partial(_features, classifier)}
    if inception is not None:
        networks["fid_inception"] = inception
    held_out = photographs(HELD_OUT_SEED, np.arange(count), classifier.size)
    images = torch.from_numpy(held_out.images).permute(0, 3, 1, 2)
    parts = [part.float() / 255 for part in images.split(BATCH)]
    readings = joined([read_attributes(classifier, part) for part in parts])
    features = {
        name: (network, moments(torch.cat([network(part) for part in parts]).numpy()))
        for name, network in networks.items()
    }
    return Photographed(features, float(readings.bodies[:, 0].std()))


def measure_generator(
    generator: Generator,
    classifier: AttributeClassifier,
    data: Photographed,
    seed: int,
    sizes: Sizes,
) -> dict[str, float]:
    """All metrics of one seed, by name; angles in degrees, shares in 0..1."""
    rng = torch.Generator().manual_seed(seed)
    contents = sample_contents(generator, sizes.contents, 1.0, rng)
    views, cameras = _views(generator, sizes.views, seed, rng)
    images = generate_grid(generator, contents, views, classifier.size)
    readings = joined([read_attributes(classifier, part) for part in images.split(BATCH)])
    values = {**readings.values(), "background": _background(images)}
    asked = None if cameras is None else cameras[:, AZIMUTH]
    measured = measure_grid(readings.azimuths, values, len(views), asked)
    stds = measured.viewpoint.stds
    metrics = {
        **_distances(generator, data, rng, sizes.photographs, classifier.size),
        "viewpoint_std_deg": float(np.median(stds)),
        "viewpoint_std_under_20": steady_share(stds),
        "flip_rate": float(measured.viewpoint.flip_rates.mean()),
        **{f"view_share_{name}": share.view for name, share in measured.shares.items()},
        **{f"content_share_{name}": share.content for name, share in measured.shares.items()},
        "object_consistency": _object_consistency(values, len(views)),
        "roof_height_spread": float(readings.bodies[:, 0].std() / data.roof_height_std),
    }
    if cameras is not None and measured.obeyed is not None:
        cameras = np.repeat(cameras, len(contents), axis=0)
        away = np.abs(readings.distances / cameras[:, DISTANCE] - 1)
        metrics |= {
            "asked_vs_read_azimuth_deg": measured.obeyed.median_degrees,
            "asked_vs_read_azimuth_beyond_30": measured.obeyed.beyond_30,
            "asked_vs_read_azimuth_beyond_90": measured.obeyed.beyond_90,
            "asked_vs_read_distance": float(np.median(away)),
        }
        if generator.knows_elevations:
            above = np.abs(readings.elevations - cameras[:, ELEVATION])
            metrics["asked_vs_read_elevation_deg"] = float(np.median(above))
    return metrics


def _views(
    generator: Generator, count: int, seed: int, rng: torch.Generator
) -> tuple[Tensor, np.ndarray | None]:
    """View codes [K, code], and the cameras they were asked for, if any."""
    if generator.camera_mapping is None:
        return sample_contents(generator, count, 1.0, rng), None
    cameras = asked_cameras(count, seed, distances=DISTANCES)
    with torch.no_grad():
        asked = torch.from_numpy(cameras).to(generator.constant.device)
        return generator.camera_mapping(asked), cameras


@torch.inference_mode()
def _features(classifier: AttributeClassifier, images: Tensor) -> Tensor:
    return classifier.features(images.to(next(classifier.parameters()).device)).cpu()


def _distances(
    generator: Generator, data: Photographed, rng: torch.Generator, count: int, size: int
) -> dict[str, float]:
    """Fréchet distances to the photographs; every image has its own content and view."""
    contents = sample_contents(generator, count, 1.0, rng)
    seed = int(torch.randint(2**31, (1,), generator=rng))
    views, _ = _views(generator, count, seed, rng)
    found: dict[str, list[Tensor]] = {name: [] for name in data.features}
    for content, view in zip(contents.split(BATCH), views.split(BATCH), strict=True):
        images = generate(generator, content, view, size)
        for name, (network, _) in data.features.items():
            found[name].append(network(images))
    return {
        name: frechet_distance(own, moments(torch.cat(found[name]).numpy()))
        for name, (_, own) in data.features.items()
    }


def _object_consistency(values: dict[str, np.ndarray], views: int) -> float:
    """Share of the body's variance that its content code explains, the mean of its attributes: 1
    where every view shows the same object, 0 where the content has no say."""
    shares = [
        variance_shares(values[name].reshape(views, -1, values[name].shape[1])).content
        for name in OBJECT_ATTRIBUTES
    ]
    return float(np.mean(shares))


def _background(images: Tensor) -> np.ndarray:
    """Mean colour of the outermost pixels, [N, 3]."""
    rows = torch.cat([images[:, :, 0], images[:, :, -1]], dim=-1)
    columns = torch.cat([images[..., 0], images[..., -1]], dim=-1)
    return torch.cat([rows, columns], dim=-1).mean(dim=-1).cpu().numpy()


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
        self.cameras = asked_cameras(HULL_VIEWS, HULL_CAMERA_SEED, distances=distances)
        self.hull = VisualHull(self.cameras, size)

    def references(self) -> dict[str, HullMetrics]:
        """Renders of held-out vehicles: the upper bound and the baseline."""
        same = np.arange(self.objects).repeat(HULL_VIEWS)
        mixed = self.objects + np.arange(self.objects * HULL_VIEWS)
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
        return self._measure(images.unflatten(0, (HULL_VIEWS, self.objects)).swapaxes(0, 1))

    def measure_vehicles(
        self,
        indices: np.ndarray,  # [N * 12] the held-out vehicle that each view shows
    ) -> HullMetrics:
        """Measure true renders."""
        cameras = np.tile(self.cameras, (self.objects, 1))
        pictures = views(HELD_OUT_SEED, indices, cameras, self.size).images
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        return self._measure(images.unflatten(0, (self.objects, HULL_VIEWS)))

    @torch.inference_mode()
    def _measure(self, images: Tensor) -> HullMetrics:  # [N, 12, 3, R, R]
        parts = images.flatten(0, 1).to(default_device()).split(BATCH)
        silhouettes = torch.cat([self.segment(part) for part in parts]).cpu()
        fits = [self.hull.fit(one.numpy()) for one in silhouettes.split(HULL_VIEWS)]
        return HullMetrics(
            float(np.mean([fit.iou for fit in fits])),
            float(np.mean([fit.pair_iou for fit in fits])),
        )
