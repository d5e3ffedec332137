"""The pose estimators of photographs that `cameras.estimator` names, and the labels they give."""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphics import camera
from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION, OFFSET_X, wrap_degrees
from train.config import Config
from train.data.multiview import MultiviewData
from train.models.attributes import AttributeClassifier, AttributeReadings, read_attributes
from train.models.inverse_graphics import InverseGraphics, load_inverse_graphics
from train.models.layers import channels_last
from train.models.segmenter import Segment, load_segmenter
from train.pose.attribute_classifier import load_attribute_classifier
from train.pose.self_training import FULL_COLOUR, TrainingSet, train_estimator
from train.running.device import default_device
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace, WorkspaceError

FROM_SIZE = (DISTANCE, OFFSET_X, camera.OFFSET_Y)
"""Columns that an inverse graphics network predicts and that are no labels.

The size of an object explains its distance away. Measured on vehicles, a roof higher by a standard
deviation counts for as much nearness as a standard deviation of the distances. A GAN conditioned on
such distances generates the roof that goes with the camera."""
FROM_SINGLE_VIEWS = (ELEVATION,)
"""Columns that pose estimators of round 0 leave out, whose plain GAN has no second view of a body.

From one view a higher roof and a higher camera look alike. Measured, 2.6 degrees for a standard
deviation of the roofs."""


class Labels(NamedTuple):
    """Estimated cameras of N photographs."""

    cameras: np.ndarray
    """f32 [N, 5]: mean over the image and its mirror image, and over all pose estimators; nan in
    columns that none of them gives."""
    confidences: np.ndarray
    """f32 [N] in 0..1: mean over the same."""
    disagreements: np.ndarray
    """f32 [N] degrees of azimuth between image and mirror image, or between two pose estimators
    if that is more."""


PoseEstimator = Callable[[Tensor], Labels]
"""Images [B, 3, R, R] in 0..1 -> their cameras."""


def pose_estimator(config: Config, workspace: Workspace, round: int) -> PoseEstimator:
    """The pose estimator, or the mean of several; trains those that need it.

    Raises:
        WorkspaceError: one is missing, or wants larger images than the photographs are.
    """
    named = enumerate(config.cameras.estimator.split(","), 1)
    estimators = [_estimator(name, number, config, workspace, round) for number, name in named]
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
    weights = source.stage("inverse", round).require("inverse_graphics.safetensors")
    device = default_device()
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


def train_multiview_estimator(
    config: Config,
    workspace: Workspace,
    own: StageFolder,
    source: tuple[Workspace, int],  # a run and its round
    round: int,
    number: int,  # of the run's pose estimators: each starts from other weights
) -> AttributeClassifier:
    """Train on a GAN's multi-view images, or take what an earlier call has left in folder `own`.

    The inverse graphics network learns cameras from the same images, but sees the object alone and
    learns shape and texture besides. This one (ours) sees whole images, with every augmentation
    that makes up for how a GAN's images differ from photographs. It confuses front and back less.

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


def last_round(run: Path) -> int:
    """The last round of another run whose inverse graphics network is trained."""
    markers = run.glob("round_*/inverse/done.json")
    done = [int(marker.parents[1].name.removeprefix("round_")) for marker in markers]
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
    apart = camera.azimuth_difference_degrees(mirrored[:, AZIMUTH], cameras[:, AZIMUTH])
    return Labels(*(values.astype(np.float32) for values in (mean, confidences, apart)))


def averaged(labels: Sequence[Labels]) -> Labels:
    """The mean over several pose estimators; they disagree by as much as the two furthest apart."""
    every = np.stack([one.cameras for one in labels])  # [n, N, 5]
    azimuths = every[..., AZIMUTH]
    labelled = ~np.isnan(every)
    cameras = np.divide(
        np.where(labelled, every, 0).sum(axis=0),
        labelled.sum(axis=0),
        out=np.full(every.shape[1:], np.nan, np.float32),
        where=labelled.any(axis=0),
    )
    directions = np.exp(1j * np.deg2rad(azimuths)).sum(axis=0)
    cameras[:, AZIMUTH] = wrap_degrees(np.rad2deg(np.angle(directions)))
    apart = [camera.azimuth_difference_degrees(*pair) for pair in combinations(azimuths, 2)]
    apart += [one.disagreements for one in labels]
    confidences = np.mean([one.confidences for one in labels], axis=0)
    values = (cameras, confidences, np.max(apart, axis=0))
    return Labels(*(value.astype(np.float32) for value in values))


def without(estimate: PoseEstimator, *columns: int) -> PoseEstimator:
    """A pose estimator whose cameras lack these columns: nan."""

    def estimate_the_rest(images: Tensor) -> Labels:
        labels = estimate(images)
        cameras = labels.cameras.copy()
        cameras[:, columns] = np.nan
        return labels._replace(cameras=cameras)

    return estimate_the_rest


def labelled_range(cameras: np.ndarray, column: int) -> tuple[float, float] | None:  # [N, 5]
    """The 2nd and 98th percentile of a column; None where nothing is labelled in it."""
    labelled = cameras[~np.isnan(cameras[:, column]), column]
    if not len(labelled):
        return None
    least, greatest = np.quantile(labelled, (0.02, 0.98))
    return float(least), float(greatest)


def from_attributes(readings: AttributeReadings, *, distances: bool = False) -> Labels:
    """Azimuth and elevation as labels, and the distance of a classifier that was trained on it.

    Where image and mirror image differ the confidence says so.
    """
    cameras = np.full((len(readings.azimuths), CAMERA_SIZE), np.nan, np.float32)
    cameras[:, AZIMUTH], cameras[:, ELEVATION] = readings.azimuths, readings.elevations
    if distances:
        cameras[:, DISTANCE] = readings.distances
    return Labels(cameras, readings.confidences, np.zeros(len(cameras), np.float32))
