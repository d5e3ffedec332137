import numpy as np
import pytest

from graphics.camera import project
from graphics.mesh import sphere_template
from tests.train.data.mesh_folder import GREEN, RED
from train.data.textured_object import (
    LARGEST_RADIUS,
    LONGEST_SIDE,
    TexturedObject,
    normalise,
    render_object,
    sample_repeating,
)
from train.data.vehicles import Light

EVEN = Light(np.array([0.0, 1, 0]), np.zeros(3), 1.0, 1.0)
"""From everywhere: what looks sideways keeps 0.8 of its colour."""


def flat(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> TexturedObject:
    """An object of one colour per face, without textures."""
    return TexturedObject(
        vertices.astype(np.float32),
        faces.astype(np.int32),
        np.zeros((*faces.shape, 2), np.float32),
        np.repeat(colours[:, None], 3, axis=1).astype(np.float32),
        np.full(len(faces), -1, np.int32),
        (),
    )


def quad(z: float, size: float, colour: tuple[int, ...]) -> TexturedObject:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * size + [0, 0, z]
    colours = np.array([colour, colour]) / 255
    return flat(corners, np.array([[0, 1, 2], [0, 2, 3]]), colours)


def seen(thing: TexturedObject, azimuth: float, size: int = 33) -> tuple[np.ndarray, np.ndarray]:
    camera = np.array([[azimuth, 0, 5, 0, 0]], np.float32)
    images, masks = render_object(thing, camera, EVEN, np.ones((1, size, size, 3)), 2)
    return images[0], masks[0]


@pytest.mark.parametrize(
    ("up", "front"), [("y", "+z"), ("z", "-y"), ("z", "x"), ("y", "-x"), ("-z", "+y"), ("x", "z")]
)
def test_axes_of_the_file_become_those_of_the_canonical_frame(up: str, front: str) -> None:
    axes = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1]}
    up_axis, front_axis = (
        np.array(axes[name[-1]]) * (-1 if name[0] == "-" else 1) for name in (up, front)
    )
    # A tetrahedron whose first corner is up, its second in front, its third on its left (+x).
    left = np.cross(up_axis, front_axis)
    vertices = np.stack([up_axis, front_axis, left, -up_axis - front_axis - left])
    thing = flat(vertices, np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]]), np.ones((4, 3)))
    turned = normalise(thing, up, front).vertices
    assert turned[:, 1].argmax() == 0 and turned[:, 2].argmax() == 1 and turned[:, 0].argmax() == 2
    edges = turned[1:] - turned[0]
    assert np.linalg.det(edges) * np.linalg.det(vertices[1:] - vertices[0]) > 0


def test_sizes_and_places_are_taken_out() -> None:
    sphere = sphere_template(1)
    long = normalise(flat(sphere.vertices * [1, 1, 400] + 9, sphere.faces, np.ones((80, 3))))
    assert np.allclose(long.vertices.min(0) + long.vertices.max(0), 0, atol=1e-6)
    assert np.ptp(long.vertices, axis=0).max() == pytest.approx(LONGEST_SIDE)
    cube = normalise(quad(0, 30, RED))
    assert np.linalg.norm(cube.vertices, axis=1).max() == pytest.approx(LARGEST_RADIUS)
    for azimuth in (0, 90):
        camera = np.array([[azimuth, 30, 5, 0, 0]])
        assert np.abs(project(cube.vertices[None], camera).vertices_image).max() < 1


def test_what_has_no_place_or_size_is_refused() -> None:
    thing = quad(0, 1, RED)
    with pytest.raises(ValueError, match="on one line"):
        normalise(thing, "y", "-y")
    with pytest.raises(ValueError, match="one of"):
        normalise(thing, "w", "x")
    with pytest.raises(ValueError, match="one point"):
        normalise(thing._replace(vertices=np.ones((4, 3), np.float32)))
    with pytest.raises(ValueError, match="no area"):
        normalise(thing._replace(faces=np.array([[0, 1, 1]], np.int32)))
    with pytest.raises(ValueError, match="finite"):
        normalise(thing._replace(vertices=np.full((4, 3), np.nan, np.float32)))


def test_the_nearer_of_two_surfaces_hides_the_other_from_either_side() -> None:
    near, far = quad(0.3, 0.5, GREEN), quad(-0.3, 0.5, RED)
    both = TexturedObject(
        np.concatenate([near.vertices, far.vertices]),
        np.concatenate([near.faces, far.faces + 4]),
        *(np.concatenate(pair) for pair in zip(near[2:5], far[2:5], strict=True)),
        (),
    )
    for azimuth, colour in ((0, GREEN), (180, RED)):
        image, mask = seen(both, azimuth)
        assert np.allclose(image[16, 16], 0.8 * np.array(colour), atol=1)
        assert mask[16, 16] == 255 and mask[0, 0] == 0 and np.all(image[0, 0] == 255)


def test_textures_are_foreshortened_as_in_perspective() -> None:
    """A floor that runs away from the camera: the middle of its texture is where its middle is."""
    corners = np.array([[-0.8, -0.4, 0.9], [0.8, -0.4, 0.9], [0.8, -0.4, -0.9], [-0.8, -0.4, -0.9]])
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    texture = np.full((64, 4, 3), RED, np.uint8)
    texture[32:] = GREEN  # v below one half: the near half
    thing = flat(corners, faces, np.ones((2, 3)))._replace(
        corner_uvs=uvs[faces], face_textures=np.zeros(2, np.int32), textures=(texture,)
    )
    size = 129
    image, mask = render_object(
        thing, np.array([[0, 25, 5, 0, 0]], np.float32), EVEN, np.ones((1, size, size, 3)), 1
    )
    rows = np.flatnonzero(mask[0, :, size // 2])
    green = image[0, rows, size // 2, 1] > image[0, rows, size // 2, 0]
    boundary = rows[np.argmax(green)]
    middle = project(np.array([[[0, -0.4, 0.0]]]), np.array([[0, 25, 5.0, 0, 0]])).vertices_image
    expected = (1 - middle[0, 0, 1]) * size / 2
    assert abs(boundary - expected) < 1.5
    assert abs(boundary - (rows[0] + rows[-1]) / 2) > 2  # where affine weights would put it


def test_the_repeating_texture_by_hand() -> None:
    texture = np.array([[[0] * 3, [100] * 3], [[200] * 3, [40] * 3]], np.uint8)
    # Texel centres: u 0.25 and 0.75; v 0.75 is the upper row.
    uvs = np.array(
        [[0.25, 0.75], [0.75, 0.75], [0.25, 0.25], [-0.25, 5.25], [0.5, 0.75], [0, 0.75]]
    )
    grey = sample_repeating(texture, uvs)[:, 0] * 255
    assert np.allclose(grey, [0, 100, 200, 40, 50, 50])
