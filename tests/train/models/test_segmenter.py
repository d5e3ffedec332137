import numpy as np
import onnx
import pytest
import torch

from train.models.resized_segmenter import at_side
from train.models.segmenter import (
    OnnxSegmenter,
    Segmenter,
    SegmenterError,
    load_segmenter,
    save_segmenter,
)


class PixelSegmenter(torch.nn.Module):
    """The graph's side of a segmenter: bytes in, masks out."""

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.segmenter(images.permute(0, 3, 1, 2).float() / 255)


def export(segmenter: torch.nn.Module, path) -> None:
    torch.onnx.export(
        PixelSegmenter(segmenter).eval(),
        (torch.zeros(2, 32, 32, 3, dtype=torch.uint8),),
        path,
        input_names=["images"],
        output_names=["masks"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def pixels(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 32, 32, 3), generator=torch.Generator().manual_seed(1))


def test_masks_have_the_images_sides_and_lie_in_0_1():
    segmenter = Segmenter(8).eval()
    for side in (16, 32, 64):
        masks = segmenter(torch.rand(3, 3, side, side))
        assert masks.shape == (3, side, side)
        assert 0 <= masks.min() and masks.max() <= 1


def test_it_is_small():
    assert 100_000 < sum(weight.numel() for weight in Segmenter().parameters()) < 250_000


def test_sides_that_do_not_halve_are_refused():
    with pytest.raises(SegmenterError, match="multiples of 16"):
        Segmenter(8)(torch.rand(1, 3, 40, 40))


def test_saved_weights_come_back(tmp_path):
    torch.manual_seed(0)
    segmenter = Segmenter(8)
    segmenter(torch.rand(4, 3, 32, 32))  # moves the running statistics
    save_segmenter(segmenter, tmp_path / "segmenter.safetensors")
    images = torch.rand(2, 3, 32, 32)
    for path in (tmp_path, tmp_path / "segmenter.safetensors"):
        # Not equal to the bit: what is loaded computes with channels last.
        torch.testing.assert_close(load_segmenter(path)(images), segmenter.eval()(images))


def test_an_absent_segmenter_names_the_stage(tmp_path):
    with pytest.raises(SegmenterError, match="run stage `segmenter`"):
        load_segmenter(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_onnx_segmenter_gives_the_same_masks_for_any_batch(tmp_path):
    torch.manual_seed(0)
    segmenter = Segmenter(8).eval()
    export(segmenter, tmp_path / "segmenter.onnx")
    loaded = load_segmenter(tmp_path)
    assert isinstance(loaded, OnnxSegmenter)
    for count in (1, 5):
        images = pixels(count).permute(0, 3, 1, 2).float() / 255
        assert (loaded(images) - segmenter(images)).abs().max() < 1e-5


def halving(side):
    """A graph of one side, whose masks have half of it: the mean red of 2 x 2 pixels."""
    node, kinds = onnx.helper.make_node, (onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT)
    shapes = ("batch", side, side, 3), ("batch", side // 2, side // 2)
    ends = map(onnx.helper.make_tensor_value_info, ("images", "masks"), kinds, shapes)
    images, masks = ends
    constants = {
        "white": np.float32(255), "red": np.array(0), "axes": np.array([-1, 1, side, side]),
        "end": np.array([-1, side // 2, side // 2]),
    }  # fmt: skip
    nodes = [
        node("Cast", ["images"], ["floats"], to=onnx.TensorProto.FLOAT),
        node("Gather", ["floats", "red"], ["reds"], axis=3),
        node("Div", ["reds", "white"], ["shares"]),
        node("Reshape", ["shares", "axes"], ["channel"]),
        node("AveragePool", ["channel"], ["means"], kernel_shape=(2, 2), strides=(2, 2)),
        node("Reshape", ["means", "end"], ["masks"]),
    ]
    weights = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = onnx.helper.make_graph(nodes, "halving", [images], [masks], weights)
    opsets = [onnx.helper.make_opsetid("", 11)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=6)


@pytest.mark.parametrize("own", [64, 112, 16])
def test_images_of_another_side_are_resized_to_that_of_the_graph_and_masks_back(tmp_path, own):
    onnx.save(halving(own), tmp_path / "segmenter.onnx")
    images = torch.zeros(3, 3, 32, 32)
    images[1, 0, 8:24, :16] = 1
    images[2, 0] = 0.6
    masks = load_segmenter(tmp_path)(images)
    assert masks.shape == (3, 32, 32) and masks.dtype == torch.float32
    assert masks[0].max() == 0 and np.ptp(masks[2].numpy()) < 1e-6
    assert masks[2, 0, 0] == pytest.approx(0.6, abs=1e-6)
    assert ((masks[1] > 0.5) == (images[1, 0] > 0.5)).float().mean() > 0.95


def test_a_graph_of_the_side_that_is_asked_for_stays_as_it_is():
    model = onnx.helper.make_model(halving(64).graph)
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    assert at_side(model, 64) is model
    onnx.checker.check_model(at_side(halving(64), 32), full_check=True)


def test_an_onnx_graph_with_other_names_is_refused(tmp_path):
    value = onnx.helper.make_tensor_value_info("pictures", onnx.TensorProto.FLOAT, [1])
    result = onnx.helper.make_tensor_value_info("masks", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["pictures"], ["masks"])
    graph = onnx.helper.make_graph([node], "other", [value], [result])
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(SegmenterError, match=r"pictures.*takes `images` uint8"):
        load_segmenter(tmp_path / "other.onnx")


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"not a graph")
    with pytest.raises(SegmenterError, match="not a readable ONNX graph"):
        load_segmenter(tmp_path / "broken.onnx")
