import numpy as np
import pytest
import torch

from train.models.generator import Generator, GeneratorShape
from train.models.stylegan_r import (
    StyleganR,
    StyleganRShape,
    continue_mappings,
    explained_variances,
    load_stylegan_r,
    save_stylegan_r,
    select_view_dimensions,
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
    assert selectors.shape == (3, network.generator.style_size)
    assert torch.allclose(selectors.sum(0), torch.ones(network.generator.style_size))


@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_images_have_the_generators_size_and_gradients_reach_every_network(camera_conditioned):
    network = network_of(camera_conditioned)
    images = network(*inputs_of(3))
    assert images.shape == (3, 3, 32, 32)
    images.square().mean().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    unused = ("generator.mapping", "generator.camera", "generator.affines", "noise_strength")
    assert [name for name in without if not any(part in name for part in unused)] == []


@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_the_camera_moves_the_selected_dimensions_and_no_other(camera_conditioned):
    network = network_of(camera_conditioned)
    early = network.generator.view_dimensions.stop
    selected = torch.zeros(early, dtype=torch.bool)
    selected[3:9] = True
    network.view_selected.copy_(selected)
    cameras, *rest = inputs_of(4)
    first = network.mix(network.codes(cameras, *rest))
    other = network.mix(network.codes(cameras + torch.tensor([70.0, 5, 0, 0, 0]), *rest))
    moved = (first != other).any(0)
    assert moved[:early].tolist() == selected.tolist() and not moved[early:].any()


def test_the_camera_replaces_an_unconditional_mix_and_adds_to_a_camera_conditioned_one():
    cameras, vertices, textures, backgrounds = inputs_of(4)
    for camera_conditioned, moves in ((False, False), (True, True)):
        network = network_of(camera_conditioned)
        early = network.generator.view_dimensions.stop
        network.view_selected.fill_(1.0)
        first = network.mix(network.codes(cameras, vertices, textures, backgrounds))
        other = network.mix(network.codes(cameras, vertices + 1, textures, backgrounds))
        assert bool((first[:, :early] != other[:, :early]).any()) == moves
        assert (first[:, early:] != other[:, early:]).any()


def test_the_mix_is_equation_4():
    network = network_of(True)
    torch.nn.init.normal_(network.selector_logits)
    styles = torch.randn(50, network.generator.style_size) * 3 + 1
    early = network.generator.view_dimensions.stop
    network.calibrate(styles, torch.rand(50, 42, 3), torch.ones(early, dtype=torch.bool))
    codes = network.codes(*inputs_of(2))
    shape, texture, background = codes.owners * styles.std(0) + styles.mean(0)
    s_m, s_t, s_b = network.selectors()
    wanted = s_m * shape + s_t * texture + s_b * background
    wanted[:, :early] += codes.view * styles.std(0)[:early]
    assert torch.allclose(network.mix(codes), wanted, atol=1e-4)


def test_the_dimensions_that_follow_the_viewpoint_are_found():
    random = torch.Generator().manual_seed(0)
    viewpoints = torch.arange(600) % 12
    angle = viewpoints * (2 * np.pi / 12)
    styles = torch.randn(600, 20, generator=random)
    styles[:, 4] = 3 * angle.cos() + 0.3 * styles[:, 4]
    styles[:, 11] = 50 * (angle.sin() + 0.1 * styles[:, 11])
    styles[:, 15] = 7.0  # never moves: nothing to explain
    shares = explained_variances(styles, viewpoints)
    assert ((shares >= 0) & (shares <= 1)).all() and shares[15] == 0
    assert shares[4] > 0.9 and shares[11] > 0.9 and shares[0] < 0.1
    selected = select_view_dimensions(shares, 2)
    assert selected.nonzero().flatten().tolist() == [4, 11]
    assert int(select_view_dimensions(shares, 500).sum()) == 20
    with pytest.raises(ValueError, match="at least 1"):
        select_view_dimensions(shares, 0)


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
    network.view_selected[:5] = 0
    save_stylegan_r(tmp_path / "stylegan_r.safetensors", network)
    loaded = load_stylegan_r(tmp_path / "stylegan_r.safetensors")
    given = inputs_of(2)
    with torch.no_grad():
        assert torch.allclose(loaded(*given), network(*given), atol=2 / 255)
    save_stylegan_r(tmp_path / "again.safetensors", loaded)
    again = load_stylegan_r(tmp_path / "again.safetensors").state_dict()
    assert all(torch.equal(again[name], value) for name, value in loaded.state_dict().items())
