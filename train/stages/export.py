"""Export: the newest round's networks as the bundle that the service loads.

    python -m train.cycle --stages export

Writes `bundle/`: three ONNX graphs, the template, samples and the manifest. Every graph is compared
with torch on real images at batch 1, 3 and 8; one that differs by more than `export.tolerance` is
refused with the report. Weights are stored in half precision where parity allows it.
"""

import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from torch import nn

from graphics.camera import CONVENTION
from graphics.mesh import save_template
from service.model import bundle
from train.config import CHECKPOINT, PROCEDURAL, Config, ExportConfig
from train.data.samples import (
    write_folder_samples,
    write_generated_samples,
    write_procedural_samples,
)
from train.models.inverse_graphics import InverseGraphics, load_inverse_graphics
from train.models.onnx_files import Arrays, as_arrays, export_graph, halve_weights, parity
from train.models.segmenter import OnnxSegmenter, load_segmenter
from train.models.serving_graphs import InverseGraphicsGraph, SegmenterGraph, StyleganRGraph
from train.models.stylegan_r import load_stylegan_r
from train.running.progress import Progress
from train.running.provenance import training_command
from train.running.workspace import Workspace, WorkspaceError

PARITY_IMAGES = 16
"""Real photographs that every graph is compared on."""
HALF_FROM = (256, 16_384)
"""Weights of at least this many numbers are stored as float16; tried in turn, then none are."""
PACKAGES = ("torch", "numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "bentoml", "numba")


class ExportError(WorkspaceError):
    """The bundle is refused; the message says which output is off and by how much."""


class Exported(NamedTuple):
    """One graph, compared with its network."""

    model: onnx.ModelProto
    parity: dict[str, float]
    """Output -> largest absolute difference."""
    half_from: int | None
    """Weights of at least this many numbers are float16; None: all are float32."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Write the bundle of `round`; nothing is left where a graph is refused."""
    folder = workspace.stage("export")
    folder.start(config.export)
    progress = Progress(workspace, "export", len(bundle.GRAPHS), round)
    network = load_inverse_graphics(
        workspace.stage("inverse", round).require("inverse_graphics.safetensors")
    )
    graphs = _exported_graphs(config.export, workspace, round, network)
    for number, (name, graph) in enumerate(graphs.items()):
        progress.tick(number + 1, **{f"{name}_{key}": v for key, v in graph.parity.items()})
    beside = folder.path / f".bundle.{os.getpid()}.part"
    try:
        _write_samples(beside / bundle.SAMPLES_FOLDER, config, workspace)
        _write_files(beside, network, graphs)
        metrics = _metrics(config, workspace, round)
        bundle.write_manifest(beside, _manifest(config, network, graphs, metrics))
        shutil.rmtree(folder.path / "bundle", ignore_errors=True)
        beside.rename(folder.path / "bundle")
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    facts = {"round": round, **_facts(folder.path / "bundle", graphs)}
    if config.export.register:
        from service.model.store import register  # BentoML takes a second to import

        facts["registered"] = register(folder.path / "bundle")
    folder.finish(**facts)


def _metrics(config: Config, workspace: Workspace, round: int) -> dict[str, Any]:
    """Metrics of the networks and the versions of what made them, for the manifest."""
    report = json.loads(workspace.stage("evaluate", round).require("report.json").read_text())
    report.pop("photographs", None)  # per photograph: of no use to a client
    training = {
        "preset": config.preset,
        "seed": config.seed,
        "round": round,
        "packages": _versions(),
    }
    return {"evaluate": report, "training": training}


def _facts(written: Path, graphs: dict[str, Exported]) -> dict[str, Any]:
    """Facts of the bundle in the folder `written`, read as the service reads it."""
    loaded = bundle.load(written)
    return {
        "bytes": sum((loaded.folder / name).stat().st_size for name in loaded.manifest.files),
        "parity": {name: graph.parity for name, graph in graphs.items()},
        "half_from": {name: graph.half_from for name, graph in graphs.items()},
    }


def _exported_graphs(
    settings: ExportConfig, workspace: Workspace, round: int, network: InverseGraphics
) -> dict[str, Exported]:
    """The three graphs of a bundle, in its order, each within the tolerance or refused."""
    segmenter = load_segmenter(workspace.stage("segmenter").path)
    stylegan_r = load_stylegan_r(
        workspace.stage("disentangle", round).require("stylegan_r.safetensors")
    )
    modules = {
        bundle.SEGMENTER: SegmenterGraph(segmenter),
        bundle.INVERSE_GRAPHICS: InverseGraphicsGraph(network),
        bundle.STYLEGAN_R: StyleganRGraph(stylegan_r),
    }
    inputs = parity_inputs(workspace, modules)
    given = None
    if isinstance(segmenter, OnnxSegmenter):
        given = onnx.load(workspace.stage("segmenter").path / "segmenter.onnx")
    graphs = {}
    for name, module in modules.items():
        if name == bundle.SEGMENTER and given is not None:
            graphs[name] = Exported(given, parity(module, given, inputs[name]), None)
        else:
            graphs[name] = smallest_graph(name, module, inputs[name], settings.tolerance)
    refuse_differences(graphs, settings.tolerance)
    return graphs


@torch.no_grad()
def parity_inputs(workspace: Workspace, modules: Mapping[str, nn.Module]) -> dict[str, Arrays]:
    """Inputs that each graph is compared on: photographs of the run and predictions from them."""
    path = workspace.stage("photographs").require("images.npy")
    images = np.load(path, mmap_mode="r", allow_pickle=False)[:PARITY_IMAGES].copy()
    (masks,) = as_arrays(modules[bundle.SEGMENTER](torch.from_numpy(images)))
    vertices, textures, cameras, _ = as_arrays(
        modules[bundle.INVERSE_GRAPHICS](torch.from_numpy(images), torch.from_numpy(masks))
    )
    backgrounds = np.where(masks[..., None] > 0.5, np.uint8(128), images)
    return {
        bundle.SEGMENTER: {"images": images},
        bundle.INVERSE_GRAPHICS: {"images": images, "masks": masks},
        bundle.STYLEGAN_R: {
            "cameras": cameras,
            "vertices": vertices,
            "textures": np.ascontiguousarray(textures),
            "backgrounds": backgrounds,
        },
    }


def smallest_graph(name: str, module: nn.Module, inputs: Arrays, tolerance: float) -> Exported:
    """The graph with as many half-precision weights as the tolerance allows."""
    examples = {key: torch.from_numpy(values[:2]) for key, values in inputs.items()}
    outputs = [tensor.name for tensor in bundle.GRAPHS[name].outputs]
    model = export_graph(module, examples, outputs)
    for half_from in HALF_FROM:
        halved = halve_weights(model, half_from)
        if halved.ByteSize() >= model.ByteSize():
            continue  # it has no weights of that size
        differences = parity(module, halved, inputs)
        if max(differences.values()) <= tolerance:
            return Exported(halved, differences, half_from)
    return Exported(model, parity(module, model, inputs), None)


def refuse_differences(graphs: Mapping[str, Exported], tolerance: float) -> None:
    """Raise `ExportError` with the whole report where any output is off by more."""
    differences = {
        f"{name}.{output}": difference
        for name, graph in graphs.items()
        for output, difference in graph.parity.items()
    }
    if all(difference <= tolerance for difference in differences.values()):
        return
    report = ", ".join(
        f"{output} {difference:.2e}{'' if difference <= tolerance else ' REFUSED'}"
        for output, difference in differences.items()
    )
    raise ExportError(
        f"torch and ONNX Runtime differ by more than {tolerance:g}: {report}; no bundle was "
        "written, the graphs are not the trained networks"
    )


def _write_files(folder: Path, network: InverseGraphics, graphs: Mapping[str, Exported]) -> None:
    """Everything in a bundle but samples and manifest."""
    for name, graph in graphs.items():
        (folder / f"{name}.onnx").write_bytes(graph.model.SerializeToString())
    save_template(folder / bundle.TEMPLATE_FILE, network.template)


def _write_samples(folder: Path, config: Config, workspace: Workspace) -> None:
    folder.mkdir(parents=True)
    count, size = config.export.samples, config.export.sample_size
    source = config.photographs.source
    if source == PROCEDURAL:
        write_procedural_samples(folder, count, size)
    elif source == CHECKPOINT:
        images = workspace.stage("photographs").require("images.npy")
        write_generated_samples(folder, np.load(images, mmap_mode="r"), count)
    else:
        write_folder_samples(folder, Path(source), count, size)


def _manifest(
    config: Config,
    network: InverseGraphics,
    graphs: Mapping[str, Exported],
    metrics: Mapping[str, Any],
) -> bundle.Manifest:
    side = network.shape.texture_size
    return bundle.Manifest(
        category=config.export.category,
        resolution=network.shape.size,
        texture_size=(side, 2 * side),
        vertex_count=len(network.template.vertices),
        camera_convention=CONVENTION,
        training_command=training_command(),
        hardware=_hardware(),
        metrics=metrics,
        parity={name: graph.parity for name, graph in graphs.items()},
        licence=_licence(config),
    )


def _licence(config: Config) -> dict[str, str]:
    known = {
        PROCEDURAL: "Apache-2.0",
        CHECKPOINT: "unknown: generated by an imported StyleGAN2",
    }
    default = known.get(config.photographs.source, "unknown: the user's photographs")
    data = config.export.data_licence or default
    return {"data": data, "weights": config.export.weights_licence or f"as the data: {data}"}


def _hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # `onnxruntime` and `onnxruntime-gpu` exclude each other
    return versions
