"""The command: plan, run with progress, report."""

# pyright: reportMissingImports=false
from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from service.batch import plan, report, running
from service.batch.errors import BatchError
from service.batch.making import BEGUN
from service.batch.options import Options
from service.batch.photographs import find
from service.batch.places import PARTS, Place
from service.batch.rows import OK
from service.model import bundle as bundles
from service.model.manifest import BundleError
from service.model.segmenter_choice import SegmenterError, choose_segmenter
from service.model.session import DeviceError
from service.schemas.objects import ItemOptions
from service.settings import Settings
from service.store.folder import FolderTaken, lock

TELL_SECONDS = 5.0
"""Between two lines of progress."""


def run(wanted: Options, settings: Settings, name: str) -> int | None:
    """Make what is missing; how many photographs failed of all, None where it cannot go on.

    `name`: of this run. What is wrong is told on stderr.
    """
    try:
        with _alone(Place(wanted.results)) as place:
            return _run(wanted, settings, name, place)
    except (BatchError, BundleError, SegmenterError, DeviceError, FolderTaken) as error:
        _tell(f"batch: {error}")
    except OSError as error:
        _tell(f"batch: {wanted.results} cannot be written or read ({error}): the same command goes "
              "on when that is mended")  # fmt: skip
    return None


def _run(wanted: Options, settings: Settings, name: str, place: Place) -> int:
    options = wanted.items()
    photographs = find(wanted.photographs, wanted.objects)
    _tell(f"{len(photographs)} photographs in {wanted.photographs}")
    planned = plan.Plan.of(
        photographs, wanted.shard_size, options.model_dump(mode="json"), _made_by(settings, options)
    )
    missing = plan.begin(place, planned, photographs)
    if not missing and place.exists(report.REPORT):
        return _told(planned, report.Summary(place, options), place)
    share = running.Share(wanted.cores_each, wanted.gpus_each, wanted.actors)
    job = running.Job(settings, wanted.results, options, name)
    actors = running.start(share)
    try:
        start = time.monotonic()
        made = _follow(running.run(job, list(missing), share, actors), planned, missing)
        pace = report.Pace(made, time.monotonic() - start, actors, share.cores)
        place.delete(PARTS)
        place.delete(BEGUN)
        summary = report.Summary(place, options)
        sheet = _sheet(job, summary, share, photographs)
    finally:
        running.stop()
    report.write(place, summary, pace, sheet)
    return _told(planned, summary, place)


def _told(planned: plan.Plan, summary: report.Summary, place: Place) -> int:
    failed = planned.photographs - summary.succeeded
    _tell(f"{summary.told()}, {failed} failed: see {place.path(report.REPORT)}")
    return failed


def _made_by(settings: Settings, options: ItemOptions) -> dict[str, str]:
    bundle = bundles.load(settings.bundle)
    largest = {"largest_request": str(settings.largest_request)}
    return {
        **{
            file: sha256
            for file, sha256 in sorted(bundle.manifest.files.items())
            if ".onnx" in file
        },
        "segmenter": choose_segmenter(settings.segmenter, bundle).sha256,
        "texture_size": str(settings.texture_size),
        "pixel_limit_megapixels": str(settings.pixel_limit_megapixels),
        "precision": settings.precision,
        **(largest if options.objects != "none" else {}),
    }


@contextlib.contextmanager
def _alone(place: Place) -> Iterator[Place]:
    """The folder, which no other command works on meanwhile; that is known on this machine only."""
    held: IO[bytes] | None = None
    if place.is_local:
        held = lock(Path(place.root))
    try:
        yield place
    finally:
        if held is not None:
            held.close()


def _follow(done: Iterator[running.Done], planned: plan.Plan, missing: dict[int, int]) -> int:
    """Tell how it comes on; the photographs that were made."""
    if not missing:
        return 0
    before = planned.shards - len(missing)
    wanted = sum(missing.values())
    if before:
        _tell(f"{before} of {planned.shards} shards are there: {wanted} photographs are missing")
    outcomes: Counter[str] = Counter()
    start = told = time.monotonic()
    for one in done:
        outcomes.update(one.outcomes)
        now, made = time.monotonic(), outcomes.total()
        if now - told >= TELL_SECONDS or made == wanted:
            told, rate = now, made / (now - start)
            _tell(
                f"{made} of {wanted} ({100 * made / wanted:.1f} %), {rate:.2f} a second, "
                f"{_duration((wanted - made) / rate)} left, {made - outcomes[OK]} failed"
            )
    return outcomes.total()


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _sheet(
    job: running.Job, summary: report.Summary, share: running.Share, photographs: pa.Table
) -> bytes | None:
    """The sheet of the worst; None where there is nothing to draw, or no more.

    It shows what one photograph became by itself, so that there is none of objects.
    """
    if not summary.worst or summary.of_objects:
        return None
    worst = pa.array([row["photograph"] for row in summary.worst])
    sources = photographs.filter(pc.is_in(photographs.column("photograph"), worst)).to_pylist()
    masks = {row["photograph"]: row["mask"] for row in sources}
    rows = [{**row, "mask": masks[row["photograph"]]} for row in summary.worst]
    try:
        return running.draw_worst(job, rows, share)
    except BatchError as error:
        _tell(f"there is no sheet of the worst: {error}")
        return None


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
