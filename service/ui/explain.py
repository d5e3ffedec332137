"""Tab Explain: the model that is served, what was measured of it, and what it cannot do."""

from collections.abc import Mapping
from typing import Any

from service.ui.tags import Tag

BEST = (
    "azimuth_acc30", "iou2d_input", "iou2d_novel30", "iou3d_canonical", "iou2d_segmenter",
    "azimuth_median_deg", "chamfer", "fscore", "psnr_input",
)  # fmt: skip
"""Metrics of a benchmark that are shown first; the others can be opened."""
LIMITS = (
    "It knows one category of objects. Others become a mesh too, but not one to trust.",
    "Sides that the photograph does not see are guesses.",
    "Meshes are smooth: thin parts and holes are closed, unless the model's template has them.",
    "Real sizes are not known. Files for printers take a length of your choice.",
    "Light and shadow of the photograph stay in the texture.",
)


NAMES = {
    "azimuth_acc30": "azimuth within 30°",
    "azimuth_flipped": "front and rear confused",
    "azimuth_median_deg": "azimuth error, median, degrees",
    "confidence_mean": "confidence, mean",
    "sure": "confidence over 0.9",
    "sure_right": "right among those",
    "iou2d_input": "silhouette IoU, the photograph's view",
    "iou2d_novel30": "silhouette IoU, new views",
    "iou3d_canonical": "volume IoU",
    "iou2d_segmenter": "mask IoU of the segmenter",
    "psnr_input": "PSNR, the photograph's view",
    "by_folds": "real photographs, by folds",
    "held_out": "real photographs, left out",
    "without_labels": "real photographs, no labels",
}
"""Names of measurements that are better said otherwise."""


class Explain:
    """Filled once the service has said what it serves."""

    def __init__(self) -> None:
        self._room = Tag("section").classes("explain").props('aria-label="Explain"')
        with self._room:
            Tag("p", "The service has not said yet what it serves.").classes("soft")

    def serve(self, model: dict[str, Any]) -> None:
        """Show an answer of /v1/model."""
        self._room.clear()
        with self._room:
            _served(model)
            _limits(model["manifest"], model["metrics"])
            for stage, measured in model["metrics"].items():
                if isinstance(measured, Mapping):
                    _stage(stage, measured)


def _served(model: dict[str, Any]) -> None:
    manifest, segmenter = model["manifest"], model["segmenter"]
    Tag("h2", f"The model: {manifest['category']}")
    with Tag("dl"):
        facts = {
            "Looks at": f"{manifest['resolution']} × {manifest['resolution']} pixels around the "
            "object",
            "Mesh": f"{manifest['vertex_count']} vertices, texture of "
            f"{manifest['texture_size'][1]} × {manifest['texture_size'][0]} texels before the "
            "photograph is painted on",
            "Finds objects with": f"{segmenter['kind']} segmenter, {segmenter['side']} px, "
            f"{segmenter['licence']}, from {segmenter['origin']}",
            "Licence": "; ".join(
                f"{what}: {text.rstrip('.')}" for what, text in model["licence"].items()
            ),
            "Runs on": ", ".join(sorted(set(model["providers"].values()))),
        }
        for name, value in facts.items():
            if value:
                Tag("dt", name)
                Tag("dd", str(value))
    if command := manifest.get("training_command"):
        with Tag("details"):
            Tag("summary", "The commands that trained it")
            Tag("p", command).classes("soft")


def _limits(manifest: dict[str, Any], metrics: dict[str, Any]) -> None:
    Tag("h2", "What it cannot do")
    with Tag("ul"):
        flipped = metrics.get("adaptation", {}).get("by_folds", {}).get("azimuth_flipped")
        if flipped is not None:
            Tag(
                "li",
                f"On {flipped:.0%} of the real photographs that it was tried on, by folds, it took "
                "the front for the rear.",
            )
        for name, (low, high) in _ranges(manifest):
            Tag(
                "li",
                f"Training saw cameras of {name} {low:g} to {high:g}; beyond, pictures get worse.",
            )
        for limit in LIMITS:
            Tag("li", limit)


def _ranges(manifest: dict[str, Any]) -> list[tuple[str, tuple[float, float]]]:
    ranges = manifest.get("camera_ranges") or {}
    return [
        (name.replace("_degrees", " in degrees").replace("_", " "), (pair[0], pair[1]))
        for name, pair in ranges.items()
        if isinstance(pair, list) and len(pair) == 2
    ]


def _stage(stage: str, measured: Mapping[str, Any]) -> None:
    rows = measured.get("rows")
    groups = {name: group for name, group in measured.items() if isinstance(group, Mapping)}
    counted = {name: group for name, group in groups.items() if "photographs" in group}
    if not isinstance(rows, Mapping) and not counted:
        return
    Tag("h2", f"Measured: {stage.replace('_', ' ')}")
    if isinstance(about := measured.get("about"), Mapping):
        said = (f"{_words(name)} {value}" for name, value in about.items())
        Tag("p", ", ".join(said)).classes("soft")
    if isinstance(rows, Mapping):
        _benchmark(rows, measured.get("definitions", {}), measured.get("row_definitions", {}))
        return
    columns = list(dict.fromkeys(key for group in counted.values() for key in group))
    body = [
        [_words(name), *(_number(g.get(key)) for key in columns)] for name, g in counted.items()
    ]
    _table(["", *map(_words, columns)], body, {})


def _benchmark(
    rows: Mapping[str, Any], definitions: Mapping[str, str], row_definitions: Mapping[str, str]
) -> None:
    names = list(dict.fromkeys(metric for row in rows.values() for metric in row))
    head = ["metric", *(_words(row) for row in rows)]
    titles = {_words(name): text for name, text in definitions.items()}
    first = [name for name in BEST if name in names] or names
    for group in (first, [name for name in names if name not in first]):
        body = [[_words(name), *(_value(row.get(name)) for row in rows.values())] for name in group]
        if group is first:
            _table(head, body, titles)
        elif body:
            with Tag("details"):
                Tag("summary", "All metrics")
                _table(head, body, titles)
    with Tag("dl"):
        for name, text in row_definitions.items():
            Tag("dt", _words(name))
            Tag("dd", text)


def _table(head: list[str], body: list[list[str]], titles: Mapping[str, str]) -> None:
    # Keyboards scroll it where it is wider than the screen.
    with Tag("div").classes("scroll").props('tabindex=0 role=region aria-label="Table"'):
        with Tag("table"):
            with Tag("thead"), Tag("tr"):
                for name in head:
                    Tag("th", name).props("scope=col")
            with Tag("tbody"):
                for row in body:
                    with Tag("tr"):
                        with Tag("th", row[0]).having(scope="row"):
                            if row[0] in titles:
                                Tag("div", titles[row[0]]).classes("soft")
                        for value in row[1:]:
                            Tag("td", value)


def _value(measured: Any) -> str:
    """`0.879 (0.874 to 0.884)`: with its interval where there is one."""
    if not isinstance(measured, Mapping):
        return _number(measured)
    low, high = _number(measured.get("low")), _number(measured.get("high"))
    interval = f" ({low} to {high})" if low and high else ""
    return _number(measured.get("value")) + interval


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))
