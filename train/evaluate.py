"""Measure a bundle as it is served, or a generator, with the benchmarks that measured the training.

    python -m train.evaluate objects
    python -m train.evaluate objects procedural:1000 --bundle runs/cpu/export/bundle
    python -m train.evaluate objects scans/ --up z --front -y --views 24 --out report
    python -m train.evaluate fused procedural:50
    python -m train.evaluate photos snapshots/ --masks cutouts/
    python -m train.evaluate generator shipped --out build/generator
    python -m train.evaluate disentangled shipped runs/cpu/export/bundle

`objects`: the ONNX graphs of the bundle read photographs of objects that no training saw, rendered
from known cameras before varied scenes, so that the ground truth is exact. Rows beside the bundle:

    refined            its predictions after test-time steps, with --refine-steps 40
    oracle             its template fitted to the ground truth of the first objects
    mean_prediction    the mean of what it predicts, at each photograph's predicted camera
    nearest_training   the training object whose photograph is most alike
    single_view        a network trained on single views, with --single-view FILE

Writes `report.json` (every metric by its name), `report.md`, `report.html` (with pictures of the
best, the median and the worst), `objects.json` (every object's scores), `contact_sheet.png` and
`azimuth_errors.png` into `--out`, and prints the table.

`fused`: one, two and four photographs of each object, see `train.evaluation.fused_benchmark`. It
writes `fused.json`, `fused.md`, `fused.html` and `meshes.png`.

`photos`: see `train.evaluation.photo_benchmark`. `generator`: its images are made smaller to the
64 px that the attribute classifier reads; writes `generator.json`, `generator.md` and `grid.png`.
`disentangled`: what StyleGAN-R and the graphics renderer keep where camera, shape, texture or
background are exchanged, see `train.evaluation.disentangled_benchmark`; writes `disentangled.json`,
`disentangled.md` and a sheet of pictures for each renderer.

Exit status: 0 done, 2 an argument, the bundle, the objects or the generator cannot be used.
"""

import importlib
import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from tyro.conf import subcommand

from train.config.command_line import finish, outcome, parse
from train.evaluation.options import Disentangled, Fused, Generator, Objects, Photos

Command = (
    Annotated[Objects, subcommand("objects")]
    | Annotated[Fused, subcommand("fused")]
    | Annotated[Photos, subcommand("photos")]
    | Annotated[Generator, subcommand("generator")]
    | Annotated[Disentangled, subcommand("disentangled")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return finish("train.evaluate", *outcome(partial(_command, arguments), OSError))


def _command(arguments: Sequence[str] | None) -> None:
    options = parse(Command, arguments, "train.evaluate", __doc__)
    options.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said at once
    # It brings torch and numba, which a refused argument does not wait for.
    print(importlib.import_module("train.evaluation.measuring").evaluate(options))
    print(f"report: {options.out / options.report_name}.html; open it in a browser")


if __name__ == "__main__":
    sys.exit(main())
