"""The package's entry points into compiled code, cached on disk."""

from pathlib import Path

from train.data.road_vehicles import photography
from train.data.vehicles.caching import entry_points, sources_digest
from train.data.vehicles.compiled import SOURCES

_OWN = sorted(Path(__file__).parent.glob("*.py"))

sample_records, sample_cameras, take = entry_points(
    sources_digest([*SOURCES, *_OWN]),
    photography.sample_records,
    photography.sample_cameras,
    photography.take,
)
