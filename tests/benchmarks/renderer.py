"""DIB-R against other ways to draw: time and memory, interleaved in one process.

    python -m tests.benchmarks.renderer --out build/benchmarks
    python -m tests.benchmarks.renderer --sizes 64 --faces 1280 --repeats 20 --threads 2

Writes renderer.json and renderer.md. Times are medians: CPU time of the process on a CPU, wall
time on a GPU. `ratio` is a contestant's time over that of our fastest backend for the same
picture. PyTorch3D and kaolin take part where they can be imported. Without PyTorch3D the dense
`reference` does, where it fits into memory: it draws one image, and its time counts by the batch.
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.contestants import Contestant, contestants
from tests.benchmarks.measure import interleaved, median, peak_mebibytes
from tests.benchmarks.scenes import LEVELS, Scene, scene

OURS = ("kaolin", "triton", "numba")


def cell(who: Contestant, drawn: Scene, backward: bool) -> None:
    """One call."""
    with torch.set_grad_enabled(backward):
        total = who.draw(drawn)
    if backward:
        drawn.vertices_image.grad = None
        total.backward()


def measure(
    options: argparse.Namespace, device: torch.device, about: dict[str, Any]
) -> list[dict[str, Any]]:
    """A row per picture, direction and contestant; each is written as soon as it is there."""
    rows = []
    for who in contestants(device):  # compiled code is loaded, or compiled
        cell(who, scene(min(LEVELS), 16, 1, device), backward=True)
    for faces in options.faces:
        for size in options.sizes:
            drawn = scene(faces, size, options.batch, device)
            for soft in (False, True):
                able = [w for w in contestants(device) if w.soft == soft and w.fits(drawn)]
                for backward in (False, True):
                    found = _compare(able, drawn, backward, options, device)
                    about = {"faces": faces, "size": size, "soft": soft, "backward": backward}
                    rows += [{**about, **row} for row in found]
                    write(options.out, rows, about)
    return rows


def _compare(
    able: list[Contestant],
    drawn: Scene,
    backward: bool,
    options: argparse.Namespace,
    device: torch.device,
) -> list[dict[str, Any]]:
    runs = [lambda who=who: cell(who, drawn, backward) for who in able]
    found = interleaved(runs, device, options.repeats, options.patience)
    shares = [options.batch if who.draws_one else 1 for who in able]
    times = [median(t) * share for t, share in zip(found, shares, strict=True)]
    peaks = [peak_mebibytes(run, device) for run in runs]
    fastest = min(t for who, t in zip(able, times, strict=True) if who.name in OURS)
    return [
        {"contestant": who.name, "ms": 1e3 * took, "ratio": took / fastest, "mebibytes": peak}
        for who, took, peak in zip(able, times, peaks, strict=True)
    ]


def table(rows: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """Markdown: a line per picture and direction, a column per contestant."""
    names = list(dict.fromkeys(row["contestant"] for row in rows))
    facts = ", ".join(f"{name} {value}" for name, value in about.items())
    lines = [facts, "", f"| faces | px | | {' | '.join(names)} |"]
    lines.append("|" + "---|" * (3 + len(names)))
    cells: dict[tuple, dict[str, str]] = {}
    for row in rows:
        kind = ("soft" if row["soft"] else "hard") + (", backward" if row["backward"] else "")
        key = (row["faces"], row["size"], kind)
        memory = "" if row["mebibytes"] is None else f", {row['mebibytes']:.0f} MiB"
        text = f"{row['ms']:.3g} ms ({row['ratio']:.3g}×{memory})"
        cells.setdefault(key, {})[row["contestant"]] = text
    for key, found in cells.items():
        line = " | ".join(found.get(name, "") for name in names)
        lines.append(f"| {key[0]:,} | {key[1]} | {key[2]} | {line} |")
    return "\n".join(lines) + "\n"


def write(folder: Path, rows: list[dict[str, Any]], about: dict[str, Any]) -> None:
    """Both files, anew."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "renderer.json").write_text(json.dumps({"about": about, "rows": rows}, indent=1))
    (folder / "renderer.md").write_text(table(rows, about))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--faces", type=int, nargs="+", default=list(LEVELS), choices=LEVELS)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--patience", type=float, default=20.0, help="seconds per contestant")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    about = {
        "batch": options.batch,
        "threads": options.threads,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "torch": torch.__version__,
    }
    print(table(measure(options, device, about), about))


def _processor() -> str:
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
