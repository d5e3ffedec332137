"""Settings of the stages that make data: photographs to multi-view images."""

from dataclasses import dataclass
from typing import Literal

from train.config.refusal import require

PROCEDURAL, CHECKPOINT = "procedural", "checkpoint"
"""Sources of photographs that are no folder."""


@dataclass(frozen=True)
class PhotographsConfig:
    """The single-view photographs."""

    source: str = PROCEDURAL
    """`procedural`, `checkpoint` (drawn from the StyleGAN2 of gan.checkpoint), or a folder of JPEG
    and PNG files."""
    count: int = 60_000
    """How many procedural or drawn photographs; a folder gives all it has."""
    truncation: float = 0.7
    """Codes of drawn photographs are pulled towards the mean by this factor (1: not at all; 0.7 is
    what StyleGAN's authors show)."""
    size: int = 64
    """Side in pixels; the resolution of everything after it."""

    def __post_init__(self) -> None:
        require(
            self.size in (32, 64, 128, 256, 512),
            f"photographs.size={self.size}: 32, 64, 128, 256 or 512",
        )
        require(self.count >= 64, f"photographs.count={self.count}: at least 64")
        require(
            0 < self.truncation <= 1,
            f"photographs.truncation={self.truncation:g}: above 0, up to 1",
        )


@dataclass(frozen=True)
class SegmenterConfig:
    """The network that finds the object's mask."""

    onnx: str = ""
    """An ONNX segmenter to use instead of training one (`images` uint8 [B,R,R,3] -> `masks`)."""
    steps: int = 800
    """Held-out IoU at 64 px: 0.92 after 800, 0.937 after 2,000, 0.957 after 6,000."""
    batch_size: int = 32
    learning_rate: float = 2e-3
    channels: int = 16
    """Width of the first level; doubles at each of the three levels below."""


@dataclass(frozen=True)
class ViewpointsConfig:
    """Choosing viewpoint codes of the unconditional GAN (paper 3.1)."""

    candidates: int = 2_000
    """View codes that are scored."""
    contents: int = 48
    """Content codes under which each candidate is seen. Under 48 other ones 94 % of the chosen
    codes vary by less than 20 degrees; chosen under 16, 81 % do (64 px, 1,000 candidates)."""
    per_bin: int = 12
    """Most codes kept per 30° azimuth bin."""
    suggested_per_bin: int = 72
    """Codes per bin that a person is shown after that, filled in by a classifier taught on what was
    annotated; the more codes, the better are the photographs' labels; 0: none."""
    suggestion_steps: int = 1_500
    """Of that classifier, of 32 images."""
    largest_std_degrees: float = 20.0
    """Codes whose azimuth varies more across contents are dropped."""
    object_weight: float = 0.5
    """Weight of object stability beside viewpoint stability in the choice, 0..1."""
    annotator: Literal["auto", "classifier", "person"] = "auto"
    """Who fills viewpoints.csv; auto: the classifier for procedural photographs, else a person."""
    classifier: Literal["train", "shipped"] = "train"
    """Where the attribute network comes from that measures, and annotates as the classifier;
    shipped: weights trained by these defaults at 64 px."""
    classifier_steps: int = 8_000
    """Of 32 procedural photographs; it needs them to tell front from back (held out, beyond 90
    degrees: 16 % after 800 steps, 0.6 % after 2,000, none of 512 after 8,000)."""

    def __post_init__(self) -> None:
        require(
            0 <= self.object_weight <= 1, f"viewpoints.object_weight={self.object_weight}: 0..1"
        )
        require(self.contents >= 2, f"viewpoints.contents={self.contents}: at least 2")
        require(self.candidates >= 2, f"viewpoints.candidates={self.candidates}: at least 2")
        require(
            self.suggested_per_bin >= 0 and self.suggestion_steps >= 1,
            f"viewpoints.suggested_per_bin={self.suggested_per_bin} and "
            f"viewpoints.suggestion_steps={self.suggestion_steps}: at least 0 and at least 1",
        )


POSE_ESTIMATORS = ("inverse", "views", "attributes")


@dataclass(frozen=True)
class CamerasConfig:
    """Cameras for the photographs (rounds >= 1)."""

    estimator: str = "views"
    """Who reads them. `inverse`: the camera head of the previous round's inverse graphics network;
    `views`: a classifier taught on the previous round's multi-view images by the cameras of their
    viewpoints; `attributes`: the attribute network of stage viewpoints, which was taught on
    procedural truth, and alone tells distances. `inverse@FOLDER` and `views@FOLDER` are those of
    the last round of another run, whose images may be smaller. From round 0 they tell no elevation.
    Several, with commas between: what they disagree on is left out, as networks taught by GANs that
    were trained apart make most mistakes on their own. `inverse` adds nothing to `views` of the
    same run: of the surest photographs 1.0 % are turned by half a circle with it, 0.9 % without."""
    views_steps: int = 5_000
    """Steps of each classifier `views`, of 32 images (front and back confused, of a plain GAN's:
    27 % after 700, 23 % after 2,000, 19 % after 5,000)."""
    self_training_rounds: int = 2
    """Networks taught in turn on the photographs whose labels are kept; each then labels all. Front
    and back confused by the classifier of a plain GAN's views: 4.6 %; by its first student 2.6 %,
    the second 1.6 %, the third 1.4 %."""
    self_training_steps: int = 4_000
    """Steps of each student, of 32 photographs. Front and back confused by the first one of another
    classifier: 18 % after 1,000, 13 % after 4,000."""
    confident: float = 0.8
    """Share of the photographs kept, the most confident ones."""
    largest_mirror_degrees: float = 40.0
    """Photographs on which two readers disagree by more, or `inverse` and itself on the mirrored
    image, are left out. A classifier takes both images' votes together: where they differ it is
    unsure."""

    def __post_init__(self) -> None:
        for name in self.estimator.split(","):
            kind, at, run = name.partition("@")
            require(
                kind in POSE_ESTIMATORS
                and bool(run) == bool(at)
                and (kind != "attributes" or not at),
                f"cameras.estimator={self.estimator}: {name!r} is none of "
                f"{', '.join(POSE_ESTIMATORS)}, inverse@FOLDER, views@FOLDER",
            )
        require(
            self.self_training_rounds >= 0,
            f"cameras.self_training_rounds={self.self_training_rounds}: 0 or more",
        )
        require(self.views_steps >= 1, f"cameras.views_steps={self.views_steps}: at least 1")
        require(
            self.self_training_steps >= 1,
            f"cameras.self_training_steps={self.self_training_steps}: at least 1",
        )
        require(0 < self.confident <= 1, f"cameras.confident={self.confident}: above 0, up to 1")


@dataclass(frozen=True)
class MultiviewConfig:
    """Images of content codes x viewpoints with masks (paper 3.1)."""

    objects: int = 1_500
    """Content codes."""
    views: int = 12
    """Viewpoints that each content code is seen from."""
    cameras: int = 96
    """Distinct cameras that a camera-conditioned generator is asked for (rounds >= 1)."""
    smallest_mask: float = 0.04
    """Images whose mask covers less are dropped. Paper: 10 %, of photographs that objects fill; a
    sixth of the procedural ones cover less than that, the smallest 5 %."""
    truncation: float = 0.9
    """Content codes are drawn towards the mean by this factor (1: not at all)."""
    largest_border: float = 0.05
    """Images whose mask covers more of the outermost pixels are dropped: the object is cut off."""
    second_instance: float = 0.10
    """Images with a second object of more than this share of the first one's area are dropped."""

    def __post_init__(self) -> None:
        require(self.views >= 2, f"multiview.views={self.views}: at least 2")
        require(self.objects >= 1, f"multiview.objects={self.objects}: at least 1")
        require(
            self.cameras >= self.views,
            f"multiview.cameras={self.cameras}: at least multiview.views ({self.views})",
        )
