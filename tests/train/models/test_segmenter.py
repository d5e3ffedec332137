import onnx
import pytest
import torch

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
