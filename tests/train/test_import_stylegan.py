import math

import pytest
import torch

from tests.train.checkpoints import published_equations
from tests.train.checkpoints.official_files import (
    CHANNELS,
    CODE,
    MAPPING,
    discriminator_weights,
    generator_weights,
    nvidia_pickle,
    rosinality_file,
    rosinality_judge,
    rosinality_state,
)
from train.checkpoints.refusal import CheckpointError
from train.checkpoints.stylegan_file import import_file, read_checkpoint
from train.import_stylegan import main
from train.models.stylegan2 import StyleGAN2Generator
from train.models.weights import load_discriminator, load_generator, read_metadata


@pytest.fixture
def codes():
    return torch.randn(2, 3, CODE, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def images_of(generator, content, view, noise):
    return generator.synthesize(generator.styles(content, view), noise)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_weights_of_nvidias_pickle_come_through_bit_by_bit(protocol):
    weights = generator_weights()
    generator = read_checkpoint(nvidia_pickle(weights, protocol=protocol)).generator
    assert isinstance(generator, StyleGAN2Generator)
    assert (generator.shape.size, generator.shape.code) == (32, CODE)
    assert generator.shape.channels == tuple(n for side, n in CHANNELS.items() if side <= 32)
    assert generator.shape.mapping_layers == MAPPING
    assert torch.equal(generator.mapping.mean, weights["mapping.w_avg"])
    assert torch.equal(generator.blocks[2].conv0.weight, weights["synthesis.b16.conv0.weight"])
    stored = weights["synthesis.b32.conv1.noise_strength"]
    assert torch.equal(generator.blocks[3].conv1.noise_strength, stored)


@pytest.mark.parametrize("size", [16, 32])
@pytest.mark.parametrize("noise", ["fixed", None])
def test_images_are_those_of_the_published_equations(codes, size, noise):
    weights = generator_weights(size)
    generator = read_checkpoint(nvidia_pickle(weights)).generator
    content, view = codes
    places = 2 * int(math.log2(size)) - 2
    ws = [view] * 4 + [content] * (places - 4)
    expected = published_equations.synthesize(weights, ws, noise=noise is not None)
    made = images_of(generator, content, view, noise)
    assert expected.std() > 0.3
    torch.testing.assert_close(made.double(), expected, atol=1e-4, rtol=1e-4)


def test_at_512_px_four_of_sixteen_codes_hold_the_view():
    weights = generator_weights(512)
    generator = read_checkpoint(nvidia_pickle(weights)).generator
    layers = generator.style_layers
    assert generator.shape.view_layers == 4
    assert [layer.name for layer in layers if layer.position < 4] == [
        "b4.conv1", "b4.to_rgb", "b8.conv0", "b8.conv1", "b8.to_rgb", "b16.conv0",
    ]  # fmt: skip
    assert max(layer.position for layer in layers) == 15
    content, view = torch.randn(2, 1, CODE, generator=torch.Generator().manual_seed(2))
    expected = published_equations.synthesize(weights, [view] * 4 + [content] * 12, noise=False)
    made = images_of(generator, content, view, None)
    assert made.shape == (1, 3, 512, 512)
    torch.testing.assert_close(made.double(), expected, atol=1e-3, rtol=1e-3)
    one_more = published_equations.synthesize(weights, [view] * 5 + [content] * 11, noise=False)
    assert (one_more - expected).abs().max() > 0.1


def test_the_mapping_is_that_of_the_published_equations(codes):
    weights = generator_weights(16)
    generator = read_checkpoint(nvidia_pickle(weights)).generator
    expected = published_equations.map_codes(weights, codes[0])
    torch.testing.assert_close(generator.mapping(codes[0]), expected, atol=1e-5, rtol=1e-5)
    half = (expected + weights["mapping.w_avg"]) / 2
    torch.testing.assert_close(generator.mapping(codes[0], 0.5), half, atol=1e-5, rtol=1e-5)


def clamps(weights, limit):
    layers = {name.rpartition(".")[0] for name in weights if name.count(".") == 3}
    return {f"{layer}.conv_clamp": limit for layer in layers if "affine" not in layer}


def test_a_clamp_that_the_file_names_is_kept(codes):
    weights = generator_weights(16)
    generator = read_checkpoint(nvidia_pickle(weights, settings=clamps(weights, 1.5))).generator
    assert generator.shape.clamp == 1.5
    ws = [codes[1]] * 4 + [codes[0]] * 2
    expected = published_equations.synthesize(weights, ws, noise=True, limit=1.5)
    made = images_of(generator, *codes, "fixed")
    torch.testing.assert_close(made.double(), expected, atol=1e-4, rtol=1e-4)
    free = published_equations.synthesize(weights, ws, noise=True)
    assert (free - expected).abs().max() > 0.1


@pytest.mark.parametrize("legacy", [False, True])
def test_rosinalitys_file_of_the_same_numbers_gives_the_same_images(codes, legacy):
    weights = generator_weights()
    content = rosinality_file(
        rosinality_state(weights), legacy=legacy, latent_avg=weights["mapping.w_avg"]
    )
    first = read_checkpoint(nvidia_pickle(weights)).generator
    second = read_checkpoint(content).generator
    assert second.shape == first.shape
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    made = [images_of(generator, *codes, "fixed") for generator in (first, second)]
    assert torch.equal(*made)


def test_a_missing_mean_is_measured_and_said():
    weights = generator_weights(16)
    networks = read_checkpoint(rosinality_file(rosinality_state(weights)))
    z = torch.randn(20_000, CODE, generator=torch.Generator().manual_seed(9))
    expected = published_equations.map_codes(weights, z).mean(dim=0)
    torch.testing.assert_close(networks.generator.mapping.mean, expected, atol=0.1, rtol=0.1)
    assert any(line.startswith("measured mapping.mean") for line in networks.report)


@pytest.mark.parametrize("limit", [None, 1.2])
def test_the_discriminator_is_that_of_the_published_equations(limit):
    weights = discriminator_weights()
    layers = ("b16.conv0", "b16.conv1", "b16.fromrgb", "b8.conv0", "b8.conv1", "b4.conv")
    settings = {f"{name}.conv_clamp": limit for name in layers}
    content = nvidia_pickle(generator_weights(16), weights, judge_settings=settings)
    judge = read_checkpoint(content).discriminator
    images = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    expected = published_equations.judge(weights, images, limit or math.inf)
    with torch.no_grad():
        torch.testing.assert_close(judge(images).double(), expected, atol=1e-4, rtol=1e-4)
        assert [tuple(f.shape[1:]) for f in judge.features(images)] == [
            (8, 16, 16),
            (10, 8, 8),
            (12, 4, 4),
        ]


def test_rosinalitys_discriminator_has_the_same_weights():
    weights, state = discriminator_weights(), rosinality_state(generator_weights(16))
    first = read_checkpoint(nvidia_pickle(generator_weights(16), weights)).discriminator
    second = read_checkpoint(rosinality_file(state, d=rosinality_judge(weights))).discriminator
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_the_report_names_every_key_once():
    weights, judge = generator_weights(16), discriminator_weights()
    report = read_checkpoint(nvidia_pickle(weights, judge)).report
    for name in (*weights, *judge):
        (line,) = [line for line in report if line.split()[1] == name]
        assert line.startswith("ignored" if name.endswith("resample_filter") else "taken")
    assert "ignored  G: the generator in training; G_ema is its average" in report
    assert any(line.startswith("ignored  training_set_kwargs: ") for line in report)


def changed(**changes):
    weights = generator_weights(16)
    for name, value in changes.items():
        if value is None:
            del weights[name]
        else:
            weights[name] = value
    return weights


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"synthesis.b8.conv0.bias": None}, r"1 keys missing: synthesis\.b8\.conv0\.bias"),
        ({"synthesis.b8.skip.weight": torch.zeros(10, 12, 1, 1)}, r"1 keys unknown: .*b8\.skip"),
        (
            {"synthesis.b16.torgb.weight": torch.zeros(4, 8, 1, 1)},
            r"b16\.torgb\.weight \[4, 8, 1, 1\] \(wanted \[3, 8, 1, 1\]\)",
        ),
        (
            {"synthesis.b8.conv1.weight": torch.zeros(10_000_000, 1, 1, 1)},
            r"b8\.conv1\.weight \[10000000, 1, 1, 1\] \(wanted",
        ),
        ({"synthesis.b8.conv1.weight": torch.zeros(10)}, "wanted are 4 numbers"),
        ({"synthesis.b4.const": torch.zeros(12, 4, 4, dtype=torch.int32)}, "not floating-point"),
        ({"mapping.w_avg": torch.full((CODE,), torch.nan)}, "mapping.w_avg holds .* not finite"),
        ({"synthesis.b8.resample_filter": torch.ones(4, 4)}, "b8.resample_filter is another"),
        ({"mapping.w_avg": None}, "has no mapping.w_avg"),
        ({"mapping.fc0.weight": torch.zeros(CODE, 8)}, r"mapping\.fc0\.weight .*wanted \[16, 16\]"),
        ({"mapping.embed.weight": torch.zeros(CODE, 3)}, "conditioned on class labels"),
        ({"synthesis.input.freqs": torch.zeros(4, 2)}, "is a StyleGAN3: its early layers do not"),
        ({"synthesis.L0_36_512.weight": torch.zeros(4)}, "is a StyleGAN3"),
    ],
)
def test_missing_unknown_and_misshapen_keys_are_named(changes, said):
    with pytest.raises(CheckpointError, match=said):
        read_checkpoint(nvidia_pickle(changed(**changes)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"c_dim": 10}, "conditioned on class labels"),
        ({"synthesis.b8.architecture": "orig"}, "variant with synthesis.b8.architecture=orig"),
        ({"synthesis.b8.conv0.activation": "relu"}, "activation=relu"),
        ({"mapping.fc0.bias_gain": 1.0}, "mapping.fc0.bias_gain=1.0"),
        (
            {"synthesis.b8.conv0.conv_clamp": 256, "synthesis.b8.conv1.conv_clamp": None},
            "several conv_clamp",
        ),
    ],
)
def test_variants_with_other_equations_are_refused(settings, said):
    with pytest.raises(CheckpointError, match=said):
        read_checkpoint(nvidia_pickle(generator_weights(16), settings=settings))


@pytest.mark.parametrize("name", ["convs.1.conv.weight", "to_rgbs.0.bias", "noises.noise_2"])
def test_rosinalitys_missing_and_unknown_keys_are_named(name):
    state = rosinality_state(generator_weights(16))
    state[f"{name}.more"] = state.pop(name)
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        read_checkpoint(rosinality_file(state))


def test_one_storage_behind_many_tensors_is_refused():
    # A file of torch.save writes a storage once, however many tensors it is behind.
    shared = torch.zeros(200_000)
    state = rosinality_state(generator_weights(16))
    with pytest.raises(CheckpointError, match="declares more numbers in g_ema than it holds"):
        read_checkpoint(rosinality_file({**state, "a": shared, "b": shared.view(1, -1)}))


def test_names_in_a_file_cannot_steer_the_terminal(tmp_path, capsys):
    weights = generator_weights(16) | {"synthesis.\x1b[2J\nwrote": torch.zeros(1)}
    (tmp_path / "car.pkl").write_bytes(nvidia_pickle(weights))
    assert main([str(tmp_path / "car.pkl"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert r"1 keys unknown: synthesis.\x1b[2J\nwrote" in said
    assert said.count("\n") == 1 and "\x1b" not in said


def test_view_layers_that_cannot_be_are_refused():
    content = nvidia_pickle(generator_weights(16))
    assert read_checkpoint(content, 2).generator.shape.view_layers == 2
    with pytest.raises(CheckpointError, match="view_layers=6: this size has 5 convolutions"):
        read_checkpoint(content, 6)


def test_the_command_writes_what_every_stage_loads(tmp_path, codes, capsys):
    weights, judge = generator_weights(16), discriminator_weights()
    (tmp_path / "car.pkl").write_bytes(nvidia_pickle(weights, judge))
    out = tmp_path / "imported"
    assert main([str(tmp_path / "car.pkl"), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "taken    mapping.w_avg [16] -> mapping.mean" in printed
    assert "--photographs.source checkpoint --photographs.size 16" in printed.splitlines()[-1]
    generator = load_generator(out / "generator.safetensors")
    facts = read_metadata(out / "generator.safetensors")
    assert (facts["architecture"], facts["source"]) == ("stylegan2", "car.pkl")
    assert str(tmp_path) not in "".join(facts.values())
    direct = read_checkpoint((tmp_path / "car.pkl").read_bytes()).generator
    made = [images_of(g, *codes, "fixed") for g in (generator, direct)]
    torch.testing.assert_close(*made, atol=1e-5, rtol=1e-5)
    assert load_discriminator(out / "discriminator.safetensors").shape.size == 16
    (tmp_path / "alone.pkl").write_bytes(nvidia_pickle(weights))
    import_file(tmp_path / "alone.pkl", out)
    assert not (out / "discriminator.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is neither a pickle nor a file of torch.save"),
        (b"\x89PNG\r\n", "is neither a pickle nor a file of torch.save"),
        (b"PK\x03\x04 a zip of something", "is not a whole file of torch.save"),
        (None, "no such file"),
    ],
)
def test_an_unusable_file_ends_with_status_2_and_one_line(tmp_path, capsys, content, said):
    path = tmp_path / "car.pkl"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error and "car.pkl" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
