"""The figures as Markdown."""

from collections.abc import Callable
from typing import NamedTuple

from tests.benchmarks.serving.servers import LITSERVE, OURS


class Goal(NamedTuple):
    """What a figure has to be."""

    name: str
    metric: Callable[[dict], float]
    """Raises `KeyError` where it was not measured."""
    least: float = 0.0
    most: float = float("inf")


GOALS = (
    Goal("share of bare at 32x1, 0.88 or more", lambda f: _share(f, "32x1"), least=0.88),
    Goal(
        "share of bare at 4x32, bytes, 0.98 or more",
        lambda f: _share(f, "4x32", f"{OURS}, bytes"),
        least=0.98,
    ),
    Goal("LitServe's CPU over this service's at 32x1, 1.3 or more", lambda f: _over(f), least=1.3),
    Goal(
        "JPEG to GLB over the bare graphs as large as a ResNet-18, 1.6 or less",
        lambda f: f["photographs"]["as ResNet-18"]["jpeg_to_glb_over_bare"],
        most=1.6,
    ),
    Goal(
        "idle service over its stages, 1.15 or less",
        lambda f: f["photographs"]["shipped"]["idle_over_stages"],
        most=1.15,
    ),
)


def as_markdown(metrics) -> str:
    """The tables, and which goals are met."""
    columns = (
        "images_per_second",
        "cpu_ms_per_image",
        "share_of_bare",
        "p50_ms",
        "p99_ms",
        "mean_batch",
    )
    lines = [f"| server, clients x images | {' | '.join(columns)} |"]
    lines += ["|---" * (1 + len(columns)) + "|"]
    for name, loads in metrics["raw"].items():
        for shape, found in loads.items():
            cells = " | ".join(f"{found[column]:.2f}" for column in columns)
            lines.append(f"| {name} {shape} | {cells} |")
    bundles = metrics.get("photographs", {})
    if bundles:
        lines += ["", f"| photographs of 1,024 px | {' | '.join(bundles)} |"]
        lines += ["|---" * (len(bundles) + 1) + "|"]
        for name in (name for name in next(iter(bundles.values())) if name != "loads"):
            cells = " | ".join(f"{found[name]:.2f}" for found in bundles.values())
            lines.append(f"| {name} | {cells} |")
        lines += _loads(bundles)
    if metrics["device"] != "cpu":  # the goals are of CPU time
        return "\n".join(lines) + "\n"
    lines += ["", "| goal | |", "|---|---|"]
    for goal in GOALS:
        try:
            metric = goal.metric(metrics)
        except KeyError:
            lines.append(f"| {goal.name} | not measured |")
            continue
        met = "met" if goal.least <= metric <= goal.most else "missed"
        lines.append(f"| {goal.name} | {met}: {metric:.2f} |")
    return "\n".join(lines) + "\n"


def _loads(bundles) -> list[str]:
    """A table per bundle, one column per load."""
    lines = []
    for name, found in bundles.items():
        if loads := found.get("loads"):
            lines += ["", f"| {name}, clients x photographs | {' | '.join(loads)} |"]
            lines += ["|---" * (len(loads) + 1) + "|"]
            for metric in dict.fromkeys(key for load in loads.values() for key in load):
                cells = [f"{load[metric]:.2f}" if metric in load else "" for load in loads.values()]
                lines.append(f"| {metric} | {' | '.join(cells)} |")
    return lines


def _share(metrics, shape, name=OURS):
    return metrics["raw"][name][shape]["share_of_bare"]


def _over(metrics):
    found = metrics["raw"]
    ours, theirs = (found[name]["32x1"] for name in (OURS, LITSERVE))
    return theirs["cpu_ms_per_image"] / ours["cpu_ms_per_image"]
