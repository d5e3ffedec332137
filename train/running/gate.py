"""Gates: checks of what a stage has made, for stages that can fail without an error.

A stage measures its gates and hands them to `StageFolder.finish`. Where one does not hold, the
cycle ends with status 3 and its sentence, until --accept names it or the stage is made anew.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from train.config import CommandError, ConfigError
from train.running.workspace import StageFolder, write_json

NAMES = (
    "photographs", "masks", "gan_images", "view_codes", "annotation", "mirror", "hulls",
    "mean_prediction",
)  # fmt: skip
ALL = "all"
"""Accepts every gate."""


class Gate(NamedTuple):
    """What was measured of a stage's result, and whether that will do."""

    name: str
    """One of `NAMES`."""
    measured: float
    limit: float
    """The least that will do."""
    verdict: str
    """`passed` or `failed`."""
    sentence: str
    """What was measured, and where it failed what to do."""

    @property
    def failed(self) -> bool:
        """Whether a person has to look."""
        return self.verdict == "failed"

    def line(self) -> str:
        """The gate as a report has it."""
        return f"gate {self.name} {self.verdict}: {self.sentence}"


class GateFailed(CommandError):
    """A stage has made something that later stages should not build upon."""

    status = 3


def gate(name: str, measured: float, limit: float, found: str, advice: str) -> Gate:
    """Judge a measured value. `found`: what was measured; `advice`: what to do where it fails."""
    assert name in NAMES, name
    measured = round(float(measured), 4)
    if measured >= limit:
        return Gate(name, measured, limit, "passed", found)
    return Gate(name, measured, limit, "failed", f"{found}. {advice}")


def gates_of(folder: StageFolder) -> list[Gate]:
    """The gates of a finished stage; none of one that an earlier version ran."""
    if not folder.done:
        return []
    entries = folder.facts().get("gates", [])
    return [Gate(**{name: entry[name] for name in Gate._fields}) for entry in entries]


def as_facts(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """Gates as `done.json` and reports have them."""
    return [one._asdict() for one in gates]


def check_accepted(accepted: Collection[str]) -> None:
    """Refuse names of gates that there are not.

    Raises:
        ConfigError: one is unknown.
    """
    if unknown := sorted(set(accepted) - {*NAMES, ALL}):
        known = ", ".join((ALL, *NAMES))
        raise ConfigError(f"--accept {','.join(unknown)}: known are {known}")


def hold(folder: StageFolder, step: str, accepted: Collection[str]) -> None:
    """Let a run go on beyond a stage; what is accepted once stays so until it is made anew.

    Raises:
        GateFailed: a gate failed, and nobody has accepted that.
    """
    failed = [one for one in gates_of(folder) if one.failed]
    known = set(folder.facts().get("accepted", [])) if failed else set()
    fresh = {one.name for one in failed if {one.name, ALL} & set(accepted)} - known
    if fresh:
        write_json(folder.file("done.json"), {**folder.facts(), "accepted": sorted(known | fresh)})
    left = [one for one in failed if one.name not in known | fresh]
    if left:
        names = ",".join(one.name for one in left)
        said = "; ".join(one.sentence for one in left)
        raise GateFailed(f"{step}: {said}. To go on as it is, add --accept {names}")


def gates_below(run: Path) -> list[Gate]:
    """The gates of all finished stages of a run folder, in the order in which they ended."""
    markers = sorted(run.rglob("done.json"), key=lambda marker: marker.stat().st_mtime_ns)
    return [one for marker in markers for one in gates_of(StageFolder(marker.parent))]
