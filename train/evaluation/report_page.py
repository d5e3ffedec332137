"""The report as one page that needs nothing beside it: table, protocols, pictures."""

import base64
import html
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from train.data.held_out import HeldOut
from train.evaluation.benchmark import Measured
from train.evaluation.contact_sheet import GROUPS, best_middle_worst, strip
from train.evaluation.metrics import HEADLINE, METRICS, ROWS, Estimate, cell

SHOWN = 10
"""Objects shown of the best, of the middle and of the worst."""
TITLES = {"best": "Best", "middle": "Around the median", "worst": "Worst"}
"""Of the groups of pictures."""
SCORES_SHOWN = {
    "iou2d_novel30": 3, "iou2d_input": 3, "iou3d_canonical": 3, "fscore": 3, "psnr_novel": 1,
    "azimuth_degrees": 0,
}  # fmt: skip
"""Score -> digits, under each picture."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1500px; margin: 2em auto; padding: 0 1em;
  color: #1e1e1e; background: #fff }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: left; white-space: nowrap }
figure { margin: 0 0 1.2em }
figcaption { font-size: 13px; color: #444 }
img { max-width: 100% }
dt { font-family: monospace; margin-top: .5em }
"""


def page(
    metrics: Mapping[str, Mapping[str, Estimate]],  # title of the row -> figure -> estimate
    about: Mapping[str, Any],
    first: Measured,
    truth: HeldOut,
) -> str:
    """The HTML of a report; the pictures are of the first row."""
    facts = [[name, json.dumps(value)] for name, value in about.items()]
    table = [
        [name, *(cell(values[name], metric.digits) for values in metrics.values())]
        for name, metric in METRICS.items()
    ]
    # A title is the row's name, and how many objects it has where not all.
    meanings = _definitions({title: ROWS[title.partition(" (")[0]] for title in metrics})
    protocols = _definitions({name: metric.protocol for name, metric in METRICS.items()})
    return document(
        "Evaluation",
        table_of(["metric", *metrics], table)
        + "<p>In brackets: 95 % bootstrap interval over the objects.</p>"
        + f"<dl>{meanings}</dl>"
        + _pictures(first, truth)
        + f"<h2>What is measured</h2><dl>{protocols}</dl>"
        + "<h2>Of what</h2>"
        + table_of(["", ""], facts),
    )


def _definitions(texts: Mapping[str, str]) -> str:
    return "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in texts.items())


def document(title: str, body: str) -> str:
    """A whole page; the body is HTML already."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
    )


def table_of(heads: list[str], rows: list[list[str]]) -> str:
    """A table of texts, which are escaped."""
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    lines = (
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def picture(content: bytes, caption: str) -> str:
    """A JPEG inside the page, with the text under it, which is escaped."""
    data = base64.b64encode(content).decode("ascii")
    text = html.escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _pictures(measured: Measured, truth: HeldOut) -> str:
    """Best, middle and worst objects by the headline figure."""
    columns = " | ".join(GROUPS)
    parts = [f"<h2>Pictures</h2><p>By {HEADLINE}, from left to right: {columns}.</p>"]
    shown: set[str] = set()
    for group, number in best_middle_worst(getattr(measured.scores, HEADLINE), SHOWN):
        if group not in shown:
            parts.append(f"<h3>{TITLES[group]}</h3>")
            shown.add(group)
        scores = (
            f"{name} {np.asarray(getattr(measured.scores, name))[number]:.{digits}f}"
            for name, digits in SCORES_SHOWN.items()
        )
        caption = "  ".join([truth.names[number], *scores])
        parts.append(picture(strip(measured, truth, number), caption))
    return "".join(parts)
