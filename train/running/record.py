"""What the steps that have run depend on, and which of them a command would contradict.

Beside its results each step keeps `depends_on.json`: the settings and files that its result depends
on (see train.running.counted), and a key for each step that it reads from. A key is a hash of such
a record, so that a step is out of date as soon as anything before it was made anew otherwise.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from typing import Any, NamedTuple

from train.config import Config, ConfigError
from train.running.counted import ONLY_IF_GIVEN, OUTSIDE, PATHS, content_of, counted
from train.running.plan import ONCE, Step, after, plan, reads
from train.running.workspace import StageFolder, Workspace, WorkspaceError, write_json

RECORD = "depends_on.json"
MARKS = {RECORD, "started.json"}
"""What a step writes before its first result."""
TABLE = "viewpoints.csv"
"""The result of stage viewpoints that a person may edit, before the stage has ended or after."""


BASELINE = ("evaluate.single_view_baseline", "evaluate.baseline_steps")
"""A row of the last round's report, which nothing else reads: with more rounds it does no harm."""
AS_STARTED = ("gan.augment", "cameras.estimator", *PATHS)
"""Settings that earlier versions noted otherwise than they were given, or without their content."""


class Change(NamedTuple):
    """A step that has run, and why it would become another one."""

    step: Step
    reasons: list[str]
    table_only: bool = False  # the step has but to read its table again


class Records:
    """The records of a run, seen from the settings of a command."""

    def __init__(self, config: Config, workspace: Workspace) -> None:
        self.config, self.workspace = config, workspace
        self.steps = plan(config.rounds)
        self._now: dict[Step, dict[str, Any]] = {}

    def folder(self, step: Step) -> StageFolder:
        """The step's folder."""
        return self.workspace.stage(step.stage, step.round)

    def write(self, step: Step) -> None:
        """Record what a step depends on: before it runs, and again when it is done."""
        self._now.pop(step, None)
        write_json(self.folder(step).file(RECORD), self.now(step))

    def now(self, step: Step) -> dict[str, Any]:
        """`settings` by name, and by step the keys of its `inputs`."""
        if step not in self._now:
            before = self.stored(step) or {"settings": {}}
            settings = counted(self.config, step, self.workspace.path)
            if before["settings"]:  # earlier versions did not look outside
                known = before["settings"]
                settings = {
                    name: value for name, value in settings.items()
                    if name in known or not name.endswith(OUTSIDE)
                }  # fmt: skip
            for name, value in settings.items():
                if value is None:  # what was there is gone: nobody can have changed it
                    settings[name] = before["settings"].get(name)
            table = self.folder(step).path / TABLE
            if step.stage == "viewpoints" and self.folder(step).done and table.exists():
                settings[TABLE] = content_of(table)
            inputs = {str(read): self.key(read) for read in reads(step)}
            self._now[step] = {"settings": settings, "inputs": inputs}
        return self._now[step]

    def key(self, step: Step) -> str:
        """A hash of all that a step depends on, itself and what it reads from."""
        now = self.now(step)
        settings = {k: v for k, v in now["settings"].items() if k not in BASELINE}
        text = json.dumps({**now, "settings": settings}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def stored(self, step: Step) -> dict[str, Any] | None:
        """The record that the step has left; None: it has not begun, or an earlier version ran it.

        Raises:
            WorkspaceError: the file is not a record.
        """
        path = self.folder(step).path / RECORD
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text())
            return {"settings": dict(found["settings"]), "inputs": dict(found["inputs"])}
        except (ValueError, TypeError, KeyError) as error:
            raise WorkspaceError(
                f"{path} is not what a step has left ({error}): give --redo {step.flag}"
            ) from error

    def changes(self) -> list[Change]:
        """The steps that have begun and would become others, in the order of the plan."""
        found = (self._change(step) for step in self.steps if step.stage != "export")
        return [change for change in found if change is not None]

    def _change(self, step: Step) -> Change | None:
        before, now = self.stored(step) or self._of_earlier_version(step), self.now(step)
        if before is None:
            return None
        names = [
            name
            for name, value in now["settings"].items()
            if name in before["settings"] and before["settings"][name] != value
        ]
        own = [name for name in ONLY_IF_GIVEN if name.partition(".")[0] == step.stage]
        names += [name for name in own if (name in before["settings"]) != (name in now["settings"])]
        if before["inputs"] and BASELINE[0] in now["settings"]:
            names += [BASELINE[0]] * (BASELINE[0] not in before["settings"])
        reasons = [
            f"{name}: {before['settings'].get(name)!r} -> {now['settings'].get(name)!r}"
            for name in names
        ]
        reasons += [
            f"it read another {name}"
            for name, key in now["inputs"].items()
            if before["inputs"].get(name, key) != key
        ]
        return Change(step, reasons, names == [TABLE]) if reasons else None

    def _of_earlier_version(self, step: Step) -> dict[str, Any] | None:
        """The settings of its own section, all that earlier versions noted."""
        path = self.folder(step).path / "started.json"
        if not path.exists():
            return None
        begun = json.loads(path.read_text())
        now = counted(self.config, step, self.workspace.path)
        found = {f"{step.stage}.{name}": value for name, value in begun.items()}
        found |= {"photographs.size": begun.get("size"), "seed": begun.get("seed")}
        if begun.get("first_steps"):
            found.pop("inverse.steps")  # those of which round is not noted
        known = {
            name: value
            for name, value in found.items()
            if name in now and name not in AS_STARTED and value is not None
        }
        return {"settings": known, "inputs": {}}

    def forget_if_empty(self, step: Step) -> None:
        """Take a step for one that has not begun, if it has written nothing but its marks: it was
        refused, or stopped, as over the wrong folder of photographs."""
        folder = self.folder(step).path
        if folder.is_dir() and {path.name for path in folder.iterdir()} <= MARKS:
            for name in MARKS:
                (folder / name).unlink(missing_ok=True)
            self._now.clear()

    def bundle_is_current(self) -> bool:
        """Whether the bundle is of the last round, and what the settings would export."""
        step = self.steps[-1]
        folder = self.folder(step)
        if not folder.done or folder.facts().get("round", step.round) != step.round:
            return False
        stored = self.stored(step)
        return stored is None or stored == self.now(step)


def prepare(records: Records, redo: Sequence[str]) -> None:
    """Remove what is to be made anew, or refuse a command that contradicts what has run.

    `redo`: steps by flag, as in gan:1; without a round all rounds of a stage are meant. What reads
    from them goes too. A bundle that is out of date loses its mark, and is replaced by the next.

    Raises:
        ConfigError: such a step does not exist.
        WorkspaceError: other steps have run with other settings or data.
    """
    named = steps_named(records.steps, redo)
    changes = records.changes()
    for change in changes:
        records.forget_if_empty(change.step)
    changes = records.changes()
    removed = after(records.steps, named)
    left = [change for change in changes if change.step not in removed]
    if left:
        raise WorkspaceError(_refusal(records, left))
    tables = {change.step for change in changes if change.table_only}
    for step in removed:
        if step.stage != "export":
            _remove(records.folder(step), step, table_only=step in tables and step in named)
    if removed or not records.bundle_is_current():
        for name in ("done.json", "started.json", RECORD):
            (records.folder(records.steps[-1]).path / name).unlink(missing_ok=True)


def steps_named(steps: Sequence[Step], redo: Sequence[str]) -> list[Step]:
    """The steps that --redo names."""
    found = []
    for name in redo:
        stage, _, number = name.partition(":")
        meant = [s for s in steps if s.stage == stage and number in ("", str(s.round))]
        if not meant:
            known = ", ".join(step.flag for step in steps)
            raise ConfigError(f"--redo {name}: there is no such step; known are {known}")
        found += meant
    return found


def _remove(folder: StageFolder, step: Step, table_only: bool) -> None:
    """Remove a step's folder, but for a table that a person may have filled in."""
    (folder.path / "done.json").unlink(missing_ok=True)  # a removal that is cut short is none
    if table_only:
        return
    table = folder.path / TABLE
    if step.stage in ONCE and table.exists():
        table.replace(folder.path.parent / f"replaced_{TABLE}")
    shutil.rmtree(folder.path, ignore_errors=True)


def _refusal(records: Records, changes: Sequence[Change]) -> str:
    first = changes[0]
    again = [step for step in after(records.steps, [change.step for change in changes])]
    again = [step for step in again if records.folder(step).path.exists()]
    own = [change for change in changes if not change.reasons[0].startswith("it read another")]
    flags = ",".join(change.step.flag for change in own or changes)
    more = f"; and {len(changes) - 1} more steps are not as they would be" * (len(changes) > 1)
    return (
        f"{first.step} in {records.folder(first.step).path} has run otherwise "
        f"({'; '.join(first.reasons)}){more}: give --redo {flags}, which makes "
        f"{', '.join(map(str, again))} anew, or the first settings, or another folder with --run"
    )
