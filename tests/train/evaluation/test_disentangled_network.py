"""StyleGAN-R of a file and of a run, untrained: it draws, but obeys nothing."""

import json

import pytest
import torch

from train.evaluate import main
from train.evaluation import disentangled_network
from train.evaluation.disentangled_network import measure_network
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    save_inverse_graphics,
)
from train.models.segmenter import Segmenter
from train.models.stylegan_r import StyleganR, StyleganRShape, save_stylegan_r
from train.models.weights import SHIPPED, load_generator

pytestmark = pytest.mark.slow


def untrained(**shape):
    torch.manual_seed(0)
    generator = load_generator(SHIPPED / "camera_conditioned" / "generator.safetensors")
    return StyleganR(generator, StyleganRShape(hidden=16, width=4, **shape))


def test_a_file_is_measured_beside_a_bundle(tmp_path):
    path = tmp_path / "run" / "round_1" / "disentangle" / "stylegan_r.safetensors"
    path.parent.mkdir(parents=True)
    save_stylegan_r(path, untrained(vertices=642, texture_size=64))
    sizes = ["--objects", "8", "--reference", "256"]
    assert main(["disentangled", "shipped", str(path), *sizes, "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "disentangled.json").read_text())
    file = "gan of run/round_1/disentangle/stylegan_r.safetensors"
    shipped = [f"{name} of shipped" for name in ("gan", "graphics", "neural")]
    renderers = [*shipped, file]
    assert list(report["rows"])[:4] == renderers and len(report["agreements"]) == 6
    assert str(tmp_path) not in json.dumps(report)
    good, bad = report["rows"][renderers[0]], report["rows"][file]
    assert good["own_psnr"]["value"] > bad["own_psnr"]["value"] + 3
    assert (
        good["asked_vs_read_azimuth_deg"]["value"] < 5 < bad["asked_vs_read_azimuth_deg"]["value"]
    )


def test_a_file_of_another_run_is_refused(tmp_path, capsys):
    path = tmp_path / "stylegan_r.safetensors"
    save_stylegan_r(path, untrained(vertices=42, texture_size=32))
    assert main(["disentangled", str(path), "--objects", "8", "--out", str(tmp_path)]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "takes 42 vertices and textures 32 texels high; the bundle reads 642 and 64" in message


def test_a_run_measures_its_networks_and_leaves_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr(disentangled_network, "OBJECTS", 16)
    monkeypatch.setattr(disentangled_network, "REFERENCE", 64)
    inverse = tmp_path / "inverse_graphics.safetensors"
    save_inverse_graphics(inverse, InverseGraphics(InverseGraphicsShape(64, 8, 1, 16)))
    network = untrained(vertices=42, texture_size=16)
    found = measure_network(network, Segmenter(4).eval(), inverse, 64, tmp_path)
    assert list(found["rows"]) == ["gan", "graphics", "ground_truth", "other_vehicles"]
    assert found["about"]["objects"] == 16 and "definitions" not in found
    assert json.loads((tmp_path / "disentangled.json").read_text())["rows"] == found["rows"]
    assert (tmp_path / "sheet_gan.png").exists()


def test_pictures_that_the_classifier_cannot_read_are_not_measured(tmp_path):
    found = measure_network(untrained(), Segmenter(4), tmp_path / "none", 32, tmp_path)
    assert found == {"skipped": "the attribute classifier reads 64 px, the photographs have 32"}
