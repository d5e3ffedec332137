"""What every object is deformed from, a sphere for one: topology, uvs, mirror symmetry; normals."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import compiled

GOLDEN_RATIO = (1 + 5**0.5) / 2
MAXIMUM_LEVEL = 7


class Template(NamedTuple):
    """A closed triangle mesh, symmetric about the plane x = 0 or not: a sphere, or a user's own."""

    vertices: NDArray[np.float32]
    """[V, 3] on the unit sphere; a user's own fills a box around the origin whose longest side is
    that of [-2, 2]."""
    faces: NDArray[np.int32]
    """[F, 3] vertex indices, counter-clockwise seen from outside."""
    face_uvs: NDArray[np.float32]
    """[F, 3, 2] per face corner; u wraps (a face across the back seam reaches beyond 1), v = 0
    is the bottom."""
    mirror: NDArray[np.int32]
    """[V] index of the vertex reflected in x = 0; a vertex of the plane is its own mirror. All -1:
    nothing is symmetric."""
    edges: NDArray[np.int32]
    """[E, 2] vertex indices, lower one first."""
    edge_faces: NDArray[np.int32]
    """[E, 2] the two faces that meet at each edge."""

    @property
    def symmetric(self) -> bool:
        """Whether shapes and textures of it are mirror images of themselves."""
        return bool(self.mirror.size and self.mirror[0] >= 0)

    def without_symmetry(self) -> "Template":
        """The same mesh, on which nothing mirrors anything."""
        return self._replace(mirror=np.full_like(self.mirror, -1))


def sphere_template(level: int = 3) -> Template:
    """Icosphere of `10 * 4**level + 2` vertices: level 3 has 642 vertices and 1280 faces.

    The plane x = 0 is a mirror plane; the uv seam is its half behind the object (z < 0).
    """
    if not 0 <= level <= MAXIMUM_LEVEL:
        raise ValueError(f"level is {level}; it must be 0..{MAXIMUM_LEVEL} (3 has 642 vertices)")
    vertices, faces = _icosahedron()
    for _ in range(level):
        vertices, faces = _subdivide(vertices, faces)
    edges, edge_faces = edges_of(faces)
    return Template(
        vertices.astype(np.float32),
        faces.astype(np.int32),
        _spherical_uvs(vertices, faces).astype(np.float32),
        _mirror_of(vertices),
        edges,
        edge_faces,
    )


def edges_of(faces: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Edges [E, 2] and the two faces of each [E, 2] of a closed mesh with faces [F, 3]."""
    pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)  # [3F, 2]
    edges, edge_of_corner, counts = np.unique(
        pairs, axis=0, return_inverse=True, return_counts=True
    )
    if not np.all(counts == 2):
        raise ValueError(
            f"{int(np.sum(counts != 2))} of {len(edges)} edges do not have exactly two faces; "
            "the mesh must be closed and manifold"
        )
    corners = np.argsort(edge_of_corner.reshape(-1), kind="stable").reshape(-1, 2)
    return edges.astype(np.int32), (corners // 3).astype(np.int32)


def save_template(path: str | Path, template: Template) -> None:
    """Write a template as an npz archive with one array per field."""
    with open(path, "wb") as file:
        np.savez_compressed(file, **template._asdict())


def load_template(path: str | Path) -> Template:
    """Read what `save_template` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        missing = sorted(set(Template._fields) - set(arrays.files))
        if missing:
            raise ValueError(f"{path} lacks {missing}; write it with graphics.mesh.save_template")
        return Template(*(arrays[name] for name in Template._fields))


def _icosahedron() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Twelve vertices in three golden rectangles, and their twenty outward faces."""
    signs = [(a, b) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    rows = [(0.0, a, b * GOLDEN_RATIO) for a, b in signs]
    rows += [(a, b * GOLDEN_RATIO, 0.0) for a, b in signs]
    rows += [(a * GOLDEN_RATIO, 0.0, b) for a, b in signs]
    vertices = np.array(rows)
    near = np.isclose(np.linalg.norm(vertices[:, None] - vertices, axis=-1), 2.0)
    faces = [
        (i, j, k) if np.linalg.det(vertices[[i, j, k]]) > 0 else (i, k, j)
        for i in range(12) for j in range(i + 1, 12) for k in range(j + 1, 12)
        if near[i, j] and near[j, k] and near[i, k]
    ]  # fmt: skip
    return vertices / np.linalg.norm(vertices[0]), np.array(faces)


def _subdivide(
    vertices: NDArray[np.float64], faces: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Split every face in four at the midpoints of its edges, back on the sphere."""
    pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, edge_of_corner = np.unique(pairs, axis=0, return_inverse=True)
    middles = vertices[edges[:, 0]] + vertices[edges[:, 1]]
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    a, b, c = faces.T
    ab, bc, ca = (edge_of_corner.reshape(-1, 3) + len(vertices)).T
    quarters = [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]]  # outward like the parent
    return np.concatenate([vertices, middles]), np.array(quarters).transpose(2, 0, 1).reshape(-1, 3)


def _spherical_uvs(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Longitude and latitude per face corner, [F, 3, 2]: the front (+z) at u = 0.5."""
    x, y, z = vertices.T
    v = 0.5 + np.arcsin(np.clip(y, -1, 1)) / np.pi
    pole = (x == 0) & (z == 0)
    seam = (x == 0) & (z < 0)
    u = np.where(seam, 1.0, 0.5 + np.arctan2(x, z) / (2 * np.pi))[faces]  # [F, 3]
    is_pole, is_seam = pole[faces], seam[faces]
    left_only = np.all((u < 0.5) | is_seam | is_pole, axis=1)
    u = np.where(is_seam & left_only[:, None], 0.0, u)
    known = np.where(is_pole, np.nan, u)
    crosses = np.nanmax(known, axis=1) - np.nanmin(known, axis=1) > 0.5
    u = np.where(crosses[:, None] & (u < 0.5), u + 1.0, u)
    others = np.sum(np.where(is_pole, 0.0, u), axis=1, keepdims=True) / 2
    return np.stack([np.where(is_pole, others, u), v[faces]], axis=-1)


def _mirror_of(vertices: NDArray[np.float64]) -> NDArray[np.int32]:
    """Index [V] of each vertex's reflection in x = 0."""
    keys = [tuple(key) for key in np.round(vertices * 1e6).astype(np.int64).tolist()]
    index = {key: number for number, key in enumerate(keys)}
    return np.array([index[-x, y, z] for x, y, z in keys], np.int32)


SHORTEST = 1e-20  # sums of face normals shorter than this have no direction


def vertex_normals(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
) -> NDArray[np.float32]:
    """Unit normals [V, 3]: the mean of the faces around, by area; +y where that is nothing."""
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise ValueError(f"vertices has shape {vertices.shape}; it must be [V, 3]")
    if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise ValueError(
            f"faces name vertices {faces.min()} to {faces.max()}; there are {len(vertices)}"
        )
    sums = np.zeros((3, len(vertices)))
    _add_areas(np.ascontiguousarray(vertices, np.float64), np.ascontiguousarray(faces), sums)
    lengths = np.sqrt(sums[0] ** 2 + sums[1] ** 2 + sums[2] ** 2)
    directed = lengths > SHORTEST
    normals = sums.T / np.where(directed, lengths, 1.0)[:, None]
    return np.where(directed[:, None], normals, (0, 1, 0)).astype(np.float32)


@compiled
def _add_areas(
    vertices: NDArray[np.float64],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    sums: NDArray[np.float64],  # [3, V], added to
) -> None:
    """The normal of each face, as long as twice its area, to each of its corners.

    One addition after the other, so that a normal's bits do not depend on the machine.
    """
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )  # fmt: skip
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )  # fmt: skip
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for vertex in (a, b, c):
            sums[0, vertex] += x
            sums[1, vertex] += y
            sums[2, vertex] += z
