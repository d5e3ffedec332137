"""The renderer's CPU backend: torch autograd around the compiled loops of `graphics`.

Tensors of another device are copied to the CPU and the results back. With more than one torch
thread the batch is shared out among as many threads: the loops release the GIL.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from graphics import rasterize as raster
from graphics import soft_mask as silhouette
from graphics import texture as lookup


def unavailable() -> str:
    """Why this backend cannot run here: never."""
    return ""


def rasterize(  # noqa: PLR0913 - the backends' signature
    height: int,
    width: int,
    face_vertices_z: Tensor,  # [B, F, 3]
    face_vertices_image: Tensor,  # [B, F, 3, 2]
    face_features: Tensor,  # [B, F, 3, D]
    valid_faces: Tensor,  # bool [B, F]
    area_epsilon: float,
) -> tuple[Tensor, Tensor]:
    """See dibr.rasterize."""
    size = (height, width)
    return _Rasterize.apply(
        face_vertices_image, face_features, face_vertices_z, valid_faces, size, area_epsilon
    )


def soft_mask(
    face_vertices_image: Tensor,  # [B, F, 3, 2]
    face_idx: Tensor,  # int64 [B, H, W]
    sigmainv: float,
    boxlen: float,
    knum: int,
    multiplier: float,
) -> Tensor:
    """See dibr.dibr_soft_mask; distances are taken from the pixel and need no multiplier."""
    del multiplier
    return _SoftMask.apply(face_vertices_image, face_idx, (sigmainv, boxlen, knum))


def sample_texture(
    textures: Tensor,  # [B, C, Ht, Wt]
    uvs: Tensor,  # [B, H, W, 2]
    covered: Tensor,  # bool [B, H, W]
) -> Tensor:
    """See texture.sample_texture."""
    return _SampleTexture.apply(textures, uvs, covered)


class _Rasterize(Function):
    @staticmethod
    def forward(  # noqa: PLR0913
        ctx: FunctionCtx,
        face_vertices_image: Tensor,
        face_features: Tensor,
        face_vertices_z: Tensor,
        valid_faces: Tensor,
        size: tuple[int, int],
        area_epsilon: float,
    ) -> tuple[Tensor, Tensor]:
        corners, features = _array(face_vertices_image), _array(face_features)
        visible = raster.visible_faces(
            corners, _array(face_vertices_z), *size, _array(valid_faces), area_epsilon
        )
        ctx.arrays = corners, features, visible, area_epsilon
        image = _tensor(raster.interpolate(features, visible), face_vertices_image)
        face_idx = torch.from_numpy(visible.face_index).long().to(face_vertices_image.device)
        ctx.mark_non_differentiable(face_idx)
        return image, face_idx

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, image_gradient: Tensor, _: Tensor) -> tuple[Any, ...]:
        wanted = ctx.needs_input_grad[1]
        gradients = raster.interpolate_backward(_array(image_gradient), *ctx.arrays, wanted)
        return (
            _tensor(gradients.face_vertices_image, image_gradient),
            _tensor(gradients.face_features, image_gradient) if wanted else None,
            None, None, None, None,
        )  # fmt: skip


class _SoftMask(Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        face_vertices_image: Tensor,
        face_idx: Tensor,
        settings: tuple[float, float, int],
    ) -> Tensor:
        corners, face_index = _array(face_vertices_image), _array(face_idx.int())
        mask = silhouette.soft_mask(corners, face_index, *settings)
        ctx.arrays = mask, corners, face_index, *settings
        return _tensor(mask, face_vertices_image)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, mask_gradient: Tensor) -> tuple[Any, ...]:
        gradient = silhouette.soft_mask_backward(_array(mask_gradient), *ctx.arrays)
        return _tensor(gradient, mask_gradient), None, None


class _SampleTexture(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, textures: Tensor, uvs: Tensor, covered: Tensor) -> Tensor:
        ctx.arrays = _array(textures), _array(uvs), _array(covered)
        return _tensor(lookup.sample_texture(*ctx.arrays), textures)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, colours_gradient: Tensor) -> tuple[Any, ...]:
        gradients = lookup.sample_texture_backward(_array(colours_gradient), *ctx.arrays)
        return (
            _tensor(gradients.textures, colours_gradient),
            _tensor(gradients.uvs, colours_gradient),
            None,
        )


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.detach().cpu().numpy())


def _tensor(array: NDArray[np.floating], like: Tensor) -> Tensor:
    return torch.from_numpy(array).to(like.device)
