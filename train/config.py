"""The settings of the cycle: one frozen dataclass per stage, refused where impossible.

The presets that fill them stand in `train/presets.py`; `--set section.field=value` overrides one.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

PROCEDURAL = "procedural"


class ConfigError(ValueError):
    """A setting is unknown or impossible; the message names it and what is allowed."""


def require(condition: bool, message: str) -> None:
    """Refuse a setting."""
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True)
class PhotographsConfig:
    """The single-view photographs."""

    source: str = PROCEDURAL
    """`procedural`, or a folder of JPEG and PNG files."""
    count: int = 60_000
    """How many procedural photographs; a folder gives all it has."""
    size: int = 64
    """Side in pixels; the resolution of everything after it."""

    def __post_init__(self) -> None:
        require(
            self.size in (32, 64, 128, 256), f"photographs.size={self.size}: 32, 64, 128 or 256"
        )
        require(self.count >= 64, f"photographs.count={self.count}: at least 64")


@dataclass(frozen=True)
class GanConfig:
    """StyleGAN2 training; see `train/stages/gan.py`."""

    kimg: float = 1_000.0
    """Thousands of photographs shown to the unconditional GAN; 0 takes `init` as it is."""
    taught_kimg: float = 500.0
    """The same for the camera-taught GAN of each later round."""
    batch_size: int = 32
    learning_rate: float = 2.5e-3
    """Adam (0, 0.99) of both networks (StyleGAN2, small images)."""
    gamma: float = 0.1
    """Weight of R1."""
    r1_every: int = 16
    """Steps between two R1 terms, each weighted as much more (StyleGAN2)."""
    mixing: float = 0.9
    """Share of unconditional images with two codes, cut at a random convolution (StyleGAN)."""
    ema_kimg: float = 3.0
    """Half-life of the averaged generator, or 5 % of what it has seen if that is less."""
    noise: bool = False
    """Noise inputs of every convolution (StyleGAN). Off: at 64 px the last level learned to draw
    its detail from noise by 24 kimg, and the multi-view data is made without any."""
    mirror: bool = False
    """Also show mirrored photographs."""
    init: str = "scratch"
    """`scratch`, `shipped`, or a folder that holds generator and discriminator.safetensors."""
    warm_start: bool = True
    """The first camera-taught GAN goes on from round 0's weights instead of `init`."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 where the hardware computes it."""
    processes: int = 0
    """Processes that share each batch; 0: one per GPU, or per CPU core with 8 images or more."""
    snapshot_kimg: int = 25
    """Thousands of images between two picture grids."""

    def __post_init__(self) -> None:
        require(min(self.kimg, self.taught_kimg) >= 0, "gan.kimg and gan.taught_kimg: 0 or more")
        require(self.batch_size >= 2, f"gan.batch_size={self.batch_size}: at least 2")
        require(self.processes >= 0, f"gan.processes={self.processes}: 0 or more")
        require(self.r1_every >= 1, f"gan.r1_every={self.r1_every}: at least 1")
        require(0 <= self.mixing <= 1, f"gan.mixing={self.mixing}: 0..1")
        require(self.snapshot_kimg >= 1, f"gan.snapshot_kimg={self.snapshot_kimg}: at least 1")


@dataclass(frozen=True)
class SegmenterConfig:
    """The network that finds the object's mask."""

    onnx: str = ""
    """An ONNX segmenter to use instead of training one (`images` uint8 [B,R,R,3] -> `masks`)."""
    steps: int = 800
    """Held-out IoU at 64 px: 0.92 after 800, 0.937 after 2,000 (two, five minutes of a core)."""
    batch_size: int = 32
    learning_rate: float = 2e-3
    channels: int = 16
    """Width of the first level; doubles at each of the three levels below."""


@dataclass(frozen=True)
class ViewpointsConfig:
    """Choosing viewpoint codes of the unconditional GAN (paper 3.1)."""

    candidates: int = 2_000
    """View codes that are scored."""
    contents: int = 16
    """Content codes under which each candidate is seen."""
    per_bin: int = 12
    """Most codes kept per 30° azimuth bin."""
    largest_std_degrees: float = 20.0
    """Codes whose azimuth varies more across contents are dropped."""
    object_weight: float = 0.5
    """Weight of object stability beside viewpoint stability in the choice, 0..1."""
    annotator: Literal["auto", "classifier", "person"] = "auto"
    """Who fills viewpoints.csv; auto: the classifier for procedural photographs, else a person."""
    classifier: Literal["train", "shipped"] = "train"
    """Where the attribute network comes from that measures, and annotates as the classifier;
    shipped: weights trained by these defaults at 64 px."""
    classifier_steps: int = 2_000
    """Of 32 procedural photographs; it needs them to tell front from back (held out, beyond 90
    degrees: 16 % after 800 steps, 0.6 % after 2,000)."""

    def __post_init__(self) -> None:
        require(
            0 <= self.object_weight <= 1, f"viewpoints.object_weight={self.object_weight}: 0..1"
        )
        require(self.contents >= 2, f"viewpoints.contents={self.contents}: at least 2")
        require(self.candidates >= 2, f"viewpoints.candidates={self.candidates}: at least 2")


@dataclass(frozen=True)
class CamerasConfig:
    """Cameras for the photographs (rounds >= 1)."""

    reader: Literal["inverse", "attributes"] = "inverse"
    """Who reads them: the camera head of the previous round's inverse graphics network, or the
    attribute network of stage viewpoints, which was taught on procedural truth."""
    confident: float = 0.8
    """Share of the photographs kept, the most confident ones."""
    largest_mirror_degrees: float = 40.0
    """Photographs whose mirrored image disagrees by more are left out."""

    def __post_init__(self) -> None:
        require(0 < self.confident <= 1, f"cameras.confident={self.confident}: above 0, up to 1")


@dataclass(frozen=True)
class MultiviewConfig:
    """Images of content codes x viewpoints with masks (paper 3.1)."""

    objects: int = 1_500
    """Content codes."""
    views: int = 12
    """Viewpoints that each content code is seen from."""
    cameras: int = 96
    """Distinct cameras that a camera-taught generator is asked for (rounds >= 1)."""
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


@dataclass(frozen=True)
class InverseConfig:
    """The inverse graphics network (paper 3.2, eq. 1 and 2)."""

    steps: int = 3_000
    first_steps: int = 0
    """Steps of round 0 if further rounds follow: enough to label cameras, as the views of its data
    are not yet of one object; 0: as many as `steps`."""
    batch_size: int = 16
    """Objects per step; each gives `views` images."""
    views: int = 2
    """Views of one object, predicted and rendered crosswise; 1: the single-view baseline."""
    learning_rate: float = 5e-4
    camera_learning_rate: float = 5e-3
    """For the optimised cameras of the viewpoint codes."""
    width: int = 32
    """Channels of the encoder's first level."""
    template_level: int = 3
    """Subdivisions of the icosphere: 3 gives 642 vertices."""
    texture_size: int = 64
    """Height of the texture; it is twice as wide."""
    perceptual_after: int = 300
    """Steps before the perceptual term joins (paper: 3,000 of 200,000)."""
    color_weight: float = 20.0
    perceptual_weight: float = 0.5
    mask_weight: float = 3.0
    flatten_weight: float = 5.0
    laplacian_weight: float = 5.0
    movement_weight: float = 2.5
    camera_weight: float = 1.0
    """Of the camera head against the optimised cameras (ours)."""
    sigmainv: float = 7_000.0
    vgg: str = ""
    """A safetensors file of VGG-16 weights for the perceptual term; else our discriminator's."""

    def __post_init__(self) -> None:
        require(self.views in (1, 2), f"inverse.views={self.views}: 1 or 2")


@dataclass(frozen=True)
class DisentangleConfig:
    """StyleGAN-R: mapping networks and selectors (paper 3.3, eq. 3-6).

    The paper's learning rate of 1e-5 is for networks a hundred times larger; these were tried.
    """

    images: int = 4_000
    """Multi-view images that it is taught from, whole objects at a time."""
    warmup_steps: int = 900
    """Eq. 5, the generator frozen (paper: 700)."""
    warmup_batch_size: int = 32
    warmup_learning_rate: float = 2e-3
    entropy_weight: float = 0.05
    """Of the selectors' entropy, a share of its largest value."""
    steps: int = 280
    """Eq. 6, generator and mapping networks together (paper: 2,500)."""
    batch_size: int = 16
    """A multiple of 4: half are images of one object each, half are mixed."""
    learning_rate: float = 3e-4
    shape_weight: float = 2.0
    texture_weight: float = 1.0
    background_weight: float = 0.2
    """Of both background terms of eq. 6."""
    camera_weight: float = 0.5
    """Of the camera read back (ours)."""
    image_anchor: float = 2.0
    """Of the synthesised image against the one whose codes were given (ours)."""
    style_anchor: float = 0.5
    """Of eq. 5's style distance, kept during fine-tuning (ours)."""
    view_dimensions: int = 144
    """Dimensions that the camera takes over in an unconditional GAN (paper: 144 of 2048)."""
    taught_view_dimensions: int = 4_096
    """The same in a camera-taught one, where it takes nothing away; more than there are: all.

    Measured at 32 px, 400 steps: azimuth read 3.3° off with all 512, 11.7° off with 144.
    """

    def __post_init__(self) -> None:
        require(
            self.batch_size >= 8 and self.batch_size % 4 == 0,
            f"disentangle.batch_size={self.batch_size}: a multiple of 4, at least 8",
        )
        require(
            min(self.view_dimensions, self.taught_view_dimensions) >= 1,
            "disentangle.view_dimensions and taught_view_dimensions: at least 1",
        )
        require(self.images >= 64, f"disentangle.images={self.images}: at least 64")


@dataclass(frozen=True)
class EvaluateConfig:
    """Held-out procedural objects with truth."""

    objects: int = 200
    views: int = 8
    """Novel views per object."""
    baseline_steps: int = 0
    """Steps of the single-view baseline; 0: as many as inverse.steps."""
    single_view_baseline: bool = True


@dataclass(frozen=True)
class ExportConfig:
    """The bundle that the service loads."""

    category: str = "vehicles"
    tolerance: float = 1e-3
    """Largest difference of any output between torch and ONNX Runtime."""
    samples: int = 6
    """Photographs put into the bundle."""
    sample_size: int = 512
    """Side of a procedural sample, longest side of a sample from a folder, in pixels."""
    register: bool = False
    """Also copy the bundle into BentoML's model store."""
    data_licence: str = ""
    """Of the photographs; empty: the procedural ones' own, or "unknown" for a folder."""
    weights_licence: str = ""
    """Of the weights; empty: as the data's."""

    def __post_init__(self) -> None:
        require(
            0 < self.tolerance <= 1e-3,
            f"export.tolerance={self.tolerance}: above 0 and at most 1e-3, the service's limit",
        )
        require(self.samples >= 1, f"export.samples={self.samples}: at least 1")
        require(64 <= self.sample_size <= 2048, f"export.sample_size={self.sample_size}: 64..2048")


@dataclass(frozen=True)
class Config:
    """Everything a run depends on."""

    preset: str = "cpu"
    seed: int = 1
    rounds: int = 2
    """Passes of the cycle; round 0 is the unconditional GAN's."""
    photographs: PhotographsConfig = field(default_factory=PhotographsConfig)
    gan: GanConfig = field(default_factory=GanConfig)
    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    viewpoints: ViewpointsConfig = field(default_factory=ViewpointsConfig)
    cameras: CamerasConfig = field(default_factory=CamerasConfig)
    multiview: MultiviewConfig = field(default_factory=MultiviewConfig)
    inverse: InverseConfig = field(default_factory=InverseConfig)
    disentangle: DisentangleConfig = field(default_factory=DisentangleConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    export: ExportConfig = field(default_factory=ExportConfig)

    def __post_init__(self) -> None:
        require(self.rounds >= 1, f"rounds={self.rounds}: at least 1")


def override(config: Config, assignment: str) -> Config:
    """`config` with one `section.field=value` (or `field=value`) applied.

    Raises:
        ConfigError: no such setting, or the value does not fit its type.
    """
    name, separator, text = assignment.partition("=")
    require(bool(separator), f"--set {assignment}: write it as section.field=value")
    section, _, key = name.rpartition(".")
    owner = config if not section else getattr(config, section, None)
    known = [f.name for f in dataclasses.fields(owner)] if dataclasses.is_dataclass(owner) else []
    if key not in known or dataclasses.is_dataclass(getattr(owner, key)):
        choices = known or [f.name for f in dataclasses.fields(config)]
        raise ConfigError(f"--set {name}: unknown setting; known here: {', '.join(choices)}")
    value = _parse(get_type_hints(type(owner))[key], text, name)
    changed = dataclasses.replace(owner, **{key: value})
    return changed if not section else dataclasses.replace(config, **{section: changed})


def _parse(kind: Any, text: str, name: str) -> Any:
    if get_origin(kind) is Literal:
        allowed = get_args(kind)
        require(text in allowed, f"{name}={text}: one of {', '.join(allowed)}")
        return text
    if kind is bool:
        require(text in ("true", "false"), f"{name}={text}: true or false")
        return text == "true"
    try:
        return kind(text)
    except ValueError as error:
        raise ConfigError(f"{name}={text}: not a {kind.__name__}") from error
