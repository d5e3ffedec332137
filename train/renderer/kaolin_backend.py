"""NVIDIA kaolin's own CUDA rasteriser, where it is installed.

kaolin is not a dependency: what PyPI has under that name is a relic without the rasteriser, and
NVIDIA's wheels are built per torch and CUDA version.
"""

import functools
import importlib

import torch
from torch import Tensor

HINT = (
    "install NVIDIA's wheel for your torch and CUDA, e.g. `pip install kaolin==0.18.0 -f "
    "https://nvidia-kaolin.s3.us-east-2.amazonaws.com/torch-2.8.0_cu128.html` (the kaolin of PyPI "
    "is another, unusable one)."
)


@functools.cache
def unavailable() -> str:
    """Why this backend cannot run here, empty where it can."""
    try:
        importlib.import_module("kaolin.render.mesh.dibr")
    except ImportError as error:
        return f"kaolin cannot be imported ({error}); {HINT}"
    if not torch.cuda.is_available():
        return "kaolin's rasteriser needs a CUDA device and torch sees none."
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
    """See dibr.rasterize: kaolin's epsilon is that of its scaled plane."""
    from kaolin.render.mesh import rasterize as kaolin_rasterize

    return kaolin_rasterize(
        height, width, face_vertices_z.contiguous(), face_vertices_image.contiguous(),
        face_features.contiguous(), valid_faces, multiplier=1000.0, eps=area_epsilon * 1000.0**2,
    )  # fmt: skip


def soft_mask(
    face_vertices_image: Tensor,  # [B, F, 3, 2]
    face_idx: Tensor,  # int64 [B, H, W]
    sigmainv: float,
    boxlen: float,
    knum: int,
    multiplier: float,
) -> Tensor:
    """See dibr.dibr_soft_mask."""
    from kaolin.render.mesh import dibr_soft_mask

    return dibr_soft_mask(face_vertices_image, face_idx, sigmainv, boxlen, knum, multiplier)
