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
    folder, count = StageFolder(tmp_path / "own"), 300
    held_out = vehicles.photographs(4, np.arange(count), SIZE)
    wrong = np.random.default_rng(0).random(count) < 0.2
    labels = held_out.cameras.copy()
    labels[wrong, 0] += 180
    training_set = TrainingSet(held_out.images, labels, np.ones(count, bool))
    progress = Progress(Workspace(tmp_path), "cameras", 100)
    classifier = train_estimator(folder, progress, training_set, seed=1)
    read = read_attributes(classifier, torch.from_numpy(held_out.images).permute(0, 3, 1, 2) / 255)
    beyond = azimuth_difference_degrees(read.azimuths, held_out.cameras[:, 0]) > 90
    assert beyond[wrong].mean() < 0.5  # a classifier that believed its labels would miss them all


def test_the_same_seed_trains_the_same_classifier_and_what_is_there_is_taken(tmp_path):
    taken = vehicles.photographs(4, np.arange(40), SIZE)
    training_set = TrainingSet(taken.images, taken.cameras, np.ones(40, bool))
    progress = Progress(Workspace(tmp_path), "cameras", 2)

    def trained(folder, seed):
        folder = StageFolder(tmp_path / folder)
        return list(train_estimator(folder, progress, training_set, seed).parameters())

    first, again, other, there = (
        trained(*given) for given in (("a", 1), ("b", 1), ("c", 2), ("a", 2))
    )
    assert all(map(torch.equal, first, again)) and all(map(torch.equal, first, there))
    assert not all(map(torch.equal, first, other))
