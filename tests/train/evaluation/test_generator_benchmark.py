"""The instrument is held to generators whose figures are known: photographs of known content."""

import json

import numpy as np
import pytest
import torch

from tests.train.models.test_given_features import OfUnitImages, write_onnx
from train.evaluate import SHIPPED as BUNDLE
from train.evaluation.generator_benchmark import Sizes, measure_generator, photographed
from train.evaluation.generator_report import (
    SHIPPED_CLASSIFIER,
    SHIPPED_GENERATOR,
    report_generator,
)
from train.models.attributes import load_attributes
from train.models.generator import Generator, GeneratorShape
from train.models.weights import load_generator, save_weights
from train.running.workspace import WorkspaceError

SIZES = Sizes(views=8, contents=6, photographs=256, hulls=2)


@pytest.fixture(scope="module")
def classifier():
    return load_attributes(SHIPPED_CLASSIFIER)


@pytest.fixture(scope="module")
def data(classifier):
    return photographed(classifier, SIZES.photographs)


def test_the_shipped_generator_obeys_and_an_untrained_one_does_not(classifier, data):
    torch.manual_seed(0)
    untrained = Generator(GeneratorShape(classifier.size, camera_conditioned=True)).eval()
    shipped = load_generator(SHIPPED_GENERATOR).eval()
    good, bad = (measure_generator(g, classifier, data, 3, SIZES) for g in (shipped, untrained))
    assert good["asked_vs_read_azimuth_deg"] < 12 < 45 < bad["asked_vs_read_azimuth_deg"]
    assert good["fd_attributes"] < 0.2 * bad["fd_attributes"]
    shares = good["variance_shares_view_content"]
    assert shares["azimuth"][0] > 0.2 and shares["paint"][1] > 0.7
    assert shares["background"][1] > 0.8
    assert 0.3 < good["roof_height_spread"] < 1.3
    # Nobody ever told the untrained one an elevation.
    assert good["asked_vs_read_elevation_deg"] < 6 and "asked_vs_read_elevation_deg" not in bad


def test_a_seed_gives_its_figures_again(classifier, data):
    generator = load_generator(SHIPPED_GENERATOR).eval()
    first, again = (measure_generator(generator, classifier, data, 5, SIZES) for _ in range(2))
    assert first == again


def test_an_unconditional_generator_is_asked_for_no_camera(classifier, data):
    generator = Generator(GeneratorShape(classifier.size)).eval()
    metrics = measure_generator(generator, classifier, data, 1, SIZES)
    assert not any("asked" in name for name in metrics)
    assert 0 <= metrics["object_consistency"] <= 1 and metrics["viewpoint_std_deg"] > 0


def test_photographs_are_near_other_photographs(classifier, data):
    other = photographed(classifier, 2 * SIZES.photographs)
    from train.metrics.frechet import frechet_distance

    pair = (data.features["fd_attributes"][1], other.features["fd_attributes"][1])
    assert frechet_distance(*pair) < 20
    assert np.isclose(data.roof_height_std, other.roof_height_std, rtol=0.2)


def test_the_report_has_every_seed(tmp_path):
    inception = write_onnx(tmp_path / "inception.onnx", OfUnitImages(), size=64)
    text = report_generator(
        SHIPPED_GENERATOR, tmp_path, BUNDLE, inception, seeds=(1, 2), sizes=SIZES
    )
    assert "camera-conditioned; mean (range) over seeds 1, 2" in text and "kind_correct" in text
    report = json.loads((tmp_path / "generator.json").read_text())
    oracle, floor = (report["hull_references"][name] for name in ("true_renders", "mixed_renders"))
    for name, low in floor.items():
        assert low < report["metrics"][name]["mean"] < oracle[name]
        assert f"| {name} of true renders |" in text
    assert report["inception"] == "inception.onnx" and "| fid_inception |" in text
    assert (tmp_path / "grid.png").exists()
    assert (tmp_path / "generator.md").read_text() == text


def test_a_generator_that_nobody_told_elevations_has_no_hulls(tmp_path):
    path = tmp_path / "untold.safetensors"
    save_weights(path, Generator(GeneratorShape(64, camera_conditioned=True)), {})
    report_generator(path, tmp_path, BUNDLE, seeds=(1,), sizes=SIZES)
    report = json.loads((tmp_path / "generator.json").read_text())
    assert report["camera_conditioned"] and report["hull_references"] == {}
    assert "asked_vs_read_azimuth_deg" in report["metrics"]


def test_a_given_inception_network_gives_a_fid_of_its_own(classifier):
    def mean_colours(images):
        return images.mean((2, 3))

    data = photographed(classifier, SIZES.photographs, mean_colours)
    metrics = measure_generator(
        load_generator(SHIPPED_GENERATOR).eval(), classifier, data, 3, SIZES
    )
    assert 0 < metrics["fid_inception"] < 0.1 < metrics["fd_attributes"]
    torch.manual_seed(0)
    untrained = Generator(GeneratorShape(classifier.size, camera_conditioned=True)).eval()
    worse = measure_generator(untrained, classifier, data, 3, SIZES)["fid_inception"]
    assert worse > 3 * metrics["fid_inception"]


def test_a_larger_generator_is_read_at_the_instruments_size(tmp_path):
    path = tmp_path / "large.safetensors"
    shape = GeneratorShape(128, code=8, channels=(4,) * 6, camera_conditioned=True)
    save_weights(path, Generator(shape), {})
    report_generator(path, tmp_path, BUNDLE, seeds=(3,), sizes=SIZES)
    metrics = json.loads((tmp_path / "generator.json").read_text())["metrics"]
    assert metrics["fd_attributes"]["mean"] > 100
    assert metrics["asked_vs_read_azimuth_deg"]["mean"] > 30


def test_a_smaller_generator_is_refused(tmp_path):
    path = tmp_path / "small.safetensors"
    save_weights(path, Generator(GeneratorShape(32, camera_conditioned=True)), {})
    with pytest.raises(WorkspaceError, match=r"makes 32 px images; the classifier reads 64 px"):
        report_generator(path, tmp_path, BUNDLE)
