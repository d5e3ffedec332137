"""Segmenters whose masks leave 0..1: as bytes such values wrapped round, and black became white.

Reports of the kind: `(mask * 255).astype(uint8)` of a network without a sigmoid, or resized by a
bicubic filter, which overshoots.
"""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from graphics.photographs import Opened
from graphics.segmented import cut_out_found, show
from train.models.segmenter import OnnxSegmenter

SIDE = 32


def square(inside, outside):
    mask = np.full((SIDE, SIDE), outside, np.float32)
    mask[10:22, 8:24] = inside
    return mask


@pytest.mark.parametrize(("inside", "outside"), [(1.01, -0.2), (1.5, 0.0), (6.0, -6.0)])
def test_a_photograph_is_cut_out_as_by_the_mask_cut_to_its_range(inside, outside):
    picture = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    shown = show(Opened(Image.fromarray(picture), (128, 96)), SIDE, stretched=True)
    found = cut_out_found(shown, square(inside, outside), SIDE)
    wanted = cut_out_found(shown, square(1, 0), SIDE)
    assert found.frame == wanted.frame
    assert wanted.mask is not None and wanted.mask.max() == 1
    assert np.array_equal(found.mask, wanted.mask)
    assert np.array_equal(found.pixels, wanted.pixels)


def test_a_training_is_given_masks_within_their_range(tmp_path):
    node, value = helper.make_node, helper.make_tensor_value_info
    nodes = [
        node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        node("ReduceMax", ["floats", "last"], ["bright"], keepdims=0),
        node("Div", ["bright", "most"], ["shares"]),
        node("Sub", ["shares", "less"], ["masks"]),
    ]
    constants = {"last": np.int64([3]), "most": np.float32(100), "less": np.float32(0.5)}
    graph = helper.make_graph(
        nodes, "beyond",
        [value("images", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [value("masks", TensorProto.FLOAT, ["batch", SIDE, SIDE])],
        [numpy_helper.from_array(number, name) for name, number in constants.items()],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), tmp_path / "own.onnx")
    images = torch.linspace(0, 1, 4)[:, None, None, None].expand(4, 3, SIDE, SIDE)
    masks = OnnxSegmenter(tmp_path / "own.onnx")(images)
    wanted = torch.tensor([0.0, 0.35, 1.0, 1.0])
    assert torch.allclose(masks, wanted[:, None, None].expand_as(masks))
