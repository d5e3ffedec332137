"""What a backend of `dibr` is given, checked and on one device, and what it provides."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class Faces(NamedTuple):
    """The faces of B images."""

    corners: Tensor
    """[B, F, 3, 2] in [-1, 1], y up."""
    features: Tensor
    """[B, F, 3, D]"""
    z: Tensor
    """[B, F, 3], camera space, larger is closer; no gradient is asked of it."""
    valid: Tensor
    """bool [B, F], False: not rendered."""


class Plane(NamedTuple):
    """The image plane."""

    height: int
    width: int
    area_epsilon: float
    """Added to areas."""


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
