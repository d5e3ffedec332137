"""What the renderer accepts: checked where it comes in, and as its backends are given it."""

import math
from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

import torch
from torch import Tensor

from graphics.soft_mask import check_settings
from train.renderer.batched_function import CheckFinite


class Faces(NamedTuple):
    """The faces of B images."""

    corners: Tensor  # [B, F, 3, 2] in [-1, 1], y up
    features: Tensor  # [B, F, 3, D]
    z: Tensor  # [B, F, 3], camera space, larger is closer; no gradient is asked of it
    valid: Tensor  # bool [B, F], False: not rendered


class Plane(NamedTuple):
    """The image plane."""

    height: int
    width: int
    area_epsilon: float  # added to areas


class MaskSettings(NamedTuple):
    """See dibr.dibr_soft_mask."""

    sigmainv: float
    boxlen: float
    knum: int
    multiplier: float


class Backend(NamedTuple):
    """The two operations: differentiable in the corners, `rasterize` in the features too."""

    name: str
    rasterize: Callable[[Faces, Plane], tuple[Tensor, Tensor]]
    """Features [B, H, W, D] and face index int64 [B, H, W], as dibr.rasterize returns them."""
    soft_mask: Callable[[Tensor, Tensor, MaskSettings], Tensor]
    """Mask [B, H, W] from corners [B, F, 3, 2] and face index int64 [B, H, W]."""


FLOATS = (torch.float32, torch.float64)


def check_plane(height: int, width: int, multiplier: float, eps: float) -> None:
    """An image has pixels, and kaolin's two numbers of its plane are above 0."""
    if not all(isinstance(side, Integral) and side >= 1 for side in (height, width)):
        raise ValueError(
            f"image is {height}x{width} px; height and width must be whole numbers from 1 on"
        )
    check_multiplier(multiplier)
    if not 0 < eps < math.inf or not eps / (multiplier * multiplier) > 0:
        raise ValueError(
            f"eps={eps} with multiplier={multiplier}; eps must be finite, and eps / multiplier² "
            "above 0 (defaults: 1e-8, 1000)"
        )


def check_multiplier(multiplier: float) -> None:
    """kaolin's scale of the image plane is a finite number above 0."""
    if not 0 < multiplier < math.inf:
        raise ValueError(
            f"multiplier={multiplier}; it must be a finite number above 0 (default: 1000)"
        )


def check_faces(face_vertices_z: Tensor, face_vertices_image: Tensor, features: Tensor) -> None:
    """[B, F, 3], [B, F, 3, 2] and [B, F, 3, D], one dtype, one device, finite."""
    faces = tuple(face_vertices_z.shape[:2])
    given = {
        "face_vertices_z": (face_vertices_z, "[B, F, 3]"),
        "face_vertices_image": (face_vertices_image, "[B, F, 3, 2]"),
        "face_features": (features, "[B, F, 3, D]"),
    }
    for name, (tensor, wanted) in given.items():
        shape = tuple(tensor.shape)
        if tensor.ndim != wanted.count(",") + 1 or shape[:2] != faces or shape[2] != 3:
            raise ValueError(
                f"{name} has shape {shape}; it must be {wanted} with the [B, F] of "
                f"face_vertices_z, {faces}"
            )
        _check_kind(name, tensor, face_vertices_image)
        _check_finite(name, tensor)
    _check_corners(face_vertices_image)


def check_valid(valid_faces: Tensor, face_vertices_z: Tensor) -> None:
    """bool [B, F] on the faces' device."""
    wanted = tuple(face_vertices_z.shape[:2])
    if tuple(valid_faces.shape) != wanted or valid_faces.dtype != torch.bool:
        raise ValueError(
            f"valid_faces is {valid_faces.dtype} {tuple(valid_faces.shape)} (it may come from "
            f"face_normals_z >= 0); it must be torch.bool {wanted}"
        )
    _check_device("valid_faces", valid_faces, face_vertices_z)


def check_soft_mask(face_vertices_image: Tensor, face_idx: Tensor, settings: MaskSettings) -> None:
    """[B, F, 3, 2], int64 [B, H, W] of the same faces, and settings in their ranges."""
    _check_corners(face_vertices_image)
    _check_kind("face_vertices_image", face_vertices_image, face_vertices_image)
    _check_finite("face_vertices_image", face_vertices_image)
    batch = len(face_vertices_image)
    if face_idx.ndim != 3 or len(face_idx) != batch or face_idx.dtype != torch.int64:
        raise ValueError(
            f"selected_face_idx is {face_idx.dtype} {tuple(face_idx.shape)}; with {batch} sets "
            f"of faces it must be torch.int64 [{batch}, H, W], as `rasterize` returns it"
        )
    _check_device("selected_face_idx", face_idx, face_vertices_image)
    check_settings(settings.sigmainv, settings.boxlen, settings.knum)
    check_multiplier(settings.multiplier)


def _check_corners(face_vertices_image: Tensor) -> None:
    shape = tuple(face_vertices_image.shape)
    if len(shape) != 4 or shape[2:] != (3, 2):
        raise ValueError(f"face_vertices_image has shape {shape}; it must be [B, F, 3, 2]")


def _check_kind(name: str, tensor: Tensor, like: Tensor) -> None:
    """A dtype that can be rendered, and the corners' own."""
    if tensor.dtype not in FLOATS or tensor.dtype != like.dtype:
        raise TypeError(
            f"{name} is {tensor.dtype} and face_vertices_image {like.dtype}; both must be "
            "torch.float32 or both torch.float64: convert them, e.g. with .float()"
        )
    _check_device(name, tensor, like)


def _check_device(name: str, tensor: Tensor, like: Tensor) -> None:
    if tensor.device != like.device:
        raise ValueError(
            f"{name} is on {tensor.device}, the faces on {like.device}; move one with .to()"
        )


def _check_finite(name: str, tensor: Tensor) -> None:
    """Where looking costs no waiting: a CUDA tensor's numbers are not fetched."""
    if tensor.device.type == "cpu":
        CheckFinite.apply(tensor.detach(), name)
