"""Stage cameras (rounds >= 1): the photographs are labelled with cameras.

The reader is the previous round's inverse graphics network, or the attribute network. Every
photograph is read as it is and mirrored; the mean of the two is its camera, and those on which the
reader is unsure or contradicts itself are left out: flipped labels ruin a camera-taught GAN,
imprecise ones do not. Writes `labels.npz` (cameras f32 [N, 5], keep bool [N], confidences f32 [N]).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

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
from train.config import PROCEDURAL, CamerasConfig, Config
from train.data.vehicles import photographs
from train.device import place
from train.gauge import load_gauge
from train.metrics.camera_error import camera_errors
from train.models.attributes import AttributeReadings, read_attributes
from train.models.inverse_graphics import InverseGraphics, load_inverse_graphics
from train.models.segmenter import Segment, load_segmenter
from train.progress import Progress
from train.workspace import StepLoop, Workspace, WorkspaceError, round_to

BATCH = 64
COMPARED = 2_000
"""Procedural photographs whose labels are compared with the truth, for the report only."""


class Labels(NamedTuple):
    """Cameras of N photographs, as read."""

    cameras: np.ndarray
    """f32 [N, 5]: mean of the image's and its mirror's."""
    confidences: np.ndarray
    """f32 [N] in 0..1: mean of the two."""
    disagreements: np.ndarray
    """f32 [N] degrees of azimuth between the two."""


Read = Callable[[Tensor], Labels]
"""Reads images [B, 3, R, R] in 0..1."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Label the photographs with the previous round's network; goes on after a kill."""
    if round < 1:
        raise WorkspaceError(f"stage `cameras` of round {round}: it needs the round before it")
    folder = workspace.stage("cameras", round)
    folder.start(config.cameras)
    read = _reader(config, workspace, round)
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    labels = _label(workspace, round, images, read)
    keep = keep_confident(labels, config.cameras)
    if not keep.any():
        raise WorkspaceError(
            f"the camera of none of {len(keep)} photographs is read alike from the mirrored one "
            f"(median difference {np.median(labels.disagreements):.0f}°): train stage `inverse` "
            "longer, or raise cameras.largest_mirror_degrees"
        )
    folder.save_arrays(
        "labels.npz",
        {"cameras": labels.cameras, "keep": keep, "confidences": labels.confidences},
    )
    facts = {
        "photographs": len(keep),
        "kept_share": round_to(float(keep.mean())),
        "mirror_disagreement_median_degrees": round_to(float(np.median(labels.disagreements))),
    }
    if config.photographs.source == PROCEDURAL:
        facts |= _against_truth(config, labels, keep)
    Progress(workspace, "cameras", 1, round).say(f"{facts}")
    folder.finish(**facts)


def _reader(config: Config, workspace: Workspace, round: int) -> Read:
    """What reads the cameras of a batch of images."""
    if config.cameras.reader == "attributes":
        gauge = load_gauge(config, workspace)
        return lambda images: _from_attributes(read_attributes(gauge, images))
    weights = workspace.stage("inverse", round - 1).require("inverse_graphics.safetensors")
    where = place()
    network = load_inverse_graphics(weights).to(device=where, memory_format=torch.channels_last)
    segment = load_segmenter(workspace.stage("segmenter").path, where)
    return lambda images: read_both_ways(network, segment, images.to(where))


def _from_attributes(readings: AttributeReadings) -> Labels:
    """Azimuth and elevation; where image and mirror image differ the confidence says so."""
    cameras = np.zeros((len(readings.azimuths), CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH], cameras[:, ELEVATION] = readings.azimuths, readings.elevations
    cameras[:, DISTANCE] = NOMINAL_DISTANCE
    return Labels(cameras, readings.confidences, np.zeros(len(cameras), np.float32))


@torch.inference_mode()
def read_both_ways(
    network: InverseGraphics,
    segment: Segment,
    images: Tensor,  # [B, 3, R, R] in 0..1
) -> Labels:
    """Read cameras from images and from their mirror images."""
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


def keep_confident(labels: Labels, settings: CamerasConfig) -> np.ndarray:  # bool [N]
    """The most confident share of all, of which those that contradict themselves go too."""
    wanted = int(np.ceil(settings.confident * len(labels.confidences)))
    order = np.argsort(-labels.confidences, kind="stable")
    keep = np.zeros(len(order), bool)
    keep[order[:wanted]] = True
    return keep & (labels.disagreements <= settings.largest_mirror_degrees)


def _label(
    workspace: Workspace,
    round: int,
    images: np.ndarray,
    read: Read,
) -> Labels:
    done: list[Labels] = []

    def state() -> dict[str, Any]:
        joined = [torch.from_numpy(np.concatenate(part)) for part in zip(*done, strict=True)]
        return dict(zip(Labels._fields, joined, strict=True))

    folder = workspace.stage("cameras", round)
    loop = StepLoop(folder, -(-len(images) // BATCH), state)
    if (checkpoint := folder.load_checkpoint()) is not None:
        loop.first = checkpoint["step"]
        done.append(Labels(*(checkpoint[name].numpy() for name in Labels._fields)))
    progress = Progress(workspace, "cameras", loop.steps, round)
    for step in loop:
        pixels = torch.from_numpy(np.array(images[step * BATCH : (step + 1) * BATCH]))
        done.append(read(pixels.permute(0, 3, 1, 2).float() / 255))
        progress.tick(step + 1, confidence=done[-1].confidences.mean())
    return Labels(*(values.numpy() for values in state().values()))


def _against_truth(config: Config, labels: Labels, keep: np.ndarray) -> dict[str, float]:
    """Errors of the first labels, which nothing is trained on: the truth is for the report."""
    count = min(COMPARED, len(keep))
    truth = photographs(config.seed, np.arange(count), config.photographs.size).cameras
    errors = camera_errors(labels.cameras[:count], truth)
    figures = {}
    for name, chosen in (("all", np.ones(count, bool)), ("kept", keep[:count])):
        if chosen.any():
            azimuths = errors.azimuth_degrees[chosen]
            elevations = errors.elevation_degrees[chosen]
            figures |= {
                f"azimuth_error_median_degrees_{name}": round_to(float(np.median(azimuths))),
                f"azimuth_beyond_90_{name}": round_to(float((azimuths > 90).mean())),
                f"elevation_error_median_degrees_{name}": round_to(float(np.median(elevations))),
            }
    return figures
