"""Runs that are stopped or run out of disk, and runs of a step or two."""

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.train.stages import generated_run
from train import cycle
from train.config import (
    SegmenterConfig,
    ViewpointsConfig,
)
from train.data.array_file import ArrayFile
from train.pose import attribute_classifier
from train.pose.self_training import TrainingSet, train_estimator
from train.running.progress import Progress
from train.running.workspace import Workspace
from train.stages import segmenter

SMALL = [
    "--preset", "smoke", "--photographs.count", "64", "--photographs.size", "32",
    "--cutouts.procedural", "0", "--segmenter.channels", "4", "--segmenter.batch-size", "2",
]  # fmt: skip


def take_ctrl_c():
    """Tests that a shell has put into the background would hand on that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_with_one_line_that_says_how_to_go_on(tmp_path):
    arguments = [*SMALL, "--segmenter.steps", "100000", "--run", str(tmp_path)]
    command = [sys.executable, "-m", "train.cycle", *arguments]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=take_ctrl_c
    ) as started:
        for line in started.stderr:
            if "segmenter" in line and "starts" in line:
                break
        started.send_signal(signal.SIGINT)
        said = started.stderr.read()
    assert started.returncode == 130
    lines = [line for line in said.splitlines() if not line.startswith("segmenter")]
    assert len(lines) == 1, said
    assert lines[0].startswith("train.cycle: stopped: ")
    assert "the same command again goes on" in lines[0]


def test_a_full_disk_ends_with_one_line_that_names_the_file(tmp_path, capsys):
    (tmp_path / "stats.jsonl").symlink_to("/dev/full")
    arguments = [*SMALL, "--run", str(tmp_path), "--stages", "photographs"]
    assert cycle.main(arguments) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "No space left on device" in line and "the same command again goes on" in line
    (tmp_path / "stats.jsonl").unlink()
    assert cycle.main(arguments) == 0


def test_room_for_an_array_is_reserved_before_it_is_filled(tmp_path, monkeypatch):
    file = ArrayFile(tmp_path / "images.npy", (64, 64, 64, 3))
    assert os.stat(file.beside).st_blocks * 512 >= 64 * 64 * 64 * 3

    def full(*_):
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(os, "posix_fallocate", full)  # the operating system's
    with pytest.raises(OSError, match=r"No space left on device: .*masks\.npy"):
        ArrayFile(tmp_path / "masks.npy", (8, 8))
    assert not list(tmp_path.glob(".masks*"))


def test_half_a_line_that_a_full_disk_left_harms_no_later_one(tmp_path):
    (tmp_path / "stats.jsonl").write_text('{"step": 1}\n{"st')
    Workspace(tmp_path).append("stats.jsonl", {"step": 3})
    lines = (tmp_path / "stats.jsonl").read_text().splitlines()
    assert lines == ['{"step": 1}', '{"st', '{"step": 3}']


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_segmenter_of_a_step_or_two_is_trained(tmp_path, steps):
    config = generated_run.config(segmenter=SegmenterConfig(steps=steps, channels=4, batch_size=2))
    workspace = Workspace(tmp_path)
    workspace.stage("photographs").finish(masks=False)
    segmenter.run(config, workspace)
    assert 0 <= workspace.stage("segmenter").facts()["held_out_iou"] <= 1


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_every_classifier_of_a_step_or_two_is_trained(tmp_path, steps):
    viewpoints = ViewpointsConfig(classifier_steps=steps)
    workspace = Workspace(tmp_path)
    folder = workspace.stage("viewpoints")
    config = generated_run.config(viewpoints=viewpoints)
    attribute_classifier.train_attribute_classifier(config, workspace, folder)
    assert folder.file("attributes.safetensors").exists()
    images = np.zeros((4, 32, 32, 3), np.uint8)
    cameras = np.tile(np.array([10.0, 5, 5, 0, 0], np.float32), (4, 1))
    training_set = TrainingSet(images, cameras, np.ones(4, bool))
    progress = Progress(workspace, "cameras", steps)
    train_estimator(workspace.stage("cameras", 1), progress, training_set, 0)
