"""The package's entry points into compiled code, cached on disk."""

from pathlib import Path

from train.data.road_vehicles import photography
from train.data.vehicles import compiled as vehicles
from train.data.vehicles.caching import entry_points, sources_digest

SOURCES = [*vehicles.SOURCES, *sorted(Path(__file__).parent.glob("*.py"))]
"""Every source file that the compiled code is made from."""

sample_records, sample_cameras, take = entry_points(
    sources_digest(SOURCES),
    photography.sample_records,
    photography.sample_cameras,
    photography.take,
)
