"""The graph every contestant serves: a ResNet-18 for 128 px photographs, with random weights."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from tests.benchmarks.serving.wire import OUTPUTS, SIZE

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels and first stride of each pair of blocks (He et al. 2016, table 1)."""


def write_graph(path: Path) -> None:
    """uint8 `images [B, 128, 128, 3]` → float32 `outputs [B, 2048]`."""
    builder = Builder()
    builder.node("Cast", ["images"], "numbers", to=TensorProto.FLOAT)
    builder.node("Transpose", ["numbers"], "planes", perm=[0, 3, 1, 2])
    builder.node("Identity", [builder.resnet("planes")], "outputs")
    make = helper.make_tensor_value_info
    graph = helper.make_graph(
        builder.nodes,
        "resnet18",
        [make("images", TensorProto.UINT8, ["batch", SIZE, SIZE, 3])],
        [make("outputs", TensorProto.FLOAT, ["batch", OUTPUTS])],
        builder.weights,
    )
    opset = [helper.make_opsetid("", 18)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)


class Builder:
    def __init__(self):
        self.nodes, self.weights = [], []
        self._random = np.random.default_rng(0)

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weight(self, name, shape, fan_in):
        values = self._random.standard_normal(shape, np.float32) * np.sqrt(2 / fan_in)
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def resnet(self, planes):
        """[B, 3, 128, 128] → [B, OUTPUTS]."""
        last = self.convolve(planes, 3, 64, 7, 2)
        self.node("MaxPool", [last], "pooled", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        last, channels = "pooled", 64
        for wide, stride in STAGES:
            for first in (stride, 1):
                inner = self.convolve(last, channels, wide, 3, first)
                inner = self.convolve(inner, wide, wide, 3, 1, relu=False)
                if (channels, first) != (wide, 1):
                    last = self.convolve(last, channels, wide, 1, first, relu=False)
                added = self.node("Add", [inner, last], f"{inner}_added")
                last, channels = self.node("Relu", [added], f"{inner}_out"), wide
        self.node("GlobalAveragePool", [last], "mean")
        self.node("Flatten", ["mean"], "features")
        weight = self.weight("head", (channels, OUTPUTS), channels)
        return self.node("MatMul", ["features", weight], "resnet")

    def convolve(self, source, channels, wide, kernel, stride, relu=True):
        name = f"convolution_{len(self.weights)}"
        shape = (wide, channels, kernel, kernel)
        weight = self.weight(f"{name}_weight", shape, channels * kernel**2)
        attributes = {"strides": [stride] * 2, "pads": [kernel // 2] * 4}
        self.node("Conv", [source, weight], name, **attributes)
        return self.node("Relu", [name], f"{name}_relu") if relu else name
