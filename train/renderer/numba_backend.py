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
from torch.autograd.function import once_differentiable

from graphics import rasterize as raster
from graphics import soft_mask as silhouette
from graphics import texture as lookup
from train.renderer.batched_function import BatchedFunction, Gradient, Rasterization
from train.renderer.inputs import Faces, MaskSettings, Plane

SMALLEST_SHARD = 4  # images per thread below which handing work over costs more than it saves


def unavailable() -> str:
    """Why this backend cannot run here: never."""
    return ""


def rasterize(faces: Faces, plane: Plane) -> tuple[Tensor, Tensor]:
    """See train.renderer.inputs."""
    image, face_index, _ = _Rasterize.apply(*faces, plane)
    return image, face_index.long()


def soft_mask(corners: Tensor, face_idx: Tensor, settings: MaskSettings) -> Tensor:
    """See train.renderer.inputs; distances are taken from the pixel and need no multiplier."""
    return _SoftMask.apply(corners, face_idx.int(), settings)


class _Rasterize(Rasterization):
    @staticmethod
    def forward(
        corners: Tensor, features: Tensor, z: Tensor, valid: Tensor, plane: Plane
    ) -> tuple[Tensor, ...]:
        """The image, int32 face index [B, H, W] and barycentric weights [B, H, W, 3]."""
        height, width, area_epsilon = plane

        def see(*shard: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            corners, features, z, valid = shard
            visible = raster.visible_faces(corners, z, height, width, valid, area_epsilon)
            return raster.interpolate(features, visible), *visible

        return _sharded(see, corners, features, z, valid)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, image_gradient: Tensor | None, *_: Any) -> tuple[Any, ...]:
        if image_gradient is None:
            return None, None, None, None, None
        wanted = ctx.needs_input_grad[1]
        gradients = _RasterizeGradient.apply(
            image_gradient, *ctx.saved_tensors, ctx.area_epsilon, wanted
        )
        return gradients[0], gradients[1] if wanted else None, None, None, None


class _RasterizeGradient(Gradient):
    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, ...]:
        """Of corners and features; the latter's is 0 where the last argument is False."""
        *tensors, area_epsilon, wanted = arguments

        def descend(*shard: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            gradient, corners, features, *visible = shard
            return raster.interpolate_backward(
                gradient, corners, features, raster.VisibleFaces(*visible), area_epsilon, wanted
            )

        return _sharded(descend, *tensors)


class _SoftMask(BatchedFunction):
    @staticmethod
    def forward(corners: Tensor, face_index: Tensor, settings: MaskSettings) -> Tensor:
        return _sharded(
            lambda *shard: (silhouette.soft_mask(*shard, *settings[:3]),), corners, face_index
        )[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        corners, face_index, ctx.settings = inputs
        ctx.save_for_backward(output, corners, face_index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, mask_gradient: Tensor) -> tuple[Any, ...]:
        gradient = _SoftMaskGradient.apply(mask_gradient, *ctx.saved_tensors, ctx.settings)
        return gradient, None, None


class _SoftMaskGradient(Gradient):
    @staticmethod
    def forward(*arguments: Any) -> Tensor:
        *tensors, settings = arguments
        return _sharded(
            lambda *shard: (silhouette.soft_mask_backward(*shard, *settings[:3]),), *tensors
        )[0]


class SampleTexture(BatchedFunction):
    """See texture.sample_texture."""

    @staticmethod
    def forward(textures: Tensor, uvs: Tensor, covered: Tensor) -> Tensor:
        """Colours [B, C, H, W]."""
        return _sharded(lambda *shard: (lookup.sample_texture(*shard),), textures, uvs, covered)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """The gradient needs all that came in."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, colours_gradient: Tensor) -> tuple[Any, ...]:
        """Gradients in textures and uvs."""
        return *_SampleTextureGradient.apply(colours_gradient, *ctx.saved_tensors), None


class _SampleTextureGradient(Gradient):
    @staticmethod
    def forward(*tensors: Tensor) -> tuple[Tensor, ...]:
        return _sharded(lookup.sample_texture_backward, *tensors)


def _sharded(
    function: Callable[..., Sequence[NDArray[Any]]],
    *tensors: Tensor,  # each [B, ...]
) -> tuple[Tensor, ...]:
    """What a function of batches returns, its batch split among torch's number of threads."""
    arrays = [np.ascontiguousarray(tensor.detach().cpu().numpy()) for tensor in tensors]
    count = min(torch.get_num_threads(), len(arrays[0]) // SMALLEST_SHARD)
    if count < 2:
        results = function(*arrays)
    else:
        shards = zip(*(np.array_split(array, count) for array in arrays), strict=True)
        parts = list(_pool().map(lambda shard: function(*shard), shards))
        results = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return tuple(torch.from_numpy(result).to(tensors[0].device) for result in results)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="renderer")


# A forked child inherits the pool without its threads, and would wait for them for ever.
os.register_at_fork(after_in_child=_pool.cache_clear)
