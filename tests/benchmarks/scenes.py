"""What the renderer's benchmark draws: bumpy objects as training sees them."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphics.mesh import sphere_template
from train.renderer.camera import project

LEVELS = {1_280: 3, 5_120: 4}
"""Subdivisions of the icosphere by its number of faces."""


class Scene(NamedTuple):
    """A batch of objects on the image plane."""

    vertices_image: Tensor
    """[B, V, 2], wants a gradient."""
    vertices_z: Tensor
    """[B, V], larger is closer."""
    faces: Tensor
    """int64 [F, 3]"""
    features: Tensor
    """[B, F, 3, 2], uvs."""
    normals_z: Tensor
    """[B, F], above 0: turned to the camera."""
    size: int
    """Pixels along the image's side."""


def scene(faces: int, size: int, batch: int, device: torch.device) -> Scene:
    """Objects longer than wide, each with bumps of its own and from its own side."""
    template, rng = sphere_template(LEVELS[faces]), np.random.default_rng(0)
    vertices = template.vertices * np.array([0.6, 0.5, 1.0])
    vertices = vertices + rng.normal(0, 0.01, (batch, *vertices.shape))
    cameras = rng.uniform([0, 0, 4.5, -0.05, -0.05], [360, 30, 6, 0.05, 0.05], (batch, 5))
    tensors = (torch.from_numpy(array).float().to(device) for array in (vertices, cameras))
    seen = project(*tensors)
    indices = torch.from_numpy(template.faces).long().to(device)
    corners = seen.vertices_image[:, indices]
    first, second = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    uvs = torch.from_numpy(template.face_uvs).to(device).expand(batch, -1, -1, -1).contiguous()
    return Scene(
        seen.vertices_image.requires_grad_(), seen.vertices_camera[..., 2].contiguous(), indices,
        uvs, first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0], size,
    )  # fmt: skip
