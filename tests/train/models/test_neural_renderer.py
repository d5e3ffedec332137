import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation
from torch import nn

from train.models.neural_renderer import (
    REACH,
    RIM,
    NeuralRenderer,
    NeuralRendererShape,
    load_neural_renderer,
    save_neural_renderer,
)
from train.models.onnx_files import export_graph, parity
from train.models.serving_graphs import NeuralRendererGraph

SIDE = 48


def network(size=SIDE):
    """One that changes everything it may."""
    torch.manual_seed(0)
    made = NeuralRenderer(NeuralRendererShape(size, 4))
    for unet in (made.filler, made.caster, made.drawer):
        nn.init.normal_(unet.last.weight)
    for unet in (made.caster, made.drawer):
        nn.init.normal_(unet.camera.weight)
    return made.eval()


def layers(side, batch=2):
    """A square object and the hole of another, in the middle ninth of random backgrounds."""
    random = np.random.default_rng(side)
    third = side // 3
    drawings = np.zeros((batch, side, side, 4), np.float32)
    drawings[:, third : 2 * third, third : 2 * third, 3] = 1
    drawings[..., :3] = random.random((batch, side, side, 3)) * drawings[..., 3:]
    holes = np.zeros((batch, side, side), np.float32)
    holes[:, third : 2 * third, third : third + third // 2] = 1
    cameras = np.array([[30, 10, 5, 0, 0], [200, 0, 4, 0, 0]], np.float32)[:batch]
    backgrounds = random.integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    return {
        "cameras": cameras, "drawings": drawings, "backgrounds": backgrounds, "holes": holes,
    }  # fmt: skip


def drawn(graph, given):
    with torch.no_grad():
        return graph(*(torch.from_numpy(value) for value in given.values())).numpy()


def bytes_of(images):
    return np.rint(images * 255).astype(np.uint8)


def around(given, side, pixels=REACH):
    """[B, S, S] the object, and all that it may touch."""
    # One pixel of the U-Net more, over which what it adds is enlarged.
    reach = (pixels + 1) * side // SIDE
    return binary_dilation(
        given["drawings"][..., 3] > 0, np.ones((1, 2 * reach + 1, 2 * reach + 1))
    )


@pytest.mark.parametrize("side", [SIDE, 3 * SIDE, 8 * SIDE])
def test_outside_the_hole_and_what_the_object_may_touch_every_pixel_stays(side):
    given = layers(side)
    given["holes"] = np.roll(given["holes"], side // 3, axis=2)  # half of it is far from the object
    changed = (bytes_of(drawn(NeuralRendererGraph(network()), given)) != given["backgrounds"]).any(
        3
    )
    hole, near = given["holes"] > 0, around(given, side)
    assert not (changed & ~hole & ~near).any()
    assert changed[hole & ~near].mean() > 0.5 and changed[near].mean() > 0.5


@pytest.mark.parametrize("side", [SIDE, 3 * SIDE])
def test_another_object_leaves_its_background_to_the_bit(side):
    graph, given = NeuralRendererGraph(network()), layers(side)
    given["holes"] = np.roll(given["holes"], side // 3, axis=2)
    other = {**given, "drawings": np.roll(given["drawings"], side // 6, axis=1)}
    other["drawings"] = other["drawings"] * np.float32([0.5, 1, 0.2, 1])
    other["cameras"] = given["cameras"] + np.float32([90, 5, 0, 0, 0])
    free = ~around(given, side) & ~around(other, side)
    assert (free & (given["holes"] > 0)).any()
    first, second = (bytes_of(drawn(graph, each)) for each in (given, other))
    np.testing.assert_array_equal(first[free], second[free])
    assert (first != second).any()


@pytest.mark.parametrize("side", [SIDE, 3 * SIDE])
def test_other_paint_leaves_all_but_the_object_and_its_rim_to_the_bit(side):
    graph, given = NeuralRendererGraph(network()), layers(side)
    paint = np.float32([0.5, 1, 0.2, 1])
    first = drawn(graph, given)
    second = drawn(graph, {**given, "drawings": given["drawings"] * paint})
    beside = ~around(given, side, RIM)
    np.testing.assert_array_equal(first[beside], second[beside])
    shadowed = beside & around(given, side) & ~(given["holes"] > 0)
    assert (bytes_of(first) != given["backgrounds"]).any(3)[shadowed].mean() > 0.5
    assert (first != second).any()


def test_it_begins_as_the_graphics_renderer():
    torch.manual_seed(0)
    given = layers(SIDE)
    image = drawn(NeuralRendererGraph(NeuralRenderer(NeuralRendererShape(SIDE, 4))), given)
    alpha = given["drawings"][..., 3:]
    ground = given["backgrounds"] / np.float32(255)
    np.testing.assert_allclose(image, given["drawings"][..., :3] + (1 - alpha) * ground, atol=1e-6)


def test_the_camera_changes_the_picture_and_all_weights_train():
    made, given = network(), layers(SIDE)
    first = drawn(NeuralRendererGraph(made), given)
    given["cameras"] = given["cameras"] + np.float32([90, 0, 0, 0, 0])
    assert np.abs(drawn(NeuralRendererGraph(made), given) - first).max() > 0.01
    images = NeuralRendererGraph(made)(*(torch.from_numpy(value) for value in given.values()))
    images.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in made.parameters())


def test_one_graph_draws_every_multiple_of_its_side():
    module = NeuralRendererGraph(network())
    free = {name: {1: "S", 2: "S"} for name in ("drawings", "backgrounds", "holes", "images")}
    examples = {name: torch.from_numpy(value) for name, value in layers(2 * SIDE).items()}
    graph = export_graph(module, examples, ["images"], free)
    for side in (SIDE, 2 * SIDE, 5 * SIDE):
        assert parity(module, graph, layers(side), (1, 2))["images"] < 1e-5


def test_weights_come_back(tmp_path):
    made = network()
    save_neural_renderer(tmp_path / "it.safetensors", made)
    again = load_neural_renderer(tmp_path / "it.safetensors")
    assert again.shape == made.shape
    torch.testing.assert_close(
        again.drawer.last.weight, made.drawer.last.weight, atol=2e-3, rtol=1e-3
    )


@pytest.mark.parametrize("size", [0, 4, 36])
def test_a_side_that_does_not_halve_is_refused(size):
    with pytest.raises(ValueError, match=f"size is {size}; it must be a multiple of 8"):
        NeuralRendererShape(size)
