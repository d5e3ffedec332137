"""Which face each pixel sees: the public side of the rasteriser's kernels.

Rules are DIB-R's (Chen et al. 2019, as in NVIDIA kaolin 0.18): pixel centres at
x = (2c + 1 - W) / W and y = (H - 2r - 1) / H, y up, row 0 the top; larger z is closer and a tie
goes to the lowest face index; barycentric weights are affine; both windings are drawn; a face
reaches the pixels of its half-open bounding box; nothing is clipped by depth. A face with a
vertex that is not finite is not drawn.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

KAOLIN_AREA_EPSILON = 1e-14
"""kaolin adds eps = 1e-8 to areas it has scaled by multiplier**2 = 1e6."""


class VisibleFaces(NamedTuple):
    """What each pixel sees."""

    face_index: NDArray[np.int32]
    """[B, H, W], -1 where no face is."""
    weights: NDArray[np.floating]
    """[B, H, W, 3] barycentric weights of the face's corners, 0 where no face is."""


class FeatureGradients(NamedTuple):
    """Gradients of interpolated features."""

    face_vertices_image: NDArray[np.floating]
    """[B, F, 3, 2]"""
    face_features: NDArray[np.floating]
    """[B, F, 3, D]"""


def pixel_centres(
    height: int, width: int, dtype: np.dtype
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Image-plane x of each column [W] and y of each row [H]; row 0 is the top."""
    if height < 1 or width < 1:
        raise ValueError(f"image is {height}x{width} px; height and width must be at least 1")
    x = (2 * np.arange(width) + 1 - width) / width
    y = (height - 2 * np.arange(height) - 1) / height
    return x.astype(dtype), y.astype(dtype)


def check_faces(
    face_vertices_image: NDArray[np.floating], face_vertices_z: NDArray[np.floating] | None = None
) -> None:
    """Refuse arrays that are not `[B, F, 3, 2]` and `[B, F, 3]` of one floating dtype."""
    shape = face_vertices_image.shape
    if len(shape) != 4 or shape[2:] != (3, 2):
        raise ValueError(f"face_vertices_image has shape {shape}; it must be [B, F, 3, 2]")
    if face_vertices_image.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"face_vertices_image is {face_vertices_image.dtype}; it must be float32 or float64"
        )
    if face_vertices_z is None:
        return
    if face_vertices_z.shape != shape[:3]:
        raise ValueError(
            f"face_vertices_z has shape {face_vertices_z.shape}; it must be {shape[:3]}, "
            "like face_vertices_image without its last axis"
        )
    if face_vertices_z.dtype != face_vertices_image.dtype:
        raise TypeError(
            f"face_vertices_z is {face_vertices_z.dtype} but face_vertices_image is "
            f"{face_vertices_image.dtype}; they must be the same"
        )


def visible_faces(
    face_vertices_image: NDArray[np.floating],  # [B, F, 3, 2]
    face_vertices_z: NDArray[np.floating],  # [B, F, 3], larger is closer
    height: int,
    width: int,
    valid: NDArray[np.bool_] | None = None,  # [B, F], False: not drawn
    area_epsilon: float = KAOLIN_AREA_EPSILON,
) -> VisibleFaces:
    """The closest face of every pixel and its barycentric weights, float32 or float64."""
    from graphics import rasterize_kernels  # compiles with numba: only when it is needed

    check_faces(face_vertices_image, face_vertices_z)
    batch, face_count = face_vertices_z.shape[:2]
    if valid is None:
        valid = np.ones((batch, face_count), np.bool_)
    elif valid.shape != (batch, face_count) or valid.dtype != np.bool_:
        raise ValueError(
            f"valid is {valid.dtype} {valid.shape}; it must be bool [{batch}, {face_count}]"
        )
    dtype = face_vertices_image.dtype
    x, y = _kept_centres(height, width, dtype)
    face_index = np.full((batch, height, width), -1, np.int32)
    weights = np.zeros((batch, height, width, 3), dtype)
    rasterize_kernels.visible_faces(
        np.ascontiguousarray(face_vertices_image), np.ascontiguousarray(face_vertices_z),
        np.ascontiguousarray(valid), x, y, dtype.type(area_epsilon), face_index, weights,
    )  # fmt: skip
    return VisibleFaces(face_index, weights)


_kept_centres = lru_cache(64)(pixel_centres)
"""For kernels, which only read them."""


def interpolate(
    face_features: NDArray[np.floating],  # [B, F, 3, D]
    visible: VisibleFaces,
) -> NDArray[np.floating]:
    """Features of every pixel, `[B, H, W, D]`: 0 where no face is."""
    from graphics import rasterize_kernels

    features = np.zeros((*visible.face_index.shape, face_features.shape[3]), face_features.dtype)
    rasterize_kernels.interpolate(np.ascontiguousarray(face_features), *visible, features)
    return features


def interpolate_backward(
    features_gradient: NDArray[np.floating],  # [B, H, W, D]
    face_vertices_image: NDArray[np.floating],  # [B, F, 3, 2]
    face_features: NDArray[np.floating],  # [B, F, 3, D]
    visible: VisibleFaces,
    area_epsilon: float = KAOLIN_AREA_EPSILON,
    wants_features: bool = True,  # False: leave the features' gradient 0, which is faster
) -> FeatureGradients:
    """Gradients of `interpolate` through the weights and the features; z gets none."""
    from graphics import rasterize_kernels

    gradients = FeatureGradients(np.zeros_like(face_vertices_image), np.zeros_like(face_features))
    rasterize_kernels.interpolate_backward(
        np.ascontiguousarray(features_gradient), np.ascontiguousarray(face_vertices_image),
        np.ascontiguousarray(face_features), *visible,
        face_vertices_image.dtype.type(area_epsilon), wants_features, *gradients,
    )  # fmt: skip
    return gradients
