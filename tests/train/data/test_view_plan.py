import numpy as np

from graphics.camera import azimuth_difference_degrees
from train.config import MultiviewConfig
from train.data.view_plan import asked_cameras, plan_views


def test_every_object_is_seen_from_all_around():
    cameras = asked_cameras(96, seed=3)
    objects, viewpoints = plan_views(cameras, MultiviewConfig(objects=50, views=12), 1)
    assert np.bincount(objects).tolist() == [12] * 50
    azimuths = np.sort(cameras[viewpoints, 0].reshape(50, 12), axis=1)
    gaps = np.diff(np.concatenate([azimuths, azimuths[:, :1] + 360], axis=1))
    assert gaps.max() < 65 and gaps.min() > 0
    assert len(np.unique(viewpoints)) > 90


def test_asked_cameras_cover_the_range_of_the_photographs():
    cameras = asked_cameras(48, seed=1)
    assert azimuth_difference_degrees(cameras[:, 0], (np.arange(48) + 0.5) * 7.5).max() <= 3.76
    assert 0 <= cameras[:, 1].min() < 1 and 29 < cameras[:, 1].max() <= 30
    assert abs(np.corrcoef(cameras[:, 0], cameras[:, 1])[0, 1]) < 0.4
    assert np.isnan(cameras[:, 2]).all() and (cameras[:, 3:] == 0).all()


def test_distances_are_asked_for_where_they_are_known():
    cameras = asked_cameras(48, seed=1, distances=(4.0, 7.0))
    distances = np.sort(cameras[:, 2])
    assert np.abs(distances - 4 - (np.arange(48) + 0.5) / 16).max() <= 0.5 / 16 + 1e-6
    assert abs(np.corrcoef(cameras[:, 0], cameras[:, 2])[0, 1]) < 0.4
    assert abs(np.corrcoef(cameras[:, 1], cameras[:, 2])[0, 1]) < 0.4
    assert np.array_equal(cameras[:, :2], asked_cameras(48, seed=1)[:, :2])


def test_elevations_lie_in_the_range_that_is_given():
    elevations = np.sort(asked_cameras(48, seed=1, elevations=(5.0, 17.0))[:, 1])
    assert np.abs(elevations - 5 - (np.arange(48) + 0.5) / 4).max() <= 0.5 / 4 + 1e-6


def test_without_elevations_none_is_asked_for():
    cameras = asked_cameras(48, seed=1, elevations=None, distances=(4.0, 7.0))
    assert np.isnan(cameras[:, 1]).all()
    labelled = asked_cameras(48, seed=1, distances=(4.0, 7.0))
    assert np.array_equal(np.delete(cameras, 1, axis=1), np.delete(labelled, 1, axis=1))
