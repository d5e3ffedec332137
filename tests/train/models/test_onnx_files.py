import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from train.models.generator import Generator, GeneratorShape
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape
from train.models.onnx_files import export_graph, halve_weights, parity
from train.models.serving_graphs import InverseGraphicsGraph, StyleganRGraph, some_shifts
from train.models.stylegan_r import StyleganR, StyleganRShape

ROWS = 8


@pytest.fixture(scope="module")
def graphs():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (ROWS, 32, 32, 3), dtype=np.uint8)
    masks = rng.random((ROWS, 32, 32), dtype=np.float32)
    inverse = InverseGraphicsGraph(InverseGraphics(InverseGraphicsShape(32, 8, 1, 16)).eval())
    shape = GeneratorShape(size=32, code=8, channels=(8, 8, 8, 8), camera_conditioned=True)
    sizes = StyleganRShape(vertices=42, texture_size=16, size=32, hidden=16, width=4)
    stylegan_r = StyleganRGraph(StyleganR(Generator(shape), sizes).eval())
    given = {
        "cameras": rng.random((ROWS, 5), dtype=np.float32) * 90 + 1,
        "vertices": rng.random((ROWS, 42, 3), dtype=np.float32),
        "textures": rng.random((ROWS, 16, 32, 3), dtype=np.float32),
        "backgrounds": images,
        "shifts": some_shifts(ROWS),
    }
    outputs = ["vertices", "textures", "cameras", "confidences", "azimuth_probabilities"]
    cases = {
        "inverse_graphics": (inverse, {"images": images, "masks": masks}, outputs),
        "stylegan_r": (stylegan_r, given, ["images"]),
    }
    return {
        name: (
            module,
            export_graph(module, {k: torch.from_numpy(v[:2]) for k, v in rows.items()}, names),
            rows,
        )
        for name, (module, rows, names) in cases.items()
    }


@pytest.mark.parametrize("name", ["inverse_graphics", "stylegan_r"])
def test_a_graph_computes_what_torch_does_at_every_batch(graphs, name):
    module, model, rows = graphs[name]
    differences = parity(module, model, rows, batches=(1, 3, 8))
    assert max(differences.values()) < 1e-4, differences


@pytest.mark.parametrize("name", ["inverse_graphics", "stylegan_r"])
def test_a_graph_has_standard_operators_and_one_open_axis(graphs, name):
    _, model, rows = graphs[name]
    assert {opset.domain: opset.version for opset in model.opset_import} == {"": 17}
    assert all(node.domain == "" for node in model.graph.node)
    for value in (*model.graph.input, *model.graph.output):
        first, *others = value.type.tensor_type.shape.dim
        assert first.dim_param == "batch" and all(axis.dim_value > 0 for axis in others)
    assert [value.name for value in model.graph.input] == list(rows)


def test_halved_weights_are_smaller_and_still_computed_with_in_float32(graphs):
    module, model, rows = graphs["inverse_graphics"]
    halved = halve_weights(model, smallest=64)
    assert halved.ByteSize() < 0.7 * model.ByteSize()
    kinds = {stored.data_type for stored in halved.graph.initializer}
    assert kinds >= {TensorProto.FLOAT16, TensorProto.FLOAT}
    onnx.checker.check_model(halved, full_check=True)
    assert max(parity(module, halved, rows).values()) < 0.05
    assert model.ByteSize() == graphs["inverse_graphics"][1].ByteSize()


def test_numbers_too_large_for_half_precision_stay(graphs):
    class Large(torch.nn.Module):
        def forward(self, images):
            return images.float() @ torch.full((20, 20), 1e6)

    module = Large()
    rows = {"images": np.ones((ROWS, 20), np.uint8)}
    model = export_graph(module, {"images": torch.ones(2, 20, dtype=torch.uint8)}, ["masks"])
    assert parity(module, halve_weights(model), rows) == {"masks": 0.0}


def test_other_weights_than_the_networks_are_seen(graphs):
    _, model, rows = graphs["stylegan_r"]
    torch.manual_seed(5)
    shape = GeneratorShape(size=32, code=8, channels=(8, 8, 8, 8), camera_conditioned=True)
    sizes = StyleganRShape(vertices=42, texture_size=16, size=32, hidden=16, width=4)
    other = StyleganRGraph(StyleganR(Generator(shape), sizes).eval())
    assert parity(other, model, rows)["images"] > 0.01


def test_parity_goes_around_the_circle():
    class Azimuth(torch.nn.Module):
        def __init__(self, shift):
            super().__init__()
            self.shift = shift

        def forward(self, images):
            return images.float() + self.shift

    example = torch.full((2, 5), 7, dtype=torch.uint8)
    model = export_graph(Azimuth(0.0), {"images": example}, ["cameras"])
    shift = torch.tensor([360.0, 0.0, 0.0, 0.0, 0.0])
    rows = {"images": np.full((8, 5), 7, np.uint8)}
    assert parity(Azimuth(shift), model, rows) == {"cameras": 0.0}
    assert parity(Azimuth(shift + 0.5), model, rows) == {"cameras": 0.5}
