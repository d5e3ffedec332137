"""What a photograph shows of an object, put on the texture that was predicted for it.

A predicted texture knows a car's paint and that it has windows; the photograph shows lamps, doors
and writing. Each texel that the photograph sees takes its colour; the rest stays as predicted. The
object is taken to be mirror-symmetric, so an unseen texel may take what its mirror image shows.
"""

import numpy as np
from numpy.typing import NDArray

from graphics.camera import Projected, project
from graphics.mesh import Template
from graphics.normals import vertex_normals
from graphics.rasterize import VisibleFaces, interpolate, visible_faces
from graphics.render import facing
from graphics.texture import sample_texture

Array = NDArray[np.float32]

DEPTH_SIZE = 128
"""Side in pixels of the depth image that tells which texels are hidden."""
DEPTH_TOLERANCE = 0.04
"""Object units behind the depth image at which a texel is still seen: an object is 2 long."""
LEAST_COSINE, FULL_COSINE = 0.15, 0.5
"""Of the angle between surface and view: seen too much from the side, seen well enough."""
LEAST_MASK, FULL_MASK = 0.5, 0.95
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
        photograph: Array,  # [H, H, 3] in 0..1; best about as high as the texture
        mask: Array,  # [R, R] in 0..1, of the same square
        vertices: Array,  # [V, 3] object units
        camera: Array,  # [5] of the photograph
        texture: Array,  # [Ht, Wt, 3] in 0..1, row 0 is v = 1
    ) -> Array:  # [Ht, Wt, 3]
        """The texture with what the photograph shows."""
        if texture.shape != (self.height, self.width, 3):
            raise ValueError(
                f"texture has shape {texture.shape}; it must be [{self.height}, {self.width}, 3]"
            )
        from graphics import texture_transfer_kernels as kernels  # compiles: when it is needed

        uvs, weights = self._seen(vertices.astype(np.float32), camera.astype(np.float32))
        covered = (weights > 0)[None]
        colours = sample_texture(_planes(photograph), uvs[None], covered)[0]
        inside = sample_texture(_planes(_shrunk(mask)[..., None]), uvs[None], covered)[0, 0]
        painted = texture.astype(np.float32)  # a copy
        kernels.blend(colours, inside, weights, LEAST_MASK, FULL_MASK, painted)
        return painted

    def _seen(self, vertices: Array, camera: Array) -> tuple[Array, Array]:
        """Where each texel lies in the photograph, [Ht, Wt, 2] in 0..1, and how well it is seen
        there, [Ht, Wt] in 0..1."""
        from graphics import texture_transfer_kernels as kernels

        faces = self.template.faces
        projected = project(vertices[None], camera[None])
        eye = projected.vertices_camera[0]
        normals = vertex_normals(eye, faces)
        features = np.concatenate([projected.vertices_image[0], eye, normals], axis=1)
        uvs = np.zeros((self.height, self.width, 2), np.float32)
        weights = np.zeros(uvs.shape[:2], np.float32)
        kernels.seen_texels(
            self.texels.face_index[0], self.texels.weights[0], features[faces],
            _depths(projected, faces) - np.float32(DEPTH_TOLERANCE), LEAST_COSINE, FULL_COSINE,
            uvs, weights,
        )  # fmt: skip
        return uvs, weights


def _texels(template: Template, height: int, width: int) -> VisibleFaces:
    """The face under every texel and its weights: the template drawn by its uvs."""
    # u wraps: faces that reach beyond 1 are drawn at the left edge too.
    uvs = np.concatenate([template.face_uvs, template.face_uvs - np.float32([1, 0])])
    flat = np.zeros((1, len(uvs), 3), np.float32)
    drawn = visible_faces((uvs * 2 - 1)[None].astype(np.float32), flat, height, width)
    index = np.where(drawn.face_index < 0, -1, drawn.face_index % len(template.faces))
    return VisibleFaces(index.astype(np.int32), drawn.weights)


def _depths(projected: Projected, faces: NDArray[np.int32]) -> Array:
    """z of the surface that each pixel of a small image sees, [D, D]; where none is, -inf."""
    corners = projected.vertices_image[:, faces]
    depths = projected.vertices_camera[..., 2][:, faces]
    seen = visible_faces(corners, depths, DEPTH_SIZE, DEPTH_SIZE, facing(corners))
    image = interpolate(depths[..., None], seen)[0, ..., 0]
    return np.where(seen.face_index[0] >= 0, image, np.float32(-np.inf))


def _shrunk(mask: Array) -> Array:
    """The least of each pixel and its four neighbours; nothing lies beyond the border."""
    wide = np.pad(mask, 1)
    middle = slice(1, -1)
    around = (wide[:-2, middle], wide[2:, middle], wide[middle, :-2], wide[middle, 2:])
    return np.minimum.reduce([mask, *around])


def _planes(image: Array) -> Array:
    """[H, W, C] -> [1, C, H, W]."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
