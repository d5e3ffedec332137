"""A bundle's network, and the bundle with another one in its place."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from service.model import bundle as bundles
from service.model.manifest import INVERSE_GRAPHICS, WEIGHTS_FILE, BundleError
from train.config import CommandError
from train.models.inverse_graphics import (
    InverseGraphics,
    load_inverse_graphics,
    save_inverse_graphics,
)
from train.models.serving_graphs import InverseGraphicsGraph
from train.running.provenance import training_command
from train.stages.export import refuse_differences, smallest_graph

PARITY_PHOTOGRAPHS = 16
TOLERANCE = 1e-3


class NotAdaptable(CommandError):
    """The bundle cannot be adapted; the message says why."""


def open_bundle(folder: Path) -> tuple[bundles.Bundle, InverseGraphics]:
    """The verified bundle and its network, in evaluation mode.

    Raises:
        NotAdaptable: it is no bundle, or brings no weights.
    """
    try:
        bundle = bundles.load(folder)
    except BundleError as error:
        raise NotAdaptable(str(error)) from error
    if WEIGHTS_FILE not in bundle.manifest.files:
        raise NotAdaptable(
            f"{folder} has no {WEIGHTS_FILE}, which its network is trained on from: export it "
            "again with python -m train.cycle --stages export"
        )
    return bundle, load_inverse_graphics(bundle.folder / WEIGHTS_FILE)


def write_adapted(
    out: Path,
    bundle: bundles.Bundle,
    network: InverseGraphics,
    images: NDArray[np.uint8],  # [N, R, R, 4]: cut-outs that the graph is compared with torch on
    adaptation: dict[str, Any],
) -> None:
    """Write the bundle with this network into `out`, atomically; `adaptation` goes into its
    manifest's metrics."""
    few = images[:PARITY_PHOTOGRAPHS]
    inputs = {
        "images": np.ascontiguousarray(few[..., :3]),
        "masks": few[..., 3].astype(np.float32) / 255,
    }
    torch.set_grad_enabled(False)
    graph = smallest_graph(INVERSE_GRAPHICS, InverseGraphicsGraph(network), inputs, TOLERANCE)
    refuse_differences({INVERSE_GRAPHICS: graph}, TOLERANCE)
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    manifest = bundle.manifest
    for name in manifest.files:
        if name.startswith(f"{INVERSE_GRAPHICS}_"):
            continue  # the network's other precisions
        (beside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.folder / name, beside / name)
    (beside / f"{INVERSE_GRAPHICS}.onnx").write_bytes(graph.model.SerializeToString())
    save_inverse_graphics(beside / WEIGHTS_FILE, network)
    bundles.write_manifest(
        beside,
        dataclasses.replace(
            manifest,
            training_command=f"{manifest.training_command}; {training_command()}",
            metrics={**manifest.metrics, "adaptation": adaptation},
            parity={**manifest.parity, INVERSE_GRAPHICS: graph.parity},
        ),
    )
    shutil.rmtree(out, ignore_errors=True)
    beside.rename(out)
