"""The renderer's CPU backend: torch autograd around the compiled loops of `graphics`.

Tensors of another device are copied to the CPU and the results back. With more than one torch
thread the batch is shared out among as many threads: the loops release the GIL.
"""

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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

SMALLEST_SHARE = 4
"""Images per thread below which handing work over costs more than it saves."""


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
        z, valid = _array(face_vertices_z), _array(valid_faces)

        def draw(*share: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            corners, features, z, valid = share
            visible = raster.visible_faces(corners, z, *size, valid, area_epsilon)
            return raster.interpolate(features, visible), *visible

        image, *visible = _share_out(draw, (corners, features, z, valid))
        ctx.arrays, ctx.area_epsilon = (corners, features, *visible), area_epsilon
        image = _tensor(image, face_vertices_image)
        face_idx = torch.from_numpy(visible[0]).long().to(face_vertices_image.device)
        ctx.mark_non_differentiable(face_idx)
        return image, face_idx

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, image_gradient: Tensor, _: Tensor) -> tuple[Any, ...]:
        wanted = ctx.needs_input_grad[1]

        def descend(*share: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            gradient, corners, features, *visible = share
            return raster.interpolate_backward(
                gradient, corners, features, raster.VisibleFaces(*visible), ctx.area_epsilon, wanted
            )

        of_corners, of_features = _share_out(descend, (_array(image_gradient), *ctx.arrays))
        return (
            _tensor(of_corners, image_gradient),
            _tensor(of_features, image_gradient) if wanted else None,
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

        def draw(*share: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            return (silhouette.soft_mask(*share, *settings),)

        (mask,) = _share_out(draw, (corners, face_index))
        ctx.arrays, ctx.settings = (mask, corners, face_index), settings
        return _tensor(mask, face_vertices_image)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, mask_gradient: Tensor) -> tuple[Any, ...]:
        def descend(*share: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            return (silhouette.soft_mask_backward(*share, *ctx.settings),)

        (gradient,) = _share_out(descend, (_array(mask_gradient), *ctx.arrays))
        return _tensor(gradient, mask_gradient), None, None


class _SampleTexture(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, textures: Tensor, uvs: Tensor, covered: Tensor) -> Tensor:
        ctx.arrays = _array(textures), _array(uvs), _array(covered)
        (colours,) = _share_out(lambda *share: (lookup.sample_texture(*share),), ctx.arrays)
        return _tensor(colours, textures)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, colours_gradient: Tensor) -> tuple[Any, ...]:
        of_textures, of_uvs = _share_out(
            lookup.sample_texture_backward, (_array(colours_gradient), *ctx.arrays)
        )
        return _tensor(of_textures, colours_gradient), _tensor(of_uvs, colours_gradient), None


def _share_out(
    function: Callable[..., Sequence[NDArray[Any]]],
    arrays: Sequence[NDArray[Any]],  # each [B, ...]
) -> Sequence[NDArray[Any]]:
    """What a function of batches returns, its batch split among torch's number of threads."""
    shares = min(torch.get_num_threads(), len(arrays[0]) // SMALLEST_SHARE)
    if shares < 2:
        return function(*arrays)
    split = zip(*(np.array_split(array, shares) for array in arrays), strict=True)
    parts = list(_pool().map(lambda share: function(*share), split))
    return [np.concatenate(results) for results in zip(*parts, strict=True)]


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="renderer")


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.detach().cpu().numpy())


def _tensor(array: NDArray[np.floating], like: Tensor) -> Tensor:
    return torch.from_numpy(array).to(like.device)
