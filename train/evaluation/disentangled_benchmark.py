"""The benchmark of renderers that take a photograph apart: what obeys, and what stays?

Photographs of held-out procedural vehicles are read by a bundle. A renderer then draws every
vehicle as it is, with one part from another photograph (a swap), with all four parts from
different ones (mixed), and turned by 30, 60 and 180 degrees. Procedural ground truth exists for
every one of these pictures, mixtures included.

Two readers that no renderer was trained by judge all rows alike: the attribute classifier
(azimuth, elevation, body and paint) and the bundle's segmenter (silhouettes). What they get wrong
stands in the row of the ground truth.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from graphics.camera import AZIMUTH
from train.data.vehicles import HELD_OUT_SEED, Mixed, Photographs, mixtures, photographs
from train.evaluation.benchmark import Predicted
from train.evaluation.disentangled_renderers import Parts, Renderer, Rendering
from train.metrics.frechet import Moments, moments
from train.metrics.mask_iou import solid
from train.models.attributes import AttributeClassifier, AttributeReadings, read_attributes
from train.models.serving_graphs import channels_first
from train.running.chunks import joined

BATCH = 50
"""Pictures drawn or read at once."""
LEAST_OBJECTS = 8
"""With fewer an object would lend itself a part."""
SWAPS = {"shape": 1, "texture": 2, "background": 3, "camera": 4}
"""Part -> by how many places away the photograph stands that lends it."""
TURNS_DEGREES = (30, 60, 180)
OWN, MIXED = "own", "mixed"
REFERENCE_FROM = 100_000
"""Index of the first photograph that Fréchet distances are taken to."""
Segmenting = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Photographs [B, R, R, 3] -> masks [B, R, R] in 0..1."""


class Asked(NamedTuple):
    """Pictures that are asked for: whose parts, and seen from where."""

    parts: Mixed
    """The photograph that gives the shape, the texture and the background of each."""
    cameras: NDArray[np.float32]
    """[N, 5] as the bundle read them."""
    true_cameras: NDArray[np.float32]
    """[N, 5]"""


class Seen(NamedTuple):
    """N pictures, and what the readers see in them."""

    images: NDArray[np.uint8]
    """[N, R, R, 3]"""
    silhouettes: NDArray[np.bool_]
    """[N, R, R]"""
    covered: NDArray[np.bool_]
    """[N, R, R]: the silhouette and all that the renderer says the object touches."""
    readings: AttributeReadings


class Painter(Protocol):
    """Whatever can be measured: a renderer with what a bundle has read, or a reference."""

    def __call__(self, asked: Asked) -> Rendering:
        """The pictures asked for."""
        ...


class Rendered:
    """A renderer that gets what a bundle has read from the photographs."""

    def __init__(
        self,
        renderer: Renderer,
        images: NDArray[np.uint8],  # [N, R, R, 3]
        read: Predicted,
        shifts: NDArray[np.float32] | None = None,  # [N, SHIFTS] of whose shape is drawn
    ) -> None:
        self.renderer, self.images, self.read, self.shifts = renderer, images, read, shifts

    def __call__(self, asked: Asked) -> Rendering:
        """Draw batch by batch."""
        parts = []
        for start in range(0, len(asked.cameras), BATCH):
            here = slice(start, start + BATCH)
            shapes, textures, backgrounds = (indices[here] for indices in asked.parts)
            wanted = Parts(
                asked.cameras[here],
                self.read.vertices[shapes],
                self.read.textures[textures],
                self.images[backgrounds],
                self.read.masks[backgrounds],
                None if self.shifts is None else self.shifts[shapes],
            )
            parts.append(self.renderer(wanted))
        alphas = [part.alphas for part in parts if part.alphas is not None]
        images = np.concatenate([part.images for part in parts])
        return Rendering(images, np.concatenate(alphas) if alphas else None)


class GroundTruth:
    """The upper bound: true pictures of what is asked for."""

    def __init__(self, size: int, seed: int = HELD_OUT_SEED) -> None:
        self.size, self.seed = size, seed

    def __call__(self, asked: Asked) -> Rendering:
        """Photograph the mixtures from the true cameras."""
        return as_rendering(self.photographs(asked))

    def photographs(self, asked: Asked) -> Photographs:
        """The same, with masks and attributes."""
        return mixtures(self.seed, asked.parts, asked.true_cameras, self.size)


class OtherVehicles:
    """The baseline: photographs of other vehicles, whatever is asked for."""

    def __init__(self, size: int, seed: int = HELD_OUT_SEED) -> None:
        self.size, self.seed, self.calls = size, seed, 0

    def __call__(self, asked: Asked) -> Rendering:
        """Others at every call."""
        self.calls += 1
        count = len(asked.cameras)
        indices = self.calls * REFERENCE_FROM // 2 + np.arange(count)
        return as_rendering(photographs(self.seed, indices, self.size))


def as_rendering(taken: Photographs) -> Rendering:
    """True pictures as a renderer gives them."""
    return Rendering(taken.images, taken.masks.astype(np.float32) / np.float32(255))


class DisentangledBenchmark:
    """The photographs, what is asked for, and the readers of all pictures."""

    def __init__(
        self,
        segment: Segmenting,
        classifier: AttributeClassifier,
        objects: int,
        size: int,
        seed: int = HELD_OUT_SEED,
    ) -> None:
        """`objects`: how many vehicles, at least 8; `size`: R of the bundle.

        Raises:
            ValueError: too few objects, or pictures too small for the classifier.
        """
        if objects < LEAST_OBJECTS:
            raise ValueError(f"{objects} objects: at least {LEAST_OBJECTS}")
        if size % classifier.size:
            raise ValueError(
                f"pictures of {size} px: the attribute classifier reads {classifier.size} px, of "
                "which theirs must be a multiple"
            )
        self.segment, self.classifier = segment, classifier
        self.size, self.seed = size, seed
        self.photographs = photographs(seed, np.arange(objects), size)

    def read(self, predict: Callable[[NDArray[np.uint8]], Predicted]) -> Predicted:
        """What a network reads from the photographs."""
        images = self.photographs.images
        return joined([predict(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])

    def asked(self, cameras: NDArray[np.float32]) -> dict[str, Asked]:
        """All pictures to be drawn, by name; `cameras` [N, 5] as they were read."""
        own = np.arange(len(cameras))
        lent = {part: np.roll(own, -places) for part, places in SWAPS.items()}
        true = self.photographs.cameras
        plain = Asked(Mixed(own, own, own), cameras, true)
        other = plain._replace(cameras=cameras[lent["camera"]], true_cameras=true[lent["camera"]])
        mixed = Mixed(own, lent["texture"], lent["background"])
        asked = {
            OWN: plain,
            "shape": plain._replace(parts=Mixed(lent["shape"], own, own)),
            "texture": plain._replace(parts=Mixed(own, lent["texture"], own)),
            "background": plain._replace(parts=Mixed(own, own, lent["background"])),
            "camera": other,
            MIXED: other._replace(parts=mixed),
        }
        for turn in TURNS_DEGREES:
            asked[turned(turn)] = plain._replace(
                cameras=_turned(cameras, turn), true_cameras=_turned(true, turn)
            )
        return asked

    def see(self, rendering: Rendering) -> Seen:
        """Let the readers look at pictures."""
        silhouettes, readings = [], []
        for start in range(0, len(rendering.images), BATCH):
            images = rendering.images[start : start + BATCH]
            silhouettes.append(solid(self.segment(images)))
            readings.append(read_attributes(self.classifier, self._for_classifier(images)))
        found = np.concatenate(silhouettes)
        covered = found if rendering.alphas is None else found | (rendering.alphas > 0)
        return Seen(rendering.images, found, covered, joined(readings))

    def reference(self, count: int) -> Moments:
        """The Gaussian of `count` other photographs' features."""
        indices = np.arange(REFERENCE_FROM, REFERENCE_FROM + count)
        return self.moments(photographs(self.seed, indices, self.size).images)

    def moments(self, images: NDArray[np.uint8]) -> Moments:
        """The Gaussian of pictures' features; [N, R, R, 3], N at least 2."""
        starts = range(0, len(images), BATCH)
        features = [self._features(images[start : start + BATCH]) for start in starts]
        return moments(np.concatenate(features))

    def _for_classifier(self, images: NDArray[np.uint8]) -> torch.Tensor:
        batch = channels_first(torch.from_numpy(np.ascontiguousarray(images)))
        side = self.classifier.size
        batch = (
            batch
            if images.shape[1] == side
            else functional.interpolate(batch, (side, side), mode="area")
        )
        return batch.to(next(self.classifier.parameters()).device)

    @torch.inference_mode()
    def _features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.classifier.features(self._for_classifier(images)).float().cpu().numpy()


def turned(degrees: int) -> str:
    """Name of the pictures that are turned by so many degrees."""
    return f"turned_{degrees}"


def _turned(cameras: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    cameras = cameras.copy()
    cameras[:, AZIMUTH] = (cameras[:, AZIMUTH] + degrees) % 360
    return cameras


def drawn(
    painter: Painter, asked: Mapping[str, Asked], see: Callable[[Rendering], Seen]
) -> dict[str, Seen]:
    """Everything that is asked for."""
    return {name: see(painter(each)) for name, each in asked.items()}
