"""The head that predicts the shape: a learned mean of the category plus offsets."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphics.mesh import Template

TEMPLATE_RADIUS = 0.5  # object units; a vehicle is about 2 long
PLANE_MARGIN = 0.01
"""Object units from the mirror plane within which a vertex is held back from crossing it."""


class ShapeHead(nn.Module):
    """Vertex positions, mirror-symmetric by default: learned mean plus offsets."""

    sphere: Tensor
    side: Tensor
    index: Tensor
    sign: Tensor
    free: Tensor
    MEAN_GAIN = 20.0  # the mean has to travel much further than Adam's step per iteration

    def __init__(self, code: int, template: Template, *, symmetric: bool = True) -> None:
        super().__init__()
        self.symmetric = symmetric
        vertices = torch.from_numpy(template.vertices).float() * TEMPLATE_RADIUS
        mirror = torch.from_numpy(template.mirror).long()
        if not symmetric:
            mirror = torch.full_like(mirror, -1)  # no vertex follows another, none is on the plane
        kept = torch.nonzero((vertices[:, 0] > -1e-6) | (mirror < 0))[:, 0]
        on_plane = mirror[kept] == kept
        index = torch.full((len(vertices),), -1)
        index[kept] = torch.arange(len(kept))
        mirrored = index < 0
        index[mirrored] = index[mirror[mirrored]]
        sign = torch.ones(len(vertices), 3)
        sign[mirrored, 0] = -1
        free = torch.ones(len(kept), 3)
        free[on_plane, 0] = 0
        side = vertices[:, 0].sign()
        side[kept[on_plane]] = 0
        self.register_buffer("sphere", vertices, persistent=False)
        self.register_buffer("side", side, persistent=False)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("sign", sign, persistent=False)
        self.register_buffer("free", free, persistent=False)
        self.mean = nn.Parameter(torch.zeros(len(kept), 3))
        self.hidden = nn.Linear(code, code)
        self.offsets = nn.Linear(code, len(kept) * 3)
        nn.init.zeros_(self.offsets.bias)
        nn.init.normal_(self.offsets.weight, std=1e-3)

    def whole(self, half: Tensor) -> Tensor:
        """Offsets of the half x >= 0 -> all vertices: [..., V/2, 3] -> [..., V, 3].

        Without symmetry every vertex has its own.
        """
        return (half * self.free)[..., self.index, :] * self.sign

    def on_own_side(self, vertices: Tensor) -> Tensor:
        """Vertices [..., V, 3], none of which has crossed the plane of a symmetric shape.

        What crosses it lies inside its own mirror image, and no image shows that it does: the
        underside folds over itself, and a flatness loss has no gradient at a fold.
        """
        if not self.symmetric:
            return vertices
        across = vertices[..., 0] * self.side
        kept = (across + (across.square() + PLANE_MARGIN**2).sqrt()) / 2
        return torch.cat(((kept * self.side)[..., None], vertices[..., 1:]), -1)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """[B, code] -> vertices [B, V, 3], offsets [B, V, 3] from the mean before it is centred."""
        half = self.offsets(F.relu(self.hidden(code))).unflatten(-1, (-1, 3))
        offsets = self.whole(half)
        vertices = self.sphere + self.whole(self.mean * self.MEAN_GAIN) + offsets
        return centred(self.on_own_side(vertices)), offsets


def centred(vertices: Tensor) -> Tensor:
    """Shapes [B, V, 3] moved so that the middle of each one's box is the origin.

    A shape that lies higher and a camera that looks lower render the same image. Left free, the two
    drift apart together: re-renderings stay right and every other view is off by as much.
    """
    return vertices - (vertices.amin(1, keepdim=True) + vertices.amax(1, keepdim=True)) / 2
