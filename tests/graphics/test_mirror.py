import numpy as np
import pytest

from graphics.mesh import sphere_template
from graphics.mirror import mirrored_corners, mirrored_texels, uvs_are_mirrored
from graphics.texture_transfer import TextureTransfer


@pytest.mark.parametrize("level", [0, 1, 3])
def test_the_sphere_mirrors_its_corners_and_its_uvs(level):
    template = sphere_template(level)
    corners = mirrored_corners(template)
    assert uvs_are_mirrored(template)
    spots = template.vertices[template.faces].reshape(-1, 3)
    np.testing.assert_allclose(spots[corners.ravel()] * (-1, 1, 1), spots, atol=1e-6)
    np.testing.assert_array_equal(corners.ravel()[corners.ravel()], np.arange(len(spots)))


def test_on_the_sphere_the_mirror_of_a_texel_is_in_its_row():
    template = sphere_template(2)
    others = mirrored_texels(template, TextureTransfer(template, 8, 16).texels)
    rows, columns = np.indices((8, 16))
    np.testing.assert_array_equal(others, rows * 16 + 15 - columns)


def test_uvs_that_are_moved_are_not_mirrored_and_nothing_is_without_symmetry():
    template = sphere_template(2)
    assert not uvs_are_mirrored(template._replace(face_uvs=template.face_uvs + np.float32(0.1)))
    free = template.without_symmetry()
    assert not free.symmetric and mirrored_corners(free) is None and not uvs_are_mirrored(free)
    texels = TextureTransfer(free, 8, 16).texels
    assert (mirrored_texels(free, texels) == -1).all()
