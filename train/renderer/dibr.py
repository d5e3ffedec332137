"""DIB-R's differentiable rasteriser with NVIDIA kaolin 0.18's signatures, and its backends.

`auto` takes kaolin for CUDA tensors where kaolin is installed, else triton; for CPU tensors numba.
CUDA tensors given to numba are copied to the CPU and back; where `auto` has to do that, as triton
is missing too, the log says so once. Every backend is tested against `reference`, plain torch in
float64. The rules are in graphics.rasterize and graphics.soft_mask.
"""

import logging
from collections.abc import Sequence
from importlib import import_module
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from train.renderer import inputs
from train.renderer.inputs import Backend, Faces, MaskSettings, Plane

BackendName = Literal["auto", "kaolin", "triton", "numba", "reference"]

MODULES = {
    "kaolin": "train.renderer.kaolin_backend", "triton": "train.renderer.triton_backend",
    "numba": "train.renderer.numba_backend", "reference": "train.renderer.reference",
}  # fmt: skip
"""Each has `rasterize`, `soft_mask` and `unavailable() -> str` (empty where it can run)."""

MULTIPLIER, EPSILON = 1000.0, 1e-8
"""kaolin's defaults: the image plane is scaled by `multiplier`, `eps` is added to areas there."""

logger = logging.getLogger(__name__)
_announced: set[str] = set()


class BackendError(RuntimeError):
    """The backend asked for cannot run here; the message says which can."""


class DibrRasterization(NamedTuple):
    """What `dibr_rasterization` returns, in kaolin's order."""

    features: Tensor | tuple[Tensor, ...]
    """[B, H, W, D], 0 where no face is; a tuple of them if a list came in."""
    soft_mask: Tensor
    """[B, H, W] in 0..1"""
    face_idx: Tensor
    """int64 [B, H, W], -1 where no face is."""


def available_backends() -> list[str]:
    """Names of the backends that can run on this machine."""
    return [name for name, path in MODULES.items() if not import_module(path).unavailable()]


def load_backend(name: BackendName, device: torch.device) -> Backend:
    """The backend of that name, or for `auto` the fastest for the device."""
    if name not in get_args(BackendName):
        raise BackendError(
            f"renderer backend {name!r} is unknown; it must be one of {get_args(BackendName)}"
        )
    if name == "auto":
        name = _fastest(device)
    module = import_module(MODULES[name])
    reason = module.unavailable()
    if reason:
        raise BackendError(
            f"renderer backend {name!r} cannot run here: {reason} "
            f"Available: {available_backends()}."
        )
    return Backend(name, module.rasterize, module.soft_mask)


def rasterize(  # noqa: PLR0913 - kaolin's signature
    height: int,
    width: int,
    face_vertices_z: Tensor,  # [B, F, 3], camera space, larger is closer
    face_vertices_image: Tensor,  # [B, F, 3, 2] in [-1, 1], y up
    face_features: Tensor | Sequence[Tensor],  # [B, F, 3, D]
    valid_faces: Tensor | None = None,  # bool [B, F], False: left out
    multiplier: float | None = None,
    eps: float | None = None,
    backend: BackendName = "auto",
) -> tuple[Tensor | tuple[Tensor, ...], Tensor]:
    """Features of the closest face per pixel, [B, H, W, D], and its index int64 [B, H, W].

    Differentiable in `face_vertices_image` (through the barycentric weights) and `face_features`.

    Raises:
        ValueError, TypeError: a shape, dtype, device or range that is not as said here; on the CPU
            also a number that is not finite. On a GPU, where checking would mean waiting, a face
            with such a corner is left out.
        BackendError: the backend cannot run here.
    """
    parts = [face_features] if isinstance(face_features, Tensor) else list(face_features)
    features = torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]  # no copy of a single one
    scale = MULTIPLIER if multiplier is None else multiplier
    epsilon = EPSILON if eps is None else eps
    inputs.check_plane(height, width, scale, epsilon)
    inputs.check_faces(face_vertices_z, face_vertices_image, features)
    if valid_faces is None:
        valid_faces = torch.ones_like(face_vertices_z[..., 0], dtype=torch.bool)
    inputs.check_valid(valid_faces, face_vertices_z)
    chosen = load_backend(backend, face_vertices_image.device)
    image, face_idx = chosen.rasterize(
        Faces(face_vertices_image, features, face_vertices_z.detach(), valid_faces),
        Plane(height, width, epsilon / scale**2),
    )
    if isinstance(face_features, Tensor):
        return image, face_idx
    return tuple(image.split([part.shape[-1] for part in parts], dim=-1)), face_idx


def dibr_soft_mask(  # noqa: PLR0913 - kaolin's signature
    face_vertices_image: Tensor,  # [B, F, 3, 2] in [-1, 1], y up
    selected_face_idx: Tensor,  # int64 [B, H, W], second result of `rasterize`
    sigmainv: float = 7000.0,
    boxlen: float = 0.02,
    knum: int = 30,
    multiplier: float = MULTIPLIER,
    backend: BackendName = "auto",
) -> Tensor:
    """Soft silhouette [B, H, W], differentiable in `face_vertices_image`.

    `sigmainv`: sharpness, recommended 1/3e-4 .. 1/3e-5. `boxlen`: how far beyond its box a face
    reaches, recommended 0.02 .. 0.2. `knum`: most faces per pixel, recommended 20 .. 100.
    `multiplier` is accepted for kaolin's sake and used by its backend alone: distances here are
    taken from the pixel, where scaling changes nothing. Raises as `rasterize` does.
    """
    settings = MaskSettings(sigmainv, boxlen, knum, multiplier)
    inputs.check_soft_mask(face_vertices_image, selected_face_idx, settings)
    chosen = load_backend(backend, face_vertices_image.device)
    return chosen.soft_mask(face_vertices_image, selected_face_idx, settings)


def dibr_rasterization(  # noqa: PLR0913 - kaolin's signature
    height: int,
    width: int,
    face_vertices_z: Tensor,  # [B, F, 3], camera space, larger is closer
    face_vertices_image: Tensor,  # [B, F, 3, 2] in [-1, 1], y up
    face_features: Tensor | Sequence[Tensor],  # [B, F, 3, D]
    face_normals_z: Tensor,  # [B, F], below 0: not in the image, but in the mask
    sigmainv: float = 7000.0,
    boxlen: float = 0.02,
    knum: int = 30,
    multiplier: float | None = None,  # None: 1000
    eps: float | None = None,  # None: 1e-8
    backend: BackendName = "auto",
) -> DibrRasterization:
    """`rasterize` and `dibr_soft_mask` of the same faces; raises as they do."""
    features, face_idx = rasterize(
        height, width, face_vertices_z, face_vertices_image, face_features, face_normals_z >= 0,
        multiplier, eps, backend,
    )  # fmt: skip
    scale = MULTIPLIER if multiplier is None else multiplier
    soft_mask = dibr_soft_mask(
        face_vertices_image, face_idx, sigmainv, boxlen, knum, scale, backend
    )
    return DibrRasterization(features, soft_mask, face_idx)


def _fastest(device: torch.device) -> BackendName:
    if device.type != "cuda":
        return "numba"
    for name in ("kaolin", "triton"):
        if not import_module(MODULES[name]).unavailable():
            return name
    if "numba on cuda" not in _announced:
        _announced.add("numba on cuda")
        logger.warning(
            "neither kaolin nor triton can run: %s tensors are rendered on the CPU, by the numba "
            "backend",
            device,
        )
    return "numba"
