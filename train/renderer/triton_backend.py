"""The renderer's CUDA backend without kaolin: torch autograd around the kernels in triton.

Every step is launched on the device's stream: nothing is copied to the host and nothing waits.
With TRITON_INTERPRET=1 in the environment before triton is imported, the same kernels run on CPU
tensors, slowly, to be tested.
"""

import functools
import importlib.util
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from train.renderer.batched_function import BatchedFunction, Gradient, Rasterization
from train.renderer.inputs import Faces, MaskSettings, Plane

SMALL_TILE, LARGE_TILE, LARGE_IMAGE = 8, 16, 192
"""Pixels along a tile's side, and the image's side from which large tiles are used."""

FACES_AT_ONCE = 256
SPAN = 8  # pixels along the side of the blocks in which a face gathers its gradient

EXACT = {"num_warps": 2, "enable_fp_fusion": False}
"""Without fused multiply-adds, two faces agree on which side of their common edge a pixel lies."""


@functools.cache
def unavailable() -> str:
    """Why this backend cannot run here, empty where it can."""
    if importlib.util.find_spec("triton") is None:
        return (
            "triton is not installed; it comes with PyTorch's CUDA builds (`pip install triton`)."
        )
    if not torch.cuda.is_available() and os.environ.get("TRITON_INTERPRET") != "1":
        return "triton's kernels need a CUDA device and torch sees none."
    return ""


class _Tiles(NamedTuple):
    """The faces that reach each tile, in index order."""

    edge: int
    grid: tuple[int, int]
    listed: Tensor
    counts: Tensor


def rasterize(faces: Faces, plane: Plane) -> tuple[Tensor, Tensor]:
    """See train.renderer.inputs."""
    image, face_index, _ = _Rasterize.apply(*faces, plane)
    return image, face_index.long()


def soft_mask(corners: Tensor, face_idx: Tensor, settings: MaskSettings) -> Tensor:
    """See train.renderer.inputs; distances are taken from the pixel and need no multiplier."""
    return _SoftMask.apply(corners, face_idx.int(), settings)[0]


def _tiles(corners: Tensor, valid: Tensor, size: Sequence[int], margin: float) -> _Tiles:
    from train.renderer import triton_kernels

    (batch, faces), (height, width) = corners.shape[:2], size
    edge = SMALL_TILE if max(size) < LARGE_IMAGE else LARGE_TILE
    tiles = -(-height // edge) * -(-width // edge)
    listed = torch.empty((batch, tiles, faces), dtype=torch.int32, device=corners.device)
    counts = torch.empty((batch, tiles), dtype=torch.int32, device=corners.device)
    triton_kernels.list_faces[tiles, batch](
        corners, valid, listed, counts, faces, height, width, margin,
        TILE=edge, BLOCK=FACES_AT_ONCE, num_warps=4,
    )  # fmt: skip
    return _Tiles(edge, (tiles, batch), listed, counts)


class _Rasterize(Rasterization):
    @staticmethod
    def forward(
        corners: Tensor, features: Tensor, z: Tensor, valid: Tensor, plane: Plane
    ) -> tuple[Tensor, ...]:
        """The image, int32 face index [B, H, W] and barycentric weights [B, H, W, 3]."""
        from train.renderer import triton_kernels

        *size, area_epsilon = plane
        corners, features = corners.contiguous(), features.contiguous()
        tiles = _tiles(corners, valid.contiguous(), size, 0.0)
        (batch, faces), channels = corners.shape[:2], features.shape[3]
        face_index = corners.new_empty((batch, *size), dtype=torch.int32)
        weights, image = (corners.new_empty((batch, *size, depth)) for depth in (3, channels))
        triton_kernels.visible_faces[tiles.grid](
            corners, z.contiguous(), features, tiles.listed, tiles.counts,
            face_index, weights, image, faces, *size, channels, area_epsilon,
            TILE=tiles.edge, **EXACT,
        )  # fmt: skip
        return image, face_index, weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, image_gradient: Tensor | None, *_: Any) -> tuple[Any, ...]:
        if image_gradient is None:
            return None, None, None, None, None
        given = image_gradient, *ctx.saved_tensors
        of_corners = _CornersGradient.apply(*given, ctx.area_epsilon)
        of_features = _FeaturesGradient.apply(*given) if ctx.needs_input_grad[1] else None
        return of_corners, of_features, None, None, None


class _CornersGradient(Gradient):
    @staticmethod
    def forward(*arguments: Any) -> Tensor:
        """Through the barycentric weights."""
        from train.renderer import triton_gradients

        *tensors, area_epsilon = arguments
        given, corners, features, face_index, weights = (part.contiguous() for part in tensors)
        (batch, faces), channels = corners.shape[:2], features.shape[3]
        gradient = torch.empty_like(corners)
        triton_gradients.vertices_gradient[faces, batch](
            given, corners, features, face_index, weights, gradient, faces, *face_index.shape[1:],
            channels, area_epsilon, SPAN=SPAN, num_warps=1,
        )  # fmt: skip
        return gradient


class _FeaturesGradient(Gradient):
    @staticmethod
    def forward(*tensors: Tensor) -> Tensor:
        from train.renderer import triton_gradients

        given, corners, features, face_index, weights = (part.contiguous() for part in tensors)
        (batch, faces), channels = corners.shape[:2], features.shape[3]
        gradient = torch.empty_like(features)
        triton_gradients.features_gradient[faces, batch, channels](
            given, corners, face_index, weights, gradient, faces, *face_index.shape[1:], channels,
            SPAN=SPAN, num_warps=1,
        )  # fmt: skip
        return gradient


class _SoftMask(BatchedFunction):
    @staticmethod
    def forward(
        corners: Tensor, face_index: Tensor, settings: MaskSettings
    ) -> tuple[Tensor, Tensor]:
        """The mask and the last candidate's index, int32 [B, H, W]."""
        from train.renderer import triton_kernels

        corners, face_index = corners.contiguous(), face_index.contiguous()
        size, (batch, faces) = face_index.shape[1:], corners.shape[:2]
        everyone = torch.ones((batch, faces), dtype=torch.bool, device=corners.device)
        sigmainv, boxlen, knum, _ = settings
        tiles = _tiles(corners, everyone, size, boxlen)
        mask = corners.new_empty(face_index.shape)
        last_face = torch.empty_like(face_index)
        triton_kernels.soft_mask[tiles.grid](
            corners, face_index, tiles.listed, tiles.counts, mask, last_face, faces, *size,
            sigmainv, boxlen, knum, TILE=tiles.edge, **EXACT,
        )  # fmt: skip
        return mask, last_face

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        corners, face_index, ctx.settings = inputs
        mask, last_face = output
        ctx.save_for_backward(mask, corners, face_index, last_face)
        ctx.mark_non_differentiable(last_face)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, mask_gradient: Tensor, _: Any) -> tuple[Any, ...]:
        gradient = _SoftMaskGradient.apply(mask_gradient, *ctx.saved_tensors, ctx.settings)
        return gradient, None, None


class _SoftMaskGradient(Gradient):
    @staticmethod
    def forward(*arguments: Any) -> Tensor:
        from train.renderer import triton_gradients

        *tensors, settings = arguments
        given, mask, corners, face_index, last_face = (part.contiguous() for part in tensors)
        (batch, faces), size = corners.shape[:2], face_index.shape[1:]
        gradient = torch.empty_like(corners)
        triton_gradients.soft_mask_gradient[faces, batch](
            given, mask, corners, face_index, last_face, gradient, faces, *size,
            settings.sigmainv, settings.boxlen, SPAN=SPAN, num_warps=1,
        )  # fmt: skip
        return gradient
