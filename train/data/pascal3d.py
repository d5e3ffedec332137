"""PASCAL3D+ (Xiang et al. 2014) as it is published: photographs with cameras, by annotators.

    PASCAL3D+_release1.1/Images/car_imagenet/n02814533_10040.JPEG
    PASCAL3D+_release1.1/Annotations/car_imagenet/n02814533_10040.mat
    PASCAL3D+_release1.1/Image_sets/car_imagenet_val.txt

A folder of `Images` is named, such as `Images/car_imagenet`. Its azimuth is this project's: 0 faces
the front, and it grows counter-clockwise seen from above; elevation too. Distances are in units of
CAD models and of a focal length of their own, so that they are not taken over; nor is the roll.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from train.data.photo_set import Photo
from train.data.photographs import PhotographsError, Skipped, pictures_below


def is_pascal3d(folder: Path) -> bool:
    """Whether a folder is the data set or one of its folders of images."""
    return _is_root(folder) or (folder.parent.name == "Images" and _is_root(folder.parent.parent))


def pascal3d(folder: Path, split: str = "") -> tuple[list[Photo], list[Skipped]]:
    """Every annotated object of a folder of images that is whole and has a measured camera.

    `split`: `train` or `val`, as listed in `Image_sets`; all where it is empty.

    Raises:
        PhotographsError: several folders to choose from, or an unknown split.
    """
    if _is_root(folder):
        names = sorted(path.name for path in (folder / "Images").iterdir() if path.is_dir())
        if len(names) != 1:
            raise PhotographsError(
                f"{folder} holds {', '.join(names) or 'no folder of images'}: name one of them, "
                f"as {folder}/Images/car_imagenet"
            )
        folder = folder / "Images" / names[0]
    annotations = folder.parents[1] / "Annotations" / folder.name
    category = folder.name.rsplit("_", 1)[0]
    images = {path.stem: path for path in pictures_below(folder)}
    photos: list[Photo] = []
    skipped: list[Skipped] = []
    for stem in _stems(folder, annotations, split):
        try:
            objects = _objects(annotations / f"{stem}.mat")
            if (image := images.get(stem)) is None:
                raise ValueError("its image is missing")
        except Exception as error:  # SciPy's reader raises a dozen kinds for damaged files
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


def _is_root(folder: Path) -> bool:
    return (folder / "Annotations").is_dir() and (folder / "Images").is_dir()


def _stems(folder: Path, annotations: Path, split: str) -> list[str]:
    if not split:
        return sorted(path.stem for path in annotations.glob("*.mat"))
    listed = folder.parents[1] / "Image_sets" / f"{folder.name}_{split}.txt"
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
