import numpy as np
import pytest
import torch

from graphics.camera import azimuth_difference_degrees
from tests.train.stages.generated_run import SIZE
from train.data import vehicles
from train.models.attributes import read_attributes
from train.pose.self_training import TrainingSet, train_estimator
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace

pytestmark = pytest.mark.slow


def test_self_training_corrects_labels_that_are_wrong_at_random(tmp_path):
    folder, count = StageFolder(tmp_path / "own"), 600
    held_out = vehicles.photographs(4, np.arange(count), SIZE)
    wrong = np.random.default_rng(0).random(count) < 0.2
    labels = held_out.cameras.copy()
    labels[wrong, 0] += 180
    training_set = TrainingSet(held_out.images, labels, np.ones(count, bool))
    progress = Progress(Workspace(tmp_path), "cameras", 250)
    classifier = train_estimator(folder, progress, training_set, seed=1)
    read = read_attributes(classifier, torch.from_numpy(held_out.images).permute(0, 3, 1, 2) / 255)
    beyond = azimuth_difference_degrees(read.azimuths, held_out.cameras[:, 0]) > 90
    assert beyond[wrong].mean() < 0.5  # a classifier that believed its labels would miss them all
    again = train_estimator(folder, progress, training_set, seed=1)
    assert all(
        torch.equal(a, b) for a, b in zip(classifier.parameters(), again.parameters(), strict=True)
    )
