"""A segmenter's ONNX graph for images of another side than its own."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.compose import add_prefix

ENDS = ("images", "masks")


def own_sides(model: onnx.ModelProto) -> tuple[int, int]:
    """Sides of the images that it takes, and of its masks; 0: any, or not said."""
    images, masks = (
        [axis.dim_value for axis in values[0].type.tensor_type.shape.dim]
        for values in (model.graph.input, model.graph.output)
    )
    return images[1], masks[1] if len(masks) == 3 and masks[1] else images[1]


def at_side(model: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """`images` uint8 [batch, side, side, 3] -> `masks` [batch, side, side], resized on the way in
    and out; the graph itself where that is its own side, or any will do."""
    images_side, masks_side = own_sides(model)
    if {images_side, masks_side} <= {0, side}:
        return model
    inner = add_prefix(model, "given.")
    node = helper.make_node
    # Operators that are the same in all versions of ONNX.
    before = [
        node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        node("Transpose", ["floats"], ["channels_first"], perm=(0, 3, 1, 2)),
        node("Resize", ["channels_first", "no_region", "scales_in"], ["resized"], mode="linear"),
        node("Transpose", ["resized"], ["channels_last"], perm=(0, 2, 3, 1)),
        node("Round", ["channels_last"], ["whole"]),
        node("Cast", ["whole"], ["given.images"], to=TensorProto.UINT8),
    ]
    after = [
        node("Reshape", ["given.masks", "one_channel"], ["found"]),
        node("Resize", ["found", "no_region", "scales_out"], ["enlarged"], mode="linear"),
        node("Reshape", ["enlarged", "no_channel"], ["masks"]),
    ]
    constants = {
        "no_region": np.zeros(0, np.float32),
        "scales_in": _scales(side, images_side),
        "scales_out": _scales(masks_side, side),
        "one_channel": np.array([-1, 1, masks_side, masks_side]),
        "no_channel": np.array([-1, side, side]),
    }
    shapes = (("batch", side, side, 3), ("batch", side, side))
    kinds = (TensorProto.UINT8, TensorProto.FLOAT)
    images, masks = map(helper.make_tensor_value_info, ENDS, kinds, shapes)
    graph = helper.make_graph(
        [*before, *inner.graph.node, *after],
        "resized_segmenter",
        [images],
        [masks],
        [
            *inner.graph.initializer,
            *(numpy_helper.from_array(value, name) for name, value in constants.items()),
        ],
    )
    made = helper.make_model(graph, opset_imports=inner.opset_import, ir_version=inner.ir_version)
    made.metadata_props.extend(model.metadata_props)
    onnx.checker.check_model(made)
    return made


def _scales(before: int, after: int) -> np.ndarray:
    """Of the sides; a rounding downwards would lose a pixel."""
    scale = np.nextafter(np.float32(after / before), np.float32(np.inf))
    return np.array([1, 1, scale, scale], np.float32)
