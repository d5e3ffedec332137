"""The run folder: one folder per stage (per round), atomic writes, done-markers, checkpoints.

Layout of `runs/<name>/`::

    config.json              the resolved configuration of the newest command
    stats.jsonl              one line per progress report of any stage
    live.html                a page of all that, see `train.running.live_page`
    photographs/ segmenter/ viewpoints/ export/        stages that run once
    round_<n>/gan/ multiview/ inverse/ ...             stages that run every round

A stage folder holds `started.json` (the settings it was started with), `depends_on.json` (what its
result depends on, see `train.running.record`), `checkpoint.pt` while it trains, its results, and
`done.json` at the end. Nothing is ever seen half-written: every file is
written under another name and then renamed.
"""

import contextlib
import io
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import numpy as np

from train.config import CommandError

STAGES_OF_A_ROUND = (
    "cameras", "gan", "multiview", "inverse", "disentangle", "evaluate", "neural",
)  # fmt: skip
CHECKPOINT_SECONDS = 60.0
UNCOUNTED = {"processes", "snapshot_kimg", "register"}
"""Settings that change no result: how many processes share the work, and what is written beside."""


class WorkspaceError(CommandError):
    """The run folder cannot be used as asked; the message says why and what to do."""


Watcher = Callable[[Mapping[str, Any]], None]
"""Is given each line of `stats.jsonl` when it has been written."""


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Write `content` to `path`; no process, even after a crash, reads half a file.

    `durable`: wait until the disk has it; False of what is soon written again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())


def round_to(value: float, digits: int = 4) -> float:
    """A Python float of so many significant digits, for facts."""
    return float(f"{float(value):.{digits}g}")


class StageFolder(NamedTuple):
    """The folder of one stage in one round."""

    path: Path  # exists once the stage has started

    def file(self, name: str) -> Path:
        """The path of a result of this stage; its folder exists afterwards."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def require(self, name: str) -> Path:
        """The path of a result that an earlier stage must have left.

        Raises:
            WorkspaceError: the stage has not run to its end.
        """
        path = self.path / name
        if not self.done or not path.exists():
            raise WorkspaceError(
                f"{path} is missing: stage `{self.path.name}` has to run to its end first; "
                "run the cycle without --stages, or name that stage too"
            )
        return path

    @property
    def done(self) -> bool:
        """Whether the stage ran to its end."""
        return (self.path / "done.json").exists()

    def facts(self) -> dict[str, Any]:
        """What `finish` recorded."""
        return json.loads(self.require("done.json").read_text())

    def start(self, settings: Any) -> None:
        """Record the stage's settings, or refuse to go on with other ones than it began with."""
        given = dict(settings) if isinstance(settings, Mapping) else asdict(settings)
        given = json.loads(json.dumps({k: v for k, v in given.items() if k not in UNCOUNTED}))
        marker = self.file("started.json")
        if not marker.exists():
            write_json(marker, given)
            return
        begun = json.loads(marker.read_text())
        names = {*begun, *given} - UNCOUNTED
        changed = sorted(k for k in names if begun.get(k) != given.get(k))
        if changed:
            listing = ", ".join(f"{k}: {begun.get(k)!r} -> {given.get(k)!r}" for k in changed)
            raise WorkspaceError(
                f"{self.path} was started with other settings ({listing}): use the first ones, "
                "another folder to write to, or delete that one to start again"
            )

    def finish(self, **facts: Any) -> None:
        """Mark the stage as done, with what is worth remembering; drops the checkpoint."""
        write_json(self.file("done.json"), facts)
        (self.path / "checkpoint.pt").unlink(missing_ok=True)

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write an `.npz`, atomically."""
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        write_atomically(self.file(name), content.getvalue())

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Replace the stage's checkpoint, atomically."""
        import torch  # a refused command waits for nothing

        content = io.BytesIO()
        torch.save(dict(state), content)
        write_atomically(self.file("checkpoint.pt"), content.getvalue())

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The newest checkpoint, or None where there is none.

        Raises:
            WorkspaceError: it is damaged.
        """
        import torch

        path = self.path / "checkpoint.pt"
        if not path.exists():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except Exception as error:  # of a damaged file torch raises a dozen kinds
            raise WorkspaceError(
                f"{path} is damaged ({type(error).__name__}): restore it from a copy, or delete "
                "it, and the stage begins anew"
            ) from error


class Workspace:
    """A run folder."""

    def __init__(self, path: Path, flag: str = "--run") -> None:
        """`flag`: the option that names the folder, for messages."""
        self.path, self.flag = Path(path), flag
        self.watchers: list[Watcher] = []
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"cannot use {self.path} as the run folder: {error}; give another with {flag}"
            ) from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep every other command out: two that train into one folder overwrite each other.

        A command that dies, however it dies, leaves the folder free.

        Raises:
            WorkspaceError: another command is using it.
        """
        try:
            with filelock.FileLock(self.path / "lock", timeout=0):
                self._clear()
                yield
        except filelock.Timeout as error:
            raise WorkspaceError(
                f"another command is using {self.path}: wait until it has ended, stop it, or give "
                f"another folder with {self.flag}"
            ) from error

    def _clear(self) -> None:
        """Remove what killed processes were about to write; nobody else writes here now."""
        for left in self.path.rglob(".*.part"):
            if not left.name.split(".")[-2].isdigit():
                continue  # of an array that the same command goes on with
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)

    def stage(self, name: str, round: int = 0) -> StageFolder:
        """The folder of stage `name` in `round` (ignored for stages that run once)."""
        if name in STAGES_OF_A_ROUND:
            return StageFolder(self.path / f"round_{round}" / name)
        return StageFolder(self.path / name)

    def append(self, name: str, record: Mapping[str, Any]) -> None:
        """Add one line to a `.jsonl` file of the run; half a line of a full disk is ended first."""
        line = (json.dumps(dict(record)) + "\n").encode()
        with open(self.path / name, "a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)


class StepLoop:
    """Iterates over training steps from `first` on and checkpoints between two steps.

    The checkpoint is taken when CHECKPOINT_SECONDS have passed, so that a killed run loses at most
    that much, whatever a step costs. `state()` must return all that the next step depends on.
    """

    def __init__(
        self,
        folder: StageFolder,
        steps: int,
        state: Callable[[], dict[str, Any]],
        writes: bool = True,
    ) -> None:
        """`writes`: False in every process but the one that checkpoints."""
        self.folder, self.steps, self.state = folder, steps, state
        self.every_seconds = CHECKPOINT_SECONDS if writes else math.inf
        self.first = 0

    def resume(self, restore: Callable[[dict[str, Any]], object]) -> None:
        """Hand the newest checkpoint, if there is one, to `restore` and go on from its step."""
        if (checkpoint := self.folder.load_checkpoint()) is not None:
            restore(checkpoint)
            self.first = checkpoint["step"]

    def __iter__(self) -> Iterator[int]:
        saved = time.monotonic()
        for step in range(self.first, self.steps):
            yield step
            if time.monotonic() - saved > self.every_seconds and step + 1 < self.steps:
                self.folder.save_checkpoint({**self.state(), "step": step + 1})
                saved = time.monotonic()
