"""A group of settings, each checked against the limits in its annotation; how one is refused."""

import math
import operator
import os
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import tyro
from annotated_types import Ge, Gt, Le, Lt


class CommandError(Exception):
    """Ends a command with `status`; the message says what was got, what is allowed, what to do."""

    status = 2


class ConfigError(CommandError):
    """A setting is unknown or impossible; the message names it and what is allowed."""


def require(condition: bool, message: str) -> None:
    """Raise `ConfigError` with the message unless the condition holds."""
    if not condition:
        raise ConfigError(message)


AtLeast0 = Annotated[int, Ge(0)]
AtLeast1 = Annotated[int, Ge(1)]
AtLeast2 = Annotated[int, Ge(2)]
NotNegative = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Ge(0), Le(1)]
PositiveShare = Annotated[float, Gt(0), Le(1)]
File = Annotated[str, tyro.conf.arg(metavar="FILE")]
Folder = Annotated[str, tyro.conf.arg(metavar="FOLDER")]


class OnDisk(NamedTuple):
    """What a path has to be before a command begins: `file`, `folder`, `bundle`, or `output` or
    `output file`, which need not be there."""

    kind: str

    def refusal(self, path: Path) -> str | None:
        """Why a path cannot be used; None: it can."""
        if self.kind == "file":
            return None if path.is_file() else "cannot be read: no such file"
        if self.kind == "folder":
            return None if path.is_dir() else "is not a folder"
        if self.kind == "bundle":
            found = (path / "manifest.json").is_file()
            return None if found else "is not a readable bundle: it has no manifest.json"
        if self.kind == "output file":
            return "is a folder: name a file" if path.is_dir() else _unwritable(path.parent)
        if path == Path():
            return "is the current folder: name one of its own"
        if path.exists() and not path.is_dir():
            return "is a file: name a folder"
        return _unwritable(path)


def _unwritable(folder: Path) -> str | None:
    """Why a folder cannot be written to, or made."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    return None if os.access(there, os.W_OK | os.X_OK) else f"cannot be written in {there}"


BundleFolder = Annotated[Path, OnDisk("bundle")]
OutputFolder = Annotated[Path, OnDisk("output")]
InputFile = Annotated[Path, OnDisk("file"), tyro.conf.arg(metavar="FILE")]
InputFolder = Annotated[Path, OnDisk("folder"), tyro.conf.arg(metavar="FOLDER")]
AnyInputFile = Annotated[Path | None, OnDisk("file"), tyro.conf.arg(metavar="FILE")]
AnyInputFolder = Annotated[Path | None, OnDisk("folder"), tyro.conf.arg(metavar="FOLDER")]


class Limit(NamedTuple):
    """One bound of a number."""

    sign: str
    compare: Callable[[float, float], bool]
    bound: float

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


COMPARISONS = {
    Ge: (">=", operator.ge),
    Gt: (">", operator.gt),
    Le: ("<=", operator.le),
    Lt: ("<", operator.lt),
}


def limits(annotation: Any) -> list[Limit]:
    """The bounds that an annotation puts on a number."""
    metadata = getattr(annotation, "__metadata__", ())
    given = [entry for entry in metadata if type(entry) in COMPARISONS]
    return [Limit(*COMPARISONS[type(entry)], *astuple(entry)) for entry in given]


@cache
def annotations(kind: type) -> dict[str, Any]:
    """The annotation of each field of a dataclass, with its limits."""
    return get_type_hints(kind, include_extras=True)


@dataclass(frozen=True)
class Section:
    """Settings of one stage or command.

    Raises:
        ConfigError: a value is outside the limits or choices of its annotation.
    """

    def __post_init__(self) -> None:
        for name, annotation in annotations(type(self)).items():
            value = getattr(self, name)
            if get_origin(annotation) is Literal:
                choices = get_args(annotation)
                self.require(value in choices, name, f"one of {', '.join(map(str, choices))}")
            if isinstance(value, float):
                self.require(math.isfinite(value), name, "a finite number")
            bounds = limits(annotation)
            fits = all(limit.compare(value, limit.bound) for limit in bounds)
            self.require(fits, name, " and ".join(map(str, bounds)))
        self._check_paths()

    def _check_paths(self) -> None:
        for name, annotation in annotations(type(self)).items():
            path = getattr(self, name)
            for wanted in getattr(annotation, "__metadata__", ()):
                if isinstance(wanted, OnDisk) and path and (reason := wanted.refusal(path)):
                    raise ConfigError(f"{path} {reason} ({name.replace('_', '-')})")

    def require(self, condition: bool, name: str, allowed: str) -> None:
        """Refuse the value of setting `name` unless the condition holds; say what is allowed."""
        require(condition, f"{self.flag(name)} {getattr(self, name)}: must be {allowed}")

    def flag(self, name: str) -> str:
        """The flag of a setting, as in --inverse.batch-size for `batch_size` of InverseConfig."""
        section = type(self).__name__.lower().rpartition("config")[0]
        name = name.replace("_", "-")
        return f"--{section}.{name}" if section else f"--{name}"
