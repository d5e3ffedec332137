import numpy as np
import pytest

from graphics.camera import NOMINAL_DISTANCE
from train.pose.estimators import Labels, averaged, labelled_range, without


def labels_at(azimuths, disagreements=0.0) -> Labels:
    cameras = np.zeros((len(azimuths), 5), np.float32)
    cameras[:, 0], cameras[:, 2] = azimuths, NOMINAL_DISTANCE
    ones = np.ones(len(azimuths), np.float32)
    return Labels(cameras, ones / 2, ones * np.float32(disagreements))


def test_columns_that_one_estimator_lacks_come_from_another():
    partial = labels_at([0, 0])
    partial.cameras[:, 2:] = np.nan
    partial.cameras[1, 1] = np.nan
    complete = labels_at([0, 0])
    complete.cameras[:, 1:3] = 8, 6
    assert np.allclose(averaged([partial, complete]).cameras, [[0, 4, 6, 0, 0], [0, 8, 6, 0, 0]])
    silent = averaged([partial, partial]).cameras
    assert np.isnan(silent[:, 2:]).all() and np.isnan(silent[1, 1]) and (silent[0, :2] == 0).all()


def test_columns_left_out_are_unlabelled_and_the_rest_stays():
    said = labels_at([10, 20])
    silent = without(lambda images: said, 1, 4)(None)
    assert np.isnan(silent.cameras[:, [1, 4]]).all()
    assert np.array_equal(np.delete(silent.cameras, (1, 4), 1), np.delete(said.cameras, (1, 4), 1))
    assert not np.isnan(said.cameras).any() and silent[1:] == said[1:]


def test_the_range_of_distances_is_that_of_those_told():
    cameras = labels_at(np.zeros(101)).cameras
    cameras[:, 2] = np.linspace(4, 6, 101)
    cameras[50] = np.nan
    assert labelled_range(cameras, 2) == pytest.approx((4.04, 5.96), abs=0.02)
    assert labelled_range(cameras[50:51], 2) is None


def test_estimators_that_disagree_say_so_and_their_mean_goes_the_short_way_round():
    said = [labels_at([10, 170, 0], 3), labels_at([20, -170, 180]), labels_at([12, 178, 0])]
    found = averaged(said)
    assert found.disagreements == pytest.approx([10, 20, 180], abs=1e-3)
    assert found.cameras[0, 0] == pytest.approx(14, abs=0.1)
    assert abs(found.cameras[1, 0]) == pytest.approx(179.3, abs=0.2)
    assert (found.cameras[:, 2] == NOMINAL_DISTANCE).all()
    assert found.confidences == pytest.approx([0.5] * 3)
