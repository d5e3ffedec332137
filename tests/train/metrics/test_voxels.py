import time

import numpy as np
import pytest

from graphics.mesh import sphere_template
from train.metrics.voxels import fit_to_box, volume_iou, voxelise

CUBE_FACES = np.array(
    [
        [0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4],
        [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5],
    ]
)  # fmt: skip


def box(low: tuple[float, ...], high: tuple[float, ...]) -> np.ndarray:
    """Eight corners; bit 0 of the index is x, bit 1 y, bit 2 z."""
    corners = np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)], float)
    return np.array(low) + corners * (np.array(high) - np.array(low))


def joined(*parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    faces = [CUBE_FACES + 8 * number for number in range(len(parts))]
    return np.concatenate(parts), np.concatenate(faces)


def test_a_cube_fills_its_voxels_and_no_other() -> None:
    solid = voxelise(box((-0.5, -0.25, 0.0), (0.5, 0.25, 0.5)), CUBE_FACES, 8)
    truth = np.zeros((8, 8, 8), bool)
    truth[2:6, :, 4:] = True  # y, x, z
    assert np.array_equal(solid, truth)


def test_faces_through_voxel_centres_are_counted_once() -> None:
    centre = 0.2  # of the last but one of five voxels
    solid = voxelise(box((-centre,) * 3, (centre,) * 3), CUBE_FACES, 5)
    assert solid.sum() == 2**3  # half-open boxes: the low side belongs, the high side does not
    other = voxelise(box((centre,) * 3, (0.5,) * 3), CUBE_FACES, 5)
    assert not np.any(solid & other)


def test_cubes_shifted_by_half_overlap_by_a_third() -> None:
    first = voxelise(box((-0.5, -0.2, -0.2), (0.1, 0.2, 0.2)), CUBE_FACES, 20)
    second = voxelise(box((-0.2, -0.2, -0.2), (0.4, 0.2, 0.2)), CUBE_FACES, 20)
    assert volume_iou(first, second) == pytest.approx(1 / 3)


def test_a_sphere_fills_pi_over_six_of_its_cube() -> None:
    sphere = sphere_template(4)
    solid = voxelise(fit_to_box(sphere.vertices), sphere.faces)
    cube = voxelise(box((-0.5,) * 3, (0.5,) * 3), CUBE_FACES)
    assert volume_iou(solid, cube) == pytest.approx(np.pi / 6, abs=0.003)
    smaller = voxelise(fit_to_box(sphere.vertices) * 0.8, sphere.faces)
    assert volume_iou(solid, smaller) == pytest.approx(0.8**3, abs=0.004)


def test_an_inside_test_by_hand_agrees_on_a_bent_surface() -> None:
    sphere = sphere_template(3)
    radius = 0.35 + 0.1 * np.sin(3 * sphere.vertices[:, :1] + 1)
    solid = voxelise(sphere.vertices * radius, sphere.faces, 32)
    axis = (2 * np.arange(32) + 1 - 32) / 64
    y, x, z = np.meshgrid(axis, axis, axis, indexing="ij")
    length = np.sqrt(x**2 + y**2 + z**2)
    # The mesh lies a little within the smooth surface, so only clear cases have one answer.
    surface = 0.35 + 0.1 * np.sin(3 * x / length + 1)
    clear = np.abs(length - surface) > 0.01
    assert np.array_equal(solid[clear], (length < surface)[clear])


def test_overlapping_parts_count_as_their_union() -> None:
    vertices, faces = joined(
        box((-0.5, -0.5, -0.5), (0.25, 0.5, 0.5)), box((-0.25, -0.25, -0.25), (0.5, 0.25, 0.25))
    )
    solid = voxelise(vertices, faces, 16)
    assert solid.sum() == 12 * 16 * 16 + 4 * 8 * 8


def test_a_mesh_inside_out_is_as_solid() -> None:
    vertices = box((-0.5, -0.25, -0.25), (0.5, 0.25, 0.25))
    assert np.array_equal(
        voxelise(vertices, CUBE_FACES, 8), voxelise(vertices, CUBE_FACES[:, ::-1], 8)
    )


def test_a_mesh_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="it has a hole"):
        voxelise(box((-0.5,) * 3, (0.5,) * 3), CUBE_FACES[:3], 8)


def test_the_box_takes_out_place_and_size_but_not_proportion() -> None:
    vertices = box((3.0, -1.0, 0.0), (4.0, 1.0, 4.0))
    fitted = fit_to_box(vertices)
    assert np.allclose(fitted.min(0), [-0.125, -0.25, -0.5])
    assert np.allclose(fitted.max(0), [0.125, 0.25, 0.5])
    with pytest.raises(ValueError, match="not all finite"):
        fit_to_box(np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match="one point"):
        fit_to_box(np.ones((4, 3)))


def test_two_hundred_templates_take_seconds() -> None:
    sphere = sphere_template(3)
    vertices = fit_to_box(sphere.vertices)
    voxelise(vertices, sphere.faces)
    began = time.process_time()
    for _ in range(20):
        voxelise(vertices, sphere.faces)
    assert (time.process_time() - began) * 10 < 10
