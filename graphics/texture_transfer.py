"""What a photograph shows of an object, put on the texture that was predicted for it.

A predicted texture knows a car's paint and that it has windows; the photograph shows lamps, doors
and writing. Each texel that the photograph sees takes its colour; the rest stays as predicted. An
unseen texel may take what its mirror image shows, where the template is mirror-symmetric.
"""

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import Number, compiled
from graphics.mesh import Template, vertex_normals
from graphics.mirror import mirrored_texels
from graphics.rasterize import VisibleFaces, interpolate, visible_faces
from graphics.render import View
from graphics.texture import bilinear

Array = NDArray[np.float32]

DEPTH_SIZE = 128  # side in pixels of the depth image that tells which texels are hidden
DEPTH_TOLERANCE = 0.04
"""Object units behind the depth image at which a texel is still seen: an object is 2 long."""
COSINE_LIMITS = (0.15, 0.5)
"""Cosines between surface normal and view: too much from the side, seen well enough."""
MASK_LIMITS = (0.5, 0.95)  # mask values, one pixel in from the edge: background, surely object


class TextureTransfer:
    """Puts photographs on textures of one size, for meshes of one template."""

    def __init__(self, template: Template, height: int, width: int) -> None:
        """`height`, `width`: of the textures, in texels."""
        if min(height, width) < 1:
            raise ValueError(f"textures of {height}x{width} texels; both must be at least 1")
        self.template, self.height, self.width = template, height, width
        self.texels = _texels(template, height, width)
        self.mirrored = mirrored_texels(template, self.texels)

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
        colours, weights = self.seen(photograph, mask, view)
        painted = np.empty(colours.shape, photograph.dtype)
        scale, rounding = (255.0, 0.5) if photograph.dtype == np.uint8 else (1.0, 0.0)
        texture = np.ascontiguousarray(texture, np.float32)
        _blend(colours, weights, self.mirrored, texture, scale, rounding, painted)
        return painted

    def seen(
        self,
        photograph: NDArray,  # [H, H, 3]
        mask: Array,  # [R, R] in 0..1, of the same square
        view: View,  # B = 1: the mesh as the photograph's camera sees it
        cosine_limits: tuple[float, float] = COSINE_LIMITS,
    ) -> tuple[Array, Array]:
        """Colours [Ht, Wt, 3] of the texels, as the photograph has them, and how well it sees each,
        [Ht, Wt] in 0..1.

        `cosine_limits`: between surface normal and view: not seen at all, seen as well as can be.
        """
        if photograph.dtype not in (np.uint8, np.float32):
            raise TypeError(f"photograph is {photograph.dtype}; it must be uint8 or float32")
        colours = np.zeros((self.height, self.width, 3), np.float32)
        weights = np.zeros(colours.shape[:2], np.float32)
        _seen_texels(
            self.texels.face_index[0], self.texels.weights[0], view.corners[0], view.corners_z[0],
            self._cosines(view), _depths(view) - np.float32(DEPTH_TOLERANCE),
            np.ascontiguousarray(photograph), _shrunk(mask), cosine_limits, MASK_LIMITS,
            colours, weights,
        )  # fmt: skip
        return colours, weights

    def _cosines(self, view: View) -> Array:
        """Cosine between the normal and the direction to the eye at each corner, [F, 3]."""
        eye = view.projected.vertices_camera[0]
        normals = vertex_normals(eye, self.template.faces)
        towards = -np.einsum("vk,vk->v", eye, normals) / np.sqrt(np.einsum("vk,vk->v", eye, eye))
        return towards.astype(np.float32)[self.template.faces]


def _texels(template: Template, height: int, width: int) -> VisibleFaces:
    """The face under every texel and its weights: the template rasterised by its uvs."""
    # u wraps: faces that reach beyond 1 appear at the left edge too.
    uvs = np.concatenate([template.face_uvs, template.face_uvs - np.array([1, 0], np.float32)])
    flat = np.zeros((1, len(uvs), 3), np.float32)
    seen = visible_faces((uvs * 2 - 1)[None].astype(np.float32), flat, height, width)
    index = np.where(seen.face_index < 0, -1, seen.face_index % len(template.faces))
    return VisibleFaces(index.astype(np.int32), seen.weights)


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


@compiled
def _ramp(value: Number, low: Number, high: Number) -> Number:
    """0 up to `low`, 1 from `high` on, smooth between."""
    way = min(max((value - low) / (high - low), 0.0), 1.0)
    return way * way * (3.0 - 2.0 * way)


@compiled
def _between(position: Number, size: int) -> tuple[int, int, Number]:
    """Two neighbouring pixels, and how far from the first to the second a position in 0..1 lies."""
    pixel = min(max(position * size - 0.5, 0.0), size - 1.0)
    first = int(pixel)
    return first, min(first + 1, size - 1), pixel - first


@compiled
def _seen_texels(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    texel_faces: NDArray[np.int32],  # [Ht, Wt], -1: no face
    texel_weights: Array,  # [Ht, Wt, 3] of the face's corners
    corners: Array,  # [F, 3, 2] on the image plane
    corners_z: Array,  # [F, 3] in camera space
    cosines: Array,  # [F, 3] of the angle between surface and view, at the corners
    depths: Array,  # [D, D] z of the nearest surface less the tolerance
    photograph: NDArray, mask: Array,
    cosine_limits: tuple[Number, Number],  # seen too much from the side, seen well enough
    mask_limits: tuple[Number, Number],  # background, surely object
    colours: Array,  # [Ht, Wt, 3], out: what the photograph shows, in its own units
    weights: Array,  # [Ht, Wt], out, starts at 0: how well each texel is seen
) -> None:  # fmt: skip
    """Look every texel up in the photograph; what is turned away, off the image, behind another
    part or outside the mask stays at weight 0."""
    size = depths.shape[0]
    for r in range(texel_faces.shape[0]):
        for c in range(texel_faces.shape[1]):
            face = texel_faces[r, c]
            if face < 0:
                continue
            wa, wb, wc = texel_weights[r, c, 0], texel_weights[r, c, 1], texel_weights[r, c, 2]
            cosine = wa * cosines[face, 0] + wb * cosines[face, 1] + wc * cosines[face, 2]
            if not cosine > cosine_limits[0]:  # written so that nan is not seen
                continue
            x = wa * corners[face, 0, 0] + wb * corners[face, 1, 0] + wc * corners[face, 2, 0]
            y = wa * corners[face, 0, 1] + wb * corners[face, 1, 1] + wc * corners[face, 2, 1]
            if not (abs(x) < 1 and abs(y) < 1):
                continue
            across, down = 0.5 * (x + 1), 0.5 * (1 - y)
            z = wa * corners_z[face, 0] + wb * corners_z[face, 1] + wc * corners_z[face, 2]
            if z < depths[min(int(down * size), size - 1), min(int(across * size), size - 1)]:
                continue
            left, right, rightward = _between(across, mask.shape[1])
            top, bottom, downward = _between(down, mask.shape[0])
            inside = bilinear(
                mask[top, left], mask[top, right], mask[bottom, left], mask[bottom, right],
                rightward, downward,
            )  # fmt: skip
            if not inside > mask_limits[0]:
                continue
            weights[r, c] = _ramp(cosine, cosine_limits[0], cosine_limits[1]) * _ramp(
                inside, mask_limits[0], mask_limits[1]
            )
            left, right, rightward = _between(across, photograph.shape[1])
            top, bottom, downward = _between(down, photograph.shape[0])
            for k in range(3):
                colours[r, c, k] = bilinear(
                    photograph[top, left, k], photograph[top, right, k],
                    photograph[bottom, left, k], photograph[bottom, right, k],
                    rightward, downward,
                )  # fmt: skip


@compiled
def _blend(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    colours: Array,  # [Ht, Wt, 3], 0..scale
    weights: Array,  # [Ht, Wt] in 0..1
    mirrors: NDArray[np.int32],  # [Ht, Wt] row * Wt + column of the mirror image, -1: none
    texture: Array,  # [Ht, Wt, 3], cut to 0..1
    scale: Number,
    rounding: Number,  # added to the result: 0.5 where `painted` holds whole numbers
    painted: NDArray,  # [Ht, Wt, 3], out, 0..scale
) -> None:
    """Paint the texels that are seen, and where they are not those whose mirror image is."""
    height, width = weights.shape
    # Numbers of the arrays' own kind: Python's would make the arithmetic double.
    none, one = weights.dtype.type(0), weights.dtype.type(1)
    scale, rounding = weights.dtype.type(scale), weights.dtype.type(rounding)
    for r in range(height):
        for c in range(width):
            mirror = max(mirrors[r, c], 0)
            row, other = mirror // width, mirror % width
            own = weights[r, c]
            known = weights[row, other] if mirrors[r, c] >= 0 else none
            mirrored = known * (one - own)
            rest = one - own - mirrored
            for k in range(3):
                found = rest * scale * min(max(texture[r, c, k], none), one)
                found += own * colours[r, c, k] + mirrored * colours[row, other, k]
                painted[r, c, k] = found + rounding
