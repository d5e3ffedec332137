import pytest
import torch

from train.models.generator import Generator, GeneratorShape
from train.models.stylegan_r import (
    StyleganR,
    StyleganRShape,
    continue_mappings,
    load_stylegan_r,
    save_stylegan_r,
    view_features,
)

SHAPE = StyleganRShape(vertices=42, texture_size=16, size=32, hidden=16, width=4)


def network_of(camera_conditioned, shape=SHAPE):
    torch.manual_seed(1)
    channels = (8, 8, 8, 8)
    generator = Generator(
        GeneratorShape(size=32, code=8, channels=channels, camera_conditioned=camera_conditioned)
    )
    return StyleganR(generator, shape)


def inputs_of(batch):
    return (
        torch.rand(batch, 5) + torch.tensor([90.0, 10.0, 4.0, 0.0, 0.0]),
        torch.rand(batch, 42, 3),
        torch.rand(batch, 3, 16, 32),
        torch.rand(batch, 3, 32, 32),
    )


def test_selectors_sum_to_one_in_every_dimension():
    network = network_of(True)
    torch.nn.init.normal_(network.selector_logits, std=5)
    selectors = network.selectors()
    assert selectors.shape == (3, len(network.generator.style_layers), 8)
    assert torch.allclose(selectors.sum(0), torch.ones(selectors.shape[1:]))


@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_images_have_the_generators_size_and_gradients_reach_every_network(camera_conditioned):
    network = network_of(camera_conditioned)
    images = network(*inputs_of(3))
    assert images.shape == (3, 3, 32, 32)
    images.square().mean().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    unused = ("generator.mapping", "generator.camera", "generator.affines", "noise_strength")
    assert [name for name in without if not any(part in name for part in unused)] == []


def styles_of(network, *inputs):
    return network.styles(inputs[0], network.mix(network.codes(*inputs)))


def test_shifts_move_every_layer_along_the_widest_directions_first():
    network = network_of(True)
    styles = torch.randn(50, network.generator.style_size)
    network.calibrate(torch.randn(50, 8), styles, torch.randn(5, 42, 3))
    inputs = inputs_of(1)
    mixed = network.mix(network.codes(*inputs))
    shifts = torch.zeros(1, 64)
    plain = network.styles(inputs[0], mixed)
    assert torch.equal(network.styles(inputs[0], mixed, shifts), plain)
    shifts[0, 0], shifts[0, 7], shifts[0, 8] = 0.5, 0.25, 100  # W has 8 directions
    widest, narrowest = network.w_directions[-1], network.w_directions[0]
    assert widest.norm() == network.w_directions.norm(dim=1).max()
    network.w_mean += 0.5 * widest + 0.25 * narrowest
    moved = network.styles(inputs[0], mixed)
    network.w_mean -= 0.5 * widest + 0.25 * narrowest
    torch.testing.assert_close(network.styles(inputs[0], mixed, shifts), moved)


@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_the_camera_moves_the_early_layers_and_no_other(camera_conditioned):
    network = network_of(camera_conditioned)
    early = network.generator.view_dimensions.stop
    cameras, *rest = inputs_of(4)
    first = styles_of(network, cameras, *rest)
    other = styles_of(network, cameras + torch.tensor([70.0, 5, 0, 0, 0]), *rest)
    moved = (first != other).any(0)
    assert moved[:early].all() and not moved[early:].any()


def test_the_camera_replaces_an_unconditional_mix_and_adds_to_a_camera_conditioned_one():
    cameras, vertices, textures, backgrounds = inputs_of(4)
    for camera_conditioned, moves in ((False, False), (True, True)):
        network = network_of(camera_conditioned)
        early = network.generator.view_dimensions.stop
        first = styles_of(network, cameras, vertices, textures, backgrounds)
        other = styles_of(network, cameras, vertices + 1, textures, backgrounds)
        assert bool((first[:, :early] != other[:, :early]).any()) == moves
        assert (first[:, early:] != other[:, early:]).any()


def test_the_mix_is_equation_4():
    network = network_of(True)
    torch.nn.init.normal_(network.selector_logits)
    codes = network.codes(*inputs_of(2))
    shape, texture, background = codes.owners
    s_m, s_t, s_b = network.selectors()
    wanted = s_m * shape + s_t * texture + s_b * background
    wanted[:, : network.early] += codes.view
    assert torch.allclose(network.mix(codes), wanted, atol=1e-5)


@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_a_content_in_every_layer_gives_the_generators_own_styles(camera_conditioned):
    network = network_of(camera_conditioned)
    generator = network.generator
    contents = torch.randn(50, 8) * torch.linspace(0.1, 2, 8) + 1
    views = torch.randn(3, 8)
    styles = torch.randn(50, generator.style_size)
    network.calibrate(contents, styles, torch.rand(50, 42, 3))
    layers = contents[:3, None].repeat(1, network.layers, 1)
    cameras = inputs_of(3)[0]
    if camera_conditioned:
        views = generator.camera_mapping(cameras)
    else:
        layers[:, : network.early] = views[:, None]
    mixed = (layers - network.w_mean) @ torch.linalg.inv(network.w_directions)
    wanted = generator.flatten(generator.styles(contents[:3], views))
    assert torch.allclose(network.styles(cameras, mixed), wanted, atol=1e-4)
    # Along W's directions the contents are spread evenly.
    whitened = (contents - network.w_mean) @ torch.linalg.inv(network.w_directions)
    assert torch.allclose(whitened.T @ whitened / 50, torch.eye(8), atol=1e-3)


def test_few_contents_leave_no_direction_without_length():
    network = network_of(True)
    contents = torch.randn(3, 8)
    styles = torch.randn(3, network.generator.style_size)
    network.calibrate(contents, styles, torch.rand(3, 42, 3))
    assert torch.linalg.inv(network.w_directions).isfinite().all()


def test_view_features_are_periodic():
    cameras = torch.tensor([[10.0, 15.0, 5.0, 0.0, 0.1], [370.0, 15.0, 5.0, 0.0, 0.1]])
    first, second = view_features(cameras)
    assert torch.allclose(first, second, atol=1e-6)
    assert torch.allclose(first[4:], torch.tensor([0.5, 0.0, 0.0, 0.1]))


def test_mappings_continue_where_shapes_match():
    previous = network_of(True)
    larger = StyleganRShape(vertices=42, texture_size=32, size=32, hidden=16, width=4)
    network = network_of(True, larger)
    generator = {k: v.clone() for k, v in network.generator.state_dict().items()}
    torch.nn.init.normal_(previous.selector_logits)
    taken = continue_mappings(network, previous)
    assert "selector_logits" in taken and "view_mapping.0.weight" in taken
    assert "texture_mapping.hidden.weight" not in taken
    assert torch.equal(network.selector_logits, previous.selector_logits)
    assert all(torch.equal(v, generator[k]) for k, v in network.generator.state_dict().items())


def test_saved_weights_come_back(tmp_path):
    network = network_of(True).eval()
    save_stylegan_r(tmp_path / "stylegan_r.safetensors", network)
    loaded = load_stylegan_r(tmp_path / "stylegan_r.safetensors")
    given = inputs_of(2)
    with torch.no_grad():
        assert torch.allclose(loaded(*given), network(*given), atol=2 / 255)
    save_stylegan_r(tmp_path / "again.safetensors", loaded)
    again = load_stylegan_r(tmp_path / "again.safetensors").state_dict()
    assert all(torch.equal(again[name], value) for name, value in loaded.state_dict().items())
