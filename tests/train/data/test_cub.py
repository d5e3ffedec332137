from pathlib import Path

import numpy as np
import pytest

from tests.train.data.photo_folders import BOX, write_cub
from train.data.cub import cub, is_cub
from train.data.photo_layouts import read_photo_set, read_training
from train.data.photographs import PhotographsError


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
