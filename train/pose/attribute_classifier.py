"""Training of the attribute classifier on the ground truth of procedural photographs."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import AZIMUTH, DISTANCE, ELEVATION, azimuth_difference_degrees
from train.config import Config
from train.data.augmentation import BatchRandom, augment
from train.data.stream import mirrored_cameras
from train.data.vehicles import HELD_OUT_SEED, Attributes, photographs
from train.models.attributes import (
    ELEVATION_SCALE_DEGREES,
    AttributeClassifier,
    AttributeOutputs,
    load_attributes,
    read_attributes,
    save_attributes,
)
from train.models.camera_features import DISTANCE_SCALE
from train.models.heads import azimuth_targets
from train.models.layers import channels_last
from train.models.serving_graphs import channels_first
from train.running.chunks import joined
from train.running.device import Device, default_device
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace, WorkspaceError
from train.steps.one_cycle import train_one_cycle

SHIPPED = Path(__file__).parents[1] / "shipped" / "attributes.safetensors"
COLOUR = 0.3
"""Strength of the recolouring: the paint's label stays what it was, so it must be mild."""
HELD_OUT = 512
"""Held-out photographs that the classifier's own errors are measured on."""
BATCH = 32
LEARNING_RATE = 2e-3
BODY_SCALES = (0.1, 0.2)
"""Object units that count as one in the losses of roof height and length."""
PAINT_SCALE = 0.2


def train_attribute_classifier(
    config: Config, workspace: Workspace, folder: StageFolder
) -> AttributeClassifier:
    """Train (or go on training) the classifier and write `attributes.safetensors` at the end."""
    torch.manual_seed(config.seed)
    network = channels_last(AttributeClassifier(config.photographs.size), default_device())
    progress = Progress(workspace, "viewpoints", config.viewpoints.classifier_steps)
    autocast = Device().autocast

    def loss_of(step: int) -> Tensor:
        with autocast():
            return _loss(network, config, step)

    train_one_cycle(network, folder, progress, loss_of, LEARNING_RATE)
    save_attributes(network, folder.file("attributes.safetensors"))
    return network


def take_shipped_classifier(size: int, path: Path) -> None:
    """Write the shipped classifier's weights to `path` instead of training one.

    Raises:
        WorkspaceError: it is of another image size.
    """
    network = load_attributes(SHIPPED)
    if network.size != size:
        raise WorkspaceError(
            f"the shipped attribute classifier reads {network.size} px, the photographs have "
            f"{size} px: give --viewpoints.classifier train"
        )
    save_attributes(network, path)


def load_attribute_classifier(config: Config, workspace: Workspace) -> AttributeClassifier:
    """The attribute classifier of this run, on the default device."""
    if config.viewpoints.classifier == "shipped":
        return load_attributes(SHIPPED).to(default_device())
    weights = workspace.stage("viewpoints").require("attributes.safetensors")
    return load_attributes(weights).to(default_device())


def classifier_errors(network: AttributeClassifier) -> dict[str, Any]:
    """The classifier's own errors on held-out photographs."""
    held_out = photographs(HELD_OUT_SEED, np.arange(HELD_OUT), network.size)
    batches = channels_first(torch.from_numpy(held_out.images)).split(64)
    read = joined([read_attributes(network, batch) for batch in batches])
    apart = azimuth_difference_degrees(read.azimuths, held_out.cameras[:, AZIMUTH])
    relative = np.abs(read.distances / held_out.cameras[:, DISTANCE] - 1)
    kinds, roofs = read.kinds.argmax(axis=1), read.bodies[:, 0]
    truth = held_out.attributes
    return {
        "azimuth_median_degrees": round(float(np.median(apart)), 2),
        "azimuth_beyond_90": round(float((apart > 90).mean()), 4),
        "distance_median_relative": round(float(np.median(relative)), 4),
        "kind_correct": round(float((kinds == truth.kind).mean()), 4),
        "roof_height_correlation": round(float(np.corrcoef(roofs, truth.roof_height)[0, 1]), 4),
    }


def _loss(network: AttributeClassifier, config: Config, step: int) -> Tensor:
    """The loss of one step's photographs: a function of the seed, the step and the weights."""
    indices = np.arange(step * BATCH, (step + 1) * BATCH)
    batch = photographs(config.seed, indices, network.size)
    rng = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    masks = torch.from_numpy(batch.masks).float() / 255
    device = default_device()
    images = channels_first(torch.from_numpy(batch.images))
    changed = augment(images.to(device), masks.to(device), BatchRandom(rng, BATCH), colour=COLOUR)
    cameras = torch.from_numpy(batch.cameras).to(device)
    cameras = torch.where(changed.mirrored[:, None], mirrored_cameras(cameras), cameras)
    cameras[:, DISTANCE] *= changed.distances
    return attribute_loss(network(changed.seen), cameras, batch.attributes)


def attribute_loss(
    outputs: AttributeOutputs,
    cameras: Tensor,  # [B, 5]
    attributes: Attributes,
) -> Tensor:
    """Cross-entropies and smooth L1 terms, each of the order of one at the start."""
    device = outputs.azimuth_logits.device
    cameras = cameras.to(device)
    azimuth = F.cross_entropy(outputs.azimuth_logits, azimuth_targets(cameras[:, AZIMUTH]))
    kind = F.cross_entropy(outputs.kind_logits, torch.from_numpy(attributes.kind).long().to(device))
    elevation = F.smooth_l1_loss(
        outputs.elevations / ELEVATION_SCALE_DEGREES,
        cameras[:, ELEVATION] / ELEVATION_SCALE_DEGREES,
    )
    distance = F.smooth_l1_loss(
        outputs.distances.log() / DISTANCE_SCALE, cameras[:, DISTANCE].log() / DISTANCE_SCALE
    )
    body = np.stack([attributes.roof_height, attributes.length], axis=1)
    bodies, scales = (torch.tensor(x).float().to(device) for x in (body, BODY_SCALES))
    shape = F.smooth_l1_loss(outputs.bodies / scales, bodies / scales)
    paint = torch.tensor(attributes.paint).float().to(device)
    colour = F.smooth_l1_loss(outputs.paints / PAINT_SCALE, paint / PAINT_SCALE)
    return azimuth + kind + elevation + distance + shape + colour
