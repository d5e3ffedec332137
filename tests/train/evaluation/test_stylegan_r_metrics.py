import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.stages.tiny_run import SIZE, tiny_config, tiny_run
from train.evaluation.stylegan_r_metrics import (
    camera_control,
    evenly,
    selector_shares,
    style_error,
    turned,
    write_pictures,
)
from train.stages.disentangle import training_of


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    config = tiny_config()
    # Of a camera-conditioned one the generator itself would say what the camera means.
    workspace = tiny_run(tmp_path_factory.mktemp("run"), config, camera_conditioned=False)
    return training_of(config, workspace, 0)


def test_a_network_that_says_the_mean_has_a_style_error_of_about_one(training):
    network = training.network
    for mapping in (network.shape_mapping[-1], network.view_mapping[-1]):
        torch.nn.init.zeros_(mapping.weight)
    for mapping in (network.texture_mapping, network.background_mapping):
        torch.nn.init.zeros_(mapping.code.weight)
    errors = style_error(network, training.sampler)
    assert errors["own_view"] == pytest.approx(1, abs=0.2)


def test_camera_control_counts_angles_between_what_was_asked_and_read(training):
    metrics = camera_control(training.network, training.encoder, training.sampler)
    assert 0 <= metrics["azimuth_median_degrees"] <= 180
    assert 0 <= metrics["azimuth_beyond_30_degrees"] <= 1
    # An untrained camera head answers the same whatever is asked: all but one or two are far off.
    assert metrics["azimuth_beyond_30_degrees"] > 0.5


def test_turned_cameras_differ_in_azimuth_alone():
    cameras = torch.rand(3, 5)
    other = turned(cameras, 120)
    assert (other[:, 0] == 120).all() and torch.equal(other[:, 1:], cameras[:, 1:])


def test_selector_shares_of_an_owner(training):
    with torch.no_grad():
        training.network.selector_logits.zero_()
        training.network.selector_logits[1] = 50
    shares = selector_shares(training.network)
    assert shares["early"] == {"shape": 0.0, "texture": 1.0, "background": 0.0}


def test_pictures_have_a_row_per_object_and_ten_columns(training, tmp_path):
    write_pictures(tmp_path / "grid.png", training.network, training.sampler)
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (10 * SIZE * 2, 8 * SIZE * 2)
        assert np.asarray(grid).std() > 0


def test_images_are_chosen_evenly_over_objects(training):
    chosen = training.sampler.codes.objects[evenly(training.sampler, 8)]
    assert len(chosen.unique()) >= 6
