"""A bundle that can be adapted, and the bundle with another network in the place of one of its."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from service.model import bundle as bundles
from service.model.manifest import (
    HALF,
    INVERSE_GRAPHICS,
    MANIFEST_FILE,
    NEURAL_RENDERER,
    STYLEGAN_R,
    WEIGHTS_FILE,
    BundleError,
    Manifest,
)
from service.model.segmenter_choice import AUTO, SegmenterError, choose_segmenter
from train.adaptation.served import Segmenter
from train.config import CommandError
from train.models.inverse_graphics import (
    InverseGraphics,
    load_inverse_graphics,
    save_inverse_graphics,
)
from train.models.serving_graphs import (
    InverseGraphicsGraph,
    NeuralRendererGraph,
    StyleganRGraph,
)
from train.running.provenance import training_command
from train.stages.export import PARITY_IMAGES, refuse_differences, smallest_graph

TOLERANCE = 1e-3
"""Largest difference of any output between torch and ONNX Runtime, as of stage export."""
RENDERERS = {NeuralRendererGraph: NEURAL_RENDERER, StyleganRGraph: STYLEGAN_R}
"""Names of their files."""
EXPORT_AGAIN = "export it again with python -m train.cycle --stages export"


class NotAdaptable(CommandError):
    """The bundle cannot be adapted; the message says why."""


class Adaptable(NamedTuple):
    """A verified bundle, its network, and what finds the objects of photographs for it."""

    bundle: bundles.Bundle
    network: InverseGraphics
    """In evaluation mode."""
    segmenter: Segmenter
    segmenter_digest: str
    """Its kind and sha256."""

    @property
    def size(self) -> int:
        """R: side in pixels of what the network reads."""
        return self.network.shape.size

    @property
    def category(self) -> str:
        """What the bundle knows."""
        return self.bundle.manifest.category

    @property
    def digest(self) -> str:
        """sha256 of the network's weights."""
        return self.bundle.manifest.files[WEIGHTS_FILE]

    @property
    def about(self) -> dict[str, str]:
        """What an adapted bundle says of the one that it was made from."""
        return {"category": self.category, "weights_sha256": self.digest}


def open_bundle(folder: Path) -> Adaptable:
    """The verified bundle of a folder, to be adapted.

    Raises:
        NotAdaptable: it is no bundle, it brings no weights, or they are not those of its graph.
    """
    try:
        bundle = bundles.load(folder)
        chosen = choose_segmenter(AUTO, bundle)
    except (BundleError, SegmenterError) as error:
        raise NotAdaptable(str(error)) from error
    if WEIGHTS_FILE not in bundle.manifest.files:
        raise NotAdaptable(
            f"{folder} has no {WEIGHTS_FILE}, which its network is trained on from: {EXPORT_AGAIN}"
        )
    try:
        network = load_inverse_graphics(bundle.folder / WEIGHTS_FILE)
    except (RuntimeError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise NotAdaptable(
            f"{WEIGHTS_FILE} of {folder} is not of this version's network ({error}): {EXPORT_AGAIN}"
        ) from error
    if network.shape.size != bundle.manifest.resolution:
        raise NotAdaptable(
            f"{WEIGHTS_FILE} of {folder} reads {network.shape.size} px, the bundle "
            f"{bundle.manifest.resolution} px: they do not belong together, {EXPORT_AGAIN}"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = chosen.file.read(False)
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    segmenter = Segmenter(partial(_segment, session), chosen.side, chosen.stretched)
    return Adaptable(bundle, network, segmenter, f"{chosen.kind}, sha256 {chosen.sha256[:16]}")


def _segment(
    session: onnxruntime.InferenceSession, pixels: NDArray[np.uint8]
) -> NDArray[np.float32]:
    return np.asarray(session.run(["masks"], {"images": pixels[None]})[0])[0]


def has_bundle(folder: Path) -> bool:
    """Whether a folder holds a bundle that has been written to its end."""
    return (folder / MANIFEST_FILE).is_file()


def write_adapted(
    out: Path,
    adaptable: Adaptable,
    network: InverseGraphics,
    images: NDArray[np.uint8],  # [N, R, R, 4]: cut-outs that the graph is compared with torch on
    adaptation: dict[str, Any],
) -> None:
    """Write the bundle with this network into `out`, atomically; `adaptation` goes into its
    manifest's metrics.

    Raises:
        ExportError: the graph is not the network.
    """
    manifest = adaptable.bundle.manifest
    half = f"{INVERSE_GRAPHICS}{HALF}"
    changed = (WEIGHTS_FILE, f"{INVERSE_GRAPHICS}.onnx", f"{half}.onnx")
    with _copied(adaptable.bundle, out, changed) as beside:
        save_inverse_graphics(beside / WEIGHTS_FILE, network)
        # The graph is that of the file: its weights were rounded to half precision.
        saved = InverseGraphicsGraph(load_inverse_graphics(beside / WEIGHTS_FILE))
        parity = _write_graph(beside, INVERSE_GRAPHICS, saved, _examples(images))
        others = {name: one for name, one in manifest.parity.items() if name != half}
        _seal(beside, manifest, others | parity, {"adaptation": adaptation})


def open_any(folder: Path) -> bundles.Bundle:
    """The verified bundle of a folder.

    Raises:
        NotAdaptable: it is no bundle.
    """
    try:
        return bundles.load(folder)
    except BundleError as error:
        raise NotAdaptable(str(error)) from error


def write_redrawn(
    out: Path,
    bundle: bundles.Bundle,
    graph: NeuralRendererGraph | StyleganRGraph,
    examples: dict[str, NDArray[Any]],  # its inputs, that the graph is compared with torch on
    facts: dict[str, Any],
) -> None:
    """Write the bundle with this renderer into `out`, atomically; `facts` go into its manifest's
    metrics.

    Raises:
        ExportError: the graph is not the network.
    """
    name = RENDERERS[type(graph)]
    half = f"{name}{HALF}"
    with _copied(bundle, out, (f"{name}.onnx", f"{half}.onnx")) as beside:
        parity = _write_graph(beside, name, graph, examples)
        others = {key: one for key, one in bundle.manifest.parity.items() if key != half}
        _seal(beside, bundle.manifest, others | parity, facts)


@contextlib.contextmanager
def _copied(bundle: bundles.Bundle, out: Path, changed: Sequence[str]) -> Iterator[Path]:
    """A copy of all other files beside `out`, which takes its place at the end."""
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    for name in set(bundle.manifest.files) - set(changed):
        (beside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.folder / name, beside / name)
    yield beside
    shutil.rmtree(out, ignore_errors=True)
    beside.rename(out)


def _write_graph(
    beside: Path, name: str, module: nn.Module, examples: dict[str, NDArray[Any]]
) -> dict[str, dict[str, float]]:
    """Write one graph; returns its parity."""
    graph = smallest_graph(name, module, examples, TOLERANCE)
    refuse_differences({name: graph}, TOLERANCE)
    (beside / f"{name}.onnx").write_bytes(graph.model.SerializeToString())
    return {name: graph.parity}


def _seal(
    beside: Path,
    manifest: Manifest,
    parity: dict[str, Any],
    metrics: dict[str, Any],
) -> None:
    command = f"{manifest.training_command}; {training_command()}"
    metrics = {**manifest.metrics, **metrics}
    bundles.write_manifest(
        beside,
        dataclasses.replace(manifest, training_command=command, metrics=metrics, parity=parity),
    )


def _examples(images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Some cut-outs, again and again where there are few, as the graph takes them."""
    some = images[np.arange(PARITY_IMAGES) % len(images)]
    return {
        "images": np.ascontiguousarray(some[..., :3]),
        "masks": some[..., 3].astype(np.float32) / 255,
    }
