"""NVIDIA kaolin's own CUDA rasteriser, where it is installed.

kaolin is not a dependency: what PyPI has under that name is a relic without the rasteriser, and
NVIDIA's wheels are built per torch and CUDA version.
"""

import functools
import importlib

import torch
from torch import Tensor

from train.renderer.inputs import Faces, MaskSettings, Plane

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


def rasterize(faces: Faces, plane: Plane) -> tuple[Tensor, Tensor]:
    """See train.renderer.inputs; kaolin's epsilon is that of its scaled plane."""
    from kaolin.render.mesh import rasterize as kaolin_rasterize  # pyright: ignore[reportMissingImports]

    return kaolin_rasterize(
        plane.height, plane.width, faces.z.contiguous(), faces.corners.contiguous(),
        faces.features.contiguous(), faces.valid, multiplier=1000.0,
        eps=plane.area_epsilon * 1000.0**2,
    )  # fmt: skip


def soft_mask(corners: Tensor, face_idx: Tensor, settings: MaskSettings) -> Tensor:
    """See train.renderer.inputs."""
    from kaolin.render.mesh import dibr_soft_mask  # pyright: ignore[reportMissingImports]

    return dibr_soft_mask(corners, face_idx, *settings)
