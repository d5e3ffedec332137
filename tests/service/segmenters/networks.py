"""Networks of others, small enough to check by hand."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIDE = 32


def salient(side=SIDE, channels=3, kind=TensorProto.FLOAT):
    """A raw network as such networks are exported: batch and side fixed, sizes computed within.

    `logits` [1, 1, side / 2, side / 2] are 8 times the mean of the channels of 2 x 2 pixels; they
    are enlarged as U²-Net enlarges its maps. The outputs are their sigmoid, and themselves.
    """
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["input"], ["mean"], axes=[1]),
        node("AveragePool", ["mean"], ["half"], kernel_shape=(2, 2), strides=(2, 2)),
        node("Mul", ["half", "eight"], ["logits"]),
        node("Shape", ["logits"], ["small"]),
        node("Slice", ["small", "zero", "two"], ["batch_and_channel"]),
        node("Shape", ["input"], ["large"]),
        node("Slice", ["large", "two", "four"], ["height_and_width"]),
        node("Concat", ["batch_and_channel", "height_and_width"], ["sizes"], axis=0),
        node(
            "Resize",
            ["logits", "nothing", "nothing", "sizes"],
            ["enlarged"],
            mode="linear",
            coordinate_transformation_mode="pytorch_half_pixel",
        ),
        node("Sigmoid", ["enlarged"], ["saliency"]),
        node("Relu", ["enlarged"], ["unused"]),
    ]
    constants = {
        "eight": np.float32(8), "nothing": np.zeros(0, np.float32), "zero": np.array([0]),
        "two": np.array([2]), "four": np.array([4]), "idle": np.zeros((100, 100), np.float32),
    }  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "salient",
        [value("input", kind, (1, channels, side, side))],
        [value(name, TensorProto.FLOAT, (1, 1, side, side)) for name in ("saliency", "unused")],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
