from pathlib import Path

import numpy as np
import pytest

from graphics.frames import FRAME
from tests.train.data.photo_folders import BOX, write_cub, write_pascal3d
from train.data.photo_layouts import (
    cub,
    is_cub,
    is_pascal3d,
    pascal3d,
    read_photo_set,
    read_training,
)
from train.data.picture_files import PhotographsError


def test_birds_come_with_their_boxes(tmp_path: Path) -> None:
    root = write_cub(tmp_path / "CUB_200_2011", segmentations=False)
    photos, skipped = cub(root)
    assert is_cub(root) and not is_cub(tmp_path)
    assert [Path(photo.name).stem for photo in photos] == ["Albatross_0", "Albatross_1"]
    assert photos[0].box == BOX and photos[0].mask is None
    assert len(skipped) == 1 and "no box" in skipped[0].reason
    found = read_photo_set(root, 40)
    assert not found.masked.any() and len(found.images) == 2


@pytest.mark.parametrize("beside", [False, True], ids=["inside", "beside"])
def test_segmentations_are_masks(tmp_path: Path, beside: bool) -> None:
    root = write_cub(tmp_path / "CUB_200_2011", segmentations=True)
    if beside:
        (root / "segmentations").rename(tmp_path / "segmentations")
    found = read_photo_set(root, 40)
    assert found.masked.all()
    bright = found.scenes[0, ..., 0] > 135
    assert np.mean((found.masks[0] > 0.5) == bright) > 0.97
    training = read_training(root, 40)
    assert len(training.images) == 1 and training.masked.all()


def test_splits(tmp_path: Path) -> None:
    root = write_cub(tmp_path / "CUB_200_2011", segmentations=False)
    assert [Path(photo.name).stem for photo in cub(root, "train")[0]] == ["Albatross_0"]
    assert [Path(photo.name).stem for photo in cub(root, "test")[0]] == ["Albatross_1"]
    with pytest.raises(PhotographsError, match="one of train, test"):
        cub(root, "val")
    (root / "train_test_split.txt").write_text("1\n")
    with pytest.raises(PhotographsError, match="'1' stands alone"):
        cub(root, "test")
    (root / "train_test_split.txt").unlink()
    with pytest.raises(PhotographsError, match="train_test_split"):
        cub(root, "test")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_pascal3d(tmp_path / "PASCAL3D+_release1.1")


def test_whole_cars_come_with_box_and_camera(images: Path) -> None:
    photos, skipped = pascal3d(images)
    assert [photo.name for photo in photos] == ["a#0", "b#0"]
    assert [photo.camera for photo in photos] == [(30.0, 12.0), (200.0, 5.0)]
    assert photos[0].box == BOX and photos[0].path == images / "a.JPEG"
    reasons = {item.name: item.reason for item in skipped}
    assert set(reasons) == {"b#2", "c#0", "d", "e", "f"}
    assert "truncated" in reasons["b#2"] and "coarsely" in reasons["c#0"]
    assert "image is missing" in reasons["d"]


def test_the_object_is_cut_out_and_its_camera_kept(images: Path) -> None:
    found = read_photo_set(images, 40)
    assert found.cameras[:, :2].tolist() == [[30, 12], [200, 5]]
    assert np.isnan(found.cameras[:, 2:]).all() and not found.masked.any()
    columns = np.flatnonzero((found.images[0, ..., 0] > 150).any(axis=0))
    assert np.ptp(columns) / 40 == pytest.approx(1 / FRAME, abs=0.06)
    with pytest.raises(PhotographsError, match="leave --masks out"):
        read_photo_set(images, 40, masks=images)


def test_splits_are_those_that_are_listed(images: Path) -> None:
    assert [photo.name for photo in pascal3d(images, "val")[0]] == ["a#0"]
    assert read_training(images, 32).names == ["b#0"]
    with pytest.raises(PhotographsError, match="leave --split out"):
        pascal3d(images, "test")
    (images.parents[1] / "Image_sets" / "car_imagenet_test.txt").touch()
    with pytest.raises(PhotographsError, match="no photograph in the list"):
        read_photo_set(images, 40, split="test")


def test_the_root_stands_for_its_only_folder_of_images(images: Path) -> None:
    root = images.parents[1]
    assert is_pascal3d(root) and is_pascal3d(images) and not is_pascal3d(root / "Images")
    assert pascal3d(root) == pascal3d(images)
    (root / "Images" / "bus_pascal").mkdir()
    with pytest.raises(PhotographsError, match="bus_pascal, car_imagenet: name one"):
        pascal3d(root)
