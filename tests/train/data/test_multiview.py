import numpy as np
import pytest
import torch

from graphics.camera import azimuth_difference_degrees
from train.config import MultiviewConfig
from train.data.multiview import (
    MultiviewData,
    MultiviewError,
    asked_cameras,
    plan_views,
    seen_ranges,
)

OBJECTS = np.array([0, 3, 0, 3, 3, 7, 7, 0, 3], np.int32)


@pytest.fixture
def folder(tmp_path):
    count = len(OBJECTS)
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((8, 8, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "masks.npy", np.full((count, 8, 8), 255, np.uint8))
    viewpoint = np.arange(count, dtype=np.int32) % 4
    np.savez(tmp_path / "index.npz", object=OBJECTS, viewpoint=viewpoint)
    cameras = np.tile(np.array([[30, 10, 5, 0, 0]], np.float32), (4, 1))
    np.savez(tmp_path / "viewpoints.npz", cameras=cameras, codes=np.zeros((4, 64), np.float32))
    np.savez(tmp_path / "contents.npz", codes=np.zeros((8, 64), np.float32))
    return tmp_path


def test_pairs_are_different_images_of_one_object(folder):
    data = MultiviewData(folder)
    pairs = data.sample_pairs(500, torch.Generator().manual_seed(0))
    assert pairs.shape == (500, 2)
    assert np.array_equal(OBJECTS[pairs[:, 0]], OBJECTS[pairs[:, 1]])
    assert (pairs[:, 0] != pairs[:, 1]).all()


def test_some_views_are_the_first_of_every_object(folder):
    data = MultiviewData(folder)
    assert data.some_views(1).tolist() == [0, 1, 5]
    assert data.some_views(2).tolist() == [0, 2, 1, 3, 5, 6]
    assert sorted(data.some_views(9).tolist()) == list(range(len(OBJECTS)))


def test_every_image_is_as_likely_as_any_other(folder):
    drawn = MultiviewData(folder).sample_pairs(9000, torch.Generator().manual_seed(1), views=1)
    counts = np.bincount(drawn.ravel(), minlength=len(OBJECTS))
    assert counts.min() > 850 and counts.max() < 1150


def test_the_generator_decides_the_draw(folder):
    data = MultiviewData(folder)
    first, second = (data.sample_pairs(20, torch.Generator().manual_seed(5)) for _ in range(2))
    assert np.array_equal(first, second)
    generator = torch.Generator().manual_seed(5)
    data.sample_pairs(20, generator)
    assert not np.array_equal(first, data.sample_pairs(20, generator))


def test_images_come_in_0_1_and_channels_first(folder):
    data = MultiviewData(folder)
    images, masks = data.load(np.array([8, 2]))
    assert images.shape == (2, 3, 8, 8) and masks.shape == (2, 8, 8)
    assert torch.allclose(images[:, 0, 0, 0], torch.tensor([8 / 255, 2 / 255]))
    assert masks.unique().tolist() == [1.0]
    assert data.initial_cameras.shape == (4, 5)


def test_more_views_than_the_smallest_object_has_are_refused(folder):
    with pytest.raises(MultiviewError, match=r"3 views.*smallest has 2"):
        MultiviewData(folder).sample_pairs(4, torch.Generator(), views=3)


def test_an_unfinished_folder_names_the_stage(tmp_path):
    with pytest.raises(MultiviewError, match="run stage `multiview`"):
        MultiviewData(tmp_path)


def test_lengths_that_differ_are_refused(folder):
    np.save(folder / "masks.npy", np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(MultiviewError, match="9 images, 3 masks"):
        MultiviewData(folder)


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


def test_the_ranges_of_a_camera_are_those_of_the_views_rounded_outwards(tmp_path):
    cameras = asked_cameras(960, 1, (0.62, 29.4), (5.02, 6.18))
    np.savez(tmp_path / "cameras.npz", cameras=cameras)
    ranges = seen_ranges(tmp_path / "cameras.npz")
    assert ranges == {"elevation_degrees": [0.0, 30.0], "distance": [5.0, 6.2]}


def test_unlabelled_elevations_are_those_of_the_objects_and_unlabelled_distances_have_no_range(
    tmp_path,
):
    elevations = np.array([3.2, 17.9], np.float32)
    np.savez(tmp_path / "cameras.npz", cameras=asked_cameras(9, 1, None), elevations=elevations)
    assert seen_ranges(tmp_path / "cameras.npz") == {"elevation_degrees": [3.0, 18.0]}
