import numpy as np
import pytest

from tests.train.stages.generated_run import SIZE
from tests.train.stages.labelling_run import COUNT, labelling, labels_of, ready
from train.config import CamerasConfig
from train.data import vehicles
from train.pose import estimators
from train.pose.estimators import Labels, estimate_both_ways
from train.running.workspace import Workspace, WorkspaceError
from train.stages import cameras


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
    assert facts["kept_fraction"] == pytest.approx(0.8)
    truth = vehicles.photographs(4, np.arange(COUNT), SIZE).cameras
    apart = np.abs((labels["cameras"][:, 0] - truth[:, 0] + 180) % 360 - 180)
    assert facts["azimuth_error_median_degrees_all"] == pytest.approx(np.median(apart), rel=1e-3)
    assert facts["azimuth_beyond_90_kept"] == pytest.approx(
        (apart[labels["keep"]] > 90).mean(), rel=1e-3
    )


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
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    real, asked = estimate_both_ways, []

    def until_killed(*arguments):
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(estimators, "estimate_both_ways", until_killed)
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


def test_self_training_labels_all_photographs_anew_and_a_killed_run_ends_alike(
    tmp_path, monkeypatch
):
    settings = labelling(confident=0.5, self_training_rounds=2, self_training_steps=3)
    whole, killed = ready(tmp_path / "whole"), ready(tmp_path / "killed")
    cameras.run(settings, whole, round=1)
    real, asked = cameras.read_attributes, []

    def until_killed(*arguments):
        asked.append(1)
        if len(asked) == 5:  # in the second batch of the second round of self-training
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
