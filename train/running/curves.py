"""The curves of a run, read from `stats.jsonl` as it grows, and drawn as SVG."""

import json
import math
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from train.running.plan import Step

MOST_POINTS = 400
"""Points of a curve; where it gets more, every second one is left out."""
WIDTH, HEIGHT, MARGIN = 300, 90, 4
FACTS = {"stage", "round", "step", "total", "steps_per_second", "time"}
"""Keys of a record that are no scalars."""


@dataclass
class Curve:
    """A scalar over the steps of a stage. A stage may count several times from the beginning."""

    segments: list[list[tuple[int, float]]] = field(default_factory=list)
    latest: float = math.nan
    _stride: int = 1
    _seen: int = 0
    _drawn: str = ""

    def add(self, step: int, value: float) -> None:
        """One more point; a step that is not later than the last one begins a segment."""
        self.latest, self._drawn = value, ""
        if not self.segments or (self.segments[-1] and step <= self.segments[-1][-1][0]):
            self.segments.append([])
        self._seen += 1
        if self._seen % self._stride == 0 or not self.segments[-1]:
            self.segments[-1].append((step, value))
        if sum(map(len, self.segments)) > MOST_POINTS:
            self._stride *= 2
            self.segments = [segment[::2] for segment in self.segments]

    def svg(self, name: str) -> str:
        """The drawing, with the least and the largest value beside it."""
        if not self._drawn:
            self._drawn = _draw(name, self.segments)
        return self._drawn


class Curves:
    """All curves of a run; `read` takes only what has been written since the last time."""

    def __init__(self, path: Path) -> None:
        """`path`: of stats.jsonl, which need not be there yet."""
        self.path, self.position = path, 0
        self.by_step: dict[Step, dict[str, Curve]] = {}
        self.latest: dict[Step, dict[str, Any]] = {}
        """The newest record of each step."""

    def read(self) -> None:
        """Take the new lines; half a line is left for the next time."""
        if not self.path.is_file():  # nor a device that a test or an operator put in its place
            return
        with open(self.path, "rb") as file:
            file.seek(self.position)
            content = file.read()
        whole = content.rpartition(b"\n")[0]
        self.position += len(whole) + bool(whole)
        for line in whole.splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            record = json.loads(line)
            step = Step(record["stage"], record["round"])
            number = int(record["step"])
        except (ValueError, KeyError, TypeError):
            return  # half a line, left by a full disk
        self.latest[step] = record
        curves = self.by_step.setdefault(step, {})
        for name, value in record.items():
            if name not in FACTS and isinstance(value, int | float):
                curves.setdefault(name, Curve()).add(number, float(value))


def _draw(name: str, segments: list[list[tuple[int, float]]]) -> str:
    values = [value for segment in segments for _, value in segment]
    steps = [step for segment in segments for step, _ in segment]
    low, high, first, last = min(values), max(values), min(steps), max(steps)
    across = (WIDTH - 2 * MARGIN) / max(last - first, 1)
    up = (HEIGHT - 2 * MARGIN) / (high - low) if high > low else 0.0
    lines = []
    for number, segment in enumerate(segments):
        places = (
            f"{MARGIN + (step - first) * across:.1f},"
            f"{HEIGHT - MARGIN - (value - low) * up if up else HEIGHT / 2:.1f}"
            for step, value in segment
        )
        kind = "now" if number == len(segments) - 1 else "before"
        lines.append(f'<polyline class="{kind}" points="{" ".join(places)}"/>')
    if len(values) == 1:
        lines.append(f'<circle cx="{WIDTH / 2}" cy="{HEIGHT / 2}" r="3"/>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">'
        f"{''.join(lines)}</svg>"
        f'<div class="range"><span>{low:.4g} to {high:.4g}</span>'
        f"<span>step {first:,} to {last:,}</span></div>"
    )
