"""How well StyleGAN-R obeys: style error, camera control, cycle terms, selectors and pictures."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from graphics.camera import AZIMUTH, azimuth_difference_degrees
from train.data.codes import CodeSampler, as_images, inputs_of
from train.losses.consistency import style_distance
from train.models.stylegan_r import OWNERS, StyleganR
from train.pictures.grid import write_grid
from train.steps.disentangling import FrozenEncoder
from train.steps.fine_tuning import cycle_terms, sample_batch

CHUNK = 32
"""Images synthesised at once."""
METRIC_IMAGES = 128
TURN_OBJECTS = 24
AZIMUTHS_DEGREES = (0, 60, 120, 180, 240, 300)
"""Asked of every object; columns of the pictures."""
BEYOND_DEGREES = 30.0
GRID_ROWS = 8


@torch.no_grad()
def style_error(network: StyleganR, sampler: CodeSampler) -> dict[str, float]:
    """‖w̃ − w*‖ over the spread's norm, for an image's own camera and for another view's."""
    network.eval()
    own = evenly(sampler, METRIC_IMAGES)
    errors = {}
    for name, viewpoints in (("own_view", own), ("other_view", sampler.other_views(own))):
        inputs = inputs_of(sampler.codes, (viewpoints, own, own, own))
        styles = network.styles(inputs.cameras, network.mix(network.codes(*inputs)))
        true_styles = sampler.codes.styles[viewpoints]
        errors[name] = rounded(style_distance(styles, true_styles, network.style_spread))
    return errors


@torch.no_grad()
def camera_control(
    network: StyleganR, encoder: FrozenEncoder, sampler: CodeSampler
) -> dict[str, float]:
    """Azimuth asked against azimuth read by the inverse network's camera head, in degrees."""
    own = evenly(sampler, TURN_OBJECTS)
    differences = []
    for azimuth in AZIMUTHS_DEGREES:
        inputs = inputs_of(sampler.codes, (own, own, own, own))
        read = encoder(network(turned(inputs.cameras, azimuth), *inputs[1:])).cameras
        differences.append(azimuth_difference_degrees(read[:, AZIMUTH].cpu().numpy(), azimuth))
    every = np.concatenate(differences)
    return {
        "azimuth_median_degrees": round(float(np.median(every)), 2),
        "azimuth_beyond_30_degrees": round(float((every > BEYOND_DEGREES).mean()), 4),
    }


@torch.no_grad()
def cycle_metrics(
    network: StyleganR, background_encoder: nn.Module, encoder: FrozenEncoder, sampler: CodeSampler
) -> dict[str, float]:
    """The terms of equation 6 on held-out images, half of them mixed."""
    inputs = sample_batch(sampler, METRIC_IMAGES).inputs
    read = encoder(network(*inputs))
    terms = cycle_terms(network, background_encoder, inputs, read)
    return {name: rounded(value) for name, value in terms._asdict().items()}


@torch.no_grad()
def selector_shares(network: StyleganR) -> dict[str, dict[str, float]]:
    """Mean share of each owner over the early (view) and the late layers."""
    selectors = network.selectors()
    border = network.early
    return {
        name: {owner: rounded(part[i].mean()) for i, owner in enumerate(OWNERS)}
        for name, part in (("early", selectors[:, :border]), ("late", selectors[:, border:]))
    }


@torch.no_grad()
def write_pictures(path: Path, network: StyleganR, sampler: CodeSampler) -> None:
    """Rows: objects. Columns: input | own codes | azimuths | other texture | other background."""
    own = evenly(sampler, GRID_ROWS)
    others = own.roll(1)
    columns = [as_images(sampler.codes.images[own])]
    inputs = inputs_of(sampler.codes, (own, own, own, own))
    columns.append(network(*inputs))
    columns += [network(turned(inputs.cameras, a), *inputs[1:]) for a in AZIMUTHS_DEGREES]
    for sources in ((own, own, others, own), (own, own, own, others)):
        columns.append(network(*inputs_of(sampler.codes, sources)))
    write_grid(path, torch.stack(columns, dim=1).flatten(0, 1), len(columns), enlarge=2)


def evenly(sampler: CodeSampler, count: int) -> Tensor:  # [up to count]
    """Image indices spread evenly over the objects."""
    images = len(sampler.order)
    return sampler.order[torch.linspace(0, images - 1, min(count, images)).long()]


def turned(cameras: Tensor, azimuth_degrees: float) -> Tensor:  # [B, 5]
    """Cameras at another azimuth, otherwise as they are."""
    cameras = cameras.clone()
    cameras[:, AZIMUTH] = azimuth_degrees
    return cameras


def rounded(value: Tensor) -> float:
    """For JSON."""
    return round(float(value), 5)
