"""The report of the benchmark of disentanglement: a row for each renderer and each reference.

Writes `disentangled.json`, `disentangled.md`, `disentangled.html`, and for every row that draws all
there is `sheet_ROW.png`: eight objects, each as it is, turned, and with the parts of three others.
"""

import re
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.sheet import Row, Style, png_of, sheet_of
from train.data.vehicles import Mixed
from train.evaluation.disentangled_benchmark import (
    MIXED,
    OWN,
    TURNS_DEGREES,
    Asked,
    DisentangledBenchmark,
    GroundTruth,
    OtherVehicles,
    Painter,
    Seen,
    as_rendering,
    drawn,
    turned,
)
from train.evaluation.disentangled_scores import (
    METRICS,
    Truth,
    agreement,
    estimates_of,
    score,
)
from train.evaluation.metrics import INTERVAL, Estimate, bootstrap
from train.evaluation.report import Report, ReportRow
from train.metrics.frechet import Moments, frechet_distance
from train.running.progress import ignore_progress

NAME = "disentangled"
TRUTH, OTHERS = "ground_truth", "other_vehicles"
REFERENCES = {
    TRUTH: "the true pictures of what is asked for, an upper bound: what they lack is the error of "
    "those who read them",
    OTHERS: "photographs of other vehicles whatever is asked for, a baseline",
}
WHOLE = (OWN, *map(turned, TURNS_DEGREES))
"""The pictures that need no parts of other photographs."""
SHOWN, LENDERS = 8, 3
"""Objects of a sheet, and of how many others each is given parts."""
SHEET_STYLE = Style(cell=64, gap=2, group_gap=10, margin=10)


class Subject(NamedTuple):
    """Something that draws."""

    painter: Painter
    definition: str
    cameras: NDArray[np.float32]
    """[N, 5] as it is to be asked for them."""
    objects: int | None = None
    """It draws the first so many alone, and mixes no parts; None: all, and everything."""


class Result(NamedTuple):
    """What the benchmark found."""

    rows: dict[str, ReportRow]
    agreements: dict[str, dict[str, Estimate]]
    """Pair of renderers -> how alike their own pictures are."""
    files: dict[str, bytes]


def measure_subjects(
    benchmark: DisentangledBenchmark,
    subjects: Mapping[str, Subject],
    reference: Moments,
    on_progress: Callable[[int], None] = ignore_progress,
) -> Result:
    """Measure renderers, then the references; `on_progress` gets the number of rows done."""
    truth = _truth(benchmark)
    true = benchmark.photographs.cameras
    every = {
        **subjects,
        TRUTH: Subject(GroundTruth(benchmark.size, benchmark.seed), REFERENCES[TRUTH], true),
        OTHERS: Subject(OtherVehicles(benchmark.size, benchmark.seed), REFERENCES[OTHERS], true),
    }
    rows, own, files = {}, {}, {}
    for number, (name, subject) in enumerate(every.items(), 1):
        asked = _asked(benchmark, subject)
        seen = truth.seen if name == TRUTH else drawn(subject.painter, asked, benchmark.see)
        compared = truth if subject.objects is None else truth.first(subject.objects)
        metrics = estimates_of(score(seen, asked, compared))
        only = "" if subject.objects is None else f"{subject.objects} objects"
        if subject.objects is None:
            for picture in (OWN, MIXED):
                moments = benchmark.moments(seen[picture].images)
                metrics[f"fd_{picture}"] = Estimate(frechet_distance(moments, reference))
            if name != OTHERS:
                sheet = sheet_of_subject(benchmark, subject)
                files[f"sheet_{re.sub(r'[^a-z0-9]+', '_', name.lower())}.png"] = sheet
            if name not in REFERENCES:
                own[name] = seen[OWN]
        ordered = {metric: metrics[metric] for metric in METRICS if metric in metrics}
        rows[name] = ReportRow(ordered, subject.definition, only)
        on_progress(number)
    return Result(rows, _agreements(own), files)


def disentangled_report(result: Result, about: Mapping[str, Any]) -> Report:
    """The report of what was found."""
    metrics = [name for name in METRICS if any(name in row.metrics for row in result.rows.values())]
    notes = [
        f"{pair}, of the objects' own pictures: silhouette IoU "
        f"{found['silhouette_iou'].text(3)}, mean colour difference where both see the object "
        f"{found['colour_difference'].text(3)}"
        for pair, found in result.agreements.items()
    ]
    return Report(
        "Evaluation of renderers",
        about,
        result.rows,
        {name: METRICS[name] for name in metrics},
        INTERVAL.format("objects"),
        notes=notes,
        files=result.files,
        pictures_text="Rows: objects. Columns: photograph | own | turned by "
        f"{', '.join(map(str, TURNS_DEGREES))} degrees | textures, shapes and backgrounds of three "
        "other photographs.",
        details={
            "agreements": {
                pair: {name: one.json() for name, one in found.items()}
                for pair, found in result.agreements.items()
            }
        },
    )


def sheet_of_subject(benchmark: DisentangledBenchmark, subject: Subject) -> bytes:
    """Eight objects, spread over all, as the PNG of a sheet."""
    count = len(subject.cameras)
    chosen = np.unique(np.linspace(0, count - 1, min(SHOWN, count)).round().astype(int))
    asked = {name: _of(each, chosen) for name, each in benchmark.asked(subject.cameras).items()}
    plain = asked[OWN]
    columns: list[list[NDArray[np.uint8]]] = [
        [benchmark.photographs.images[chosen]],
        [subject.painter(plain).images],
        [subject.painter(asked[turned(turn)]).images for turn in TURNS_DEGREES],
    ]
    for part in ("textures", "shapes", "backgrounds"):
        lent = [(chosen + place) % count for place in range(1, LENDERS + 1)]
        sources = (plain.parts._replace(**{_FIELDS[part]: other}) for other in lent)
        columns.append([subject.painter(plain._replace(parts=each)).images for each in sources])
    titles = [["photograph"], ["own"], [f"{turn}°" for turn in TURNS_DEGREES], ["textures"],
              ["shapes"], ["backgrounds"]]  # fmt: skip
    rows = [
        Row([[pictures[number] for pictures in group] for group in columns])
        for number in range(len(chosen))
    ]
    return png_of(sheet_of(rows, titles, SHEET_STYLE))


_FIELDS = {"textures": "colours", "shapes": "shapes", "backgrounds": "scenes"}
"""Group of a sheet -> field of `Mixed`."""


def _truth(benchmark: DisentangledBenchmark) -> Truth:
    painter = GroundTruth(benchmark.size, benchmark.seed)
    asked = benchmark.asked(benchmark.photographs.cameras)
    true = {name: painter.photographs(each) for name, each in asked.items()}
    seen = {name: benchmark.see(as_rendering(taken)) for name, taken in true.items()}
    return Truth(benchmark.photographs, true, seen, seen[OWN].readings)


def _asked(benchmark: DisentangledBenchmark, subject: Subject) -> dict[str, Asked]:
    asked = benchmark.asked(subject.cameras)
    if subject.objects is None:
        return asked
    return {name: _of(asked[name], slice(subject.objects)) for name in WHOLE}


def _of(asked: Asked, chosen: NDArray[np.intp] | slice) -> Asked:
    parts = Mixed._make(indices[chosen] for indices in asked.parts)
    return Asked(parts, asked.cameras[chosen], asked.true_cameras[chosen])


def _agreements(own: Mapping[str, Seen]) -> dict[str, dict[str, Estimate]]:
    return {
        f"{first} and {second}": {
            name: bootstrap(values, "mean")
            for name, values in agreement(own[first], own[second]).items()
        }
        for first, second in combinations(own, 2)
    }
