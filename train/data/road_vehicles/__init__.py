"""Procedural road vehicles of fourteen kinds, rounded, in varied looks and light.

Photographs to train networks on that are to read real ones. `train.data.vehicles` is plainer and
has meshes and other views as ground truth. Needs numpy and numba only.
"""

from train.data.road_vehicles.album import Photographs, photographs
from train.data.road_vehicles.kinds import KINDS
from train.data.vehicles import HELD_OUT_SEED

__all__ = ["HELD_OUT_SEED", "KINDS", "Photographs", "photographs"]
