"""Folders of photographs: PASCAL3D+ and CUB-200-2011 as they are published, or any other folder.

CUB-200-2011 (Wah et al. 2011) has birds with boxes and masks, without cameras:

    CUB_200_2011/images.txt                 1 001.Black_footed_Albatross/Black_Footed_..._18.jpg
    CUB_200_2011/bounding_boxes.txt         1 60.0 27.0 325.0 304.0    left, top, width, height
    CUB_200_2011/train_test_split.txt       1 0                        1: training
    CUB_200_2011/images/001.Black_footed_Albatross/Black_Footed_..._18.jpg
    CUB_200_2011/segmentations/001.Black_footed_Albatross/Black_Footed_..._18.png

The segmentations are an archive of their own; they may also lie beside the folder.

PASCAL3D+ (Xiang et al. 2014) has photographs with cameras by annotators:

    PASCAL3D+_release1.1/Images/car_imagenet/n02814533_10040.JPEG
    PASCAL3D+_release1.1/Annotations/car_imagenet/n02814533_10040.mat
    PASCAL3D+_release1.1/Image_sets/car_imagenet_val.txt

The user names a folder of `Images`, such as `Images/car_imagenet`. Its azimuths and elevations are
this project's. Its distances, in units of CAD models at a focal length of their own, are left out,
and so is the roll.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from train.config.data_files import (
    cub_segmentations,
    is_cub,
    is_pascal3d,
    is_pascal3d_root,
    pascal3d_annotations,
    pascal3d_list,
)  # fmt: skip
from train.data.photo_set import (
    Photo,
    PhotographsError,
    PhotoSet,
    Skipped,
    pictures_below,
    plain_folder,
    read_photos,
)

SPLITS = {"train": "1", "test": "0"}  # name -> what `train_test_split.txt` writes for it


def cub(folder: Path, split: str = "") -> tuple[list[Photo], list[Skipped]]:
    """Every bird, with its mask where the segmentations are there, else with its box.

    `split`: `train` or `test`; all where it is empty.

    Raises:
        PhotographsError: a list is not readable, or the split unknown.
    """
    if split and split not in SPLITS:
        raise PhotographsError(f"--split {split}: one of {', '.join(SPLITS)}")
    names = _table(folder / "images.txt")
    boxes = _table(folder / "bounding_boxes.txt")
    if split:
        which = _table(folder / "train_test_split.txt")
        names = {key: name for key, name in names.items() if which.get(key) == [SPLITS[split]]}
    segmentations = cub_segmentations(folder)
    photos: list[Photo] = []
    skipped: list[Skipped] = []
    for key, (name, *_) in names.items():
        try:
            left, top, width, height = (float(value) for value in boxes[key])
        except (KeyError, ValueError) as error:
            skipped.append(Skipped(name, f"no box in bounding_boxes.txt ({error!r})"))
            continue
        mask = segmentations / Path(name).with_suffix(".png") if segmentations else None
        if mask is not None and not mask.is_file():
            skipped.append(Skipped(name, "it has no segmentation, others have"))
            continue
        box = (left, top, left + width, top + height)
        photos.append(Photo(name, folder / "images" / name, mask, box))
    return photos, skipped


def _table(path: Path) -> dict[str, list[str]]:
    """Lines of a list by their first word."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PhotographsError(f"{path} is not readable ({error})") from error
    words = [line.split() for line in lines if line.strip()]
    if short := [line for line in words if len(line) < 2]:
        raise PhotographsError(
            f"{path}: {short[0][0]!r} stands alone; each line is a number and more"
        )
    return {first: rest for first, *rest in words}


def pascal3d(folder: Path, split: str = "") -> tuple[list[Photo], list[Skipped]]:
    """Every annotated object of a folder of images that is whole and has a measured camera.

    `split`: `train` or `val`, as listed in `Image_sets`; all where it is empty.

    Raises:
        PhotographsError: several folders to choose from, or an unknown split.
    """
    if is_pascal3d_root(folder):
        names = sorted(path.name for path in (folder / "Images").iterdir() if path.is_dir())
        if len(names) != 1:
            raise PhotographsError(
                f"{folder} holds {', '.join(names) or 'no folder of images'}: name one of them, "
                f"as {folder}/Images/car_imagenet"
            )
        folder = folder / "Images" / names[0]
    annotations = pascal3d_annotations(folder)
    category = folder.name.rsplit("_", 1)[0]
    images = {path.stem: path for path in pictures_below(folder)}
    photos: list[Photo] = []
    skipped: list[Skipped] = []
    for stem in _stems(folder, annotations, split):
        try:
            objects = _objects(annotations / f"{stem}.mat")
            if (image := images.get(stem)) is None:
                raise ValueError("its image is missing")
        except Exception as error:  # SciPy raises a dozen kinds for damaged files
            skipped.append(Skipped(stem, f"{type(error).__name__}: {error}"))
            continue
        for number, thing in enumerate(objects):
            if str(thing.__dict__.get("class")) != category:
                continue
            name = f"{stem}#{number}"
            try:
                photos.append(_photo(name, image, thing))
            except (ValueError, AttributeError, TypeError) as error:
                skipped.append(Skipped(name, str(error)))
    return photos, skipped


def _stems(folder: Path, annotations: Path, split: str) -> list[str]:
    if not split:
        return sorted(path.stem for path in annotations.glob("*.mat"))
    listed = pascal3d_list(folder, split)
    try:
        return listed.read_text().split()
    except OSError as error:
        raise PhotographsError(f"{listed} is not readable ({error}); leave --split out") from error


def _objects(path: Path) -> list[Any]:
    """The annotated objects of a file; a struct of MATLAB's `record.objects`."""
    record = loadmat(path, squeeze_me=True, struct_as_record=False)["record"]
    return list(np.atleast_1d(record.objects))


def _photo(name: str, image: Path, thing: Any) -> Photo:
    """One object; `ValueError` where it is not whole or its camera was not measured."""
    for flaw in ("truncated", "occluded", "difficult"):
        if int(getattr(thing, flaw, 0)):
            raise ValueError(f"it is annotated as {flaw}")
    viewpoint = thing.viewpoint
    if not hasattr(viewpoint, "azimuth") or not float(getattr(viewpoint, "distance", 0)):
        raise ValueError("its camera is annotated only coarsely")
    box = tuple(np.asarray(thing.bbox, float))
    if len(box) != 4:
        raise ValueError(f"its bbox has {len(box)} numbers; it must have 4")
    # MATLAB counts pixels from 1, and the last one belongs to the box.
    left, top, right, bottom = box
    camera = (float(viewpoint.azimuth), float(viewpoint.elevation))
    return Photo(name, image, box=(left - 1, top - 1, right, bottom), camera=camera)


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


def read_training(folder: Path, size: int, masks: Path | None = None) -> PhotoSet:
    """Photographs for a training: a published data set's `train` split, or all of a folder.

    `masks`: a folder with the masks of all of them.

    Raises:
        PhotographsError: nothing usable.
    """
    return read_photo_set(folder, size, masks, split="train" if is_published(folder) else "")


def is_published(folder: Path) -> bool:
    """Whether a folder has one of the published layouts."""
    return is_pascal3d(folder) or is_cub(folder)
