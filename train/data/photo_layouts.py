"""Which layout a folder of photographs has: PASCAL3D+, CUB-200-2011, or any."""

from pathlib import Path

from train.data.cub import cub, is_cub
from train.data.pascal3d import is_pascal3d, pascal3d
from train.data.photo_set import PhotoSet, plain_folder, read_photos
from train.data.photographs import PhotographsError


def read_photo_set(folder: Path, size: int, masks: Path | None = None, split: str = "") -> PhotoSet:
    """Photographs for an evaluation, with the masks, boxes and cameras that the layout gives.

    Raises:
        PhotographsError: nothing usable, or `masks` or `split` does not go with the layout.
    """
    if is_published(folder):
        if masks is not None:
            raise PhotographsError(f"{folder} brings its own annotation: leave --masks out")
        read = pascal3d if is_pascal3d(folder) else cub
        photos, skipped = read(folder, split)
    else:
        if split:
            raise PhotographsError(f"{folder} is of no layout with splits: leave --split out")
        photos, skipped = plain_folder(folder, masks)
    return read_photos(photos, size, skipped)


def read_training(folder: Path, size: int) -> PhotoSet:
    """Photographs for a training: a published data set's `train` split, or all of a folder.

    Raises:
        PhotographsError: nothing usable.
    """
    return read_photo_set(folder, size, split="train" if is_published(folder) else "")


def is_published(folder: Path) -> bool:
    """Whether a folder has one of the published layouts."""
    return is_pascal3d(folder) or is_cub(folder)
