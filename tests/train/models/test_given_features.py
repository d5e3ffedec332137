"""Feature networks as users bring them: made here, tiny, of both kinds and of wrong kinds."""

import warnings

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from train.models.given_features import FeaturesError, load_features

SIZE, DIMENSIONS = 32, 5
CPU = torch.device("cpu")


class Network(nn.Module):
    """Takes bytes 0..255, as NVIDIA's does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, DIMENSIONS, 3)

    def forward(self, images, return_features: bool = False):
        found = self.layer(images.float() / 255).mean((2, 3))
        return found if return_features else found.argmax(1)


class OfUnitImages(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = Network().layer

    def forward(self, images):
        return self.layer(images).mean((2, 3))


class Unpooled(OfUnitImages):
    def forward(self, images):
        return self.layer(images)


class OfBytes(OfUnitImages):
    def forward(self, images):
        return super().forward(images.float() / 255)


def write_onnx(path, network, kind=torch.float32, size=SIZE, output="features"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network, torch.zeros(2, 3, size, size).to(kind), path, input_names=["images"],
            output_names=[output], dynamic_axes={"images": {0: "batch"}}, dynamo=False,
        )  # fmt: skip
    return path


def write_torchscript(path, network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network).save(path)
    return path


@pytest.fixture
def images():
    return torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ["float", "uint8", "torchscript"])
def test_all_kinds_see_the_stored_bytes(tmp_path, images, kind):
    if kind == "torchscript":
        path = write_torchscript(tmp_path / "inception.pt", Network())
    elif kind == "float":
        path = write_onnx(tmp_path / "inception.onnx", OfUnitImages())
    else:
        path = write_onnx(tmp_path / "inception.onnx", OfBytes(), torch.uint8)
    found = load_features(path, SIZE, CPU)(images)
    stored = (images * 255).round()
    with torch.no_grad():
        wanted = Network()(stored, return_features=True)
    assert found.shape == (3, DIMENSIONS) and found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), atol=1e-5)


def renamed(path):
    return write_onnx(path, OfUnitImages(), output="pool3")


def of_another_size(path):
    return write_onnx(path, OfUnitImages(), size=64)


def unpooled(path):
    return write_onnx(path, Unpooled())


def unreadable(path):
    path.write_bytes(b"nothing")
    return path


def missing(path):
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (renamed, r"'pool3'.*gives `features` float"),
        (of_another_size, r"of shape \['batch', 3, 64, 64\]; they are \[B, 3, 32, 32\]"),
        (unpooled, r"features of shape \(2, 5, 30, 30\) for 2 images; they must be \[2, D\]"),
        (unreadable, "is not a readable ONNX graph"),
        (missing, "no such file"),
    ],
)
def test_other_graphs_are_refused_with_what_they_should_be(tmp_path, make, said):
    with pytest.raises(FeaturesError, match=said):
        load_features(make(tmp_path / "inception.onnx"), SIZE, CPU)


def test_other_programs_are_refused(tmp_path):
    with pytest.raises(FeaturesError, match=r"neither called \.onnx nor readable TorchScript"):
        load_features(unreadable(tmp_path / "inception.pt"), SIZE, CPU)
    path = write_torchscript(tmp_path / "unpooled.pt", Unpooled())
    with pytest.raises(FeaturesError, match=r"unpooled\.pt fails on images \[2, 3, 32, 32\]"):
        load_features(path, SIZE, CPU)  # it takes no bytes


def test_a_graph_that_is_not_one_is_named(tmp_path):
    onnx.save(onnx.ModelProto(), tmp_path / "empty.onnx")
    with pytest.raises(FeaturesError, match=r"empty\.onnx is not a readable"):
        load_features(tmp_path / "empty.onnx", SIZE, CPU)
