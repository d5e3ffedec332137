import numpy as np
import pytest

from graphics.camera import NOMINAL_DISTANCE
from graphics.mesh import sphere_template
from graphics.render import look, render
from graphics.texture_transfer import TextureTransfer

HEIGHT, SIZE = 32, 96
TEMPLATE = sphere_template(3)
VERTICES = (TEMPLATE.vertices * (0.45, 0.4, 0.9)).astype(np.float32)
GREY = np.full((HEIGHT, 2 * HEIGHT, 3), 0.5, np.float32)


def camera_at(azimuth):
    return np.float32([azimuth, 15, NOMINAL_DISTANCE, 0.05, -0.03])


def view_of(camera, vertices=VERTICES):
    return look(vertices[None], camera[None], TEMPLATE)


def drawn(texture, camera, vertices=VERTICES):
    """Photograph [R, R, 3] before a red background, and mask [R, R]."""
    red = np.zeros((1, SIZE, SIZE, 3), np.float32)
    red[..., 0] = 1
    found = render(vertices[None], texture[None], camera[None], TEMPLATE, SIZE, red, 2)
    return found.images[0], found.masks[0]


@pytest.fixture
def painted():
    """A smooth mirror-symmetric texture without red."""
    columns = np.abs(np.linspace(-1, 1, 2 * HEIGHT))
    texture = np.zeros((HEIGHT, 2 * HEIGHT, 3), np.float32)
    texture[..., 1] = columns
    texture[..., 2] = np.linspace(0, 1, HEIGHT)[:, None]
    return texture


@pytest.fixture
def transfer():
    return TextureTransfer(TEMPLATE, HEIGHT, 2 * HEIGHT)


def test_every_texel_but_the_poles_lies_on_a_face(transfer):
    index = transfer.texels.face_index[0]
    assert (index[2:-2] >= 0).all()
    assert index.max() < len(TEMPLATE.faces)


@pytest.mark.parametrize("azimuth", [0, 60, 135, 180, -100])
def test_what_the_photograph_shows_is_painted_and_the_rest_is_left(transfer, painted, azimuth):
    camera = camera_at(azimuth)
    photograph, mask = drawn(painted, camera)
    found = transfer(photograph, mask, view_of(camera), GREY)
    changed = np.abs(found - GREY).max(axis=-1) > 0.05
    assert 0.2 < changed.mean() < 0.9
    error = np.abs(found - painted).max(axis=-1)
    assert np.median(error[changed]) < 0.05
    # Nothing of the red background comes in beyond what already was there.
    assert found[..., 0].max() <= 0.5 + 1e-6
    again, covered = drawn(found, camera)
    plain, _ = drawn(GREY, camera)
    inside = covered > 0.99
    before, after = (np.abs(shown - photograph)[inside].mean() for shown in (plain, again))
    assert after < 0.3 * before


def test_a_side_that_is_not_seen_takes_what_its_mirror_image_shows(transfer, painted):
    camera = camera_at(90)
    photograph, mask = drawn(painted, camera)
    found = transfer(photograph, mask, view_of(camera), GREY)
    np.testing.assert_allclose(found, found[:, ::-1], atol=0.02)
    row, column = HEIGHT // 2, 2 * HEIGHT // 4
    assert np.abs(found[row, column] - painted[row, column]).max() < 0.05


def test_what_is_hidden_behind_another_part_takes_nothing_from_it(transfer, painted):
    """A dent in the top: its far wall is seen, its floor lies behind the near wall."""
    vertices = VERTICES.copy()
    top = (TEMPLATE.vertices[:, 1] > 0.75) & (np.abs(TEMPLATE.vertices[:, 2]) < 0.6)
    vertices[top, 1] -= 0.45
    camera = camera_at(0)
    photograph, mask = drawn(painted, camera, vertices)
    found = transfer(photograph, mask, view_of(camera, vertices), GREY)
    changed = np.abs(found - GREY).max(axis=-1) > 0.05
    wrong = np.abs(found - painted).max(axis=-1) > 0.25
    assert (changed & wrong).mean() < 0.02


def test_without_an_object_in_the_mask_the_texture_stays(transfer, painted):
    camera = camera_at(30)
    photograph, _ = drawn(painted, camera)
    found = transfer(photograph, np.zeros((16, 16), np.float32), view_of(camera), GREY)
    np.testing.assert_array_equal(found, GREY)


def test_the_mask_may_be_smaller_than_the_photograph(transfer, painted):
    camera = camera_at(60)
    photograph, mask = drawn(painted, camera)
    small = mask.reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))
    full = transfer(photograph, mask, view_of(camera), GREY)
    found = transfer(photograph, small, view_of(camera), GREY)
    # They differ along the outline alone, where a larger pixel is taken off.
    assert (np.abs(found - full).max(axis=-1) > 0.02).mean() < 0.2
    assert np.abs(found - GREY).max() > 0.3


def test_photographs_in_bytes_give_textures_in_bytes(transfer, painted):
    camera = camera_at(60)
    photograph, mask = drawn(painted, camera)
    in_bytes = np.rint(photograph * 255).astype(np.uint8)
    found = transfer(in_bytes, mask, view_of(camera), GREY)
    assert found.dtype == np.uint8
    exact = transfer(photograph, mask, view_of(camera), GREY)
    # Rounded twice: as a photograph and as a texture.
    assert np.abs(found - 255 * exact).max() <= 1
    with pytest.raises(TypeError, match="float64"):
        transfer(photograph.astype(np.float64), mask, view_of(camera), GREY)


def test_textures_of_another_size_are_refused(transfer, painted):
    black = np.zeros((8, 8, 3), np.float32)
    with pytest.raises(ValueError, match=r"\[32, 64, 3\]"):
        transfer(black, black[..., 0], view_of(camera_at(0)), painted[:16])
    with pytest.raises(ValueError, match="at least 1"):
        TextureTransfer(TEMPLATE, 0, 8)
