"""The benchmark is tested on generators whose metrics are known: photographs of known content."""

import json

import numpy as np
import pytest
import torch

from tests.train.models.test_given_features import OfUnitImages, write_onnx
from train.evaluation.generator_benchmark import Sizes, measure_generator, photographed
from train.evaluation.generator_report import (
    SHIPPED_CLASSIFIER,
    SHIPPED_GENERATOR,
    report_generator,
)
from train.evaluation.options import SHIPPED as BUNDLE
from train.models.attributes import load_attributes
from train.models.generator import Generator, GeneratorShape
from train.models.weights import load_generator, save_weights
from train.running.workspace import WorkspaceError

pytestmark = pytest.mark.slow

SIZES = Sizes(views=8, contents=6, photographs=256, hulls=2)
FEW = Sizes(views=4, contents=4, photographs=64, hulls=1)
"""Where no metric of a good generator is looked at."""


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
    assert good["view_share_azimuth"] > 0.2 and good["content_share_paint"] > 0.7
    assert good["content_share_background"] > 0.8
    assert 0.3 < good["roof_height_spread"] < 1.3
    # The untrained one has never seen a labelled elevation.
    assert good["asked_vs_read_elevation_deg"] < 6 and "asked_vs_read_elevation_deg" not in bad


def test_a_seed_gives_its_metrics_again(classifier, data):
    generator = load_generator(SHIPPED_GENERATOR).eval()
    first, again = (measure_generator(generator, classifier, data, 5, FEW) for _ in range(2))
    assert first == again


def test_an_unconditional_generator_is_asked_for_no_camera(classifier, data):
    generator = Generator(GeneratorShape(classifier.size)).eval()
    metrics = measure_generator(generator, classifier, data, 1, FEW)
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
    ).markdown()
    assert "- camera_conditioned: true\n- seeds: [1, 2]\n" in text and "kind_correct" in text
    assert "no FID" in text and "over the seeds" in text
    report = json.loads((tmp_path / "generator.json").read_text())
    assert "| metric | generator | true_renders | mixed_renders |" in text
    ours, oracle, baseline = report["rows"].values()
    for name, low in baseline.items():
        assert low["value"] < ours[name]["value"] < oracle[name]["value"]
    assert ours["view_share_azimuth"]["low"] > 0.2 < ours["content_share_paint"]["low"]
    assert set(ours) == set(report["definitions"])
    assert report["about"]["inception"] == "inception.onnx" and "| `fid_inception` |" in text
    assert (tmp_path / "grid.png").exists()
    assert (tmp_path / "generator.md").read_text() == text


def test_a_generator_without_labelled_elevations_has_no_hulls(tmp_path):
    path = tmp_path / "unlabelled.safetensors"
    save_weights(path, Generator(GeneratorShape(64, camera_conditioned=True)), {})
    report_generator(path, tmp_path, BUNDLE, seeds=(1,), sizes=FEW)
    report = json.loads((tmp_path / "generator.json").read_text())
    assert report["about"]["camera_conditioned"] and list(report["rows"]) == ["generator"]
    assert "asked_vs_read_azimuth_deg" in report["rows"]["generator"]


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


def test_a_larger_generator_is_read_at_the_classifiers_size(tmp_path):
    path = tmp_path / "large.safetensors"
    shape = GeneratorShape(128, code=8, channels=(4,) * 6, camera_conditioned=True)
    save_weights(path, Generator(shape), {})
    report_generator(path, tmp_path, BUNDLE, seeds=(3,), sizes=FEW)
    metrics = json.loads((tmp_path / "generator.json").read_text())["rows"]["generator"]
    assert metrics["fd_attributes"]["value"] > 100
    assert metrics["asked_vs_read_azimuth_deg"]["value"] > 30


def test_a_smaller_generator_is_refused(tmp_path):
    path = tmp_path / "small.safetensors"
    save_weights(path, Generator(GeneratorShape(32, camera_conditioned=True)), {})
    with pytest.raises(WorkspaceError, match=r"makes 32 px images; the classifier reads 64 px"):
        report_generator(path, tmp_path, BUNDLE)
