"""Vertices, texture and camera to image and soft mask, differentiable in all of them.

Where a light is given, the image is differentiable in it too.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphics.mesh import Template
from graphics.soft_mask import check_settings
from train.renderer.camera import project
from train.renderer.dibr import BackendName, dibr_rasterization
from train.renderer.lighting import shading
from train.renderer.normals import vertex_normals

FAINTEST = 10.0
"""Natural logarithm that a sharpened soft mask falls by before it counts as zero, at a hundredth of
a grey level. It thus reaches 1.2 px beyond a face at 64 px with DIB-R's sigmainv of 7,000, 0.4 px
with 60,000."""


def sample_texture(
    textures: Tensor,  # [B, C, Ht, Wt]
    uvs: Tensor,  # [B, H, W, 2], v = 0 the bottom
    covered: Tensor,  # bool [B, H, W]
) -> Tensor:
    """Colour of every covered pixel, [B, C, H, W], 0 elsewhere; differentiable in both."""
    if textures.device.type == "cpu":
        from train.renderer import numba_backend

        return numba_backend.SampleTexture.apply(textures, uvs, covered)
    return sample_texture_by_grid(textures, uvs, covered)


def sample_texture_by_grid(textures: Tensor, uvs: Tensor, covered: Tensor) -> Tensor:
    """`sample_texture` in plain torch: any device, and the twin the compiled one is tested by."""
    width = textures.shape[3]
    padded = functional.pad(textures, (1, 1, 0, 0), mode="circular")
    u = uvs[..., 0] - torch.floor(uvs[..., 0].detach())
    across = 2 * (u * width + 1) / (width + 2) - 1
    grid = torch.stack([across, 1 - 2 * uvs[..., 1]], dim=-1)  # grid_sample's y points down
    colours = functional.grid_sample(
        padded, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return colours * covered[:, None]


class Rendering(NamedTuple):
    """A batch of renderings."""

    images: Tensor
    """[B, C, R, R], the texture's colours, lit where there is light; 0 outside the object."""
    masks: Tensor
    """[B, R, R] soft silhouettes in 0..1, exactly 1 where a face is seen."""
    face_index: Tensor
    """int64 [B, R, R], -1 where no face is seen."""

    def over(self, backgrounds: Tensor) -> Tensor:
        """The object before backgrounds [B, C, R, R]; its outline is hard, as in the service.

        Colours give texture and light their gradient, the soft mask gives the shape its own.
        """
        return torch.where((self.face_index >= 0)[:, None], self.images, backgrounds)


class Renderer(nn.Module):
    """DIB-R for one template: `renderer(vertices, textures, cameras)`.

    Faces turned away from the camera are left out of the image but kept in the mask, as DIB-R has
    it. Which faces are turned away is decided on the image plane, where it is exact: the z of a
    camera-space normal misjudges faces off the optical axis.
    """

    faces: Tensor
    face_uvs: Tensor

    def __init__(
        self,
        template: Template,
        size: int,  # pixels, R
        sigmainv: float = 7000.0,
        boxlen: float = 0.02,
        knum: int = 30,
        backend: BackendName = "auto",
    ) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"size is {size} px; it must be at least 1")
        check_settings(sigmainv, boxlen, knum)
        self.template = template
        self.size, self.sigmainv, self.boxlen, self.knum = size, sigmainv, boxlen, knum
        self.backend: BackendName = backend
        self.register_buffer("faces", torch.from_numpy(template.faces).long(), persistent=False)
        uvs = torch.from_numpy(template.face_uvs)
        self.register_buffer("face_uvs", uvs, persistent=False)

    def forward(
        self,
        vertices: Tensor,  # [B, V, 3]
        textures: Tensor,  # [B, C, Ht, Wt], row 0 the top
        cameras: Tensor,  # [B, 5]
        lights: Tensor | None = None,  # [B, 9] or [B, 9, C], None: the texture as it is
    ) -> Rendering:
        """Render each object by its own camera and light (see train.renderer.lighting)."""
        projected = project(vertices, cameras)
        corners = self._per_face(projected.vertices_image)  # [B, F, 3, 2]
        corners_z = self._per_face(projected.vertices_camera.detach()[..., 2:]).squeeze(-1)
        features = [self.face_uvs.to(corners.dtype).expand(len(vertices), -1, -1, -1)]
        if lights is not None:
            features.append(self._per_face(vertex_normals(vertices, self.faces)))
        raster = dibr_rasterization(
            self.size, self.size, corners_z, corners, features, _facing(corners.detach()),
            self.sigmainv, self.boxlen, self.knum, backend=self.backend,
        )  # fmt: skip
        images = sample_texture(textures, raster.features[0].contiguous(), raster.face_idx >= 0)
        if lights is not None:
            images = images * shading(raster.features[1], lights)
        return Rendering(images, raster.soft_mask, raster.face_idx)

    def sharpen(self, sigmainv: float) -> None:
        """Set the soft mask's sharpness, and the reach of the faces to match."""
        self.sigmainv, self.boxlen = sigmainv, math.sqrt(FAINTEST / sigmainv)

    def _per_face(self, per_vertex: Tensor) -> Tensor:
        """[B, V, D] to [B, F, 3, D]; index_select is several times faster than indexing."""
        gathered = per_vertex.index_select(1, self.faces.flatten())
        return gathered.view(len(per_vertex), -1, 3, per_vertex.shape[-1])


def _facing(corners: Tensor) -> Tensor:
    """Twice the signed area on the image plane, [B, F]: above 0 for a face turned to the camera."""
    first, second = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
