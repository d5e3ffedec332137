"""Measure a bundle, as it is served, with the instrument that measured the training.

    python -m train.evaluate
    python -m train.evaluate --bundle runs/cpu/export/bundle --objects 1000 --out build/large
    python -m train.evaluate --generator shipped --out build/generator

The ONNX graphs of the bundle read photographs of procedural vehicles that no training saw. Writes
`report.json`, `report.md`, `objects.json`, `contact_sheet.png` and `azimuth_errors.png` into
`--out` and prints the table. The floor beside it, `mean_prediction`, is the mean of what the bundle
predicts for these photographs, at each photograph's predicted camera.

With `--generator`, a file of stage gan or `shipped`, measures that instead: how well it holds the
camera and the object (`generator.json`, `generator.md`, `grid.png`).

Exit status: 0 done, 2 an argument, the bundle or the generator cannot be used.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from graphics.mesh import load_template
from train.config import EvaluateConfig
from train.data.held_out import held_out
from train.data.vehicles import HELD_OUT_SEED
from train.generator_report import SHIPPED_GENERATOR, report_generator
from train.instrument import BATCH, ConstantShape, Predicted, measure
from train.models.weights import WeightsError
from train.report import write_report
from train.workspace import WorkspaceError

UNUSABLE = 2
"""Exit status; see the module's docstring."""
SHIPPED = Path(__file__).resolve().parents[1] / "service" / "shipped" / "vehicles"
"""The bundle that comes with the source."""
CATEGORY = "vehicles"
"""The only one there are held-out objects of."""


class EvaluationError(ValueError):
    """An argument or the bundle cannot be used; the message says why and what to do."""


class BundlePredictor:
    """The segmenter and the inverse graphics network of a bundle, in ONNX Runtime."""

    def __init__(self, folder: Path) -> None:
        try:
            manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
            self.resolution = int(manifest["resolution"])
            self.category = str(manifest["category"])
            self.template = load_template(folder / "template.npz")
        except (OSError, ValueError, KeyError) as error:
            raise EvaluationError(
                f"{folder} is not a readable bundle ({error!r}): give one with --bundle, or make "
                "one with python -m train.cycle"
            ) from error
        self.segmenter = _session(folder / "segmenter.onnx")
        self.inverse_graphics = _session(folder / "inverse_graphics.onnx")

    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        images = np.ascontiguousarray(images)
        (masks,) = self.segmenter.run(["masks"], {"images": images})
        outputs = ["vertices", "textures", "cameras", "confidences"]
        given = {"images": images, "masks": masks}
        return Predicted(masks, *self.inverse_graphics.run(outputs, given))


def mean_prediction(predictor: BundlePredictor, images: NDArray[np.uint8]) -> ConstantShape:
    """The floor: what the bundle predicts on average, whatever the photograph."""
    vertices, texture = 0.0, 0.0
    for start in range(0, len(images), BATCH):
        read = predictor.predict(images[start : start + BATCH])
        vertices = vertices + read.vertices.sum(axis=0, dtype=np.float64)
        texture = texture + read.textures.sum(axis=0, dtype=np.float64)
    return ConstantShape(predictor, vertices / len(images), texture / len(images))


def evaluate(bundle: Path, objects: int, view_count: int, out: Path) -> str:
    """Measure a bundle, write the report, return its Markdown."""
    if objects < 1 or view_count < 1:
        raise EvaluationError(f"--objects {objects} --views {view_count}: at least 1 of each")
    predictor = BundlePredictor(bundle)
    if predictor.category != CATEGORY:
        raise EvaluationError(
            f"{bundle} knows {predictor.category!r}; there are held-out objects of {CATEGORY} only"
        )
    began = time.monotonic()
    truth = held_out(objects, view_count, predictor.resolution)
    rows = {
        "bundle": measure(predictor, truth),
        "mean_prediction": measure(mean_prediction(predictor, truth.images), truth),
    }
    about = {
        "bundle": bundle.name,
        "held_out_seed": HELD_OUT_SEED,
        "seconds": round(time.monotonic() - began, 1),
    }
    write_report(out, rows, truth, about)
    return (out / "report.md").read_text()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    defaults = EvaluateConfig()
    parser = argparse.ArgumentParser(
        prog="python -m train.evaluate", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--bundle", type=Path, default=SHIPPED, help="default: the shipped one")
    parser.add_argument(
        "--objects", type=int, default=defaults.objects, help="default: %(default)s"
    )
    parser.add_argument(
        "--views",
        type=int,
        default=defaults.views,
        help="novel views of each; default: %(default)s",
    )
    parser.add_argument("--generator", metavar="shipped|FILE", help="measure this instead")
    out = Path("build/report")
    parser.add_argument("--out", type=Path, default=out, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        if options.generator:
            shipped = options.generator == "shipped"
            path = SHIPPED_GENERATOR if shipped else Path(options.generator)
            text = report_generator(path, options.out)
        else:
            text = evaluate(options.bundle, options.objects, options.views, options.out)
    except (EvaluationError, WeightsError, WorkspaceError, OSError) as error:
        print(f"train.evaluate: {error}", file=sys.stderr)
        return UNUSABLE
    print(text)
    return 0


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base but Exception
        raise EvaluationError(
            f"{path} does not open in ONNX Runtime: {error}: export the bundle again"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
