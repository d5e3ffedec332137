"""What is written beside a training for people who watch it: the live page and event files.

Neither is ever a reason to fail a training: what goes wrong is said once.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from train.config import CommandError, Config, ConfigError
from train.running.live_page import PAGE, LivePage
from train.running.plan import Step
from train.running.workspace import Workspace

EVENTS = "events"
"""The folder of TensorBoard's event files, in a run folder."""
NO_SCALARS = ("stage", "round", "step", "total", "time")


class EventFiles:
    """Writes the lines of `stats.jsonl` as TensorBoard's scalars, a folder for each step.

    Every process, and every command that goes on, adds a file of its own.
    """

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            ConfigError: the package `tensorboard` is not installed.
        """
        self.folder = folder
        self._writers: dict[str, Any] = {}
        _summary_writer()

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Add the scalars of a line."""
        name = f"{record['stage']}_{record['round']}"
        if name not in self._writers:
            self._writers[name] = _summary_writer()(str(self.folder / name))
        for scalar, value in record.items():
            if scalar not in NO_SCALARS:
                self._writers[name].add_scalar(scalar, value, record["step"], record["time"])
        self._writers[name].flush()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_writers": {}}  # a process that shares a stage opens its own


def _summary_writer() -> Any:
    try:
        return importlib.import_module("torch.utils.tensorboard").SummaryWriter
    except ImportError as error:
        raise ConfigError(
            f"--tensorboard: the package tensorboard is not installed ({error}): "
            "`pip install tensorboard`, or leave the option out"
        ) from error


class Guard:
    """Keeps what is done for people who watch from stopping anything; the first failure is said."""

    def __init__(self, name: str) -> None:
        """`name`: of what is written, for the message."""
        self.name, self.said = name, False

    def call(self, act: Callable[..., None], *arguments: Any) -> None:
        """Call `act`, whatever comes of it."""
        try:
            act(*arguments)
        except Exception as error:  # whatever it is, the training is worth more
            if not self.said:
                text = f"{self.name} cannot be written ({type(error).__name__}: {error})"
                print(f"watching      {text}; the training goes on without", file=sys.stderr)
            self.said = True


@contextlib.contextmanager
def watched(
    config: Config, workspace: Workspace, every: float, tensorboard: bool
) -> Iterator[Callable[[Step], None]]:
    """Write the live page every so many seconds (0: never) and event files, while a command runs.

    Gives what to call when a step begins.

    Raises:
        ConfigError: the package `tensorboard` is wanted and not installed.
    """
    if tensorboard:
        files = EventFiles(workspace.path / EVENTS)
        workspace.watchers.append(partial(Guard(EVENTS).call, files))
    if not every:
        yield lambda step: None
        return
    page, guard, message = LivePage(config, workspace, every), Guard(PAGE), ""
    workspace.watchers.append(partial(guard.call, page))
    try:
        yield partial(guard.call, page.begin)
    except BaseException as error:
        message = _reason(error)
        raise
    finally:
        guard.call(page.end, message)


def _reason(error: BaseException) -> str:
    """Why a command ends, as the page says it."""
    if isinstance(error, CommandError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Stopped by Ctrl-C."
    return f"{type(error).__name__}: {error}"
