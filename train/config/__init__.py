"""The settings of the cycle: one frozen dataclass per stage, refused where impossible.

Here are those of the whole run and of the stages that measure and export. Each is a flag,
`--section.field VALUE`; the presets that fill them are in `train.config.presets`.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from train.config.data import (
    CHECKPOINT,
    PROCEDURAL,
    CamerasConfig,
    CutoutsConfig,
    MultiviewConfig,
    PhotographsConfig,
    SegmenterConfig,
    ViewpointsConfig,
)
from train.config.networks import DisentangleConfig, GanConfig, InverseConfig, NeuralConfig
from train.config.section import AtLeast0, AtLeast1, CommandError, ConfigError, Section, require

__all__ = [
    "CHECKPOINT", "PROCEDURAL", "PROCEDURAL_CATEGORY", "CamerasConfig", "CommandError", "Config",
    "ConfigError", "CutoutsConfig", "DisentangleConfig", "EvaluateConfig", "ExportConfig",
    "GanConfig", "HeldOutViews", "InverseConfig", "MultiviewConfig", "NeuralConfig",
    "PhotographsConfig", "PresetName", "SegmenterConfig", "ViewpointsConfig", "override", "require",
]  # fmt: skip

PROCEDURAL_CATEGORY = "vehicles"
"""The procedural objects' category. Networks trained on their ground truth know nothing else."""
PresetName = Literal["smoke", "vehicles", "cpu", "gpu", "paper"]


@dataclass(frozen=True)
class HeldOutViews(Section):
    """How held-out objects are looked at, by a stage and by `train.evaluate`."""

    views: AtLeast1 = 8
    """Novel views per object."""
    seed: Annotated[int, Ge(0), Lt(10_000)] = 0
    """Other seeds give other held-out objects, cameras and scenes; none that a training sees."""


@dataclass(frozen=True)
class EvaluateConfig(HeldOutViews):
    """Held-out procedural objects with ground truth."""

    objects: AtLeast1 = 200
    """Held-out objects."""
    baseline_steps: AtLeast0 = 0
    """Training steps of the single-view baseline; 0: as many as inverse.steps."""
    single_view_baseline: bool = True
    """Train the same network on single views of the same images, for a row of its own."""


@dataclass(frozen=True)
class ExportConfig(Section):
    """The bundle that the service loads."""

    category: str = PROCEDURAL_CATEGORY
    """What the photographs show. For any other than the default nothing is measured, annotated or
    labelled by networks that were trained on vehicles."""
    tolerance: Annotated[float, Gt(0), Le(1e-3)] = 1e-3
    """Largest difference of any output between torch and ONNX Runtime; the service allows 0.001."""
    samples: AtLeast1 = 6
    """Photographs put into the bundle."""
    sample_size: Annotated[int, Ge(64), Le(2048)] = 512
    """Side of a procedural sample, longest side of a sample from a folder, in pixels."""
    register: bool = False
    """Also copy the bundle into BentoML's model store."""
    data_licence: str = ""
    """Licence of the photographs; empty: the procedural ones' own, or "unknown" for a folder."""
    weights_licence: str = ""
    """Licence of the weights; empty: as the data's."""


@dataclass(frozen=True)
class Config(Section):
    """Everything a run depends on."""

    preset: PresetName = "cpu"
    """The settings to start from: `--preset vehicles --help` shows those of vehicles."""
    seed: AtLeast0 = 1
    """Seed of all random numbers; the same seed gives the same run."""
    rounds: AtLeast1 = 2
    """Passes of the cycle; round 0 is the unconditional GAN's."""
    threads: AtLeast0 = 0
    """Threads of PyTorch on the CPU. 0: those that are fastest beside whatever else runs, measured
    in a second or two when a stage begins, or OMP_NUM_THREADS. The last bits depend on it."""
    photographs: PhotographsConfig = field(default_factory=PhotographsConfig)
    gan: GanConfig = field(default_factory=GanConfig)
    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    viewpoints: ViewpointsConfig = field(default_factory=ViewpointsConfig)
    cameras: CamerasConfig = field(default_factory=CamerasConfig)
    multiview: MultiviewConfig = field(default_factory=MultiviewConfig)
    cutouts: CutoutsConfig = field(default_factory=CutoutsConfig)
    inverse: InverseConfig = field(default_factory=InverseConfig)
    disentangle: DisentangleConfig = field(default_factory=DisentangleConfig)
    neural: NeuralConfig = field(default_factory=NeuralConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    export: ExportConfig = field(default_factory=ExportConfig)

    @property
    def shows_vehicles(self) -> bool:
        """Whether networks trained on procedural objects can process the photographs."""
        return self.export.category == PROCEDURAL_CATEGORY


def override(config: Config, **changes: Any) -> Config:
    """`config` with other values, a section's as a dictionary: override(config, gan={"kimg": 2}).

    Raises:
        ConfigError: an impossible value.
    """
    for name, value in changes.items():
        if isinstance(value, dict):
            changes[name] = dataclasses.replace(getattr(config, name), **value)
    return dataclasses.replace(config, **changes)
