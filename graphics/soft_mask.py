"""DIB-R's soft silhouette: the public side of its kernels.

A pixel that sees a face is exactly 1 and has no gradient. Any other is 1 - prod(1 - p_k) with
p = exp(-sigmainv * d^2), d the image-plane distance to the nearest of a face's three edges (where
the foot lies on the segment), then three corners; the first strict minimum wins. The faces are
the first `knum` in index order, back faces included, whose box grown by `boxlen` holds the pixel:
not the nearest `knum`.
"""

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize import check_faces, pixel_centres


def soft_mask(
    face_vertices_image: NDArray[np.floating],  # [B, F, 3, 2]
    face_index: NDArray[np.int32],  # [B, H, W], -1 where no face is seen
    sigmainv: float = 7000.0,  # sharpness, recommended 1/3e-4 .. 1/3e-5
    boxlen: float = 0.02,  # image-plane units, recommended 0.02 .. 0.2
    knum: int = 30,  # recommended 20 .. 100
) -> NDArray[np.floating]:
    """Soft mask, `[B, H, W]` in 0..1."""
    from graphics import soft_mask_kernels  # compiles with numba: only when it is needed

    check_faces(face_vertices_image)
    _check_settings(face_vertices_image, face_index, sigmainv, boxlen, knum)
    dtype = face_vertices_image.dtype
    x, y = pixel_centres(*face_index.shape[1:], dtype)
    mask = np.empty(face_index.shape, dtype)
    soft_mask_kernels.soft_mask(
        np.ascontiguousarray(face_vertices_image), np.ascontiguousarray(face_index), x, y,
        dtype.type(sigmainv), dtype.type(boxlen), knum, mask,
    )  # fmt: skip
    return mask


def soft_mask_backward(  # noqa: PLR0913 - the forward's arguments and the gradient
    mask_gradient: NDArray[np.floating],  # [B, H, W]
    mask: NDArray[np.floating],  # [B, H, W], what the forward returned
    face_vertices_image: NDArray[np.floating],  # [B, F, 3, 2]
    face_index: NDArray[np.int32],  # [B, H, W]
    sigmainv: float = 7000.0,
    boxlen: float = 0.02,
    knum: int = 30,
) -> NDArray[np.floating]:
    """Gradient of the soft mask in `face_vertices_image`, `[B, F, 3, 2]`."""
    from graphics import soft_mask_kernels

    dtype = face_vertices_image.dtype
    x, y = pixel_centres(*face_index.shape[1:], dtype)
    gradient = np.zeros_like(face_vertices_image)
    soft_mask_kernels.soft_mask_backward(
        np.ascontiguousarray(mask_gradient), np.ascontiguousarray(mask),
        np.ascontiguousarray(face_vertices_image), np.ascontiguousarray(face_index), x, y,
        dtype.type(sigmainv), dtype.type(boxlen), knum, gradient,
    )  # fmt: skip
    return gradient


def _check_settings(
    face_vertices_image: NDArray[np.floating],
    face_index: NDArray[np.int32],
    sigmainv: float,
    boxlen: float,
    knum: int,
) -> None:
    if face_index.ndim != 3 or len(face_index) != len(face_vertices_image):
        raise ValueError(
            f"face_index has shape {face_index.shape}; with {len(face_vertices_image)} sets of "
            f"faces it must be [{len(face_vertices_image)}, H, W]"
        )
    if sigmainv <= 0 or boxlen < 0 or knum < 1:
        raise ValueError(
            f"sigmainv={sigmainv}, boxlen={boxlen}, knum={knum}; sigmainv must be above 0, "
            "boxlen at least 0 and knum at least 1 (defaults: 7000, 0.02, 30)"
        )
