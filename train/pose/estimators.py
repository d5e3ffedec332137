"""The pose estimators of photographs that `cameras.estimator` names."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import (
    AZIMUTH,
    CAMERA_SIZE,
    DISTANCE,
    ELEVATION,
    OFFSET_X,
    OFFSET_Y,
    azimuth_difference_degrees,
    wrap_degrees,
)
from train.config import Config
from train.models.attributes import AttributeClassifier, read_attributes
from train.models.inverse_graphics import InverseGraphics, load_inverse_graphics
from train.models.layers import channels_last
from train.models.segmenter import Segment, load_segmenter
from train.pose.attribute_classifier import load_attribute_classifier
from train.pose.labels import Labels, PoseEstimator, averaged, from_attributes, without
from train.pose.multiview_estimator import train_multiview_estimator
from train.running.device import default_device
from train.running.workspace import StageFolder, Workspace, WorkspaceError

WEIGHTS = "inverse_graphics.safetensors"
FROM_SIZE = (DISTANCE, OFFSET_X, OFFSET_Y)
"""Columns that an inverse graphics network predicts and that are no labels.

The size of an object explains its distance away. Measured on vehicles, a roof higher by a standard
deviation counts for as much nearness as a standard deviation of the distances. A GAN conditioned on
such distances generates the roof that goes with the camera."""
FROM_SINGLE_VIEWS = (ELEVATION,)
"""Columns that pose estimators of round 0 leave out, whose plain GAN has no second view of a body.

From one view a higher roof and a higher camera look alike. Measured, 2.6 degrees for a standard
deviation of the roofs."""


def pose_estimator(config: Config, workspace: Workspace, round: int) -> PoseEstimator:
    """The pose estimator, or the mean of several; trains those that need it.

    Raises:
        WorkspaceError: one is missing, or wants larger images than the photographs are.
    """
    names = config.cameras.estimator.split(",")
    estimators = [
        _estimator(name, number, config, workspace, round) for number, name in enumerate(names, 1)
    ]
    if len(estimators) == 1:
        return estimators[0]
    return lambda images: averaged([estimate(images) for estimate in estimators])


def _estimator(
    name: str, number: int, config: Config, workspace: Workspace, round: int
) -> PoseEstimator:
    kind, _, run = name.partition("@")
    if kind == "attributes":
        return _classifying(load_attribute_classifier(config, workspace), distances=True)
    source = Workspace(Path(run)) if run else workspace
    last = last_round(Path(run)) if run else round - 1
    if kind == "inverse":
        estimate = without(_inverse(config, source, last), *FROM_SIZE)
    else:
        own = StageFolder(workspace.stage("cameras", round).path / f"estimator_{number}")
        network = train_multiview_estimator(config, workspace, own, (source, last), round, number)
        _refuse_larger(own.path, network.size, config)
        estimate = _classifying(network)
    return estimate if last else without(estimate, *FROM_SINGLE_VIEWS)


def _classifying(network: AttributeClassifier, *, distances: bool = False) -> PoseEstimator:
    def estimate(images: Tensor) -> Labels:
        small = F.interpolate(images, size=(network.size,) * 2, mode="area")
        return from_attributes(read_attributes(network, small), distances=distances)

    return estimate


def _inverse(config: Config, source: Workspace, round: int) -> PoseEstimator:
    weights, device = source.stage("inverse", round).require(WEIGHTS), default_device()
    network = channels_last(load_inverse_graphics(weights), device)
    _refuse_larger(weights, network.shape.size, config)
    segment = load_segmenter(source.stage("segmenter").path, device)
    return lambda images: estimate_both_ways(network, segment, images.to(device))


def _refuse_larger(weights: Path, size: int, config: Config) -> None:
    if size > (given := config.photographs.size):
        raise WorkspaceError(
            f"{weights} reads {size} px, the photographs have {given}: give a pose estimator of at "
            "most that size in --cameras.estimator"
        )


def last_round(run: Path) -> int:
    """The last round of another run whose inverse graphics network is trained."""
    done = [
        int(marker.parents[1].name.removeprefix("round_"))
        for marker in run.glob("round_*/inverse/done.json")
    ]
    if not done:
        raise WorkspaceError(
            f"--cameras.estimator names {run}: not the folder of a run whose stage `inverse` has "
            "run to its end"
        )
    return max(done)


@torch.inference_mode()
def estimate_both_ways(
    network: InverseGraphics,
    segment: Segment,
    images: Tensor,  # [B, 3, R, R] in 0..1, shrunk to the network's size
) -> Labels:
    """The mean camera of every image and its mirror image."""
    images = F.interpolate(images, size=(network.shape.size,) * 2, mode="area")
    masks = segment(images)
    given = torch.cat([images, images.flip(-1)]).contiguous(memory_format=torch.channels_last)
    both = network(given, torch.cat([masks, masks.flip(-1)])[:, None])
    cameras, mirrored = both.cameras.double().cpu().numpy().reshape(2, -1, CAMERA_SIZE)
    mirrored[:, [AZIMUTH, OFFSET_X]] *= -1
    signed = wrap_degrees(mirrored[:, AZIMUTH] - cameras[:, AZIMUTH])
    mean = (cameras + mirrored) / 2
    mean[:, AZIMUTH] = wrap_degrees(cameras[:, AZIMUTH] + signed / 2)
    confidences = both.confidences.cpu().numpy().reshape(2, -1).mean(axis=0)
    apart = azimuth_difference_degrees(mirrored[:, AZIMUTH], cameras[:, AZIMUTH])
    return Labels(*(values.astype(np.float32) for values in (mean, confidences, apart)))
