"""Which face each pixel sees: face by face, forwards and backwards.

The rules are DIB-R's (Chen et al. 2019), as in NVIDIA kaolin 0.18. Pixel centres are at
x = (2c + 1 - W) / W and y = (H - 2r - 1) / H: y points up, row 0 is the top. Larger z is closer,
and a tie goes to the lowest face index. Barycentric weights are affine, and both windings show. A
face reaches the pixels of its half-open bounding box. Nothing is clipped by depth. A face with a
vertex that is not finite, z included, or too large for finite areas is left out.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import Array, Number, compiled
from graphics.pixels import is_measurable, pixel_box, pixel_centres

Corners = tuple[Number, Number, Number, Number, Number, Number]
"""x and y of a face's three corners, one after the other."""

KAOLIN_AREA_EPSILON = 1e-14  # kaolin adds eps = 1e-8 to areas it has scaled by multiplier**2 = 1e6


class VisibleFaces(NamedTuple):
    """What each pixel sees."""

    face_index: NDArray[np.int32]  # [B, H, W], -1 where no face is
    weights: Array  # [B, H, W, 3] barycentric weights of the face's corners, 0 where no face is


class FeatureGradients(NamedTuple):
    """Gradients of interpolated features."""

    face_vertices_image: Array  # [B, F, 3, 2]
    face_features: Array  # [B, F, 3, D]


def check_faces(face_vertices_image: Array, face_vertices_z: Array | None = None) -> None:
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
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_vertices_z: Array,  # [B, F, 3], larger is closer
    height: int,
    width: int,
    valid: NDArray[np.bool_] | None = None,  # [B, F], False: left out
    area_epsilon: float = KAOLIN_AREA_EPSILON,
) -> VisibleFaces:
    """The closest face of every pixel and its barycentric weights, float32 or float64."""
    check_faces(face_vertices_image, face_vertices_z)
    batch, face_count = face_vertices_z.shape[:2]
    if valid is None:
        valid = np.ones((batch, face_count), np.bool_)
    elif valid.shape != (batch, face_count) or valid.dtype != np.bool_:
        raise ValueError(
            f"valid is {valid.dtype} {valid.shape}; it must be bool [{batch}, {face_count}]"
        )
    dtype = face_vertices_image.dtype
    x, y = pixel_centres(height, width, dtype)
    face_index = np.full((batch, height, width), -1, np.int32)
    weights = np.zeros((batch, height, width, 3), dtype)
    _visible_faces(
        np.ascontiguousarray(face_vertices_image), np.ascontiguousarray(face_vertices_z),
        np.ascontiguousarray(valid), x, y, dtype.type(area_epsilon), face_index, weights,
    )  # fmt: skip
    return VisibleFaces(face_index, weights)


def interpolate(
    face_features: Array,  # [B, F, 3, D]
    visible: VisibleFaces,
) -> Array:
    """Features of every pixel, `[B, H, W, D]`: 0 where no face is."""
    features = np.zeros((*visible.face_index.shape, face_features.shape[3]), face_features.dtype)
    _interpolate(np.ascontiguousarray(face_features), *visible, features)
    return features


def interpolate_backward(
    features_gradient: Array,  # [B, H, W, D]
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_features: Array,  # [B, F, 3, D]
    visible: VisibleFaces,
    area_epsilon: float = KAOLIN_AREA_EPSILON,
    wants_features: bool = True,  # False: leave the features' gradient 0, which is faster
) -> FeatureGradients:
    """Gradients of `interpolate` through the weights and the features; z gets none."""
    gradients = FeatureGradients(np.zeros_like(face_vertices_image), np.zeros_like(face_features))
    _interpolate_backward(
        np.ascontiguousarray(features_gradient), np.ascontiguousarray(face_vertices_image),
        np.ascontiguousarray(face_features), *visible,
        face_vertices_image.dtype.type(area_epsilon), wants_features, *gradients,
    )  # fmt: skip
    return gradients


@compiled
def corners_of(face_vertices_image: Array, image: int, face: int) -> Corners:
    """The corners of one face of [B, F, 3, 2]."""
    corners = face_vertices_image
    return (
        corners[image, face, 0, 0], corners[image, face, 0, 1],
        corners[image, face, 1, 0], corners[image, face, 1, 1],
        corners[image, face, 2, 0], corners[image, face, 2, 1],
    )  # fmt: skip


@compiled
def _visible_faces(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    face_vertices_image: Array, face_vertices_z: Array, valid: NDArray[np.bool_],
    x: Array,  # [W]
    y: Array,  # [H]
    area_epsilon: Number,
    face_index: NDArray[np.int32],  # [B, H, W], out, starts at -1
    weights: Array,  # [B, H, W, 3], out, starts at 0
) -> None:  # fmt: skip
    """Depth-buffered: faces in index order, a strictly closer one replaces what is there."""
    batch, face_count = face_vertices_image.shape[:2]
    depth = np.empty((y.shape[0], x.shape[0]), x.dtype)
    for image in range(batch):
        depth[:] = -np.inf
        for face in range(face_count):
            if valid[image, face]:
                _rasterise_face(
                    image, face, face_vertices_image, face_vertices_z, x, y, area_epsilon,
                    depth, face_index, weights,
                )  # fmt: skip


@compiled
def _rasterise_face(  # noqa: PLR0913 - whole arrays and indices: slices would be counted references
    image: int, face: int, face_vertices_image: Array, face_vertices_z: Array,
    x: Array, y: Array, area_epsilon: Number,
    depth: Array, face_index: NDArray[np.int32], weights: Array,
) -> None:  # fmt: skip
    """Rasterise one face into its image's buffers."""
    corners = xa, ya, xb, yb, xc, yc = corners_of(face_vertices_image, image, face)
    row, row_end, column, column_end = pixel_box(*corners, 0.0, y.shape[0], x.shape[0])
    if row >= row_end or column >= column_end:
        return
    za, zb, zc = (
        face_vertices_z[image, face, 0], face_vertices_z[image, face, 1],
        face_vertices_z[image, face, 2],
    )  # fmt: skip
    if not is_measurable(za, zb, zc):
        return
    one = x.dtype.type(1)  # an integer 1 would make float32 arithmetic float64, and break ties
    for r in range(row, row_end):
        ay, by, cy = ya - y[r], yb - y[r], yc - y[r]
        for c in range(column, column_end):
            ax, bx, cx = xa - x[c], xb - x[c], xc - x[c]
            wa = bx * cy - by * cx
            wb = cx * ay - cy * ax
            wc = ax * by - ay * bx
            area = wa + wb + wc
            # Signs alone say what is outside, so that only covered pixels pay the division.
            if area >= 0:
                if wa < 0 or wb < 0 or wc < 0:
                    continue
            elif wa > 0 or wb > 0 or wc > 0:
                continue
            scale = one / (area + math.copysign(area_epsilon, area))
            z = (wa * za + wb * zb + wc * zc) * scale
            if z > depth[r, c]:
                depth[r, c] = z
                face_index[image, r, c] = face
                weights[image, r, c, 0] = wa * scale
                weights[image, r, c, 1] = wb * scale
                weights[image, r, c, 2] = wc * scale


@compiled
def _interpolate(
    face_features: Array, face_index: NDArray[np.int32], weights: Array,
    features: Array,  # [B, H, W, D], out, starts at 0
) -> None:  # fmt: skip
    """Weighted sum of the three corners' features, pixel by pixel."""
    batch, height, width = face_index.shape
    for image in range(batch):
        for r in range(height):
            for c in range(width):
                face = face_index[image, r, c]
                if face < 0:
                    continue
                wa, wb, wc = (
                    weights[image, r, c, 0], weights[image, r, c, 1], weights[image, r, c, 2]
                )  # fmt: skip
                for d in range(face_features.shape[3]):
                    features[image, r, c, d] = (
                        wa * face_features[image, face, 0, d]
                        + wb * face_features[image, face, 1, d]
                        + wc * face_features[image, face, 2, d]
                    )


@compiled
def _interpolate_backward(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    features_gradient: Array, face_vertices_image: Array, face_features: Array,
    face_index: NDArray[np.int32], weights: Array, area_epsilon: Number, wants_features: bool,
    vertices_gradient: Array,  # [B, F, 3, 2], out, starts at 0
    face_features_gradient: Array,  # [B, F, 3, D], out, starts at 0
) -> None:  # fmt: skip
    """Pixels add to their face; an image belongs to one thread, so no atomics are needed."""
    batch, height, width = face_index.shape
    weights_gradient = np.zeros(3, face_features.dtype)
    for image in range(batch):
        for r in range(height):
            for c in range(width):
                face = face_index[image, r, c]
                if face < 0:
                    continue
                for corner in range(3):
                    total = face_features.dtype.type(0)
                    for d in range(face_features.shape[3]):
                        gradient = features_gradient[image, r, c, d]
                        total += gradient * face_features[image, face, corner, d]
                        if wants_features:
                            face_features_gradient[image, face, corner, d] += (
                                gradient * weights[image, r, c, corner]
                            )
                    weights_gradient[corner] = total
                _add_weights_gradient(
                    image, face, weights_gradient, face_vertices_image,
                    weights[image, r, c, 0], weights[image, r, c, 1], weights[image, r, c, 2],
                    area_epsilon, vertices_gradient,
                )  # fmt: skip


@compiled
def _add_weights_gradient(  # noqa: PLR0913 - whole arrays and indices, as above
    image: int, face: int,
    weights_gradient: Array,  # [3]
    face_vertices_image: Array, wa: Number, wb: Number, wc: Number, area_epsilon: Number,
    vertices_gradient: Array,  # [B, F, 3, 2], added to
) -> None:  # fmt: skip
    """Chain a gradient in the barycentric weights of one pixel to the corners of its face.

    Weights are affine over the image: moving corner k changes them at the pixel by -w_k times what
    moving the pixel would. So dw_i / dcorner_k = -w_k * dw_i / dpixel.
    """
    xa, ya, xb, yb, xc, yc = corners_of(face_vertices_image, image, face)
    one = face_vertices_image.dtype.type(1)
    area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
    scale = one / (area + math.copysign(area_epsilon, area))
    ga, gb, gc = weights_gradient[0], weights_gradient[1], weights_gradient[2]
    slope_x = (ga * (yb - yc) + gb * (yc - ya) + gc * (ya - yb)) * scale
    slope_y = (ga * (xc - xb) + gb * (xa - xc) + gc * (xb - xa)) * scale
    vertices_gradient[image, face, 0, 0] -= wa * slope_x
    vertices_gradient[image, face, 0, 1] -= wa * slope_y
    vertices_gradient[image, face, 1, 0] -= wb * slope_x
    vertices_gradient[image, face, 1, 1] -= wb * slope_y
    vertices_gradient[image, face, 2, 0] -= wc * slope_x
    vertices_gradient[image, face, 2, 1] -= wc * slope_y
