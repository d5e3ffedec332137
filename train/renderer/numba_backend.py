"""The renderer's CPU backend: torch autograd around the compiled loops of `graphics`.

Tensors of another device are copied to the CPU and the results back. With more than one torch
thread the batch is split among as many threads: the loops release the GIL.
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
from torch.autograd.function import once_differentiable

from graphics import rasterize as raster
from graphics import soft_mask as silhouette
from graphics import texture as lookup
from train.renderer.inputs import Faces, MaskSettings, Plane

SMALLEST_SHARD = 4  # images per thread below which handing work over costs more than it saves


def unavailable() -> str:
    """Why this backend cannot run here: never."""
    return ""


def rasterize(faces: Faces, plane: Plane) -> tuple[Tensor, Tensor]:
    """See train.renderer.inputs."""
    return _Rasterize.apply(*faces, plane)


def soft_mask(corners: Tensor, face_idx: Tensor, settings: MaskSettings) -> Tensor:
    """See train.renderer.inputs; distances are taken from the pixel and need no multiplier."""
    return _SoftMask.apply(corners, face_idx, settings)


class _Rasterize(Function):
    @staticmethod
    def forward(
        ctx: Any, corners: Tensor, features: Tensor, z: Tensor, valid: Tensor, plane: Plane
    ) -> tuple[Tensor, Tensor]:
        height, width, ctx.area_epsilon = plane

        def see(*shard: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            corners, features, z, valid = shard
            visible = raster.visible_faces(corners, z, height, width, valid, ctx.area_epsilon)
            return raster.interpolate(features, visible), *visible

        arrays = _array(corners), _array(features), _array(z), _array(valid)
        image, *visible = _sharded(see, arrays)
        ctx.arrays = *arrays[:2], *visible
        face_idx = _tensor(visible[0], corners).long()
        ctx.mark_non_differentiable(face_idx)
        return _tensor(image, corners), face_idx

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, image_gradient: Tensor, _: Tensor) -> tuple[Any, ...]:
        wanted = ctx.needs_input_grad[1]

        def descend(*shard: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            gradient, corners, features, *visible = shard
            return raster.interpolate_backward(
                gradient, corners, features, raster.VisibleFaces(*visible), ctx.area_epsilon, wanted
            )

        of_corners, of_features = _sharded(descend, (_array(image_gradient), *ctx.arrays))
        of_features = _tensor(of_features, image_gradient) if wanted else None
        return _tensor(of_corners, image_gradient), of_features, None, None, None


class _SoftMask(Function):
    @staticmethod
    def forward(ctx: Any, corners: Tensor, face_idx: Tensor, settings: MaskSettings) -> Tensor:
        arrays, ctx.settings = (_array(corners), _array(face_idx.int())), settings[:3]
        (mask,) = _sharded(lambda *shard: (silhouette.soft_mask(*shard, *ctx.settings),), arrays)
        ctx.arrays = mask, *arrays
        return _tensor(mask, corners)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, mask_gradient: Tensor) -> tuple[Any, ...]:
        (gradient,) = _sharded(
            lambda *shard: (silhouette.soft_mask_backward(*shard, *ctx.settings),),
            (_array(mask_gradient), *ctx.arrays),
        )
        return _tensor(gradient, mask_gradient), None, None


class SampleTexture(Function):
    """See texture.sample_texture."""

    @staticmethod
    def forward(ctx: Any, textures: Tensor, uvs: Tensor, covered: Tensor) -> Tensor:
        """Colours [B, C, H, W]."""
        ctx.arrays = _array(textures), _array(uvs), _array(covered)
        (colours,) = _sharded(lambda *shard: (lookup.sample_texture(*shard),), ctx.arrays)
        return _tensor(colours, textures)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, colours_gradient: Tensor) -> tuple[Any, ...]:
        """Gradients in textures and uvs."""
        of_textures, of_uvs = _sharded(
            lookup.sample_texture_backward, (_array(colours_gradient), *ctx.arrays)
        )
        return _tensor(of_textures, colours_gradient), _tensor(of_uvs, colours_gradient), None


def _sharded(
    function: Callable[..., Sequence[NDArray[Any]]],
    arrays: Sequence[NDArray[Any]],  # each [B, ...]
) -> Sequence[NDArray[Any]]:
    """What a function of batches returns, its batch split among torch's number of threads."""
    count = min(torch.get_num_threads(), len(arrays[0]) // SMALLEST_SHARD)
    if count < 2:
        return function(*arrays)
    shards = zip(*(np.array_split(array, count) for array in arrays), strict=True)
    parts = list(_pool().map(lambda shard: function(*shard), shards))
    return [np.concatenate(results) for results in zip(*parts, strict=True)]


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="renderer")


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.detach().cpu().numpy())


def _tensor(array: NDArray[np.floating], like: Tensor) -> Tensor:
    return torch.from_numpy(array).to(like.device)
