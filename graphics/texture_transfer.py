"""What a photograph shows of an object, put on the texture that was predicted for it.

A predicted texture knows a car's paint and that it has windows; the photograph shows lamps, doors
and writing. Each texel that the photograph sees takes its colour; the rest stays as predicted. The
object is taken to be mirror-symmetric, so an unseen texel may take what its mirror image shows.
"""

import numpy as np
from numpy.typing import NDArray

from graphics.mesh import Template
from graphics.normals import vertex_normals
from graphics.rasterize import VisibleFaces, interpolate, visible_faces
from graphics.render import View

Array = NDArray[np.float32]

DEPTH_SIZE = 128
"""Side in pixels of the depth image that tells which texels are hidden."""
DEPTH_TOLERANCE = 0.04
"""Object units behind the depth image at which a texel is still seen: an object is 2 long."""
COSINE_LIMITS = (0.15, 0.5)
"""Of the angle between surface and view: seen too much from the side, seen well enough."""
MASK_LIMITS = (0.5, 0.95)
"""Of the mask, one pixel in from its edge: background, surely object."""


class TextureTransfer:
    """Puts photographs on textures of one size, for meshes of one template."""

    def __init__(self, template: Template, height: int, width: int) -> None:
        """`height`, `width`: of the textures, in texels."""
        if min(height, width) < 1:
            raise ValueError(f"textures of {height}x{width} texels; both must be at least 1")
        self.template, self.height, self.width = template, height, width
        self.texels = _texels(template, height, width)

    def __call__(
        self,
        photograph: NDArray,  # [H, H, 3], best about as high as the texture
        mask: Array,  # [R, R] in 0..1, of the same square
        view: View,  # B = 1: the mesh as the photograph's camera sees it
        texture: Array,  # [Ht, Wt, 3] in 0..1, row 0 is v = 1
    ) -> NDArray:  # [Ht, Wt, 3]
        """The texture with what the photograph shows, both uint8 0..255 or float32 0..1."""
        if texture.shape != (self.height, self.width, 3):
            raise ValueError(
                f"texture has shape {texture.shape}; it must be [{self.height}, {self.width}, 3]"
            )
        if photograph.dtype not in (np.uint8, np.float32):
            raise TypeError(f"photograph is {photograph.dtype}; it must be uint8 or float32")
        from graphics import texture_transfer_kernels as kernels  # compiles: when it is needed

        colours = np.zeros((self.height, self.width, 3), np.float32)
        weights = np.zeros(colours.shape[:2], np.float32)
        kernels.seen_texels(
            self.texels.face_index[0], self.texels.weights[0], view.corners[0], view.corners_z[0],
            self._cosines(view), _depths(view) - np.float32(DEPTH_TOLERANCE),
            np.ascontiguousarray(photograph), _shrunk(mask), COSINE_LIMITS, MASK_LIMITS,
            colours, weights,
        )  # fmt: skip
        painted = np.empty(colours.shape, photograph.dtype)
        scale, rounding = (255.0, 0.5) if photograph.dtype == np.uint8 else (1.0, 0.0)
        kernels.blend(
            colours, weights, np.ascontiguousarray(texture, np.float32), scale, rounding, painted
        )
        return painted

    def _cosines(self, view: View) -> Array:
        """Of the angle between the surface and the way to the eye, at each corner, [F, 3]."""
        eye = view.projected.vertices_camera[0]
        normals = vertex_normals(eye, self.template.faces)
        towards = -np.einsum("vk,vk->v", eye, normals) / np.sqrt(np.einsum("vk,vk->v", eye, eye))
        return towards.astype(np.float32)[self.template.faces]


def _texels(template: Template, height: int, width: int) -> VisibleFaces:
    """The face under every texel and its weights: the template drawn by its uvs."""
    # u wraps: faces that reach beyond 1 are drawn at the left edge too.
    uvs = np.concatenate([template.face_uvs, template.face_uvs - np.float32([1, 0])])
    flat = np.zeros((1, len(uvs), 3), np.float32)
    drawn = visible_faces((uvs * 2 - 1)[None].astype(np.float32), flat, height, width)
    index = np.where(drawn.face_index < 0, -1, drawn.face_index % len(template.faces))
    return VisibleFaces(index.astype(np.int32), drawn.weights)


def _depths(view: View) -> Array:
    """z of the surface that each pixel of a small image sees, [D, D]; where none is, -inf."""
    seen = visible_faces(view.corners, view.corners_z, DEPTH_SIZE, DEPTH_SIZE, view.facing)
    image = interpolate(view.corners_z[..., None], seen)[0, ..., 0]
    return np.where(seen.face_index[0] >= 0, image, np.float32(-np.inf))


def _shrunk(mask: Array) -> Array:
    """The least of each pixel and its four neighbours; nothing lies beyond the border."""
    wide = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.float32)
    middle = slice(1, -1)
    wide[middle, middle] = mask
    least = np.minimum(wide[:-2, middle], wide[2:, middle])
    for near in (wide[middle, :-2], wide[middle, 2:], mask):
        np.minimum(least, near, out=least)
    return least
