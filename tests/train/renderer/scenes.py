"""Triangles in front of a camera, for the renderer's tests, and what backends draw of them."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import grad

from graphics.mesh import sphere_template
from train.renderer import dibr
from train.renderer.reference import barycentric, in_box, pixel_centres

SOFT = {"sigmainv": 60.0, "boxlen": 0.15, "knum": 5}
SHARP = {"sigmainv": 7000.0, "boxlen": 0.02, "knum": 30}


class Scene(NamedTuple):
    """What `dibr_rasterization` is given."""

    z: Tensor
    corners: Tensor
    features: Tensor
    normals_z: Tensor


def device_of(backend):
    return "cuda" if backend == "kaolin" or torch.cuda.is_available() else "cpu"


def random_triangles(batch=2, faces=14, dtype=torch.float64, seed=0, size=0.35):
    """z [B, F, 3], corners [B, F, 3, 2] with some faces partly or wholly off the image, features
    [B, F, 3, 4], normals z [B, F] of both signs."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    centres = 2.4 * torch.rand(batch, faces, 1, 2, generator=generator, dtype=torch.float64) - 1.2
    corners = centres + size * normal(batch, faces, 3, 2)
    z, features = normal(batch, faces, 3) - 5, normal(batch, faces, 3, 4)
    normals_z = normal(batch, faces)
    return Scene(*(part.to(dtype) for part in (z, corners, features, normals_z)))


def sphere(level, batch=2, dtype=torch.float32, seed=0):
    """A closed mesh, turned at random and seen from afar: shared edges, front and back faces."""
    template, generator = sphere_template(level), torch.Generator().manual_seed(seed)
    turns, _ = torch.linalg.qr(torch.randn(batch, 3, 3, generator=generator, dtype=torch.float64))
    vertices = torch.from_numpy(template.vertices).double() @ turns * 0.8
    placed = vertices[:, torch.from_numpy(template.faces).long()]  # [B, F, 3, 3]
    features = torch.randn(*placed.shape[:3], 3, generator=generator, dtype=torch.float64)
    first, second = (placed[:, :, k] - placed[:, :, 0] for k in (1, 2))
    normals_z = torch.linalg.cross(first, second)[..., 2] * turns.det()[:, None]
    scene = placed[..., 2] - 5, placed[..., :2], features, normals_z
    return Scene(*(part.to(dtype) for part in scene))


class Drawing(NamedTuple):
    """Outputs, and gradients under fixed random upstream gradients, all on the CPU."""

    features: Tensor
    soft_mask: Tensor
    face_idx: Tensor
    corners_gradient: Tensor
    features_gradient: Tensor
    mask_gradient: Tensor


def draw(backend, height, width, scene, settings):
    """A scene by a backend, on the device that the backend is for."""
    z, corners, features, normals_z = (part.to(device_of(backend)) for part in scene)
    corners, features = corners.clone().requires_grad_(), features.clone().requires_grad_()
    drawn = dibr.dibr_rasterization(
        height, width, z, corners, features, normals_z, **settings, backend=backend
    )
    generator = torch.Generator().manual_seed(9)

    def upstream(like):
        return torch.randn(like.shape, generator=generator, dtype=z.dtype).to(like.device)

    of_image = grad((drawn.features * upstream(drawn.features)).sum(), [corners, features])
    (of_mask,) = grad((drawn.soft_mask * upstream(drawn.soft_mask)).sum(), [corners])
    found = *drawn, *of_image, of_mask
    return Drawing(*(part.detach().cpu() for part in found))


def undecided(scene, height, width, gap=1e-6):
    """Pixels, bool [B, H, W], at which a weight is within a gap of 0 or two depths are as close:
    there float32 may choose another face."""
    z, corners, _, normals_z = (part.double() for part in scene)
    pixels = pixel_centres(height, width, corners.device)
    weights = barycentric(corners[:, None], pixels[None, :, None], 1e-14)  # [B, P, F, 3]
    near = in_box(corners, pixels, gap) & (normals_z >= 0)[:, None]
    lowest = weights.amin(-1)
    on_edge = (near & (lowest.abs() < gap)).any(-1)
    depths = torch.where(near & (lowest >= -gap), (weights * z[:, None]).sum(-1), -torch.inf)
    first, second = depths.topk(2).values.unbind(-1)
    return (on_edge | (first - second < gap)).view(len(z), height, width)
