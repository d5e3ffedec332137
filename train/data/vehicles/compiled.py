"""The package's entry points into compiled code, cached on disk."""

from pathlib import Path

from graphics import camera
from train.data.vehicles import atlas, photography
from train.data.vehicles.caching import entry_points, sources_digest

SOURCES = [*sorted(Path(__file__).parent.glob("*.py")), Path(camera.__file__)]
"""Every source file that the compiled code is made from."""

sample_records, sample_cameras, take, surround, bake = entry_points(
    sources_digest(SOURCES),
    photography.sample_records,
    photography.sample_cameras,
    photography.take,
    photography.surround,
    atlas.bake,
)
