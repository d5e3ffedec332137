"""One status line and one `stats.jsonl` record per tick of a stage."""

import math
import sys
import time
from datetime import timedelta
from typing import Any

from train.config import CommandError
from train.running.workspace import Workspace

LONGEST_LEFT = 1e9
"""Seconds, some thirty years: no step has been timed yet."""


class TrainingError(CommandError):
    """A training has failed by its numbers."""


def ignore_progress(done: int) -> None:
    """Report nothing, in place of a progress callback."""


class Progress:
    """Reports progress: to the terminal, and a stage's to `stats.jsonl` of the run, too.

    Scalars are only converted (which may wait for a device) when a report is due.
    """

    def __init__(
        self,
        workspace: Workspace | None,
        stage: str,
        total: int,
        round: int = 0,
        every: float = 10.0,
        silent: bool = False,
    ) -> None:
        """`workspace`: None of a command without a run; `total`: steps; `every`: seconds between
        reports; `silent`: another process reports."""
        self.workspace, self.stage, self.total, self.round = workspace, stage, total, round
        self.every, self.silent = every, silent
        self.began = time.monotonic()
        self.reported = self.began
        self.first_step: int | None = None

    def tick(self, step: int, **scalars: Any) -> None:
        """Report if it is time to; `step` counts finished steps: from 1, or from 0 where the next
        report counts several.

        Raises:
            TrainingError: a scalar that is reported is not finite.
        """
        if self.first_step is None:
            self.first_step = max(step - 1, 0)
        now = time.monotonic()
        if self.silent or (now - self.reported < self.every and step != self.total):
            return
        self.reported = now
        rate = (step - self.first_step) / max(now - self.began, 1e-9)
        values = {name: round(float(value), 5) for name, value in scalars.items()}
        if lost := [name for name, value in values.items() if not math.isfinite(value)]:
            raise TrainingError(
                f"{self.stage}, step {step}: {', '.join(lost)} is {values[lost[0]]}: nothing is "
                "learned any more. Train it anew (of a run: --redo), with a lower learning rate or "
                "other data"
            )
        if self.workspace is not None:
            record = {
                "stage": self.stage,
                "round": self.round,
                "step": step,
                "total": self.total,
                "steps_per_second": round(rate, 3),
                "time": round(time.time(), 1),
            }
            record |= values
            self.workspace.append("stats.jsonl", record)
            for watcher in self.workspace.watchers:
                watcher(record)
        left = self.total - step
        remaining = timedelta(seconds=round(left / rate)) if rate * LONGEST_LEFT > left else "?"
        self.say(
            f"{step:>7d}/{self.total:<7d} {rate:7.2f}/s  left {remaining}  "
            + "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        )

    def say(self, text: str) -> None:
        """One line on the terminal, with the stage's name in front."""
        if self.silent:
            return
        of_round = "" if self.workspace is None else f" r{self.round}"
        print(f"{self.stage:<12s}{of_round}  {text}", file=sys.stderr, flush=True)
