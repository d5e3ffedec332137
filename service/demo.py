"""The whole service on a bundle's sample photographs, as a client sees it.

    python -m service.demo --bundle service/shipped/vehicles --out build/demo

Starts `bentoml serve`, posts the photographs as one batch, writes one textured .glb each,
`contact_sheet.png` (photograph | mask | re-render | four turned views) and `report.json`, and
stops the service.
"""

import base64
import io
import json
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import tyro
from PIL import Image

from graphics.image_files import MOST_PIXELS, WHOLE, read_upright
from graphics.sheet import Row, Style, png_of, sheet_of
from service.process import ServerError, serving
from service.settings import SHIPPED_BUNDLE

AZIMUTHS_DEGREES = (45, 135, 225, 315)
ELEVATION_DEGREES = 15
VIEW_SIZE = 256
TITLES = (["photograph"], ["mask", "re-render"], [f"{azimuth}°" for azimuth in AZIMUTHS_DEGREES])
STYLE = Style(cell=176, gap=6, group_gap=26, margin=28)
TIMEOUT_SECONDS = 300
UNUSABLE = 2


@dataclass(frozen=True)
class Options:
    """The command line."""

    photographs: Annotated[
        tyro.conf.Positional[tuple[Path, ...]],
        tyro.conf.arg(metavar="PHOTO ...", help_behavior_hint=""),
    ] = ()
    """JPEG, PNG, WebP, GIF, HEIC or AVIF files; default: the bundle's samples."""
    bundle: str = str(SHIPPED_BUNDLE)
    """A bundle's folder or bentomodel:<tag>."""
    out: Path = Path("build/demo")
    """The folder to write to."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns its exit status.

    0: every photograph became a mesh; 1: some did not; 2: the bundle, a file or the folder cannot
    be used.
    """
    options = tyro.cli(
        Options,
        args=arguments,
        prog="python -m service.demo",
        description=(__doc__ or "").split("\n\n")[0],
    )
    from service.model import bundle  # for which --help does not wait
    from service.model.manifest import BundleError

    try:
        folder = bundle.resolve(options.bundle)
        photographs = list(options.photographs) or bundle.load(folder).samples()
        if missing := [str(path) for path in photographs if not path.is_file()]:
            raise FileNotFoundError(f"{', '.join(missing)}: no such file")
        report = run(folder, photographs, options.out)
    except (BundleError, OSError, ServerError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return UNUSABLE
    return 0 if report["failed"] == 0 else 1


def run(folder: Path, photographs: list[Path], out: Path) -> dict[str, Any]:
    """Serve the bundle in `folder`, post the photographs, write everything into `out`."""
    if not photographs:
        raise ServerError(f"{folder} has no samples: name photographs on the command line")
    out.mkdir(parents=True, exist_ok=True)
    settings = {"INVERSE_GRAPHICS_BUNDLE": str(folder)}
    with tempfile.TemporaryDirectory() as home, serving(Path(home), settings) as served:
        print(f"serving {folder} after {served.seconds_to_ready:.1f} s")
        with httpx.Client(base_url=served.address, timeout=TIMEOUT_SECONDS) as client:
            model = client.get("/v1/model").raise_for_status().json()
            entries, seconds = _post(client, photographs)
            fine = [entry for entry in entries if entry["status"] == "ok"]
            turned = [_turned(client, photographs[entry["index"]]) for entry in fine]
        seconds_to_ready = served.seconds_to_ready
    results = _write_meshes(entries, photographs, out)
    if rows := [_row(*one, photographs) for one in zip(fine, turned, strict=True)]:
        (out / "contact_sheet.png").write_bytes(png_of(sheet_of(rows, TITLES, STYLE)))
    report = {
        "category": model["manifest"]["category"],
        "providers": model["providers"],
        "machine": platform.platform(),
        "succeeded": len(fine),
        "failed": len(entries) - len(fine),
        "seconds_to_ready": round(seconds_to_ready, 3),
        "seconds_for_the_batch": round(seconds, 3),
        "photographs": results,
    }
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(
        f"{len(fine)} of {len(entries)} photographs became meshes in {seconds:.2f} s: "
        f"see {out}/contact_sheet.png"
    )
    return report


def _post(client: httpx.Client, photographs: list[Path]) -> tuple[list[dict[str, Any]], float]:
    """The entries of the answer, and the seconds of the batch."""
    files = [("images", (path.name, path.read_bytes())) for path in photographs]
    start = time.monotonic()
    answer = client.post("/v1/reconstruct", files=files, data={"format": "glb", "preview": "true"})
    seconds = time.monotonic() - start
    if "images" not in answer.json():
        raise ServerError(f"the service refused the batch: {answer.text}")
    return answer.json()["images"], seconds


def _turned(client: httpx.Client, photograph: Path) -> list[Image.Image]:
    """One object from four sides, by a second request that takes it from the photograph."""
    image = base64.b64encode(photograph.read_bytes()).decode("ascii")
    cameras = [
        {"azimuth_degrees": azimuth, "elevation_degrees": ELEVATION_DEGREES}
        for azimuth in AZIMUTHS_DEGREES
    ]
    wanted = {"reconstruction": {"image": image}, "cameras": cameras, "size": VIEW_SIZE}
    answer = client.post("/v1/render", json=wanted)
    return [_image(text) for text in answer.raise_for_status().json()["images"]]


def _write_meshes(
    entries: list[dict[str, Any]], photographs: list[Path], out: Path
) -> list[dict[str, Any]]:
    results = []
    for entry, path in zip(entries, photographs, strict=True):
        result = {key: entry[key] for key in ("name", "status", "timings")}
        if entry["status"] == "ok":
            file = out / f"{path.stem}.glb"
            file.write_bytes(base64.b64decode(entry["mesh"]["data"]))
            result |= {"mesh": file.name, "camera": entry["camera"]}
            result |= {key: entry[key] for key in ("rerender_iou", "confidence", "quality_flags")}
        else:
            result["error"] = entry["error"]
            print(f"{entry['name']}: {entry['error']['message']}", file=sys.stderr)
        results.append(result)
    return results


def _row(entry: dict[str, Any], turned: list[Image.Image], photographs: list[Path]) -> Row:
    """One entry's row of the contact sheet; `turned`: the views from four sides."""
    azimuth, iou = entry["camera"]["azimuth_degrees"], entry["rerender_iou"]
    found = [_image(entry["mask"]), _image(entry["preview"])]
    captions = [entry["name"], f"azimuth {azimuth:.0f}°  IoU {iou:.2f}"]
    framed = _framed(photographs[entry["index"]], entry["frame"])
    return Row([[framed], found, turned], captions=captions)


def _framed(path: Path, frame: dict[str, float]) -> Image.Image:
    """The square of the photograph that the service looked at."""
    upright, _ = read_upright(path.read_bytes(), WHOLE, MOST_PIXELS)
    left, top, side = (round(frame[key]) for key in ("left", "top", "side"))
    return upright.convert("RGBA").crop((left, top, left + side, top + side))


def _image(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


if __name__ == "__main__":
    sys.exit(main())
