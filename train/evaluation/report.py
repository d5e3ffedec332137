"""A report of measurements: rows by metrics, as JSON for programs, Markdown and a page for people.

    Report("Evaluation", about, rows, metrics, interval="95 % bootstrap interval").write(folder)

Every evaluation fills a `Report`; two templates beside this file say how it looks. The page needs
nothing beside it.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from train.data.picture_files import Skipped
from train.evaluation.metrics import Estimate, Metric
from train.running.workspace import write_atomically, write_json

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(["html.jinja"]),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)


class ReportRow(NamedTuple):
    """The metrics of one thing."""

    metrics: Mapping[str, Estimate]
    """Not necessarily all metrics of the report."""
    definition: str = ""
    """Explains what is measured in the row."""
    only: str = ""
    """On what it was measured, where that is less than for the others: `2 objects`."""


class Picture(NamedTuple):
    """A picture of the page."""

    content: bytes
    """A JPEG, or a PNG."""
    caption: str
    heading: str = ""
    """Stands above the first picture that has it."""

    @property
    def address(self) -> str:
        """The picture itself, as the page's source of it."""
        kind = "png" if self.content.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.content).decode('ascii')}"


@dataclass(frozen=True)
class Report:
    """The result of an evaluation. The same values give the same files, byte for byte."""

    title: str
    about: Mapping[str, Any]
    """The facts that are needed to get the metrics again."""
    rows: Mapping[str, ReportRow]
    """The first is what is measured, the others are compared with it."""
    metrics: Mapping[str, Metric]
    interval: str
    """Explains the brackets behind a value."""
    notes: Sequence[str] = ()
    skipped: Sequence[Skipped] = ()
    """Files that could not be used."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Name -> PNG, written beside the report; the Markdown shows them."""
    pictures: Sequence[Picture] = ()
    """Shown in the page; where there are none, the files are."""
    pictures_text: str = ""
    """Explains the pictures."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """More that programs read: keys of the JSON."""
    metrics_down: bool = True
    """Whether a metric is a line of the table, or a column."""

    def json(self) -> dict[str, Any]:
        """The report for programs; `rows[row][metric]` has `value`, `low` and `high`."""
        return {
            "about": dict(self.about),
            "row_definitions": {name: row.definition for name, row in self.rows.items()},
            "definitions": {name: metric.definition for name, metric in self.metrics.items()},
            "rows": {
                name: {metric: estimate.json() for metric, estimate in row.metrics.items()}
                for name, row in self.rows.items()
            },
            **self.details,
            "skipped": [item._asdict() for item in self.skipped],
        }

    def markdown(self) -> str:
        """The report for the terminal, and for people who read it where it lies."""
        return self._text("md")

    def html(self) -> str:
        """The report as one page that needs nothing beside it."""
        return self._text("html")

    def write(self, folder: Path, name: str = "report") -> None:
        """Write `name` as .json, .md and .html, and the files beside it."""
        write_json(folder / f"{name}.json", self.json())
        write_atomically(folder / f"{name}.md", self.markdown().encode())
        write_atomically(folder / f"{name}.html", self.html().encode())
        for file, content in self.files.items():
            write_atomically(folder / file, content)

    def _text(self, form: str) -> str:
        facts = {name: json.dumps(value) for name, value in self.about.items()}
        pictures = self.pictures or [Picture(png, name) for name, png in self.files.items()]
        titled = {
            f"{name} ({row.only})" if row.only else name: row for name, row in self.rows.items()
        }
        return TEMPLATES.get_template(f"report.{form}.jinja").render(
            report=self, facts=facts, rows=titled, table=self._table(titled), pictures=pictures
        )

    def _table(self, titled: Mapping[str, ReportRow]) -> list[Sequence[str]]:
        """The head, then the lines; empty where a row has not got a metric."""
        columns: list[Sequence[str]] = [("metric" if self.metrics_down else "row", *self.metrics)]
        for title, row in titled.items():
            texts = (
                row.metrics[name].text(metric.digits) if name in row.metrics else ""
                for name, metric in self.metrics.items()
            )
            columns.append((title, *texts))
        return [*zip(*columns, strict=True)] if self.metrics_down else columns
