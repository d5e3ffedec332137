"""What a folder of photographs holds, for somebody who has to decide whether to begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from graphics.mirror import uvs_are_mirrored
from train.config import Config, PresetName
from train.config.presets import of_category
from train.data.photo_layouts import read_training
from train.data.picture_files import counted
from train.data.template_file import holes_of, read_template
from train.evaluation.gates import FEWEST_PHOTOGRAPHS, masks_gate, photographs_gate
from train.preparing.probe import StageTime
from train.running.gate import Gate
from train.running.plan import plan
from train.running.time_left import duration, usual_seconds

EXPECTED = (
    (FEWEST_PHOTOGRAPHS, "nothing: the run ends after its first stage"),
    (3_000, "an attempt: nobody has had good viewpoints from so few"),
    (20_000, "an attempt, augmented: 3,000 on plain grey learned no viewpoints"),
    (60_000, "more than an attempt: no augmentation is needed"),
    (None, "as many as the shipped model learned from"),
)  # fmt: skip
"""Fewer different photographs than this, and what to expect of them."""
ROW_SECONDS, CONFIRMED_SECONDS = 3.0, 1.0
"""A person's time for a row of the first page, and for one that is filled in (estimated)."""
DIRECTIONS = 12
TIMED = ("gan", "segmenter", "viewpoints", "cameras", "inverse")
"""Stages of which the probe times the trainings."""


@dataclass(frozen=True)
class Reading:
    """A folder of photographs, as a training would take it."""

    count: int
    distinct: int
    """Copies and near-copies count once."""
    sizes: tuple[int, int, int]
    """Least, median and largest shorter side in pixels."""
    enlarged: int
    """Photographs whose shorter side is less than the training's."""
    masked: int
    """Photographs that bring a mask or an alpha channel."""
    left_out: tuple[str, ...]
    """How many files, and by which reason."""
    gates: tuple[Gate, ...]

    def json(self) -> dict[str, Any]:
        """For programs."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**own, "gates": [gate._asdict() for gate in self.gates]}


def read_folder(config: Config) -> Reading:
    """Read all photographs as stage photographs would.

    Raises:
        PhotographsError: none can be used.
    """
    masks = Path(config.photographs.masks) if config.photographs.masks else None
    found = read_training(Path(config.photographs.source), config.photographs.size, masks)
    sides = np.array([min(size) for size in found.sizes])
    different = photographs_gate(found.scenes)
    gates = [different]
    if found.masked.any():
        gates.append(masks_gate(found.masks[found.masked], "of the photographs"))
    return Reading(
        count=len(found.names),
        distinct=int(different.measured),
        sizes=(int(sides.min()), int(np.median(sides)), int(sides.max())),
        enlarged=int((sides < config.photographs.size).sum()),
        masked=int(found.masked.sum()),
        left_out=tuple(counted(found.skipped, len(found.names) + len(found.skipped))),
        gates=tuple(gates),
    )


def lines(reading: Reading, config: Config, times: list[StageTime]) -> Iterator[str]:
    """What there is to say, line by line."""
    least, median, largest = reading.sizes
    yield f"photographs: {reading.count}, of which {reading.distinct} are different"
    yield f"shorter sides: {least} to {largest} px, median {median}; all become " + (
        f"{config.photographs.size} px ({reading.enlarged} are enlarged)"
    )
    yield from reading.left_out
    yield f"masks: {_masks(reading, config)}"
    yield "what to expect of so many different photographs:"
    for mark, range_, text in expectations(reading.distinct):
        yield f"  {mark} {range_:<18s} {text}"
    for gate in reading.gates:
        yield gate.line()
    yield from shape_lines(config)
    yield from time_lines(times)
    yield preset_line(config, times)
    if config.preset == "smoke":
        yield "smoke proves that everything runs here, and makes no model"
    yield f"a person's time: about {person_minutes(config):.0f} minutes (estimated)"


def expectations(distinct: int) -> Iterator[tuple[str, str, str]]:
    """Mark, range and text of each row; the mark `>` stands before the one that counts."""
    start = 0
    for stop, text in EXPECTED:
        inside = distinct >= start and (stop is None or distinct < stop)
        range_ = f"{start:,} and more" if stop is None else f"{start:,} to {stop - 1:,}"
        yield ">" if inside else " ", range_, text
        start = stop or start


def time_lines(times: list[StageTime]) -> Iterator[str]:
    """How long the trainings take, of which a few steps were timed."""
    for stage in times:
        yield f"time, {stage.name}: {stage.minutes:.0f} minutes ({stage.steps} steps)"
    yield (
        f"time, all of these: {sum(stage.minutes for stage in times) / 60:.1f} hours; timed just "
        + ("now, with whatever else was running; the other stages are not timed")
    )


def shape_lines(config: Config) -> Iterator[str]:
    """Which categories the template can hold, and which not."""
    settings = config.inverse
    if settings.symmetric == "x":
        yield "shapes: mirror images of themselves from left to right, as animals, vehicles and"
        yield "  chairs nearly are; else give --inverse.symmetric none"
    else:
        yield "shapes: both sides are free; what a photograph does not see is only guessed"
    if not settings.template:
        yield "template: a sphere, for what has no holes: animals, vehicles, shoes; the handles of"
        yield "  mugs and the gaps between legs of chairs close up, unless --template MESH has them"
        return
    template = read_template(Path(settings.template), settings.symmetric == "x")
    holes = holes_of(template)
    yield (
        f"template: {settings.template}, {len(template.vertices)} vertices, "
        f"{holes} hole{'s' * (holes != 1)}; every object gets just as many, wherever it has none"
    )
    if template.symmetric and not uvs_are_mirrored(template):
        yield "  its uvs are not mirrored at u = 0.5: both sides of a texture are predicted"


def preset_line(config: Config, times: list[StageTime]) -> str:
    """How long all stages of each preset would take, as this one's timed steps tell."""
    steps = [step for step in plan(config.rounds) if step.stage in TIMED]
    usual = sum(usual_seconds(config, step) for step in steps)
    factor = 60 * sum(stage.minutes for stage in times) / usual
    category = config.export.category
    texts = []
    for name in get_args(PresetName):
        if name == "vehicles" and not config.shows_vehicles:
            continue
        preset = of_category(name, category)
        whole = sum(usual_seconds(preset, step) for step in plan(preset.rounds))
        texts.append(f"{name} {duration(factor * whole)}")
    return f"time, whole presets on this machine, roughly: {', '.join(texts)}"


def person_minutes(config: Config) -> float:
    """Minutes for the rows of both pages."""
    settings = config.viewpoints
    if settings.annotator not in ("auto", "person"):
        return 0.0
    first = min(settings.candidates, settings.per_bin * DIRECTIONS)
    more = settings.suggested_per_bin * DIRECTIONS
    return (first * ROW_SECONDS + more * CONFIRMED_SECONDS) / 60


def _masks(reading: Reading, config: Config) -> str:
    if reading.masked == reading.count:
        return "all photographs bring one; the segmenter is trained on them"
    who = (
        f"the segmenter {config.segmenter.onnx} makes them"
        if config.segmenter.onnx
        else "a segmenter trained on rendered vehicles makes them"
        if config.shows_vehicles
        else "nobody can make the others: give --segmenter.onnx FILE, or masks with --masks FOLDER"
    )
    return f"{reading.masked} of {reading.count} photographs bring one; {who}"
