"""`live.html` of a run folder: what the run is doing, how long it takes, its curves and pictures.

One page that needs no server: it loads itself anew. Pictures are shown from where the stages leave
them in the run folder; nothing else lies outside the page. It is written while a stage runs, at
most every `every` seconds, and whenever a step begins or ends.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from train.config import Config
from train.running.curves import Curves
from train.running.gate import gates_of
from train.running.plan import Step, plan
from train.running.time_left import Left, duration, expected
from train.running.workspace import Workspace, write_atomically

PAGE = "live.html"
SLOW_REFRESH = 30
"""Seconds after which a page loads itself anew, of a command that has ended: another may begin."""
MOST_WHILE_RUNS = 0.97
"""Share of its bar that a stage fills which is not done."""
EARLIER = 8
"""Earlier pictures of a kind that a link leads to."""
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(["html.jinja"]),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


class Picture(NamedTuple):
    """The newest picture of a kind, and links to earlier ones."""

    path: str
    earlier: list[tuple[str, str]]


class LivePage:
    """Writes the page of a run. It can be pickled: processes that share a stage write it too."""

    def __init__(self, config: Config, workspace: Workspace, every: float = 10.0) -> None:
        """`every`: least seconds between two pages while a stage runs."""
        self.config, self.every = config, every
        self.workspace = Workspace(workspace.path)
        self.steps = plan(config.rounds)
        self.curves = Curves(workspace.path / "stats.jsonl")
        self.began = self.step_began = time.time()
        self.written = 0.0
        self.running: Step | None = None
        self.message, self.ended = "", False

    def __call__(self, record: Mapping[str, Any]) -> None:
        """After a line of `stats.jsonl`: write the page if it is time to."""
        if time.monotonic() - self.written >= self.every:
            self.write()

    def begin(self, step: Step) -> None:
        """A step begins, or goes on."""
        self.running, self.step_began = step, time.time()
        self.write()

    def end(self, message: str = "") -> None:
        """The command ends; `message`: why, if not because all is done.

        A command that was refused before anything was written leaves no page either.
        """
        self.running, self.message, self.ended = None, message, True
        if (self.workspace.path / "config.json").exists():
            self.write()

    def write(self) -> None:
        """Write the page."""
        self.written = time.monotonic()
        self.curves.read()
        content = TEMPLATES.get_template("live.html.jinja").render(self._values())
        # Not worth waiting for the disk: the next page comes soon.
        write_atomically(self.workspace.path / PAGE, content.encode(), durable=False)

    def _values(self) -> dict[str, Any]:
        taken = {step: seconds for step in self.steps if (seconds := self._seconds(step))}
        times = expected(self.config, self.steps, taken)
        left = {step: self._left(step, times[step]) for step in self.steps}
        whole = sum(one.seconds for one in times.values()) or 1.0
        missing = sum(one.seconds for one in left.values())
        return {
            "name": self.workspace.path.resolve().name,
            "refresh": SLOW_REFRESH if self.ended else max(round(self.every), 2),
            "every": 0 if self.ended else self.every,
            "now": round(time.time(), 1),
            "clock": time.strftime("%A %H:%M:%S"),
            "preset": self.config.preset,
            "category": self.config.export.category,
            "share": min(max(1 - missing / whole, 0.0), 1.0),
            "status": self._status(),
            "left": self._text(left, missing),
            "message": self.message,
            "rows": [self._row(step, times[step], left[step]) for step in self.steps],
            "sections": list(self._sections()),
        }

    def _seconds(self, step: Step) -> float:
        """What a step has taken; 0: it is not done, or nobody has timed it."""
        folder = self.workspace.stage(step.stage, step.round)
        return folder.facts().get("seconds", 0.0) if folder.done else 0.0

    def _left(self, step: Step, whole: Left) -> Left:
        if self.workspace.stage(step.stage, step.round).done:
            return Left(0.0, True)
        if step != self.running:
            return whole
        rest = max(whole.seconds - (time.time() - self.step_began), 0.0)
        record = self.curves.latest.get(step, {})
        if record.get("time", 0.0) < self.step_began or not record.get("steps_per_second"):
            return Left(rest, False)
        steps = max(record.get("total", 0) - record["step"], 0)
        measured = steps / record["steps_per_second"] - (time.time() - record["time"])
        # A stage may do more than what it counts now.
        return Left(max(measured, 0.0), True) if steps else Left(rest, False)

    def _status(self) -> str:
        if self.ended:
            done = all(self.workspace.stage(s.stage, s.round).done for s in self.steps)
            return "Done." if done else "Stopped; the same command goes on."
        return f"{self.running} runs." if self.running else "Begins."

    def _text(self, left: Mapping[Step, Left], missing: float) -> str:
        if not missing:
            return ""
        timed = all(one.timed for one in left.values())
        text = f"{'' if timed else 'About '}{duration(missing)} left"
        if self.ended:
            return f"{text} once it goes on."
        end = time.localtime(time.time() + missing)
        shape = "%H:%M" if missing < 12 * 3600 else "%A %H:%M"
        more = "" if timed else "; what has not run yet is guessed from what has"
        return f"{text}, until {time.strftime(shape, end)}{more}."

    def _row(self, step: Step, whole: Left, left: Left) -> dict[str, Any]:
        folder = self.workspace.stage(step.stage, step.round)
        state, text, share = "waits", whole.text(), 0.0
        if folder.done:
            seconds = self._seconds(step)
            state, text, share = "done", duration(seconds) if seconds else "", 1.0
        elif step == self.running:
            state = "runs"
            text = f"{left.text()} left" if left.seconds or left.timed else "longer than guessed"
            share = min(1 - left.seconds / max(whole.seconds, left.seconds, 1e-9), MOST_WHILE_RUNS)
        elif folder.path.exists():
            state = "begun"
        accepted = set(folder.facts().get("accepted", [])) if folder.done else set()
        gates = [{**g._asdict(), "accepted": g.name in accepted} for g in gates_of(folder)]
        return {
            "title": str(step), "state": state, "time": text, "share": share, "gates": gates,
            "anchor": _anchor(step),
        }  # fmt: skip

    def _sections(self) -> Iterator[dict[str, Any]]:
        """What each step that has begun shows: first the one that runs, then the latest."""
        begun = [s for s in self.steps if self.workspace.stage(s.stage, s.round).path.exists()]
        for step in sorted(begun, key=lambda s: (s == self.running, begun.index(s)), reverse=True):
            folder = self.workspace.stage(step.stage, step.round).path
            curves = [
                {"name": name, "latest": f"{curve.latest:.4g}", "svg": curve.svg(name)}
                for name, curve in self.curves.by_step.get(step, {}).items()
            ]
            shown = {
                "curves": curves,
                "pictures": list(self._pictures(folder)),
                "pages": [self._address(path) for path in sorted(folder.glob("*.html"))],
            }
            if any(shown.values()):
                yield {"title": str(step), "anchor": _anchor(step), **shown}

    def _pictures(self, folder: Path) -> Iterator[Picture]:
        series = sorted(folder.glob("images/*.png"))
        if series:
            earlier = [(self._address(path), path.stem) for path in series[-1 - EARLIER : -1]]
            yield Picture(self._address(series[-1]), earlier)
        for path in sorted(folder.glob("*.png")):
            yield Picture(self._address(path), [])

    def _address(self, path: Path) -> str:
        """A file of the run folder as the page's links name it."""
        return quote(path.relative_to(self.workspace.path).as_posix())


def _anchor(step: Step) -> str:
    return f"{step.stage}-{step.round}"
