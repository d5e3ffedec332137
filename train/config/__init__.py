"""The settings of the cycle: one frozen dataclass per stage, refused where impossible.

The presets that fill them are in `train.config.presets`; each is a flag, `--section.field VALUE`.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from train.config.data import (
    CHECKPOINT,
    PROCEDURAL,
    CamerasConfig,
    MultiviewConfig,
    PhotographsConfig,
    SegmenterConfig,
    ViewpointsConfig,
)
from train.config.networks import DisentangleConfig, GanConfig, InverseConfig
from train.config.results import PROCEDURAL_CATEGORY, EvaluateConfig, ExportConfig
from train.config.section import AtLeast1, CommandError, ConfigError, Section, require

__all__ = [
    "CHECKPOINT",
    "PROCEDURAL",
    "PROCEDURAL_CATEGORY",
    "CamerasConfig",
    "CommandError",
    "Config",
    "ConfigError",
    "DisentangleConfig",
    "EvaluateConfig",
    "ExportConfig",
    "GanConfig",
    "InverseConfig",
    "MultiviewConfig",
    "PhotographsConfig",
    "PresetName",
    "SegmenterConfig",
    "ViewpointsConfig",
    "override", "require",
]  # fmt: skip

PresetName = Literal["smoke", "vehicles", "cpu", "gpu", "paper"]


@dataclass(frozen=True)
class Config(Section):
    """Everything a run depends on."""

    preset: PresetName = "cpu"
    """The settings to start from: `--preset vehicles --help` shows those of vehicles."""
    seed: int = 1
    """Seed of all random numbers; the same seed gives the same run."""
    rounds: AtLeast1 = 2
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
