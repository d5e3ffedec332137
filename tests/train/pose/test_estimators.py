from dataclasses import replace

import numpy as np
import pytest
import torch

from graphics.camera import wrap_degrees
from tests.train.stages.generated_run import SIZE
from tests.train.stages.labelling_run import (
    COUNT,
    labelling,
    labels_of,
    network,
    ready,
    with_views,
)
from train.config import CamerasConfig, ConfigError
from train.data import vehicles
from train.models.attributes import load_attributes, read_attributes
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    save_inverse_graphics,
)
from train.models.segmenter import load_segmenter
from train.pose.estimators import estimate_both_ways, train_multiview_estimator
from train.running.workspace import StageFolder, WorkspaceError
from train.stages import cameras

pytestmark = pytest.mark.slow


def test_a_mirrored_photograph_gets_the_mirrored_camera(tmp_path):
    segment = load_segmenter(ready(tmp_path).stage("segmenter").path)
    images = torch.rand(6, 3, SIZE, SIZE)
    plain = estimate_both_ways(network().eval(), segment, images)
    mirrored = estimate_both_ways(network().eval(), segment, images.flip(-1))
    signs = np.array([-1, 1, 1, -1, 1])
    # Between directions exactly opposite the mean would be a coin's throw.
    assert plain.disagreements.max() < 179.9
    apart = mirrored.cameras - plain.cameras * signs
    apart[:, 0] = wrap_degrees(apart[:, 0])
    assert np.abs(apart).max() < 1e-3
    assert np.allclose(mirrored.confidences, plain.confidences, atol=1e-5)


def test_the_mean_azimuth_goes_the_short_way_round(tmp_path):
    class TwoViews(torch.nn.Module):
        """Says 170 degrees of an image and 174 degrees of its mirror image (so -174)."""

        shape = network().shape

        def forward(self, images, masks):
            prediction = network().eval()(images, masks)
            half = len(images) // 2
            read = prediction.cameras.clone()
            read[:half, 0], read[half:, 0] = 170.0, 174.0
            return prediction._replace(cameras=read)

    segment = load_segmenter(ready(tmp_path).stage("segmenter").path)
    labels = estimate_both_ways(TwoViews(), segment, torch.rand(2, 3, SIZE, SIZE))
    assert labels.cameras[:, 0] == pytest.approx([178, 178], abs=1e-3)
    assert labels.disagreements == pytest.approx([16, 16], abs=1e-3)


def test_the_attribute_network_can_read_the_cameras(tmp_path):
    workspace = ready(tmp_path)
    cameras.run(labelling(confident=0.5, estimator="attributes"), workspace, round=1)
    labels = labels_of(workspace)
    classifier = load_attributes(workspace.stage("viewpoints").require("attributes.safetensors"))
    pixels = np.load(workspace.stage("photographs").require("images.npy"))
    read = read_attributes(classifier, torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    # Untrained, it hardly separates left from right, and a GPU rounds otherwise.
    assert np.isclose(labels["cameras"][:, 0], read.azimuths, atol=1e-3).mean() > 0.95
    assert np.allclose(labels["cameras"][:, 1], read.elevations, atol=1e-3)
    assert np.allclose(labels["cameras"][:, 2], read.distances, atol=1e-3)
    assert np.isnan(labels["cameras"][:, 3:]).all()
    assert workspace.stage("cameras", 1).facts()["distance_error_median_all"] > 0
    assert labels["keep"].sum() == COUNT // 2


def test_the_network_of_a_smaller_run_can_read_the_cameras(tmp_path):
    small, workspace = ready(tmp_path / "small"), ready(tmp_path / "large")
    pixels = np.load(workspace.stage("photographs").file("images.npy"))
    np.save(workspace.stage("photographs").file("images.npy"), pixels.repeat(2, 1).repeat(2, 2))
    settings = labelling(estimator=f"inverse@{small.path}")
    twice = replace(settings, photographs=replace(settings.photographs, size=2 * SIZE))
    cameras.run(labelling(), small, round=1)
    cameras.run(twice, workspace, round=1)
    # Shrinking undoes the doubling: the same network saw the same images.
    pairs = (labels_of(small)["cameras"], labels_of(workspace)["cameras"])
    assert np.array_equal(*pairs, equal_nan=True)


def test_a_pose_estimator_that_wants_larger_images_is_refused(tmp_path):
    large = ready(tmp_path / "large")
    wants = InverseGraphics(
        InverseGraphicsShape(2 * SIZE, width=8, template_level=1, texture_size=16)
    )
    save_inverse_graphics(large.stage("inverse", 0).file("inverse_graphics.safetensors"), wants)
    settings = labelling(estimator=f"inverse@{large.path}")
    with pytest.raises(WorkspaceError, match=rf"reads {2 * SIZE} px, the photographs have {SIZE}"):
        cameras.run(settings, ready(tmp_path / "small"), round=1)


def test_a_pose_estimator_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match=r"cameras\.estimator names .*nowhere: not the folder"):
        cameras.run(labelling(estimator=f"views@{tmp_path}/nowhere"), ready(tmp_path), round=1)


@pytest.mark.parametrize("name", ["", "runs/second", "views@", "attributes@runs/second", "views,"])
def test_what_is_no_pose_estimator_is_refused(name):
    with pytest.raises(ConfigError, match=r"--cameras\.estimator .*one or more of inverse, views"):
        CamerasConfig(estimator=name)


def test_a_classifier_trained_on_the_views_estimates_the_cameras(tmp_path):
    workspace = with_views(ready(tmp_path))
    cameras.run(labelling(estimator="views", views_steps=60), workspace, round=1)
    facts, labels = workspace.stage("cameras", 1).facts(), labels_of(workspace)
    # By chance it would be 90 degrees.
    assert facts["azimuth_error_median_degrees_all"] < 30
    # Round 0 has a plain GAN.
    assert np.isnan(labels["cameras"][:, 1:]).all()
    assert not {"elevation_error_median_degrees_all", "distance_error_median_all"} & set(facts)


def test_after_a_camera_conditioned_round_elevations_are_labelled_too(tmp_path):
    workspace = with_views(ready(tmp_path), round=1)
    settings = labelling(
        estimator="views", views_steps=60, self_training_rounds=1, self_training_steps=2
    )
    cameras.run(settings, workspace, round=2)
    with np.load(workspace.stage("cameras", 2).require("labels.npz")) as labels:
        assert not np.isnan(labels["cameras"][:, :2]).any()
    assert workspace.stage("cameras", 2).facts()["elevation_error_median_degrees_all"] < 15
    own = StageFolder(workspace.stage("cameras", 2).path / "estimator_1")
    trained = load_attributes(own.file("classifier.safetensors"))
    seen = vehicles.photographs(5, np.arange(200), SIZE)
    read = read_attributes(trained, torch.from_numpy(seen.images).permute(0, 3, 1, 2) / 255)
    # The elevations of the objects, for the viewpoints' are not known.
    assert np.median(np.abs(read.elevations - seen.cameras[:, 1])) < 6


def test_the_views_of_another_run_and_the_own_network_label_together(tmp_path):
    other, workspace = with_views(ready(tmp_path / "other")), ready(tmp_path / "own")
    both = labelling(estimator=f"inverse,views@{other.path}", views_steps=2)
    cameras.run(both, workspace, round=1)
    alone = ready(tmp_path / "alone")
    cameras.run(labelling(estimator="inverse"), alone, round=1)
    read, own = labels_of(workspace)["cameras"], labels_of(alone)["cameras"]
    assert (read[:, 0] != own[:, 0]).any()
    # A plain GAN trained both, and an object's size explains its distance away.
    assert np.isnan(read[:, 1:]).all() and np.isnan(own[:, 1:]).all()
    assert not (other.path / "round_1").exists()


def test_the_classifier_is_trained_once(tmp_path):
    workspace = with_views(ready(tmp_path))
    own = StageFolder(workspace.stage("cameras", 1).path / "estimator_1")
    settings = labelling(views_steps=2)
    networks = [
        train_multiview_estimator(settings, workspace, own, (workspace, 0), round=1, number=1)
        for _ in range(2)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*(n.parameters() for n in networks), strict=True))
    with pytest.raises(WorkspaceError, match="stage `multiview` has to run"):
        train_multiview_estimator(settings, workspace, own, (workspace, 3), round=1, number=1)


def test_classifiers_of_other_numbers_differ_and_each_is_reproducible(tmp_path):
    workspace = with_views(ready(tmp_path))
    settings = labelling(views_steps=2)

    def trained(number: int, folder: str):
        own = StageFolder(tmp_path / folder)
        return train_multiview_estimator(settings, workspace, own, (workspace, 0), 1, number)

    first, again, second = trained(1, "first"), trained(1, "again"), trained(2, "second")
    pairs = [
        [torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True)]
        for other in (again, second)
    ]
    assert all(pairs[0])
    assert not any(
        same for same, own in zip(pairs[1], first.parameters(), strict=True) if own.ndim > 1
    )


def test_two_equal_pose_estimators_label_as_one(tmp_path):
    one, both = ready(tmp_path / "one"), ready(tmp_path / "both")
    cameras.run(labelling(), one, round=1)
    cameras.run(labelling(estimator=f"inverse,inverse@{one.path}"), both, round=1)
    expected, got = labels_of(one), labels_of(both)
    assert np.allclose(expected["cameras"], got["cameras"], atol=1e-3, equal_nan=True)
    assert np.array_equal(expected["keep"], got["keep"])
