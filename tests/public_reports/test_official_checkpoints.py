"""Checkpoints that the official commands write by default: taken, with the official equations."""

import pytest
import torch

from tests.train.checkpoints import published_equations
from tests.train.checkpoints.official_snapshot import STRUCTURE, official_snapshot, weights_of
from train.checkpoints.refusal import CheckpointError
from train.checkpoints.stylegan_file import read_checkpoint
from train.import_stylegan import main
from train.models.weights import load_discriminator

CLAMP = 256.0
CODE = 16


def spread(judge):
    """D's weights, so large that the limit cuts both what it may and what it may not."""
    large = ("b32.fromrgb.weight", "b32.conv0.weight", "b32.skip.weight", "b16.skip.weight")
    return {name: 40 * value if name in large else value for name, value in judge.items()}


def test_the_official_defaults_limit_every_convolution_but_the_skips():
    limits = {
        module["name"]: module["attributes"]["conv_clamp"]
        for module in STRUCTURE["D"]
        if "conv_clamp" in module["attributes"]
    }
    skips = {name for name in limits if name.endswith(".skip")}
    assert len(skips) == 3 and {limits[name] for name in skips} == {None}
    assert {limits[name] for name in limits.keys() - skips} == {256}


def test_a_snapshot_of_the_official_defaults_is_imported(tmp_path, capsys):
    path = tmp_path / "network-snapshot-000500.pkl"
    path.write_bytes(official_snapshot(weights_of("G_ema"), weights_of("D")))
    assert main([str(path), "--out", str(tmp_path / "car")]) == 0
    assert "taken    b32.skip.weight" in capsys.readouterr().out
    shape = load_discriminator(tmp_path / "car" / "discriminator.safetensors").shape
    assert (shape.clamp, shape.group) == (CLAMP, 4)


def test_its_discriminator_is_that_of_the_published_equations_where_the_limit_cuts():
    judge = spread(weights_of("D", 1))
    imported = read_checkpoint(official_snapshot(weights_of("G_ema"), judge)).discriminator
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    expected = published_equations.judge(judge, images, CLAMP)
    with torch.no_grad():
        found = imported(images).double()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-3)
    free = published_equations.judge(judge, images)
    assert (free - expected).abs().max() > 1  # the limit cuts


def test_its_images_are_those_of_the_published_equations():
    weights = weights_of("G_ema", 3)
    imported = read_checkpoint(official_snapshot(weights, weights_of("D"))).generator
    codes = torch.randn(2, 3, CODE, generator=torch.Generator().manual_seed(4))
    content, view = codes
    with torch.no_grad():
        made = imported.synthesize(imported.styles(content, view), "fixed")
    expected = published_equations.synthesize(
        weights, [view] * 4 + [content] * 4, noise=True, limit=CLAMP
    )
    assert expected.std() > 0.3
    torch.testing.assert_close(made.double(), expected, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("group", [1, 2, 8])
def test_the_standard_deviation_is_taken_over_as_many_images_as_the_file_says(group):
    judge = weights_of("D")
    content = official_snapshot(weights_of("G_ema"), judge, {"b4.mbstd.group_size": group})
    imported = read_checkpoint(content).discriminator
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    # Of eight images, those of one group stand 8 / group apart.
    apart = 8 // group
    expected = torch.empty(8, dtype=torch.float64)
    for first in range(apart):
        expected[first::apart] = published_equations.judge(judge, images[first::apart], CLAMP)
    with torch.no_grad():
        torch.testing.assert_close(imported(images).double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("b16.skip.conv_clamp", 256, r"variant with b16\.skip\.conv_clamp=256"),
        ("b16.conv0.conv_clamp", None, "layers of several conv_clamp"),
        ("b16.conv0.conv_clamp", "much", "layers of several conv_clamp"),
        ("b4.mbstd.group_size", None, r"variant with b4\.mbstd\.group_size=None"),
    ],
)
def test_other_limits_and_groups_are_refused_by_name(name, value, said):
    content = official_snapshot(weights_of("G_ema"), weights_of("D"), {name: value})
    with pytest.raises(CheckpointError, match=said):
        read_checkpoint(content)
