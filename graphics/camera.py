"""The camera convention of the whole project: stated here once, tested once, written everywhere.

A camera is a float32 row of five numbers, `[azimuth_degrees, elevation_degrees, distance,
offset_x, offset_y]`; a batch of them is `[B, 5]`. Angles are degrees outside this file.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FIELD_OF_VIEW_DEGREES = 25.0
"""Vertical (and horizontal: images are square) opening angle of every camera."""

NOMINAL_DISTANCE = 5.0
"""Object units from the eye to the origin at which an object in [-1, 1]^3 fills the image."""

AZIMUTH, ELEVATION, DISTANCE, OFFSET_X, OFFSET_Y = range(5)  # columns of a camera row

CAMERA_SIZE = 5

NEAR, FAR = 0.1, 100.0
"""Clip planes of `projection_matrices`, for other viewers; the rasteriser itself never clips."""

MINIMUM_DEPTH = 1e-2
"""Depths below this are projected as if they were this, so that no vertex becomes infinite."""

CONVENTION = (
    "Right-handed, y up, the object's front faces +z. The camera looks at the origin along its "
    "own -z from distance * (cos(elevation) sin(azimuth), sin(elevation), cos(elevation) "
    "cos(azimuth)): azimuth 0 degrees sees the front and grows counter-clockwise seen from above; "
    "elevation > 0 looks down on the object. "
    f"The field of view is {FIELD_OF_VIEW_DEGREES:g} degrees. A row is "
    "[azimuth_degrees, elevation_degrees, distance, offset_x, offset_y]; the offsets are added to "
    "image x (right) and y (up), in [-1, 1], after projection."
)
"""The text put into every manifest and API answer."""


class Projected(NamedTuple):
    """Vertices as a camera sees them."""

    vertices_camera: NDArray[np.floating]
    """[B, V, 3], object units; the camera looks along -z, so a larger z is closer."""
    vertices_image: NDArray[np.floating]
    """[B, V, 2], x right and y up; the image is [-1, 1] x [-1, 1]."""


def focal_length() -> float:
    """Image half-height over depth: 1 / tan(half the field of view)."""
    return float(1.0 / np.tan(np.radians(FIELD_OF_VIEW_DEGREES) / 2))


def check_cameras(cameras: NDArray[np.floating]) -> None:
    """Refuse anything that is not `[B, 5]`."""
    if cameras.ndim != 2 or cameras.shape[1] != CAMERA_SIZE:
        raise ValueError(
            f"cameras has shape {tuple(cameras.shape)}; it must be [B, {CAMERA_SIZE}]: "
            "azimuth_degrees, elevation_degrees, distance, offset_x, offset_y"
        )


def view_matrices(cameras: NDArray[np.floating]) -> NDArray[np.floating]:
    """World to camera, `[B, 4, 4]` acting on columns, from cameras `[B, 5]`."""
    check_cameras(cameras)
    azimuths, elevations = np.radians(cameras[:, AZIMUTH]), np.radians(cameras[:, ELEVATION])
    sin_a, cos_a, sin_e, cos_e = (
        np.sin(azimuths), np.cos(azimuths), np.sin(elevations), np.cos(elevations)
    )  # fmt: skip
    matrices = np.zeros((len(cameras), 4, 4), cameras.dtype)
    right, up, backward = matrices[:, 0], matrices[:, 1], matrices[:, 2]
    right[:, 0], right[:, 2] = cos_a, -sin_a
    up[:, 0], up[:, 1], up[:, 2] = -sin_e * sin_a, cos_e, -sin_e * cos_a
    backward[:, 0], backward[:, 1], backward[:, 2] = cos_e * sin_a, sin_e, cos_e * cos_a
    backward[:, 3] = -cameras[:, DISTANCE]
    matrices[:, 3, 3] = 1
    return matrices


def projection_matrices(cameras: NDArray[np.floating]) -> NDArray[np.floating]:
    """Camera to OpenGL clip space, `[B, 4, 4]`: the offsets are a shift of the principal point."""
    check_cameras(cameras)
    matrices = np.zeros((len(cameras), 4, 4), cameras.dtype)
    matrices[:, 0, 0] = matrices[:, 1, 1] = focal_length()
    # Clip w is -z: a shift by offset * w after projection is -offset * z before it.
    matrices[:, 0, 2] = -cameras[:, OFFSET_X]
    matrices[:, 1, 2] = -cameras[:, OFFSET_Y]
    matrices[:, 2, 2] = (FAR + NEAR) / (NEAR - FAR)
    matrices[:, 2, 3] = 2 * FAR * NEAR / (NEAR - FAR)
    matrices[:, 3, 2] = -1
    return matrices


def project(
    vertices: NDArray[np.floating],  # [B, V, 3]
    cameras: NDArray[np.floating],  # [B, 5]
) -> Projected:
    """Vertices in camera space and on the image plane, one camera per set of vertices."""
    if vertices.ndim != 3 or vertices.shape[2] != 3 or len(vertices) != len(cameras):
        raise ValueError(
            f"vertices has shape {tuple(vertices.shape)}; with {len(cameras)} cameras it must be "
            f"[{len(cameras)}, V, 3]"
        )
    view = view_matrices(cameras)
    vertices_camera = vertices @ view[:, :3, :3].transpose(0, 2, 1) + view[:, None, :3, 3]
    depth = np.maximum(-vertices_camera[..., 2:], MINIMUM_DEPTH)  # [B, V, 1]
    offsets = cameras[:, None, OFFSET_X:]
    focal = vertices_camera.dtype.type(focal_length())
    return Projected(vertices_camera, focal * vertices_camera[..., :2] / depth + offsets)


def wrap_degrees(degrees: NDArray[np.floating] | float) -> NDArray[np.floating]:
    """Angles brought into [-180, 180)."""
    wrapped = np.mod(np.asarray(degrees) + 180.0, 360.0) - 180.0
    # np.mod of a tiny negative number rounds up to 360 itself.
    return np.where(wrapped >= 180.0, wrapped - 360.0, wrapped)


def azimuth_difference_degrees(
    first: NDArray[np.floating] | float, second: NDArray[np.floating] | float
) -> NDArray[np.floating]:
    """The smaller angle between two azimuths, in [0, 180]."""
    return np.abs(wrap_degrees(np.asarray(first) - np.asarray(second)))
