"""Settings of the stages that make data: photographs to multi-view images."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from annotated_types import Ge

from train.config.section import (
    AtLeast0,
    AtLeast1,
    AtLeast2,
    File,
    Folder,
    Positive,
    PositiveShare,
    Section,
    Share,
)

PROCEDURAL, CHECKPOINT = "procedural", "checkpoint"
"""Sources of photographs that are no folder."""


@dataclass(frozen=True)
class PhotographsConfig(Section):
    """The single-view photographs."""

    source: Annotated[str, tyro.conf.arg(aliases=["--data"], metavar="SOURCE")] = PROCEDURAL
    """A folder of JPEG, PNG, WebP, GIF, HEIC and AVIF files, `procedural` (rendered vehicles),
    or `checkpoint` (samples of the StyleGAN2 in gan.checkpoint)."""
    masks: Annotated[str, tyro.conf.arg(aliases=["--masks"], metavar="FOLDER")] = ""
    """A folder with the masks of a folder of photographs: pictures of the same names, white, or
    opaque, on the object. Empty: folders called `masks` among the photographs, and alpha."""
    count: Annotated[int, Ge(64)] = 60_000
    """Procedural or sampled photographs to make; of a folder all are taken."""
    truncation: PositiveShare = 0.7
    """Codes of sampled photographs are pulled towards the mean by this factor (1: not at all; 0.7
    is what StyleGAN's authors show)."""
    size: Literal[32, 64, 128, 256, 512] = 64
    """Side of a photograph in pixels; the resolution of everything after it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(bool(self.source), "source", "a folder, procedural or checkpoint")


@dataclass(frozen=True)
class SegmenterConfig(Section):
    """The network that finds the object's mask."""

    onnx: File = ""
    """An ONNX file to use instead of training a segmenter: `images` uint8 [B,S,S,3] -> `masks`
    [B,s,s] in 0..1. `python -m service.segmenters.wrap` makes one of a salient-object network,
    and `make setup` service/shipped/general/segmenter.onnx."""
    steps: AtLeast1 = 800
    """Training steps. Held-out IoU at 64 px: 0.92 after 800, 0.937 after 2000, 0.957 after
    6000."""
    batch_size: AtLeast1 = 32
    """Images per step."""
    learning_rate: Positive = 2e-3
    """AdamW's largest."""
    channels: AtLeast1 = 16
    """Width of the first level; it doubles at each of the three levels below."""


@dataclass(frozen=True)
class ViewpointsConfig(Section):
    """Choosing viewpoint codes of the unconditional GAN (paper 3.1)."""

    candidates: AtLeast2 = 2_000
    """View codes that are scored."""
    contents: AtLeast2 = 48
    """Content codes under which each candidate is seen. Under 48 other ones 94 % of the chosen
    codes vary by less than 20 degrees; chosen under 16, 81 % do (64 px, 1000 candidates)."""
    per_bin: AtLeast1 = 12
    """Most codes kept per azimuth bin of 30 degrees."""
    suggested_per_bin: AtLeast0 = 72
    """Codes per bin that a person is shown after that, filled in by a classifier trained on what
    was annotated. The more codes, the better the photographs' labels; 0: none."""
    suggestion_steps: AtLeast1 = 1_500
    """Training steps of that classifier, of 32 images."""
    largest_std_degrees: Positive = 20.0
    """Codes whose azimuth varies by more degrees across contents are dropped."""
    object_weight: Share = 0.5
    """Weight of object stability beside viewpoint stability in the choice, 0 to 1."""
    annotator: Literal["auto", "classifier", "person", "in_turn"] = "auto"
    """Who fills viewpoints.csv. auto: the attribute classifier for procedural photographs, else a
    person. in_turn: nobody, all directions in turn, whatever the codes show; it is for `smoke`
    alone, and what is trained on it means nothing."""
    classifier: Literal["train", "shipped"] = "train"
    """The attribute classifier, which measures and, as annotator, labels. shipped: weights trained
    with these defaults at 64 px."""
    classifier_steps: AtLeast1 = 8_000
    """Training steps of the attribute classifier, of 32 procedural photographs. Held-out errors
    beyond 90 degrees: 16 % after 800 steps, 0.6 % after 2000, none of 512 after 8000."""


POSE_ESTIMATORS = ("inverse", "views", "attributes")


@dataclass(frozen=True)
class CamerasConfig(Section):
    """Cameras for the photographs (rounds >= 1)."""

    estimator: str = "views"
    """The pose estimator that labels the photographs. `inverse`: the camera head of the previous
    round's inverse graphics network. `views`: a classifier trained on the previous round's
    multi-view images, labelled with the cameras of their viewpoints. `attributes`: the attribute
    classifier of stage viewpoints, trained on procedural ground truth; it alone estimates
    distances. `inverse@FOLDER` and `views@FOLDER`: those of the last round of another run, whose
    images may be smaller. Trained on round 0 they estimate no elevation. Several are separated by
    commas: photographs on which they disagree are left out, as networks trained on separately
    trained GANs make most mistakes on their own. `inverse` adds little to `views` of the same run:
    among the most confident photographs 1.0 % are flipped by 180 degrees with it, 0.9 %
    without."""
    views_steps: AtLeast1 = 5_000
    """Training steps of each `views` classifier, of 32 images. Front and back confused on a plain
    GAN's images: 27 % after 700, 23 % after 2000, 19 % after 5000."""
    self_training_rounds: AtLeast0 = 2
    """Self-training rounds: in each a network is trained on the photographs whose labels are kept,
    then labels all. Front and back confused by the classifier of a plain GAN's views: 4.6 %; after
    one round 2.6 %, after two 1.6 %, after three 1.4 %."""
    self_training_steps: AtLeast1 = 4_000
    """Training steps of each self-training round, of 32 photographs. Front and back confused after
    the first round of another classifier: 18 % after 1000 steps, 13 % after 4000."""
    confident: PositiveShare = 0.8
    """Share of the photographs kept, the most confident ones."""
    largest_mirror_degrees: float = 40.0
    """Photographs are left out on which two pose estimators disagree by more degrees, or `inverse`
    with itself on the mirrored image. A classifier sums the votes of both images: where they differ
    its confidence is low."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.estimator.split(","):
            kind, at, run = name.partition("@")
            known = kind in POSE_ESTIMATORS and bool(run) == bool(at)
            self.require(
                known and (kind != "attributes" or not at),
                "estimator",
                f"one or more of {', '.join(POSE_ESTIMATORS)}, inverse@FOLDER and views@FOLDER; "
                f"{name!r} is none of them",
            )


@dataclass(frozen=True)
class MultiviewConfig(Section):
    """Images of content codes x viewpoints with masks (paper 3.1)."""

    objects: AtLeast1 = 1_500
    """Content codes."""
    views: AtLeast2 = 12
    """Viewpoints that each content code is seen from."""
    cameras: AtLeast2 = 96
    """Distinct cameras that a camera-conditioned generator is given (rounds >= 1)."""
    smallest_mask: Share = 0.04
    """Images whose mask covers a smaller share are dropped. Paper: 10 %, of photographs that
    objects fill; a sixth of the procedural ones cover less than that, the smallest 5 %."""
    truncation: Share = 0.9
    """Content codes are pulled towards the mean by this factor (1: not at all)."""
    largest_border: Share = 0.05
    """Images whose mask covers a larger share of the outermost pixels are dropped: the object is
    cut off."""
    second_instance: Share = 0.10
    """Images with a second object of more than this share of the first one's area are dropped."""

    def __post_init__(self) -> None:
        super().__post_init__()
        least = f">= {self.flag('views')} ({self.views})"
        self.require(self.cameras >= self.views, "cameras", least)


@dataclass(frozen=True)
class CutoutsConfig(Section):
    """Further single views with known cameras, cut out, for the inverse graphics network (ours)."""

    procedural: AtLeast0 = 0
    """Procedural road vehicles of fourteen kinds: for networks that are to read photographs of
    vehicles. Their shapes and looks vary far more than those of the procedural photographs."""
    meshes: Folder = ""
    """A folder of textured meshes, y up and the front towards +z, that are rendered; its files are
    those that `train.evaluate objects` reads."""
    views_per_mesh: AtLeast1 = 100
    """Renderings of each mesh."""
    photographs: Folder = ""
    """A folder of photographs with a `photos.csv` (file, azimuth_degrees and, if known,
    elevation_degrees), and their masks of the same names in `masks/`."""
    held_out: AtLeast0 = 5
    """Every such row of the table is left out, for measuring, beginning with the first; 0: none."""
    size: Literal[64, 128, 256] = 128
    """Side of a cut-out in pixels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.held_out != 1, "held_out", "0, or 2 and more: 1 would leave out all rows")

    @property
    def wanted(self) -> bool:
        """Whether any are to be made."""
        return bool(self.procedural or self.meshes or self.photographs)
