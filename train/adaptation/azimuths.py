"""Teaching a network's last layer the azimuths of photographs.

A few dozen labels do not make an encoder see more: it learns them by heart. What it has learned
from thousands of rendered objects stays, and only the layer that weighs it for the azimuth is
trained anew (Kirichenko et al. 2023, Last Layer Re-Training is Sufficient for Robustness to
Spurious Correlations). That takes seconds.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import AZIMUTH
from train.data.augmentation import BatchRandom
from train.data.cutouts import CutOutBatch
from train.data.stream import LabelledViews
from train.models.heads import azimuth_targets
from train.models.inverse_graphics import InverseGraphics
from train.models.serving_graphs import channels_first
from train.steps.framing import framed

VIEWS = 60
"""Changed views of each photograph, moved, mirrored, recoloured and with spoilt masks, at most."""
MOST_VIEWS = 3_000
"""Of all photographs together, where there are many; each gets one at least."""
STEPS, BATCH = 300, 128
LEARNING_RATE = 1e-3
AT_ONCE = 64


class Codes(NamedTuple):
    """What the last layer weighs, of N views."""

    codes: Tensor  # [N, C]
    azimuths: Tensor  # [N] in degrees
    sources: NDArray[np.int64] = np.empty(0, np.int64)  # [N] the cut-out that each is a view of


def codes_of(network: InverseGraphics, data: CutOutBatch, views: int, seed: int) -> Codes:
    """Codes of so many changed views of each labelled cut-out."""
    rows = np.tile(np.flatnonzero(~np.isnan(data.cameras[:, AZIMUTH])), views)
    codes, azimuths = [torch.empty(0, network.camera_head.azimuth.in_features)], [torch.empty(0)]
    random = torch.Generator().manual_seed(seed)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        pixels = channels_first(torch.from_numpy(np.array(data.images[some])))
        given = LabelledViews(pixels[:, :3], pixels[:, 3], torch.from_numpy(data.cameras[some]))
        shown = framed(given, BatchRandom(random, len(some)), network.shape.size)
        with torch.no_grad():
            codes.append(network.camera_code(shown.changed.seen, shown.given_masks[:, None]))
        azimuths.append(shown.cameras[:, AZIMUTH])
    return Codes(torch.cat(codes), torch.cat(azimuths), rows)


def views_each(photographs: int) -> int:
    """How many views of each of so many photographs are taken."""
    return max(1, min(VIEWS, MOST_VIEWS // max(photographs, 1)))


def retrain_azimuths(
    network: InverseGraphics,
    photographed: Codes,
    rendered: Codes | None,
    share: float,  # of photographs in a step, where there are rendered objects too
    seed: int,
) -> None:
    """Train the layer in place on both."""
    layer = network.camera_head.azimuth
    optimiser = torch.optim.AdamW(layer.parameters(), LEARNING_RATE)
    random = torch.Generator().manual_seed(seed)
    parts = [(photographed, BATCH)]
    if rendered is not None and len(rendered.codes):
        count = max(1, round(share * BATCH))
        parts = [(photographed, count), (rendered, BATCH - count)]
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / STEPS)
        picks = [torch.randint(len(p.codes), (n,), generator=random) for p, n in parts]
        codes = torch.cat([p.codes[i] for (p, _), i in zip(parts, picks, strict=True)])
        azimuths = torch.cat([p.azimuths[i] for (p, _), i in zip(parts, picks, strict=True)])
        logits = F.log_softmax(layer(codes), dim=-1)
        loss = -(azimuth_targets(azimuths) * logits).sum(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
