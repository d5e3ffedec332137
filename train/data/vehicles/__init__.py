"""Procedural vehicles, photographed once each, with ground truth.

`photographs` for training, `views` and `meshes` for evaluation. Needs numpy and numba only.
"""

from train.data.vehicles.album import (
    HELD_OUT_SEED,
    Attributes,
    Light,
    Mixed,
    Photographs,
    TexturedMesh,
    light,
    meshes,
    mixtures,
    photographs,
    surroundings,
    views,
)
from train.data.vehicles.photography import DISTANCES
from train.data.vehicles.vehicle import KINDS

__all__ = [
    "DISTANCES", "HELD_OUT_SEED", "KINDS", "Attributes", "Light", "Mixed", "Photographs",
    "TexturedMesh", "light", "meshes", "mixtures", "photographs", "surroundings", "views",
]  # fmt: skip
