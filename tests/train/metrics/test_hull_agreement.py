import numpy as np
import pytest

from train.data import vehicles
from train.evaluation.gates import LEAST_HULL, hulls_gate
from train.metrics.hull_agreement import VIEWS, hull_ious

OBJECTS = 6


@pytest.fixture(scope="module")
def views():
    """Plain vehicles, eight views of each all around: masks, their objects and cameras."""
    rng = np.random.default_rng(3)
    objects = np.repeat(np.arange(OBJECTS), VIEWS)
    cameras = np.zeros((len(objects), 5), np.float32)
    cameras[:, 0] = (np.tile(np.arange(VIEWS) * 45, OBJECTS) + rng.uniform(-15, 15, 48)) % 360
    cameras[:, 1:3] = rng.uniform((0, 5), (25, 6), (len(objects), 2))
    return vehicles.views(7, objects, cameras, 64).masks, objects, cameras


def judged(masks, objects, cameras):
    return hulls_gate(hull_ious(masks, objects, cameras, OBJECTS))


def test_right_cameras_pass_also_where_distances_are_unknown(views):
    masks, objects, cameras = views
    assert judged(*views).measured > 0.95
    unknown = cameras.copy()
    unknown[:, 2] = np.nan
    gate = judged(masks, objects, unknown)
    assert gate.verdict == "passed" and gate.measured > LEAST_HULL + 0.1


def test_mirrored_and_shuffled_cameras_and_those_of_other_views_fail(views):
    masks, objects, cameras = views
    mirrored = cameras * np.float32([-1, 1, 1, 1, 1])
    shuffled = cameras.reshape(OBJECTS, VIEWS, 5)[:, [3, 6, 1, 4, 7, 2, 5, 0]].reshape(-1, 5)
    for wrong in (mirrored, shuffled):
        gate = judged(masks, objects, wrong)
        assert gate.failed and "No shape has such outlines" in gate.sentence
    assert judged(masks[::-1], objects, cameras).failed


def test_objects_with_too_few_views_or_empty_masks_are_left_out(views):
    masks, objects, cameras = views
    assert len(hull_ious(masks[:-1], objects[:-1], cameras[:-1], OBJECTS)) == OBJECTS - 1
    emptied = masks.copy()
    emptied[0] = 0
    assert len(hull_ious(emptied, objects, cameras, OBJECTS)) == OBJECTS - 1
    assert len(hull_ious(masks, objects, cameras, 2)) == 2
