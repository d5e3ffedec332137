import numpy as np
import pytest

from graphics.azimuth import UNKNOWN
from graphics.camera import AZIMUTH, DISTANCE, ELEVATION
from graphics.mesh import sphere_template
from graphics.render import render
from train.evaluation.benchmark import Predicted
from train.evaluation.refinement import RefinedPredictor, refine
from train.evaluation.renders import render_on_grey
from train.metrics.mask_iou import mask_iou

SIZE = 32
TEMPLATE = sphere_template(2)
CAMERAS = np.array([[30, 10, 5, 0, 0], [140, 20, 5, 0.05, 0]], np.float32)


@pytest.fixture(scope="module")
def photographs() -> tuple[np.ndarray, np.ndarray]:
    """Two red ellipsoids on black, and their masks."""
    vertices = TEMPLATE.vertices * np.array([[[0.4, 0.3, 0.9]], [[0.5, 0.5, 0.8]]], np.float32)
    textures = np.full((2, 8, 16, 3), (0.8, 0.2, 0.1), np.float32)
    rendered = render(vertices, textures, CAMERAS, TEMPLATE, SIZE, samples=4)
    return np.rint(rendered.images * 255).astype(np.uint8), rendered.masks


def guess(masks: np.ndarray) -> Predicted:
    """Grey ellipsoids at cameras that are a little wrong."""
    count = len(masks)
    cameras = CAMERAS[:count].copy()
    cameras[:, ELEVATION] += 4
    cameras[:, DISTANCE] += 0.3
    return Predicted(
        masks,
        np.repeat(TEMPLATE.vertices[None] * np.array([0.5, 0.42, 0.75], np.float32), count, 0),
        np.full((count, 8, 16, 3), 0.5, np.float32),
        cameras,
        np.full(count, 0.7, np.float32),
        np.tile(UNKNOWN, (count, 1)),
    )


def overlap(read: Predicted) -> np.ndarray:
    rendered = render_on_grey(read.vertices, read.textures, read.cameras, TEMPLATE, SIZE)
    return mask_iou(rendered.masks, read.masks)


def test_predictions_move_towards_their_photographs(
    photographs: tuple[np.ndarray, np.ndarray],
) -> None:
    images, masks = photographs
    before = guess(masks)
    after = refine(before, images, TEMPLATE, 40)
    assert np.all(overlap(after) > overlap(before)) and overlap(after).min() > 0.8
    # What was seen has become redder; confidences and masks are as they were.
    red = after.textures[..., 0] - after.textures[..., 2]
    assert red.max(axis=(1, 2)).min() > 0.2
    assert np.array_equal(after.masks, masks) and np.allclose(after.confidences, 0.7)
    assert after.vertices.dtype == np.float32 and after.textures.shape == before.textures.shape


def test_what_was_symmetric_stays_symmetric(photographs: tuple[np.ndarray, np.ndarray]) -> None:
    images, masks = photographs
    after = refine(guess(masks), images, TEMPLATE, 5)
    mirrored = after.vertices[:, TEMPLATE.mirror] * np.array([-1, 1, 1], np.float32)
    assert np.allclose(mirrored, after.vertices, atol=1e-5)
    assert np.allclose(after.textures, after.textures[:, :, ::-1], atol=1e-5)
    assert not np.array_equal(after.cameras[:, AZIMUTH], CAMERAS[:, AZIMUTH])


def test_photographs_are_refined_each_by_itself(
    photographs: tuple[np.ndarray, np.ndarray],
) -> None:
    images, masks = photographs
    both = refine(guess(masks), images, TEMPLATE, 8)
    alone = refine(guess(masks[:1]), images[:1], TEMPLATE, 8)
    assert np.allclose(both.vertices[0], alone.vertices[0], atol=1e-4)
    assert np.allclose(both.cameras[0], alone.cameras[0], atol=1e-3)


def test_a_photograph_without_an_object_harms_no_other(
    photographs: tuple[np.ndarray, np.ndarray],
) -> None:
    images, masks = photographs
    empty = masks.copy()
    empty[1] = 0
    after = refine(guess(empty), images, TEMPLATE, 8)
    alone = refine(guess(masks[:1]), images[:1], TEMPLATE, 8)
    assert all(np.isfinite(values).all() for values in after)
    assert np.allclose(after.vertices[0], alone.vertices[0], atol=1e-4)


def test_a_refined_predictor_refines_what_another_predicts(
    photographs: tuple[np.ndarray, np.ndarray],
) -> None:
    images, masks = photographs

    class Guess:
        template = TEMPLATE

        def predict(self, images: np.ndarray) -> Predicted:
            return guess(masks[: len(images)])

    read = RefinedPredictor(Guess(), 6).predict(images)
    assert np.array_equal(read.vertices, refine(guess(masks), images, TEMPLATE, 6).vertices)
