"""Who draws in the renderer's benchmark: our backends, plain torch, PyTorch3D."""

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from tests.benchmarks import torch_form
from tests.benchmarks.scenes import Scene
from train.renderer import dibr

SIGMAINV, BOXLEN, KNUM = 7000.0, 0.02, 30
LARGEST_DENSE = 6_000_000
"""Pixels times faces of an image, above which the dense reference is not asked."""

LARGEST_CPU_PYTORCH3D = 25_000_000
"""The same for PyTorch3D on a CPU, where a call would take minutes."""

Draw = Callable[[Scene], Tensor]
"""Renders a scene and returns the sum of all outputs, to descend."""


class Contestant(NamedTuple):
    """One way to draw."""

    name: str
    soft: bool
    draw: Draw
    fits: Callable[[Scene], bool] = lambda scene: True
    draws_one: bool = False
    """Only the first image; its figures are to be multiplied by the batch."""


def contestants(device: torch.device) -> list[Contestant]:
    """All that can run here; hard ones draw features alone, soft ones a soft mask as well."""
    able = [name for name in dibr.available_backends() if _draws_on(name, device)]
    found = [Contestant(name, soft, _ours(name, soft)) for name in able for soft in (False, True)]
    dense = [
        Contestant("reference", soft, _first_alone(_ours("reference", soft)), _is_small, True)
        for soft in (False, True)
    ]
    if device.type == "cpu":
        found += [Contestant("torch autograd", soft, _torch_form(soft)) for soft in (False, True)]
    if importlib.util.find_spec("pytorch3d") is None:
        return found + dense
    return [
        *found,
        Contestant("PyTorch3D K=1", False, _pytorch3d(1), _is_bearable),
        Contestant("PyTorch3D K=30", True, _pytorch3d(30), _is_bearable),
    ]


def _draws_on(name: str, device: torch.device) -> bool:
    on_cpu = {"numba", "torch autograd"}
    return name != "reference" and (name in on_cpu) == (device.type == "cpu")


def _is_small(scene: Scene) -> bool:
    return scene.size**2 * len(scene.faces) <= LARGEST_DENSE


def _is_bearable(scene: Scene) -> bool:
    on_cpu = scene.vertices_image.device.type == "cpu"
    return not on_cpu or scene.size**2 * len(scene.faces) <= LARGEST_CPU_PYTORCH3D


def _corners(scene: Scene) -> tuple[Tensor, Tensor]:
    """z [B, F, 3] and corners [B, F, 3, 2]."""
    batch, flat = len(scene.features), scene.faces.flatten()
    corners = scene.vertices_image.index_select(1, flat).view(batch, -1, 3, 2)
    return scene.vertices_z.index_select(1, flat).view(batch, -1, 3), corners


def _ours(backend: str, soft: bool) -> Draw:
    def draw(scene: Scene) -> Tensor:
        z, corners = _corners(scene)
        if not soft:
            image, _ = dibr.rasterize(
                scene.size, scene.size, z, corners, scene.features, scene.normals_z >= 0,
                backend=backend,
            )  # fmt: skip
            return image.sum()
        drawn = dibr.dibr_rasterization(
            scene.size, scene.size, z, corners, scene.features, scene.normals_z,
            SIGMAINV, BOXLEN, KNUM, backend=backend,
        )  # fmt: skip
        return drawn.features.sum() + drawn.soft_mask.sum()

    return draw


def _first_alone(draw: Draw) -> Draw:
    """The reference is dense over pixels and faces, slow and large."""

    def drawn(scene: Scene) -> Tensor:
        one = (scene.vertices_image, scene.vertices_z, scene.features, scene.normals_z)
        image, z, features, normals_z = (part[:1] for part in one)
        return draw(Scene(image, z, scene.faces, features, normals_z, scene.size))

    return drawn


def _torch_form(soft: bool) -> Draw:
    def draw(scene: Scene) -> Tensor:
        z, corners = _corners(scene)
        image, seen = torch_form.rasterize(
            scene.size, z, corners, scene.features, scene.normals_z >= 0
        )
        if not soft:
            return image.sum()
        return image.sum() + torch_form.soft_mask(corners, seen, SIGMAINV, BOXLEN, KNUM).sum()

    return draw


def _pytorch3d(nearest: int) -> Draw:
    """Its rasteriser as one uses it for this: the nearest K faces, then blended silhouettes."""
    from pytorch3d.ops import interpolate_face_attributes
    from pytorch3d.renderer.blending import BlendParams, sigmoid_alpha_blend
    from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
    from pytorch3d.structures import Meshes

    radius = BOXLEN**2 if nearest > 1 else 0.0

    def draw(scene: Scene) -> Tensor:
        flipped = scene.vertices_image * scene.vertices_image.new_tensor([-1.0, 1.0])  # x is left
        vertices = torch.cat([flipped, -scene.vertices_z[..., None]], dim=-1)
        meshes = Meshes(vertices, scene.faces.expand(len(vertices), -1, -1))
        face, _, weights, distances = rasterize_meshes(
            meshes, scene.size, blur_radius=radius, faces_per_pixel=nearest,
            perspective_correct=False,
        )  # fmt: skip
        uvs = scene.features.flatten(0, 1)
        image = interpolate_face_attributes(face[..., :1], weights[..., :1, :], uvs)
        if nearest == 1:
            return image.sum()
        fragments = _Fragments(face, distances)
        colours = torch.ones(*face.shape, 3)
        blended = sigmoid_alpha_blend(colours, fragments, BlendParams(sigma=1 / SIGMAINV))
        return image.sum() + blended[..., 3].sum()

    return draw


class _Fragments(NamedTuple):
    pix_to_face: Tensor
    dists: Tensor
