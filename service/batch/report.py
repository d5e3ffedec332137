"""What a batch came to: rates, failures by reason, and the photographs that came out worst."""

# pyright: reportMissingImports=false
from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from graphics.image_files import MOST_PIXELS, WHOLE, read_upright
from graphics.sheet import Row, Style, jpeg_of, sheet_of
from service.batch.places import Place, read
from service.batch.plan import MANIFESTS
from service.batch.rows import OK
from service.errors import ItemError
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import answer
from service.schemas.objects import ItemOptions
from service.schemas.options import ImageOptions
from service.schemas.photographs import Upload

REPORT, FACTS, SHEET = "report.md", "report.json", "worst.jpg"
WORST = 24
EXAMPLES = 3
"""Photographs named per reason."""
STYLE = Style(cell=176, gap=6, group_gap=26, margin=28)
TITLES = (["photograph"], ["mask", "re-render"])
COLUMNS = ["photograph", "outcome", "message", "mesh", "left_out", "rerender_iou", "quality_flags",
           "frame_left", "frame_top", "frame_side"]  # fmt: skip


class Pace(NamedTuple):
    """How fast the last run was."""

    photographs: int
    """Made by it."""
    seconds: float
    actors: int
    cores: int
    """Of each actor."""

    @property
    def rate(self) -> float:
        """Photographs per second."""
        return self.photographs / self.seconds if self.seconds else 0.0


class Summary:
    """Counts over all manifests, which are read one by one."""

    def __init__(self, place: Place, options: ItemOptions) -> None:
        self.of_objects = options.objects != "none"
        self.meshes = 0
        self.left_out: Counter[str] = Counter()
        """Photographs of objects, by reason."""
        self.outcomes: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.examples: dict[str, list[tuple[str, str]]] = {}
        """By reason: photograph and message."""
        self.iou_sum = 0.0
        self.worst: list[dict[str, Any]] = []
        for name in place.names(MANIFESTS):
            with place.system.open_input_file(place.path(f"{MANIFESTS}/{name}")) as file:
                self._add(pq.read_table(file, columns=COLUMNS))

    def _add(self, table: pa.Table) -> None:
        self.outcomes.update(table.column("outcome").to_pylist())
        fine = table.filter(pc.field("outcome") == OK)
        self.meshes += len(pc.unique(fine.column("mesh").drop_null()))
        self.left_out.update(fine.column("left_out").drop_null().to_pylist())
        self.iou_sum += pc.sum(fine.column("rerender_iou")).as_py() or 0.0
        self.flags.update(pc.list_flatten(fine.column("quality_flags")).to_pylist())
        least = fine.sort_by("rerender_iou").slice(0, WORST).to_pylist()
        self.worst = sorted(
            (*self.worst, *least), key=lambda row: (row["rerender_iou"], row["photograph"])
        )[:WORST]
        for row in table.filter(pc.field("outcome") != OK).to_pylist():
            examples = self.examples.setdefault(row["outcome"], [])
            if len(examples) < EXAMPLES:
                examples.append((row["photograph"], row["message"]))

    @property
    def succeeded(self) -> int:
        """Photographs that became meshes, or were looked at for one."""
        return self.outcomes[OK]

    def told(self) -> str:
        """What came out, in words."""
        if self.of_objects:
            photographs = f"{self.succeeded} of {self.outcomes.total()} photographs"
            return f"{self.meshes} objects became meshes from {photographs}"
        return f"{self.succeeded} became meshes"

    def facts(self, pace: Pace) -> dict[str, Any]:
        """For programs."""
        mean = self.iou_sum / self.succeeded if self.succeeded else None
        return {
            "photographs": self.outcomes.total(),
            "succeeded": self.succeeded,
            "failed": self.outcomes.total() - self.succeeded,
            "meshes": self.meshes,
            "left_out": dict(self.left_out.most_common()),
            "failures": {name: n for name, n in self.outcomes.most_common() if name != OK},
            "quality_flags": dict(self.flags.most_common()),
            "rerender_iou_mean": mean,
            "last_run": {**pace._asdict(), "photographs_per_second": pace.rate},
        }


def write(place: Place, summary: Summary, pace: Pace, sheet: bytes | None) -> None:
    """The report's files; raises `OSError`."""
    facts = summary.facts(pace)
    if sheet is not None:
        place.write(SHEET, sheet)
    place.write(FACTS, (json.dumps(facts, indent=2) + "\n").encode())
    place.write(REPORT, _markdown(summary, pace, sheet is not None).encode())


def _markdown(summary: Summary, pace: Pace, has_sheet: bool) -> str:
    total = summary.outcomes.total()
    came = f"{summary.succeeded} of {total} photographs became meshes."
    lines = ["# Batch", "", f"{summary.told()}." if summary.of_objects else came]
    if pace.photographs:
        core_seconds = pace.actors * pace.cores * pace.seconds / pace.photographs
        lines += [
            "",
            f"The last run made {pace.photographs} in {pace.seconds:.0f} s, {pace.rate:.2f} a "
            f"second, on {pace.actors} processes of {pace.cores} cores: {core_seconds:.3f} s of a "
            f"core each, {core_seconds / 0.0036:.0f} core hours a million.",
        ]
    if summary.succeeded:
        mean = summary.iou_sum / summary.succeeded
        lines += ["", f"Mean IoU of re-render and mask: {mean:.3f}."]
    if summary.left_out:
        lines += ["", "| left out of its object for | photographs |", "|---|---|"]
        lines += [f"| {name} | {count} |" for name, count in summary.left_out.most_common()]
    if summary.flags:
        lines += ["", "| quality flag | photographs |", "|---|---|"]
        lines += [f"| {name} | {count} |" for name, count in summary.flags.most_common()]
    if summary.examples:
        lines += ["", "| failed for | photographs | one of them |", "|---|---|---|"]
        for reason, examples in summary.examples.items():
            photograph, message = examples[0]
            cell = f"{photograph}: {message}".replace("|", "\\|").replace("\n", " ")
            lines.append(f"| {reason} | {summary.outcomes[reason]} | {cell} |")
    if has_sheet:
        lines += ["", f"The {len(summary.worst)} with the least IoU:", "", f"![worst]({SHEET})"]
    return "\n".join(lines) + "\n"


async def worst_sheet(engine: Engine, rows: list[dict[str, Any]]) -> bytes | None:
    """A JPEG of these rows of manifests: photograph, mask and re-render; None where not one can be
    read any more."""
    options = ImageOptions(preview=True)
    drawn = []
    for row in rows:
        try:
            content = read(row["photograph"])
            mask = None if row["mask"] is None else read(row["mask"])
        except ItemError:
            continue
        masked = None if mask is None else lambda mask=mask: mask
        upload = Upload(row["photograph"], lambda content=content: content, masked)
        found = await answer(engine, 0, upload, options)
        if isinstance(found.mask, bytes) and isinstance(found.preview, bytes):
            drawn.append(_row(row, content, found.mask, found.preview))
    await engine.close()
    if not drawn:
        return None
    return jpeg_of(sheet_of(drawn, TITLES, STYLE, blocks=min(2, len(drawn))))


def _row(row: dict[str, Any], content: bytes, mask: bytes, preview: bytes) -> Row:
    upright, _ = read_upright(content, WHOLE, MOST_PIXELS)
    left, top, side = (round(row[f"frame_{key}"]) for key in ("left", "top", "side"))
    framed = upright.convert("RGBA").crop((left, top, left + side, top + side))
    pictures = [Image.open(io.BytesIO(one)) for one in (mask, preview)]
    name = row["photograph"].rsplit("/", 1)[-1]
    return Row([[framed], pictures], captions=[name[-24:], f"IoU {row['rerender_iou']:.2f}"])
