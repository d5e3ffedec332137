"""A user's own mesh as the shape that every object is deformed from, in place of the sphere.

Unlike a sphere it may have holes and handles, and keeps its own texture coordinates. Axes: y up,
the front towards +z. Size and place do not count.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from graphics.mesh import Template, edges_of
from train.config import ConfigError
from train.data.mesh_files import SUFFIXES, read_mesh

HALF_SIDE = 2.0
"""Of the box's longest side: with the radius of templates an object is 2 long, like a vehicle."""
MERGED = 1e-6
"""Of the box's longest side: vertices so near are one. Files split them where textures meet."""
PAIRED = 1e-3
"""Of the box's longest side, by which mirror pairs may miss each other."""
MOST_VERTICES = 10_242
"""As many as the finest sphere has."""
LEAST_UV_AREA = 0.05
"""Of the texture that the faces' uvs cover."""


def read_template(path: Path, symmetric: bool) -> Template:
    """A mesh file as a template; `symmetric`: about the plane x = 0 through the middle of its box.

    Raises:
        ConfigError: it cannot be read, or be used as one; the message says why and what to do.
    """
    try:
        mesh = read_mesh(path)
        return _template(mesh.vertices, mesh.faces, mesh.corner_uvs, symmetric)
    except (ValueError, OSError) as error:
        raise ConfigError(f"--template {path}: {error}") from error


def _template(
    vertices: NDArray[np.float32],  # [V, 3]
    faces: NDArray[np.int32],  # [F, 3]
    uvs: NDArray[np.float32],  # [F, 3, 2]
    symmetric: bool,
) -> Template:
    if not np.isfinite(vertices).all():
        raise ValueError("its vertices are not all finite numbers: export it anew")
    _check_uvs(uvs)
    low, high = vertices.min(0).astype(np.float64), vertices.max(0).astype(np.float64)
    if not (high > low).all():
        raise ValueError("it is flat: a template has to enclose a volume")
    placed = (vertices - (low + high) / 2) * (2 * HALF_SIDE / (high - low).max())
    placed, faces = _merged(placed, faces)
    if len(placed) > MOST_VERTICES:
        raise ValueError(
            f"it has {len(placed)} vertices; at most {MOST_VERTICES} can be learned, and a "
            "thousand do: simplify it"
        )
    try:
        edges, edge_faces = edges_of(faces)
    except ValueError as error:
        raise ValueError(f"{error}. Close its holes, remove inner and doubled faces") from None
    faces, uvs = _turned_outwards(placed, faces, uvs, edges, edge_faces)
    _check_parts(len(placed), faces)
    mirror = np.full(len(placed), -1, np.int32)
    if symmetric:
        mirror = _mirror_pairs(placed)
        placed = (placed + placed[mirror] * (-1, 1, 1)) / 2
        placed[mirror == np.arange(len(placed)), 0] = 0
    return Template(
        placed.astype(np.float32), faces, uvs.astype(np.float32), mirror, edges, edge_faces
    )


def _check_uvs(uvs: NDArray[np.float32]) -> None:
    if not uvs.any():
        raise ValueError(
            f"it has no texture coordinates (uvs): unwrap it, and save it as one of {SUFFIXES}"
        )
    if uvs.min() < -1e-4 or uvs[..., 1].max() > 1 + 1e-4 or uvs[..., 0].max() > 2:
        raise ValueError(
            f"its uvs reach from {uvs.min():.3g} to {uvs.max():.3g}; they must lie in 0..1 (u up "
            "to 2 on faces across a seam): unwrap it into one tile"
        )
    first, second = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum() / 2
    if area < LEAST_UV_AREA:
        raise ValueError(
            f"its uvs cover {area:.1%} of the texture; at least {LEAST_UV_AREA:.0%}: unwrap it "
            "anew, so that the faces fill the tile"
        )


def _merged(
    vertices: NDArray[np.float64], faces: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Without vertices that no face has, and with one in place of several at one spot."""
    near = KDTree(vertices).query_pairs(MERGED * 2 * HALF_SIDE, output_type="ndarray")
    links = coo_matrix((np.ones(len(near)), near.T), (len(vertices), len(vertices)))
    _, group = connected_components(links, directed=False)
    used, first, again = np.unique(group[faces], return_index=True, return_inverse=True)
    del used
    merged = again.reshape(faces.shape).astype(np.int32)
    if (merged == np.roll(merged, 1, axis=1)).any():
        raise ValueError("it has faces without an area: merge near vertices and remove those faces")
    return vertices[faces.reshape(-1)[first]], merged


def _turned_outwards(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int32],
    uvs: NDArray[np.float32],
    edges: NDArray[np.int32],
    edge_faces: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Faces that all turn counter-clockwise seen from outside.

    Raises:
        ValueError: neighbours turn in different senses.
    """
    begins = [_has_directed(faces[edge_faces[:, side]], edges) for side in (0, 1)]
    if unlike := int((begins[0] == begins[1]).sum()):
        raise ValueError(
            f"the faces at {unlike} of {len(edges)} edges turn in different senses: recalculate "
            "its normals so that all point outwards"
        )
    volume = np.linalg.det(vertices[faces]).sum()
    if volume > 0:
        return faces, uvs
    return np.ascontiguousarray(faces[:, ::-1]), np.ascontiguousarray(uvs[:, ::-1])


def _has_directed(
    faces: NDArray[np.int32],  # [E, 3]
    edges: NDArray[np.int32],  # [E, 2]
) -> NDArray[np.bool_]:  # [E]
    """Whether each face goes from the first to the second end of its edge."""
    following = np.roll(faces, -1, axis=1)
    return ((faces == edges[:, :1]) & (following == edges[:, 1:])).any(axis=1)


def _check_parts(count: int, faces: NDArray[np.int32]) -> None:
    pairs = np.concatenate([faces[:, :2], faces[:, 1:]])
    links = coo_matrix((np.ones(len(pairs)), pairs.T), (count, count))
    parts, _ = connected_components(links, directed=False)
    if parts > 1:
        raise ValueError(
            f"it consists of {parts} parts that no edge connects, which would drift apart: join "
            "them (a boolean union), or keep the largest"
        )


def _mirror_pairs(vertices: NDArray[np.float64]) -> NDArray[np.int32]:
    """Index [V] of each vertex's reflection in x = 0.

    Raises:
        ValueError: some have none.
    """
    nearest = KDTree(vertices).query(vertices * (-1, 1, 1))
    distances, mirror = np.asarray(nearest[0]), np.asarray(nearest[1], np.int32)
    there_and_back = mirror[mirror] == np.arange(len(mirror))
    lonely = int((~there_and_back | (distances > PAIRED * 2 * HALF_SIDE)).sum())
    if lonely:
        raise ValueError(
            f"{lonely} of {len(vertices)} vertices have no mirror image about x = 0, the middle "
            "of its box: make it symmetric (y is up, the front towards +z), or give "
            "--inverse.symmetric none"
        )
    return mirror


def holes_of(template: Template) -> int:
    """How many holes go through the template: 0 of a sphere, 1 of a ring or a mug."""
    corners, edges, faces = len(template.vertices), len(template.edges), len(template.faces)
    return 1 - (corners - edges + faces) // 2
