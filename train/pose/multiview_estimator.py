"""A pose estimator trained on a GAN's multi-view images with the cameras of their viewpoints.

The inverse graphics network learns cameras from the same images, but sees the object alone and
learns shape and texture besides. This one sees whole images, with every augmentation that makes up
for how a GAN's images differ from photographs, and confuses front and back less often (ours).
"""

import numpy as np

from graphics.camera import ELEVATION
from train.config import Config
from train.data.multiview import MultiviewData
from train.models.attributes import AttributeClassifier
from train.pose.self_training import TrainingSet, train_estimator
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace

FULL_COLOUR = 1.0
"""Strength of the recolouring: a GAN's colours are further from photographs' than those are from
each other's."""


def train_multiview_estimator(
    config: Config,
    workspace: Workspace,
    own: StageFolder,
    source: tuple[Workspace, int],  # a run and its round
    round: int,
    number: int,  # of the run's pose estimators: each starts from other weights
) -> AttributeClassifier:
    """Train it, or take what an earlier call has left in the folder `own`.

    The cameras are those that stage `inverse` of that round optimised. Where elevations are
    unlabelled, the ones that the stage estimated for every object are taken.

    Raises:
        WorkspaceError: stage `multiview` or `inverse` of that round has not run to its end.
    """
    run, run_round = source
    data = MultiviewData(run.stage("multiview", run_round).require("index.npz").parent)
    with np.load(run.stage("inverse", run_round).require("cameras.npz")) as arrays:
        cameras = arrays["cameras"].astype(np.float32)[data.viewpoint]
        if np.isnan(cameras[:, ELEVATION]).any():
            cameras[:, ELEVATION] = arrays["elevations"][data.object]
    progress = Progress(workspace, "cameras", config.cameras.views_steps, round)
    training_set = TrainingSet(data.images, cameras, np.ones(len(data), bool), FULL_COLOUR)
    return train_estimator(own, progress, training_set, config.seed * 1_000 + round + 10 * number)
