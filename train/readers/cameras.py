"""Who reads the cameras of photographs: inverse graphics networks, or the attribute network."""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import (
    AZIMUTH,
    CAMERA_SIZE,
    DISTANCE,
    ELEVATION,
    NOMINAL_DISTANCE,
    OFFSET_X,
    azimuth_difference_degrees,
    wrap_degrees,
)
from train.config import Config
from train.device import place
from train.models.attributes import AttributeReadings, read_attributes
from train.models.inverse_graphics import InverseGraphics, load_inverse_graphics
from train.models.segmenter import Segment, load_segmenter
from train.readers.gauge import load_gauge
from train.workspace import Workspace, WorkspaceError

WEIGHTS = "inverse_graphics.safetensors"


class Labels(NamedTuple):
    """Cameras of N photographs, as read."""

    cameras: np.ndarray
    """f32 [N, 5]: mean of the image's and its mirror's, and of all readers."""
    confidences: np.ndarray
    """f32 [N] in 0..1: the mean too."""
    disagreements: np.ndarray
    """f32 [N] degrees of azimuth between the two, or between readers if that is more."""


Read = Callable[[Tensor], Labels]
"""Reads images [B, 3, R, R] in 0..1."""


def camera_reader(config: Config, workspace: Workspace, round: int) -> Read:
    """The reader, or the readers, that `cameras.reader` asks for.

    Raises:
        WorkspaceError: one is missing, or wants larger images than the photographs are.
    """
    readers = [_reader(name, config, workspace, round) for name in config.cameras.reader.split(",")]
    if len(readers) == 1:
        return readers[0]
    return lambda images: agreed([read(images) for read in readers])


def agreed(said: Sequence[Labels]) -> Labels:
    """The mean of what several readers say; they disagree by as much as the two furthest apart."""
    azimuths = np.stack([labels.cameras[:, AZIMUTH] for labels in said])  # [n, N]
    cameras = np.mean([labels.cameras for labels in said], axis=0)
    directions = np.exp(1j * np.deg2rad(azimuths)).sum(axis=0)
    cameras[:, AZIMUTH] = wrap_degrees(np.rad2deg(np.angle(directions)))
    apart = [azimuth_difference_degrees(one, other) for one, other in combinations(azimuths, 2)]
    apart += [labels.disagreements for labels in said]
    confidences = np.mean([labels.confidences for labels in said], axis=0)
    values = (cameras, confidences, np.max(apart, axis=0))
    return Labels(*(value.astype(np.float32) for value in values))


def _reader(name: str, config: Config, workspace: Workspace, round: int) -> Read:
    if name == "attributes":
        gauge = load_gauge(config, workspace)
        return lambda images: from_attributes(read_attributes(gauge, images))
    if name == "inverse":
        weights = workspace.stage("inverse", round - 1).require(WEIGHTS)
        segmenter = workspace.stage("segmenter").path
    else:
        weights, segmenter = _last_of(Path(name)), Path(name) / "segmenter"
    where = place()
    network = load_inverse_graphics(weights).to(device=where, memory_format=torch.channels_last)
    size, given = network.shape.size, config.photographs.size
    if size > given:
        raise WorkspaceError(
            f"{weights} reads {size} px, the photographs have {given}: give a reader of at most "
            "that size in cameras.reader"
        )
    segment = load_segmenter(segmenter, where)
    return lambda images: read_both_ways(network, segment, images.to(where))


def _last_of(run: Path) -> Path:
    """The inverse graphics network of another run's last round that has one."""
    found = sorted(run.glob(f"round_*/inverse/{WEIGHTS}"), key=_round_of)
    finished = [path for path in found if path.with_name("done.json").exists()]
    if not finished:
        raise WorkspaceError(
            f"cameras.reader names {run}: neither `inverse` nor `attributes`, nor the folder of a "
            "run whose stage `inverse` has run to its end"
        )
    return finished[-1]


def _round_of(weights: Path) -> int:
    return int(weights.parents[1].name.removeprefix("round_"))


def from_attributes(readings: AttributeReadings) -> Labels:
    """Azimuth and elevation; where image and mirror image differ the confidence says so."""
    cameras = np.zeros((len(readings.azimuths), CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH], cameras[:, ELEVATION] = readings.azimuths, readings.elevations
    cameras[:, DISTANCE] = NOMINAL_DISTANCE
    return Labels(cameras, readings.confidences, np.zeros(len(cameras), np.float32))


@torch.inference_mode()
def read_both_ways(
    network: InverseGraphics,
    segment: Segment,
    images: Tensor,  # [B, 3, R, R] in 0..1, shrunk to the network's size
) -> Labels:
    """Read cameras from images and from their mirror images."""
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
