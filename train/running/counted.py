"""The settings and files that the result of a step depends on."""

import dataclasses
import os
from pathlib import Path
from typing import Any

from train.config import CHECKPOINT, PROCEDURAL, Config
from train.config.data_files import outside
from train.running.fingerprint import fingerprint
from train.running.plan import Step
from train.running.workspace import UNCOUNTED

BESIDE: dict[str, tuple[str, ...]] = {
    "photographs": (),
    "segmenter": ("photographs.size", "seed"),
    "gan": ("photographs.size", "seed"),
    "viewpoints": ("photographs.size", "seed"),
    "cutouts": ("seed",),
    "cameras": ("photographs.size", "seed"),
    "multiview": ("photographs.size", "seed"),
    "inverse": ("photographs.size", "seed"),
    "disentangle": ("photographs.size", "gan.warm_start", "seed"),
    "evaluate": ("photographs.size",),
    "neural": ("photographs.size", "seed"),
    "export": ("preset", "seed"),
}
"""Settings of other sections that a stage reads."""

BY_CATEGORY = (
    "segmenter",
    "viewpoints",
    "multiview",
    "inverse",
    "disentangle",
    "evaluate",
    "neural",
)
"""Stages that treat vehicles otherwise than all else."""

ONLY_IF_GIVEN = ("photographs.masks", "inverse.template")
"""Settings that earlier versions did not have: a record holds them only where they are given."""
NOT_FIRST = ("kimg", "view_layers", "checkpoint")
FIRST = ("conditioned_kimg", "warm_start")
"""Settings of stage gan that later rounds do not read, and those that round 0 does not."""


def counted(config: Config, step: Step, run: Path) -> dict[str, Any]:
    """Settings by flag, as JSON has them, and in place of every path what is there.

    `run`: the run folder, which may lie in a folder of photographs. None: nothing is at the path,
    so whether it has changed is not known.
    """
    section = dataclasses.asdict(getattr(config, step.stage))
    values = {f"{step.stage}.{k}": v for k, v in section.items() if k not in UNCOUNTED}
    for name in BESIDE[step.stage]:
        owner, _, field = name.rpartition(".")
        values[name] = getattr(getattr(config, owner) if owner else config, field)
    if step.stage in BY_CATEGORY:
        values["export.category"] = "vehicles" if config.shows_vehicles else "another"
    special = SPECIAL.get(step.stage)
    if special is not None:
        special(config, step, values)
    counted = {name: _content(name, value, run) for name, value in values.items()}
    paths = {name: Path(v) for name, v in values.items() if name in PATHS and v not in WORDS}
    return counted | {f"{name}{OUTSIDE}": _outside(path) for name, path in paths.items()}


def _outside(path: Path) -> str | None:
    if not path.exists():
        return None
    if not (files := outside(path)):
        return "none"
    return _known_fingerprint(Path(os.path.commonpath([file.parent for file in files])), files)


def _photographs(config: Config, step: Step, values: dict[str, Any]) -> None:
    source = config.photographs.source
    if not config.photographs.masks:
        del values["photographs.masks"]  # earlier versions did not have it
    if source != CHECKPOINT:
        del values["photographs.truncation"]
    else:
        values["gan.checkpoint"] = config.gan.checkpoint
    if source in (PROCEDURAL, CHECKPOINT):
        values["seed"] = config.seed
    else:
        del values["photographs.count"]


def _gan(config: Config, step: Step, values: dict[str, Any]) -> None:
    for name in NOT_FIRST if step.round else FIRST:
        del values[f"gan.{name}"]


def _inverse(config: Config, step: Step, values: dict[str, Any]) -> None:
    values["inverse.symmetric"] = config.inverse.symmetric == "x"  # as earlier versions have it
    if not config.inverse.template:
        del values["inverse.template"]  # earlier versions did not have it
    first = values.pop("inverse.first_steps")
    if step.round == 0 and config.rounds > 1 and first:
        values["inverse.steps"] = first
    if _has_baseline(config, step):
        values["evaluate.single_view_baseline"] = True
        values["evaluate.baseline_steps"] = config.evaluate.baseline_steps or config.inverse.steps


def _disentangle(config: Config, step: Step, values: dict[str, Any]) -> None:
    if step.round != 1:
        del values["gan.warm_start"]


def _evaluate(config: Config, step: Step, values: dict[str, Any]) -> None:
    for name in ("single_view_baseline", "baseline_steps"):
        del values[f"evaluate.{name}"]
    if _has_baseline(config, step):
        values["evaluate.single_view_baseline"] = True
    if not config.shows_vehicles:
        values["export.category"] = config.export.category


def _export(config: Config, step: Step, values: dict[str, Any]) -> None:
    values["rounds"] = step.round + 1


def _has_baseline(config: Config, step: Step) -> bool:
    wanted = config.evaluate.single_view_baseline and config.shows_vehicles
    return wanted and step.round == config.rounds - 1


SPECIAL = {
    "photographs": _photographs, "gan": _gan, "inverse": _inverse,
    "disentangle": _disentangle, "evaluate": _evaluate, "export": _export,
}  # fmt: skip

PATHS = (
    "photographs.source", "photographs.masks", "gan.checkpoint", "gan.init", "segmenter.onnx",
    "inverse.vgg", "inverse.template", "cutouts.meshes", "cutouts.photographs",
)  # fmt: skip
OUTSIDE = " (files that belong to it)"
"""After the name of such a setting: what data_files.outside finds, annotations for example."""
WORDS = ("", PROCEDURAL, CHECKPOINT, "scratch", "shipped")
"""Values of such a setting that are no path."""


NETWORKS = (".safetensors", ".npz")
"""Files of another run that its pose estimators depend on; all else is images, or its progress."""


def _content(name: str, value: Any, run: Path) -> Any:
    if name == "cameras.estimator":
        parts = (part.partition("@") for part in value.split(","))
        return [
            f"{kind}@{content_of(Path(other), suffixes=NETWORKS)}" if other else kind
            for kind, _, other in parts
        ]
    if name not in PATHS or value in WORDS:
        return list(value) if isinstance(value, tuple) else value
    return content_of(Path(value), apart=run)


_known: dict[tuple[Any, ...], str] = {}


def content_of(path: Path, apart: Path | None = None, suffixes: tuple[str, ...] = ()) -> str | None:
    """What a file or a folder holds, in a line; None: nothing is there.

    `apart`: a folder that does not count; `suffixes`: of the files that count, where given. Files
    are read again where their sizes or times differ from the last look of this process.
    """
    if path.is_file():
        files = [path]
    elif path.is_dir():
        skipped = None if apart is None else apart.resolve()
        files = [file for file in path.rglob("*") if _counts(file, path, skipped, suffixes)]
    else:
        return None
    return _known_fingerprint(path, files)


def _known_fingerprint(path: Path, files: list[Path]) -> str:
    facts = ((str(file), file.stat()) for file in sorted(files))
    seen = tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in facts)
    if seen not in _known:
        # A file counts by its content alone: it may have been given another name.
        _known[seen] = fingerprint(path, files)
    return _known[seen]


def _counts(file: Path, folder: Path, apart: Path | None, suffixes: tuple[str, ...]) -> bool:
    """Whether a file is data: a person's system leaves hidden files."""
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    named = not suffixes or file.suffix in suffixes
    inside = apart is not None and file.resolve().is_relative_to(apart)
    return file.is_file() and named and not hidden and not inside
