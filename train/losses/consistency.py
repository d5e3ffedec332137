"""The losses of the disentanglement (paper 3.3, equations 5 and 6), as pure functions."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

EPSILON = 1e-8  # guard of logarithms and of the gradient of a norm at zero


class CycleTerms(NamedTuple):
    """Equation 6, term by term; every term is a mean over the batch."""

    shape: Tensor  # ‖S − S̄‖: mean distance of a vertex in object units
    texture: Tensor  # ‖T − T̄‖: mean absolute difference of a texel, 0..1
    background: Tensor  # ‖g_b(B) − g_b(B̄)‖: root mean square of the difference in code space
    same_background: Tensor
    """‖g_b(B̄₁) − g_b(B̄₂)‖: the same between two images asked for with one background."""


def style_distance(styles: Tensor, true_styles: Tensor, spread: Tensor) -> Tensor:  # []
    """‖w̃ − w*‖₂ [B, N] (equation 5) over the norm of the spread [N]: the mean style gets 1."""
    distances = (styles - true_styles).square().sum(dim=1).add(EPSILON).sqrt()
    return distances.mean() / spread.square().sum().sqrt()


def selector_entropy(selectors: Tensor) -> Tensor:  # [3, N], summing to one -> [] in 0..1
    """Σᵢ entropy(sᵢ) (equation 5) over its largest value: 0 where every dimension has one owner."""
    entropies = -(selectors * (selectors + EPSILON).log()).sum(dim=0)  # [N]
    return entropies.mean() / math.log(len(selectors))


def vertex_distance(vertices: Tensor, read_vertices: Tensor) -> Tensor:  # both [B, V, 3] -> []
    """‖S − S̄‖ (equation 6)."""
    return (vertices - read_vertices).square().sum(dim=2).add(EPSILON).sqrt().mean()


def texture_distance(textures: Tensor, read_textures: Tensor) -> Tensor:  # [B, 3, Ht, Wt] -> []
    """‖T − T̄‖ (equation 6)."""
    return (textures - read_textures).abs().mean()


def code_distance(codes: Tensor, read_codes: Tensor) -> Tensor:  # both [B, D] -> []
    """‖g_b(B) − g_b(B̄)‖ (equation 6): backgrounds are compared as codes, in images they blur."""
    return (codes - read_codes).square().mean(dim=1).add(EPSILON).sqrt().mean()


def camera_distance(cameras: Tensor, read_cameras: Tensor) -> Tensor:  # both [B, 5] -> []
    """How far the camera read back is from the one asked for (ours: the paper reads no camera).

    The azimuth counts as 1 − cos of the difference, the elevation per 30°, the distance as its
    logarithm, the offsets as they are.
    """
    difference = torch.deg2rad(cameras[:, 0] - read_cameras[:, 0])
    elevation = (cameras[:, 1] - read_cameras[:, 1]) / 30.0
    distance = (cameras[:, 2] / read_cameras[:, 2]).log()
    offsets = (cameras[:, 3:] - read_cameras[:, 3:]).abs().sum(dim=1)
    return (1.0 - difference.cos() + elevation.abs() + distance.abs() + offsets).mean()
