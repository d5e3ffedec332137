"""Procedural road vehicles of fourteen kinds, rounded, in varied looks and light."""

from train.data.road_vehicles.album import photographs
from train.data.road_vehicles.vehicle import KINDS

__all__ = ["KINDS", "photographs"]
