"""The shipped bundle, slowed down to a model of the usual size: what serving costs beside it."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from service.model import bundle
from service.model.manifest import INVERSE_GRAPHICS
from service.settings import SHIPPED_BUNDLE
from tests.benchmarks.serving.graph import Builder
from tests.benchmarks.serving.wire import SIZE


def write_larger_bundle(folder: Path) -> Path:
    """A ResNet-18 for 128 px runs before the shipped inverse graphics network; none of its numbers
    count, so that meshes and textures, and what they cost, are those of the shipped bundle."""
    shutil.copytree(SHIPPED_BUNDLE, folder)
    manifest = bundle.load(SHIPPED_BUNDLE).manifest
    path = folder / f"{INVERSE_GRAPHICS}.onnx"
    model = onnx.load(path)
    builder, graph = Builder(), model.graph
    for name in ("confidences", "images"):
        assert name in {value.name for value in (*graph.input, *graph.output)}
    for node in graph.node:
        node.output[:] = ["unslowed" if name == "confidences" else name for name in node.output]
    scale = numpy_helper.from_array(
        np.float32([1, 1, SIZE / manifest.resolution, SIZE / manifest.resolution]), "enlarge"
    )
    none = numpy_helper.from_array(np.float32(0), "none_of_it")
    builder.node("Cast", ["images"], "resnet_numbers", to=TensorProto.FLOAT)
    builder.node("Transpose", ["resnet_numbers"], "resnet_planes", perm=[0, 3, 1, 2])
    builder.node("Resize", ["resnet_planes", "", "enlarge"], "resnet_large", mode="nearest")
    last = builder.resnet("resnet_large")
    builder.node("ReduceSum", [last, "resnet_axis"], "resnet_sum", keepdims=0)
    axis = numpy_helper.from_array(np.int64([1]), "resnet_axis")
    builder.node("Mul", ["resnet_sum", "none_of_it"], "resnet_nothing")
    builder.node("Add", ["unslowed", "resnet_nothing"], "confidences")
    graph.node.extend(builder.nodes)
    graph.initializer.extend([*builder.weights, scale, none, axis])
    onnx.checker.check_model(model)
    onnx.save(model, path)
    bundle.write_manifest(folder, manifest)
    return folder
