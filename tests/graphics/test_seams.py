import numpy as np
import pytest

from graphics.mesh import sphere_template
from graphics.seams import find_seams

TEMPLATE = sphere_template(2)


def test_only_seam_and_pole_vertices_are_split():
    seams = find_seams(TEMPLATE.faces, TEMPLATE.face_uvs)
    split = np.bincount(seams.sources, minlength=len(TEMPLATE.vertices)) > 1
    x, z = TEMPLATE.vertices[split][:, 0], TEMPLATE.vertices[split][:, 2]
    assert np.any(split) and np.all((np.abs(x) < 0.25) & (z < 0.25))
    np.testing.assert_array_equal(np.unique(seams.sources), np.arange(len(TEMPLATE.vertices)))
    np.testing.assert_array_equal(seams.sources[seams.faces], TEMPLATE.faces)
    np.testing.assert_array_equal(seams.uvs[seams.faces], TEMPLATE.face_uvs)
    pairs = {(source, *uv) for source, uv in zip(seams.sources, seams.uvs.tolist(), strict=True)}
    assert len(pairs) == len(seams.uvs)


def test_faces_and_uvs_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="face_uvs"):
        find_seams(TEMPLATE.faces, TEMPLATE.face_uvs[:-1])
