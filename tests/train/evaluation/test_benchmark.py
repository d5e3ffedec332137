"""Oracles that know the truth, or know it wrongly in one way, show what each protocol sees."""

import numpy as np
import pytest

from graphics.azimuth import UNKNOWN
from graphics.camera import AZIMUTH, DISTANCE, ELEVATION
from graphics.mesh import Template, edges_of, sphere_template
from train.data.held_out import HeldOut, held_out
from train.data.vehicles import HELD_OUT_SEED, meshes
from train.evaluation.benchmark import (
    ConstantShape,
    Predicted,
    Scores,
    measure,
    novel_cameras_of,
    on_grey,
)


class Oracle:
    """Predicts the one held-out object it was made for, rotated and scaled as given."""

    def __init__(self, truth: HeldOut, rotated_degrees: float = 0, scale: float = 1) -> None:
        mesh = meshes(HELD_OUT_SEED, 0)
        none = np.zeros((0, 2), np.int32)
        self.template = Template(
            mesh.vertices, mesh.faces, mesh.uvs, np.zeros(0, np.int32), none, none
        )
        turn = np.radians(rotated_degrees)
        rotation = np.array(
            [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
        )
        self.vertices = (mesh.vertices @ rotation.T * scale).astype(np.float32)
        self.texture = mesh.texture.astype(np.float32) / 255
        self.cameras = truth.cameras.copy()
        self.cameras[:, AZIMUTH] += rotated_degrees
        self.cameras[:, DISTANCE] *= scale
        self.masks = truth.masks / np.float32(255)

    def predict(self, images: np.ndarray) -> Predicted:
        count = len(images)
        return Predicted(
            self.masks,
            np.repeat(self.vertices[None], count, 0),
            np.repeat(self.texture[None], count, 0),
            self.cameras,
            np.ones(count, np.float32),
            np.tile(UNKNOWN, (count, 1)),
        )


@pytest.fixture(scope="module", params=[32, 64], ids="{} px".format)
def truth(request: pytest.FixtureRequest) -> HeldOut:
    return held_out(1, 8, request.param)


@pytest.fixture(scope="module")
def exact(truth: HeldOut) -> Scores:
    return measure(Oracle(truth), truth).scores


def test_the_truth_scores_full_marks(exact: Scores) -> None:
    assert exact.iou2d_segmenter == 1
    assert exact.iou2d_input == 1
    assert exact.iou2d_novel30 == 1
    assert exact.iou2d_novel30_relative == 1
    assert exact.iou2d_novel30_absolute == 1
    assert exact.iou3d_bbox == 1
    assert exact.iou3d_canonical == 1 and exact.iou3d_canonical_icp > 0.98
    assert exact.chamfer < 0.01 and exact.fscore > 0.95
    assert exact.watertight == 1 and exact.flipped_faces == 0
    assert exact.azimuth_degrees == 0
    assert exact.elevation_degrees == 0
    assert exact.distance_relative == 0
    assert exact.psnr_novel > 12 and exact.psnr_input > 12
    assert exact.psnr_novel_image > exact.psnr_novel + 3


def test_a_mesh_rotated_with_its_camera_fools_only_the_relative_protocol(
    truth: HeldOut, exact: Scores
) -> None:
    rotated = measure(Oracle(truth, rotated_degrees=90), truth).scores
    assert np.allclose(rotated.iou2d_input, exact.iou2d_input, atol=0.03)
    assert np.allclose(rotated.iou2d_novel30_relative, exact.iou2d_novel30_relative, atol=0.03)
    assert rotated.iou2d_novel30 < exact.iou2d_novel30 - 0.1
    assert rotated.iou3d_bbox < 0.8
    assert np.allclose(rotated.azimuth_degrees, 90, atol=1e-3)


def test_a_mesh_scaled_with_its_camera_is_marked_down_only_by_the_absolute_protocol(
    truth: HeldOut, exact: Scores
) -> None:
    scaled = measure(Oracle(truth, scale=1.3), truth).scores
    assert np.allclose(scaled.iou2d_novel30, exact.iou2d_novel30, atol=0.02)
    assert np.allclose(scaled.iou2d_novel30_relative, exact.iou2d_novel30_relative, atol=0.02)
    assert np.allclose(scaled.iou3d_bbox, 1)
    assert scaled.iou2d_novel30_absolute < exact.iou2d_novel30_absolute - 0.2
    assert np.allclose(scaled.distance_relative, 0.3, atol=1e-6)


def test_cameras_of_the_protocols_by_hand() -> None:
    true = np.array([[350.0, 10, 5, 0.1, 0]], np.float32)
    predicted = np.array([[20.0, 14, 6, 0, 0.3]], np.float32)
    novel = np.array([[[80.0, 20, 5, 0, 0]]], np.float32)
    cameras = novel_cameras_of(predicted, true, novel)
    assert np.allclose(cameras.canonical, [[[80, 20, 6, 0, 0]]])
    assert np.allclose(cameras.relative[..., AZIMUTH] % 360, 110)
    assert np.allclose(cameras.relative[..., ELEVATION:], [24, 6, 0, 0])
    assert np.array_equal(cameras.absolute, novel)


def test_a_constant_shape_keeps_the_camera_of_the_other_predictor(truth: HeldOut) -> None:
    oracle = Oracle(truth)
    vertices = sphere_template(1).vertices
    constant = ConstantShape(oracle, vertices, np.zeros((4, 8, 3)))
    read = constant.predict(truth.images)
    assert np.array_equal(read.cameras, oracle.cameras)
    assert read.vertices.shape == (1, 42, 3) and read.textures.shape == (1, 4, 8, 3)


def test_objects_are_measured_one_by_one_whatever_the_batch() -> None:
    template = sphere_template(2)

    class Ball:
        def __init__(self) -> None:
            self.template = template

        def predict(self, images: np.ndarray) -> Predicted:
            count = len(images)
            return Predicted(
                np.ones((count, 32, 32), np.float32),
                np.repeat(template.vertices[None] * 0.7, count, 0),
                np.full((count, 4, 8, 3), 0.5, np.float32),
                np.repeat(np.array([[0, 10, 5, 0, 0]], np.float32), count, 0),
                np.zeros(count, np.float32),
                np.tile(UNKNOWN, (count, 1)),
            )

    truth = held_out(53, 2, 32)
    measured = measure(Ball(), truth)
    last = measure(Ball(), HeldOut(*(values[52:] for values in truth)))
    assert all(len(values) == 53 for values in measured.scores)
    assert [v[52] for v in measured.scores] == pytest.approx([v[0] for v in last.scores])
    assert measured.novel.shape == (53, 2, 32, 32, 3) and measured.novel.dtype == np.uint8
    # Mid-grey on mid-grey: the ball looks like its surroundings.
    assert np.ptp(measured.renders) <= 1


def test_the_shapes_of_vehicles_are_closed() -> None:
    mesh = meshes(HELD_OUT_SEED, 0)
    edges_of(mesh.faces)


def test_grey_stands_around_the_object() -> None:
    images = np.zeros((1, 1, 2, 3))
    assert on_grey(images, np.array([[[True, False]]])).tolist() == [[[[0.0] * 3, [0.5] * 3]]]
