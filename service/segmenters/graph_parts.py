"""What is done to the inside of an ONNX graph: cutting it short, and freeing its batch axis."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROI = "no_region"
"""An empty tensor, which older versions of `Resize` want."""


def open_model(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session on the CPU, without a word about what is unusual in it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    content = model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def cut_to(model: onnx.ModelProto, output: str) -> None:
    """Make one tensor the only output; drop the nodes and weights that it does not need.

    Raises `KeyError` where no node computes it.
    """
    graph = model.graph
    needed, kept = {output}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.insert(0, node)
            needed.update(node.input)
    if not any(output in node.output for node in kept):
        raise KeyError(output)
    del graph.node[:]
    graph.node.extend(kept)
    for weight in [weight for weight in graph.initializer if weight.name not in needed]:
        graph.initializer.remove(weight)
    for value in [value for value in graph.input if value.name not in needed]:
        graph.input.remove(value)
    if [value.name for value in graph.output] != [output]:
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    del graph.value_info[:]


def measure_resizes(model: onnx.ModelProto, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Run the graph once on an input of this shape; the shape of its output.

    Every `Resize` gets the scales that it then had, in place of sizes that were computed on the
    way. So the batch axis is free, and ONNX Runtime enlarges in the layout of its convolutions.
    """
    graph = model.graph
    resizes = [node for node in graph.node if node.op_type == "Resize"]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    ends = {graph.input[0].name, graph.output[0].name}
    watched = {name for node in resizes for name in (node.input[0], node.output[0])} - ends
    probe.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in watched
    )
    given = np.zeros(shape, np.float32)
    names = [graph.output[0].name, *watched]
    found = open_model(probe).run(names, {graph.input[0].name: given})
    shapes = {n: np.asarray(array).shape for n, array in zip(names, found, strict=True)}
    shapes[graph.input[0].name] = shape
    for node in resizes:
        _set_scales(graph, node, shapes[node.input[0]], shapes[node.output[0]])
    cut_to(model, graph.output[0].name)
    return shapes[graph.output[0].name]


def _set_scales(
    graph: onnx.GraphProto, node: onnx.NodeProto, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    scales = (np.array(after) / np.array(before)).astype(np.float32)
    if tuple(np.floor(np.array(before) * scales)) != after:
        return  # rounding would lose a pixel
    name = f"{node.output[0]}_scales"
    if not any(weight.name == ROI for weight in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(np.zeros(0, np.float32), ROI))
    graph.initializer.append(numpy_helper.from_array(scales, name))
    del node.input[1:]
    node.input.extend([ROI, name])
    for attribute in node.attribute:
        # They differ where a side has one pixel, and only the second has the fast layout.
        if attribute.s == b"pytorch_half_pixel" and min(after[2:]) > 1:
            attribute.s = b"half_pixel"


def free_batch(model: onnx.ModelProto) -> None:
    """Let the first axis of the input be of any length."""
    axis = model.graph.input[0].type.tensor_type.shape.dim[0]
    axis.ClearField("dim_value")
    axis.dim_param = "batch"
