"""The settings of the cycle: one frozen dataclass per stage, refused where impossible.

The presets that fill them are in `train.config.presets`; each is a flag, `--section.field VALUE`.
"""

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
from train.config.refusal import ConfigError
from train.config.results import PROCEDURAL_CATEGORY, EvaluateConfig, ExportConfig
from train.config.run import Config, override

__all__ = [
    "CHECKPOINT",
    "PROCEDURAL",
    "PROCEDURAL_CATEGORY",
    "CamerasConfig",
    "Config",
    "ConfigError",
    "DisentangleConfig",
    "EvaluateConfig",
    "ExportConfig",
    "GanConfig",
    "InverseConfig",
    "MultiviewConfig",
    "PhotographsConfig",
    "SegmenterConfig",
    "ViewpointsConfig",
    "override",
]
