"""Networks as ONNX files: export, weights in half precision, and parity with torch.

The TorchScript exporter is taken, not the newer one: both give a clean batch axis and the same
results, but this one needs 0.5 s for a graph where the other needs 16 to 70 s on a laptop's core.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from graphics.camera import azimuth_difference_degrees

OPSET = 17
LARGEST_HALF = 65_504.0  # largest float16; a tensor with a larger number stays float32
AZIMUTH_OUTPUT = "cameras"  # the output whose first column is an angle in degrees

Arrays = Mapping[str, NDArray[np.generic]]
Tensors = Mapping[str, Tensor]


def export_graph(
    module: nn.Module,
    inputs: Tensors,
    outputs: Sequence[str],
    free: Mapping[str, Mapping[int, str]] | None = None,
) -> onnx.ModelProto:
    """`module` in evaluation mode as a graph whose tensors all have the leading axis "batch".

    `inputs`: examples by name, in the order of the module's arguments; `free`: tensor -> axes that
    may have any size beside the batch -> their names.
    """
    axes = {name: {0: "batch"} | dict((free or {}).get(name, {})) for name in (*inputs, *outputs)}
    content = io.BytesIO()
    for degrees, factor in (("deg2rad", np.pi / 180.0), ("rad2deg", 180.0 / np.pi)):
        _register(degrees, factor)
    with warnings.catch_warnings():
        # They say that this is not the newest exporter, and that the checks of shapes in our
        # modules are constants, which they are meant to be.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            module.cpu().eval(),
            tuple(inputs.values()),
            content,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
            # Weights stay as they were trained, so that those saved in half precision are stored
            # in half precision without loss; ONNX Runtime folds and fuses when it opens a graph.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    model = onnx.load_from_string(content.getvalue())
    _fix_output_shapes(model, module, inputs, axes)
    onnx.checker.check_model(model)
    return model


def _register(operator: str, factor: float) -> None:
    """Give the exporter an operator that it lacks, as a multiplication."""

    def multiply(graph: Any, value: Any) -> Any:
        return graph.op("Mul", value, graph.op("Constant", value_t=torch.tensor(factor).float()))

    torch.onnx.register_custom_op_symbolic(f"aten::{operator}", multiply, OPSET)


def _fix_output_shapes(
    model: onnx.ModelProto,
    module: nn.Module,
    inputs: Tensors,
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    """Write the known sides of the outputs where the tracer lost them."""
    with torch.no_grad():
        results = as_arrays(module(*inputs.values()))
    for output, result in zip(model.graph.output, results, strict=True):
        for number, axis in enumerate(output.type.tensor_type.shape.dim):
            if number not in axes[output.name]:
                axis.dim_value = result.shape[number]


def halve_weights(model: onnx.ModelProto, smallest: int = 256) -> onnx.ModelProto:
    """A copy that stores float32 weights as float16 and casts them back when loaded.

    Weights of fewer than `smallest` numbers stay as they are. The arithmetic stays float32; ONNX
    Runtime folds the casts when it opens the graph.
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    casts = []
    for stored in halved.graph.initializer:
        if stored.data_type != TensorProto.FLOAT or np.prod(stored.dims) < smallest:
            continue
        values = numpy_helper.to_array(stored)
        if np.abs(values).max() > LARGEST_HALF:
            continue
        name = stored.name
        stored.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = list(halved.graph.node)
    del halved.graph.node[:]
    halved.graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(halved)
    return halved


def open_graph(model: onnx.ModelProto | Path) -> onnxruntime.InferenceSession:
    """A graph, or its file, in ONNX Runtime on the CPU, on as many threads as torch takes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # its warnings about folded constants are not for the user
    content = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def parity(
    module: nn.Module,
    model: onnx.ModelProto,
    inputs: Arrays,  # N rows each
    batches: Sequence[int] = (1, 3, 8),
) -> dict[str, float]:
    """Output name -> largest absolute difference, torch against ONNX Runtime.

    Every batch size goes through the rows in whole batches. Azimuths are compared around
    the circle.
    """
    session = open_graph(model)
    names = [output.name for output in session.get_outputs()]
    largest = dict.fromkeys(names, 0.0)
    rows = len(next(iter(inputs.values())))
    for batch in batches:
        for start in range(0, rows - batch + 1, batch):
            given = {name: values[start : start + batch] for name, values in inputs.items()}
            with torch.no_grad():
                wanted = as_arrays(module(*(torch.from_numpy(value) for value in given.values())))
            got = session.run(names, given)
            for name, left, right in zip(names, wanted, got, strict=True):
                largest[name] = max(largest[name], _difference(name, left, np.asarray(right)))
    return largest


def _difference(name: str, wanted: NDArray[np.floating], got: NDArray[np.floating]) -> float:
    if wanted.shape != got.shape or not np.isfinite(got).all():
        return float("inf")
    difference = np.abs(wanted - got)
    if name == AZIMUTH_OUTPUT:
        difference[:, 0] = azimuth_difference_degrees(wanted[:, 0], got[:, 0])
    return float(difference.max())


def as_arrays(outputs: Tensor | Sequence[Tensor]) -> list[NDArray[np.floating]]:
    """A module's output or outputs as numpy arrays."""
    several = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    return [output.detach().cpu().numpy() for output in several]
