"""The commands as they are given: a bundle and a GAN in, the bundle with a new renderer out."""

import json

import pytest
import torch

from service.model import bundle as bundles
from service.model.manifest import NEURAL_RENDERER, STYLEGAN_R
from tests.service.small_bundle import write_small_bundle
from tests.train.adaptation.adaptable import write_adaptable
from train.adaptation import views as renewing
from train.disentangle import main as disentangle
from train.models.neural_renderer import load_neural_renderer
from train.models.stylegan_r import load_stylegan_r
from train.neural import main

pytestmark = pytest.mark.slow
FEW = ["--images", "64", "--views", "2", "--steps", "3", "--batch-size", "4", "--width", "4"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_adaptable(folder)
    return folder


def arguments(run, out, *more):
    bundle, gan = run / "export" / "bundle", run / "round_0" / "gan"
    return ["--bundle", str(bundle), "--gan", str(gan), "--out", str(out), *FEW, *more]


@pytest.fixture
def lenient(monkeypatch):
    """Untrained networks read any azimuth."""
    monkeypatch.setattr(renewing, "LARGEST_TURN_DEGREES", 181.0)
    monkeypatch.setattr(renewing, "SMALLEST_MASK", -1.0)
    monkeypatch.setattr(renewing, "FEWEST_OBJECTS", 20)


def test_the_bundle_gets_another_neural_renderer_and_keeps_all_else(run, tmp_path, lenient, capsys):
    assert main(arguments(run, tmp_path / "out")) == 0
    before = bundles.load(run / "export" / "bundle").manifest
    after = bundles.load(tmp_path / "out" / "bundle").manifest
    changed = {name for name in after.files if after.files[name] != before.files.get(name)}
    assert changed == {f"{NEURAL_RENDERER}.onnx"} and set(after.files) == set(before.files)
    assert after.metrics["neural"]["neural_error"] > 0
    assert after.camera_ranges == before.camera_ranges
    assert len(after.training_command.split("; ")) == 2
    assert (tmp_path / "out" / "work" / "images.png").exists()
    weights = tmp_path / "out" / "neural_renderer.safetensors"
    capsys.readouterr()
    assert main(arguments(run, tmp_path / "out")) == 0  # nothing is done twice
    assert "step" not in capsys.readouterr().err
    assert main(arguments(run, tmp_path / "more", "--begin", str(weights))) == 0
    first, more = (
        load_neural_renderer(p / weights.name) for p in (weights.parent, tmp_path / "more")
    )
    assert first.shape == more.shape
    facts = json.loads((tmp_path / "more" / "work" / "done.json").read_text())
    assert facts["images"] == 64


def test_what_the_bundle_does_not_recognise_is_no_training_set(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(renewing, "LARGEST_TURN_DEGREES", 0.0)
    assert main(arguments(run, tmp_path / "out")) == 2
    assert "do not know the same objects" in capsys.readouterr().err
    assert not (tmp_path / "out" / "bundle").exists()


def test_a_bundle_of_another_category_needs_a_gan_of_its_own(tmp_path, capsys):
    write_small_bundle(tmp_path / "ellipses")
    assert main(["--bundle", str(tmp_path / "ellipses"), "--out", str(tmp_path / "out")]) == 2
    assert "knows 'ellipses', the shipped GAN vehicles only" in capsys.readouterr().err


def test_weights_of_something_else_are_refused(run, tmp_path, lenient, capsys):
    other = run / "round_0" / "gan" / "generator.safetensors"
    assert main(arguments(run, tmp_path / "out", "--begin", str(other))) == 2
    assert "is no neural renderer of this version" in capsys.readouterr().err


FEW_CODES = [
    "--images", "64", "--views", "2", "--warmup-steps", "2", "--steps", "2", "--batch-size", "8",
    "--warmup-batch-size", "8",
]  # fmt: skip


def test_the_bundle_gets_another_stylegan_r_and_keeps_all_else(run, tmp_path, lenient, capsys):
    given = [*arguments(run, tmp_path / "out")[:6], *FEW_CODES]
    assert disentangle(given) == 0
    before = bundles.load(run / "export" / "bundle").manifest
    after = bundles.load(tmp_path / "out" / "bundle").manifest
    changed = {name for name in after.files if after.files[name] != before.files.get(name)}
    assert changed == {f"{STYLEGAN_R}.onnx"} and set(after.files) == set(before.files)
    facts = after.metrics["stylegan_r"]
    assert facts["after_fine_tuning"]["style_error"]["own_view"] > 0
    assert len(after.training_command.split("; ")) == 2
    assert (tmp_path / "out" / "work" / "images" / "after_fine_tuning.png").exists()
    capsys.readouterr()
    assert disentangle(given) == 0  # nothing is done twice
    assert "loss" not in capsys.readouterr().err
    weights = tmp_path / "out" / "stylegan_r.safetensors"
    more = [*arguments(run, tmp_path / "more")[:6], *FEW_CODES, "--begin", str(weights)]
    # All of it is gone on from: the generator too, and what the codes are scaled by.
    assert disentangle([*more, "--warmup-steps", "0", "--steps", "0", "--seed", "2"]) == 0
    again = load_stylegan_r(tmp_path / "more" / weights.name).state_dict()
    for name, tensor in load_stylegan_r(weights).state_dict().items():
        assert torch.equal(again[name], tensor), name
    other = run / "round_0" / "gan" / "generator.safetensors"
    refused = [*arguments(run, tmp_path / "refused")[:6], *FEW_CODES, "--begin", str(other)]
    assert disentangle(refused) == 2
    assert "is no StyleGAN-R of this version" in capsys.readouterr().err
