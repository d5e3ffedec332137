"""Teaches the attribute network on procedural truth: the gauge of stages viewpoints, multiview."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphics.camera import AZIMUTH, DISTANCE, azimuth_difference_degrees
from train.config import Config
from train.data.augmentation import augment
from train.data.batch_random import BatchRandom
from train.data.stream import mirrored_cameras
from train.data.vehicles import HELD_OUT_SEED, photographs
from train.models.attributes import (
    AttributeNetwork,
    attribute_loss,
    load_attributes,
    read_attributes,
    save_attributes,
)
from train.pose.attribute_training import BATCH, train_attributes
from train.running.device import place
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace, WorkspaceError

SHIPPED = Path(__file__).parents[1] / "shipped" / "attributes.safetensors"
COLOUR = 0.3
"""Strength of the recolouring: the paint's label stays what it was, so it must be mild."""
HELD_OUT = 512
"""Held-out photographs that the gauge's own errors are measured on."""


def train_attribute_classifier(
    config: Config, workspace: Workspace, folder: StageFolder
) -> AttributeNetwork:
    """Train (or go on training) the network and write `attributes.safetensors` at the end."""
    steps, size = config.viewpoints.classifier_steps, config.photographs.size
    torch.manual_seed(config.seed)
    network = AttributeNetwork(size).to(device=place(), memory_format=torch.channels_last)
    progress = Progress(workspace, "viewpoints", steps)
    train_attributes(network, folder, steps, progress, lambda step: _loss(network, config, step))
    save_attributes(network.eval(), folder.file("attributes.safetensors"))
    return network


def take_shipped_classifier(size: int, path: Path) -> None:
    """Write the shipped network's weights to `path` instead of training it.

    Raises:
        WorkspaceError: it is of another image size.
    """
    network = load_attributes(SHIPPED)
    if network.size != size:
        raise WorkspaceError(
            f"the shipped attribute network reads {network.size} px, the photographs have {size} "
            "px: give --viewpoints.classifier train"
        )
    save_attributes(network, path)


def load_attribute_classifier(config: Config, workspace: Workspace) -> AttributeNetwork:
    """The network that this run measures with, where this process computes."""
    if config.viewpoints.classifier == "shipped":
        return load_attributes(SHIPPED).to(place())
    weights = workspace.stage("viewpoints").require("attributes.safetensors")
    return load_attributes(weights).to(place())


def classifier_errors(network: AttributeNetwork) -> dict[str, Any]:
    """The gauge's own errors on held-out photographs."""
    drawn = photographs(HELD_OUT_SEED, np.arange(HELD_OUT), network.size)
    parts = [read_attributes(network, part) for part in _as_images(drawn.images).split(64)]
    azimuths = np.concatenate([part.azimuths for part in parts])
    kinds = np.concatenate([part.kinds for part in parts]).argmax(axis=1)
    roofs = np.concatenate([part.bodies for part in parts])[:, 0]
    apart = azimuth_difference_degrees(azimuths, drawn.cameras[:, AZIMUTH])
    distances = np.concatenate([part.distances for part in parts])
    relative = np.abs(distances / drawn.cameras[:, DISTANCE] - 1)
    truth = drawn.attributes
    return {
        "azimuth_median_degrees": round(float(np.median(apart)), 2),
        "azimuth_beyond_90": round(float((apart > 90).mean()), 4),
        "distance_median_relative": round(float(np.median(relative)), 4),
        "kind_correct": round(float((kinds == truth.kind).mean()), 4),
        "roof_height_correlation": round(float(np.corrcoef(roofs, truth.roof_height)[0, 1]), 4),
    }


def _as_images(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def _loss(network: AttributeNetwork, config: Config, step: int) -> Tensor:
    """The loss of one step's photographs: a function of the seed, the step and the weights."""
    indices = np.arange(step * BATCH, (step + 1) * BATCH)
    drawn = photographs(config.seed, indices, network.size)
    rng = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    masks = torch.from_numpy(drawn.masks).float() / 255
    where = next(network.parameters()).device
    images = _as_images(drawn.images)
    changed = augment(images.to(where), masks.to(where), BatchRandom(rng, BATCH), colour=COLOUR)
    cameras = torch.from_numpy(drawn.cameras).to(where)
    cameras = torch.where(changed.mirrored[:, None], mirrored_cameras(cameras), cameras)
    cameras[:, DISTANCE] *= changed.distances
    return attribute_loss(network(changed.seen), cameras, drawn.attributes)
