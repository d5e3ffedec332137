"""Scenes to render, and the paths from one picture to the next."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, wrap_degrees
from graphics.photographs import GREY
from service.imaging.images import to_floats
from service.model.runners import NO_SHIFTS
from service.pipeline.archive import ATTRIBUTES, Archive
from service.schemas.photographs import CameraView
from service.schemas.rendering import Interpolation, Turntable


class Scene(NamedTuple):
    """One picture to render."""

    vertices: NDArray[np.float32]
    """[V, 3]"""
    texture: NDArray[np.float32]
    """[Ht, Wt, 3] in 0..1"""
    background: NDArray[np.uint8] | None
    """[R, R, 3]; None leaves the picture transparent around the object."""
    camera: NDArray[np.float32]
    """[5]"""
    known_hole: NDArray[np.bool_] | None = None
    """[R, R] where the background shows its object; None: it is mid grey there."""
    shifts: NDArray[np.float32] = NO_SHIFTS
    """[SHIFTS] that bring the GAN renderer nearer to the photograph; the others do not read it."""

    @property
    def hole(self) -> NDArray[np.bool_]:
        """[R, R] where the background is not known, or shows its object."""
        assert self.background is not None
        if self.known_hole is not None:
            return self.known_hole
        return np.all(self.background == GREY, axis=-1)

    @classmethod
    def of(cls, archive: Archive) -> Self:
        """The whole of one reconstruction."""
        texture = to_floats(archive.texture)
        return cls(archive.vertices, texture, archive.background, archive.camera)


def camera_row(view: CameraView) -> NDArray[np.float32]:
    """A client's camera as the renderers take it, [5]."""
    return np.array(
        [view.azimuth_degrees, view.elevation_degrees, view.distance, *view.offset], np.float32
    )


def turn(path: Turntable) -> list[NDArray[np.float32]]:
    """Cameras [5] at equal angles; the last one is a step short of the first."""
    azimuths = path.start_degrees + np.arange(path.frames) * (360 / path.frames)
    rows = np.zeros((path.frames, 5), np.float32)
    rows[:, AZIMUTH] = wrap_degrees(azimuths)
    rows[:, 1:3] = path.elevation_degrees, path.distance
    return list(rows)


def blend(start: Scene, end: Scene, path: Interpolation) -> list[Scene]:
    """Linear in every number of the parts that change; the azimuth goes the shorter way."""
    first = start.camera[AZIMUTH]
    camera = end.camera.copy()
    apart = camera[AZIMUTH] - first
    # By whole turns, so that the last picture is that of the end itself.
    camera[AZIMUTH] += 360 * round(float(wrap_degrees(apart) - apart) / 360)
    end = end._replace(camera=camera)
    names = [ATTRIBUTES[part] for part in path.parts]
    scenes = []
    for weight in np.linspace(0, 1, path.steps, dtype=np.float32):
        mixed = (_mixed(getattr(start, name), getattr(end, name), weight) for name in names)
        scenes.append(start._replace(**dict(zip(names, mixed, strict=True))))
    return scenes


def _mixed(start: NDArray | None, end: NDArray | None, weight: np.float32) -> NDArray | None:
    if start is None or end is None or weight == 0:
        return start
    if weight == 1:
        return end
    mixed = (1 - weight) * start.astype(np.float32) + weight * end.astype(np.float32)
    if start.dtype != np.uint8:
        return mixed
    # A background: its hole is mid grey, and on the way that of either, or outlines would show.
    either = np.all(start == GREY, axis=-1) | np.all(end == GREY, axis=-1)
    return np.where(either[..., None], np.uint8(GREY), np.rint(mixed).astype(np.uint8))
