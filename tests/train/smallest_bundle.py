"""The smallest real bundle: every photograph is a ball, as large and bright as its mask's mean."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from graphics.azimuth import BINS
from graphics.mesh import save_template, sphere_template

SIZE = 32
TEMPLATE = sphere_template(2)


def graph(path: Path, nodes: list, tensors: tuple[list, list], constants: dict) -> None:
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, path.stem, *tensors, initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def value(name: str, kind: int, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", *shape])


IMAGES = value("images", TensorProto.UINT8, SIZE, SIZE, 3)
MASKS = value("masks", TensorProto.FLOAT, SIZE, SIZE)


def write_bundle(folder: Path) -> Path:
    """All that a predictor opens, in an existing folder; returns it."""
    (folder / "manifest.json").write_text(json.dumps({"category": "vehicles", "resolution": SIZE}))
    save_template(folder / "template.npz", TEMPLATE)
    write_segmenter(folder)
    write_inverse_graphics(folder)
    return folder


def write_segmenter(folder: Path) -> None:
    node = helper.make_node
    graph(
        folder / "segmenter.onnx",
        [
            node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
            node("Mul", ["floats", "scale"], ["scaled"]),
            node("ReduceMax", ["scaled"], ["masks"], axes=[3], keepdims=0),
        ],
        ([IMAGES], [MASKS]),
        {"scale": np.array(1 / 255, np.float32)},
    )


def write_inverse_graphics(folder: Path) -> None:
    node = helper.make_node
    graph(
        folder / "inverse_graphics.onnx",
        [
            node("ReduceMean", ["masks"], ["bright"], axes=[1, 2], keepdims=1),
            node("Mul", ["bright", "ball"], ["vertices"]),
            node("Unsqueeze", ["bright", "one"], ["bright4"]),
            node("Mul", ["bright4", "white"], ["textures"]),
            node("Mul", ["bright", "zero_row"], ["zeros"]),
            node("Squeeze", ["zeros", "one"], ["zeros2"]),
            node("Add", ["zeros2", "camera"], ["cameras"]),
            node("Squeeze", ["bright", "both"], ["confidences"]),
            node("Mul", ["bright", "no_bins"], ["zero_bins"]),
            node("Squeeze", ["zero_bins", "one"], ["zero_bins2"]),
            node("Add", ["zero_bins2", "bins"], ["azimuth_probabilities"]),
        ],
        (
            [IMAGES, MASKS],
            [
                value("vertices", TensorProto.FLOAT, len(TEMPLATE.vertices), 3),
                value("textures", TensorProto.FLOAT, 4, 8, 3),
                value("cameras", TensorProto.FLOAT, 5),
                value("confidences", TensorProto.FLOAT),
                value("azimuth_probabilities", TensorProto.FLOAT, BINS),
            ],
        ),
        {
            "ball": TEMPLATE.vertices[None],
            "white": np.ones((1, 4, 8, 3), np.float32),
            "zero_row": np.zeros((1, 1, 5), np.float32),
            "camera": np.array([[30, 10, 5, 0, 0]], np.float32),
            "no_bins": np.zeros((1, 1, BINS), np.float32),
            "bins": np.eye(BINS, dtype=np.float32)[[2]],
            "one": np.array([1], np.int64),
            "both": np.array([1, 2], np.int64),
        },
    )
