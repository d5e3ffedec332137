"""The torch twin of graphics.camera: the same convention, differentiable."""

from typing import NamedTuple

import torch
from torch import Tensor

from graphics import camera
from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION


class Projected(NamedTuple):
    """Vertices as a camera sees them."""

    vertices_camera: Tensor
    """[B, V, 3], object units; the camera looks along -z, so a larger z is closer."""
    vertices_image: Tensor
    """[B, V, 2], x right and y up; the image is [-1, 1] x [-1, 1]."""


def rotations(cameras: Tensor) -> Tensor:
    """World to camera rotations, `[B, 3, 3]` acting on columns, from cameras `[B, 5]`."""
    azimuths, elevations = torch.deg2rad(cameras[:, AZIMUTH]), torch.deg2rad(cameras[:, ELEVATION])
    sin_a, cos_a = torch.sin(azimuths), torch.cos(azimuths)
    sin_e, cos_e = torch.sin(elevations), torch.cos(elevations)
    right = torch.stack([cos_a, torch.zeros_like(cos_a), -sin_a], dim=-1)
    up = torch.stack([-sin_e * sin_a, cos_e, -sin_e * cos_a], dim=-1)
    backward = torch.stack([cos_e * sin_a, sin_e, cos_e * cos_a], dim=-1)
    return torch.stack([right, up, backward], dim=1)  # [B, 3, 3]


def project(
    vertices: Tensor,  # [B, V, 3]
    cameras: Tensor,  # [B, 5]
) -> Projected:
    """Vertices in camera space and on the image plane, one camera per set of vertices."""
    if cameras.ndim != 2 or cameras.shape[1] != CAMERA_SIZE:
        raise ValueError(f"cameras has shape {tuple(cameras.shape)}; it must be [B, {CAMERA_SIZE}]")
    if vertices.ndim != 3 or vertices.shape[2] != 3 or len(vertices) != len(cameras):
        raise ValueError(
            f"vertices has shape {tuple(vertices.shape)}; with {len(cameras)} cameras it must be "
            f"[{len(cameras)}, V, 3]"
        )
    rotated = vertices @ rotations(cameras).transpose(1, 2)
    away = torch.nn.functional.pad(cameras[:, DISTANCE, None, None], (2, 0))  # [B, 1, 3]
    vertices_camera = rotated - away
    depth = (-vertices_camera[..., 2:]).clamp_min(camera.MINIMUM_DEPTH)  # [B, V, 1]
    image = camera.focal_length() * vertices_camera[..., :2] / depth
    return Projected(vertices_camera, image + cameras[:, None, camera.OFFSET_X :])
