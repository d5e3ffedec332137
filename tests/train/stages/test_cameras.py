from dataclasses import replace

import numpy as np
import pytest
import torch

from graphics.camera import wrap_degrees
from tests.train.stages.generated_run import SIZE, config, with_gan, with_segmenter_and_gauge
from train.config import CamerasConfig, ConfigError
from train.data import vehicles
from train.models.attributes import load_attributes, read_attributes
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    save_inverse_graphics,
)
from train.models.segmenter import load_segmenter
from train.readers import cameras as camera_readers
from train.readers.labels import Labels
from train.readers.mirrored import read_both_ways
from train.readers.views import teach_views_reader
from train.stages import cameras
from train.workspace import StageFolder, StepLoop, Workspace, WorkspaceError

COUNT = 150


class EagerLoop(StepLoop):
    """Checkpoints after every step."""

    def __init__(self, folder, steps, state):
        super().__init__(folder, steps, state, every_seconds=-1.0)


def network() -> InverseGraphics:
    torch.manual_seed(0)
    return InverseGraphics(InverseGraphicsShape(SIZE, width=8, template_level=1, texture_size=16))


def ready(path) -> Workspace:
    workspace = with_segmenter_and_gauge(with_gan(path))
    inverse = workspace.stage("inverse", 0)
    save_inverse_graphics(inverse.file("inverse_graphics.safetensors"), network())
    inverse.finish()
    taken = workspace.stage("photographs")
    np.save(taken.file("images.npy"), vehicles.photographs(4, np.arange(COUNT), SIZE).images)
    taken.finish(masks=False)
    return workspace


def labelling(**settings):
    return config(
        cameras=CamerasConfig(**{"reader": "inverse", "largest_mirror_degrees": 180, **settings})
    )


def labels_of(workspace: Workspace) -> dict[str, np.ndarray]:
    with np.load(workspace.stage("cameras", 1).require("labels.npz")) as arrays:
        return dict(arrays)


def test_every_photograph_gets_a_camera_and_the_confident_ones_are_kept(tmp_path):
    workspace = ready(tmp_path)
    cameras.run(labelling(confident=0.8), workspace, round=1)
    labels = labels_of(workspace)
    assert labels["cameras"].shape == (COUNT, 5) and labels["cameras"].dtype == np.float32
    assert labels["keep"].sum() == 120
    assert (
        labels["confidences"][labels["keep"]].min() >= labels["confidences"][~labels["keep"]].max()
    )
    facts = workspace.stage("cameras", 1).facts()
    assert facts["kept_share"] == pytest.approx(0.8)
    truth = vehicles.photographs(4, np.arange(COUNT), SIZE).cameras
    apart = np.abs((labels["cameras"][:, 0] - truth[:, 0] + 180) % 360 - 180)
    assert facts["azimuth_error_median_degrees_all"] == pytest.approx(np.median(apart), rel=1e-3)
    assert facts["azimuth_beyond_90_kept"] == pytest.approx(
        (apart[labels["keep"]] > 90).mean(), rel=1e-3
    )


def test_a_mirrored_photograph_gets_the_mirrored_camera(tmp_path):
    segment = load_segmenter(ready(tmp_path).stage("segmenter").path)
    images = torch.rand(6, 3, SIZE, SIZE)
    plain = read_both_ways(network().eval(), segment, images)
    mirrored = read_both_ways(network().eval(), segment, images.flip(-1))
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
    labels = read_both_ways(TwoViews(), segment, torch.rand(2, 3, SIZE, SIZE))
    assert labels.cameras[:, 0] == pytest.approx([178, 178], abs=1e-3)
    assert labels.disagreements == pytest.approx([16, 16], abs=1e-3)


def test_photographs_that_contradict_their_mirror_image_are_left_out():
    labels = Labels(
        np.zeros((4, 5), np.float32),
        np.array([0.9, 0.8, 0.7, 0.1], np.float32),
        np.array([5, 100, 5, 5], np.float32),
    )
    settings = CamerasConfig(confident=0.75, largest_mirror_degrees=40)
    assert cameras.keep_confident(labels, settings).tolist() == [True, False, True, False]


def test_a_killed_run_goes_on_and_ends_with_the_same_labels(tmp_path, monkeypatch):
    whole, killed = ready(tmp_path / "whole"), ready(tmp_path / "killed")
    cameras.run(labelling(), whole, round=1)
    monkeypatch.setattr(cameras, "StepLoop", EagerLoop)
    real, asked = read_both_ways, []

    def until_killed(*arguments):
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(camera_readers, "read_both_ways", until_killed)
    with pytest.raises(KeyboardInterrupt):
        cameras.run(labelling(), killed, round=1)
    cameras.run(labelling(), killed, round=1)
    assert len(asked) == 4
    expected, got = labels_of(whole), labels_of(killed)
    assert all(np.array_equal(expected[name], got[name], equal_nan=True) for name in expected)


def test_a_network_that_always_contradicts_itself_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match=r"none of 150 photographs.*train stage `inverse`"):
        cameras.run(labelling(largest_mirror_degrees=-1), ready(tmp_path), round=1)


def test_round_0_has_no_network_to_read_with(tmp_path):
    with pytest.raises(WorkspaceError, match="needs the round before"):
        cameras.run(labelling(), Workspace(tmp_path))


def test_the_attribute_network_can_read_the_cameras(tmp_path):
    workspace = ready(tmp_path)
    cameras.run(labelling(confident=0.5, reader="attributes"), workspace, round=1)
    labels = labels_of(workspace)
    gauge = load_attributes(workspace.stage("viewpoints").require("attributes.safetensors"))
    pixels = np.load(workspace.stage("photographs").require("images.npy"))
    read = read_attributes(gauge, torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    # Untrained, it hardly tells left from right, and a GPU rounds otherwise.
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
    settings = labelling(reader=f"inverse@{small.path}")
    twice = replace(settings, photographs=replace(settings.photographs, size=2 * SIZE))
    cameras.run(labelling(), small, round=1)
    cameras.run(twice, workspace, round=1)
    # Shrinking undoes the doubling: the same network saw the same images.
    pairs = (labels_of(small)["cameras"], labels_of(workspace)["cameras"])
    assert np.array_equal(*pairs, equal_nan=True)


def test_a_reader_that_wants_larger_images_is_refused(tmp_path):
    large = ready(tmp_path / "large")
    wants = InverseGraphics(
        InverseGraphicsShape(2 * SIZE, width=8, template_level=1, texture_size=16)
    )
    save_inverse_graphics(large.stage("inverse", 0).file("inverse_graphics.safetensors"), wants)
    settings = labelling(reader=f"inverse@{large.path}")
    with pytest.raises(WorkspaceError, match=rf"reads {2 * SIZE} px, the photographs have {SIZE}"):
        cameras.run(settings, ready(tmp_path / "small"), round=1)


def test_a_reader_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match=r"cameras\.reader names .*nowhere: not the folder"):
        cameras.run(labelling(reader=f"views@{tmp_path}/nowhere"), ready(tmp_path), round=1)


@pytest.mark.parametrize("name", ["", "runs/second", "views@", "attributes@runs/second", "views,"])
def test_what_is_no_reader_is_refused(name):
    with pytest.raises(ConfigError, match=r"cameras\.reader=.*is none of inverse, views"):
        CamerasConfig(reader=name)


def with_views(workspace: Workspace, count=600, round=0) -> Workspace:
    """Adds multi-view images, each of a viewpoint of its own, and their cameras; after round 0
    each is of an object of its own as well, which alone has an elevation."""
    drawn = vehicles.photographs(5, np.arange(count), SIZE)
    folder, numbers = workspace.stage("multiview", round), np.arange(count, dtype=np.int32)
    per_object = 1 if round else 2
    np.save(folder.file("images.npy"), drawn.images)
    np.save(folder.file("masks.npy"), drawn.masks)
    folder.save_arrays("index.npz", {"object": numbers // per_object, "viewpoint": numbers})
    codes = np.zeros((count, 8), np.float32)
    folder.save_arrays("viewpoints.npz", {"cameras": np.zeros_like(drawn.cameras), "codes": codes})
    folder.save_arrays("contents.npz", {"codes": codes[::per_object]})
    folder.finish()
    inverse, found = workspace.stage("inverse", round), {"cameras": drawn.cameras}
    if round:
        found = {"cameras": drawn.cameras.copy(), "elevations": drawn.cameras[:, 1]}
        found["cameras"][:, 1] = np.nan
    inverse.save_arrays("cameras.npz", found)
    inverse.finish()
    return workspace


def test_a_classifier_taught_on_the_views_can_read_the_cameras(tmp_path):
    workspace = with_views(ready(tmp_path))
    cameras.run(labelling(reader="views", views_steps=150), workspace, round=1)
    facts, labels = workspace.stage("cameras", 1).facts(), labels_of(workspace)
    # By chance it would be 90 degrees.
    assert facts["azimuth_error_median_degrees_all"] < 30
    # Round 0 has a plain GAN.
    assert np.isnan(labels["cameras"][:, 1:]).all()
    assert not {"elevation_error_median_degrees_all", "distance_error_median_all"} & set(facts)


def test_after_a_camera_taught_round_elevations_are_told_too(tmp_path):
    workspace = with_views(ready(tmp_path), round=1)
    settings = labelling(reader="views", views_steps=150, students=1, student_steps=2)
    cameras.run(settings, workspace, round=2)
    with np.load(workspace.stage("cameras", 2).require("labels.npz")) as labels:
        assert not np.isnan(labels["cameras"][:, :2]).any()
    assert workspace.stage("cameras", 2).facts()["elevation_error_median_degrees_all"] < 15
    own = StageFolder(workspace.stage("cameras", 2).path / "reader_1")
    taught = load_attributes(own.file("student.safetensors"))
    seen = vehicles.photographs(5, np.arange(200), SIZE)
    read = read_attributes(taught, torch.from_numpy(seen.images).permute(0, 3, 1, 2) / 255)
    # The elevations of the objects, for the viewpoints' are not known.
    assert np.median(np.abs(read.elevations - seen.cameras[:, 1])) < 6


def test_the_views_of_another_run_and_the_own_network_read_together(tmp_path):
    other, workspace = with_views(ready(tmp_path / "other")), ready(tmp_path / "own")
    both = labelling(reader=f"inverse,views@{other.path}", views_steps=2)
    cameras.run(both, workspace, round=1)
    alone = ready(tmp_path / "alone")
    cameras.run(labelling(reader="inverse"), alone, round=1)
    read, own = labels_of(workspace)["cameras"], labels_of(alone)["cameras"]
    assert (read[:, 0] != own[:, 0]).any()
    # A plain GAN taught both, and an object's size explains its distance away.
    assert np.isnan(read[:, 1:]).all() and np.isnan(own[:, 1:]).all()
    assert not (other.path / "round_1").exists()


def test_the_classifier_is_taught_once(tmp_path):
    workspace = with_views(ready(tmp_path))
    own = StageFolder(workspace.stage("cameras", 1).path / "reader_1")
    settings = labelling(views_steps=2)
    networks = [
        teach_views_reader(settings, workspace, own, (workspace, 0), round=1, number=1)
        for _ in range(2)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*(n.parameters() for n in networks), strict=True))
    with pytest.raises(WorkspaceError, match="stage `multiview` has to run"):
        teach_views_reader(settings, workspace, own, (workspace, 3), round=1, number=1)


def test_two_readers_that_are_one_say_what_it_says(tmp_path):
    one, both = ready(tmp_path / "one"), ready(tmp_path / "both")
    cameras.run(labelling(), one, round=1)
    cameras.run(labelling(reader=f"inverse,inverse@{one.path}"), both, round=1)
    expected, got = labels_of(one), labels_of(both)
    assert np.allclose(expected["cameras"], got["cameras"], atol=1e-3, equal_nan=True)
    assert np.array_equal(expected["keep"], got["keep"])


def test_students_label_all_photographs_anew_and_a_killed_run_ends_alike(tmp_path, monkeypatch):
    settings = labelling(confident=0.5, students=2, student_steps=3)
    whole, killed = ready(tmp_path / "whole"), ready(tmp_path / "killed")
    cameras.run(settings, whole, round=1)
    real, asked = cameras.read_attributes, []

    def until_killed(*arguments):
        asked.append(1)
        if len(asked) == 5:  # in the second student's second batch
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(cameras, "read_attributes", until_killed)
    with pytest.raises(KeyboardInterrupt):
        cameras.run(settings, killed, round=1)
    cameras.run(settings, killed, round=1)
    expected, got = labels_of(whole), labels_of(killed)
    assert all(np.array_equal(expected[name], got[name], equal_nan=True) for name in expected)
    own = ready(tmp_path / "own")
    cameras.run(labelling(confident=0.5), own, round=1)
    read = labels_of(own)["cameras"]
    assert np.array_equal(expected["cameras"][:, 1:], read[:, 1:], equal_nan=True)
    assert (expected["cameras"][:, 0] != read[:, 0]).any() and expected["keep"].sum() == COUNT // 2
