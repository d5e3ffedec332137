"""Who reads the cameras of photographs: the readers that `cameras.estimator` names."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import DISTANCE, ELEVATION, OFFSET_X, OFFSET_Y
from train.config import Config
from train.models.attributes import AttributeNetwork, read_attributes
from train.models.inverse_graphics import load_inverse_graphics
from train.models.segmenter import load_segmenter
from train.pose.attribute_classifier import load_attribute_classifier
from train.pose.labels import Labels, Read, agreed, forgetting, from_attributes
from train.pose.mirrored import read_both_ways
from train.pose.multiview_estimator import train_multiview_estimator
from train.running.device import place
from train.running.workspace import StageFolder, Workspace, WorkspaceError

WEIGHTS = "inverse_graphics.safetensors"
FROM_SIZE = (DISTANCE, OFFSET_X, OFFSET_Y)
"""Read by an inverse graphics network, and not told: the size of an object explains its distance
away. Measured on vehicles, a roof higher by a standard deviation counts for as much nearness as a
standard deviation of the distances, and a GAN told so draws the roof that goes with the camera."""
FROM_SINGLE_VIEWS = (ELEVATION,)
"""Not told by readers of round 0, whose plain GAN has no second view of a body: from one a higher
roof and a higher camera look alike. Measured, 2.6 degrees for a standard deviation of the roofs."""


def pose_estimator(config: Config, workspace: Workspace, round: int) -> Read:
    """The reader, or the readers, that `cameras.estimator` asks for; teaches those that need it.

    Raises:
        WorkspaceError: one is missing, or wants larger images than the photographs are.
    """
    names = config.cameras.estimator.split(",")
    estimators = [
        _reader(name, number, config, workspace, round) for number, name in enumerate(names, 1)
    ]
    if len(estimators) == 1:
        return estimators[0]
    return lambda images: agreed([read(images) for read in estimators])


def _reader(name: str, number: int, config: Config, workspace: Workspace, round: int) -> Read:
    kind, _, run = name.partition("@")
    if kind == "attributes":
        return _reading(load_attribute_classifier(config, workspace), distances=True)
    source = Workspace(Path(run)) if run else workspace
    last = last_round(Path(run)) if run else round - 1
    if kind == "inverse":
        read = forgetting(_inverse(config, source, last), *FROM_SIZE)
    else:
        own = StageFolder(workspace.stage("cameras", round).path / f"estimator_{number}")
        network = train_multiview_estimator(config, workspace, own, (source, last), round, number)
        _refuse_larger(own.path, network.size, config)
        read = _reading(network)
    return read if last else forgetting(read, *FROM_SINGLE_VIEWS)


def _reading(network: AttributeNetwork, *, distances: bool = False) -> Read:
    def read(images: Tensor) -> Labels:
        small = F.interpolate(images, size=(network.size,) * 2, mode="area")
        return from_attributes(read_attributes(network, small), distances=distances)

    return read


def _inverse(config: Config, source: Workspace, round: int) -> Read:
    weights, where = source.stage("inverse", round).require(WEIGHTS), place()
    network = load_inverse_graphics(weights).to(device=where, memory_format=torch.channels_last)
    _refuse_larger(weights, network.shape.size, config)
    segment = load_segmenter(source.stage("segmenter").path, where)
    return lambda images: read_both_ways(network, segment, images.to(where))


def _refuse_larger(of: Path, size: int, config: Config) -> None:
    if size > (given := config.photographs.size):
        raise WorkspaceError(
            f"{of} reads {size} px, the photographs have {given}: give a reader of at most "
            "that size in --cameras.estimator"
        )


def last_round(run: Path) -> int:
    """Of another run, the last one whose inverse graphics network is trained."""
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
