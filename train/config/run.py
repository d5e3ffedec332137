"""Everything a run of the cycle depends on, and how the command line changes it."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from train.config.data import (
    CamerasConfig,
    MultiviewConfig,
    PhotographsConfig,
    SegmenterConfig,
    ViewpointsConfig,
)
from train.config.networks import DisentangleConfig, GanConfig, InverseConfig
from train.config.refusal import ConfigError, require
from train.config.results import PROCEDURAL_CATEGORY, EvaluateConfig, ExportConfig


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

    @property
    def shows_vehicles(self) -> bool:
        """Whether what is taught on the truth of procedural objects can read the photographs."""
        return self.export.category == PROCEDURAL_CATEGORY


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
