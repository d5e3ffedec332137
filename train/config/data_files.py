"""What belongs to a folder or file of data and lies outside it: annotations, masks, weights."""

import csv
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any


def is_cub(folder: Path) -> bool:
    """Whether a folder is CUB-200-2011."""
    return (folder / "images.txt").is_file() and (folder / "bounding_boxes.txt").is_file()


def cub_segmentations(folder: Path) -> Path | None:
    """The folder of its masks, within it or beside it; None: there is none."""
    places = (folder / "segmentations", folder.parent / "segmentations")
    return next(filter(Path.is_dir, places), None)


def is_pascal3d_root(folder: Path) -> bool:
    """Whether a folder is PASCAL3D+ as a whole."""
    return (folder / "Annotations").is_dir() and (folder / "Images").is_dir()


def is_pascal3d(folder: Path) -> bool:
    """Whether a folder is PASCAL3D+ or one of its folders of images."""
    in_images = folder.parent.name == "Images"
    return is_pascal3d_root(folder) or (in_images and is_pascal3d_root(folder.parent.parent))


def pascal3d_annotations(images: Path) -> Path:
    """The folder of the annotations of a folder of images."""
    return images.parents[1] / "Annotations" / images.name


def pascal3d_list(images: Path, split: str) -> Path:
    """The list of the names of a split."""
    return images.parents[1] / "Image_sets" / f"{images.name}_{split}.txt"


def outside(path: Path) -> list[Path]:
    """Files that belong to a folder of photographs, or to an ONNX file, and lie outside it."""
    if path.is_file():
        return _weights(path) if path.suffix == ".onnx" else []
    found: Iterable[Path] = _listed(path)
    if is_cub(path):
        masks = cub_segmentations(path)
        found = chain(found, masks.rglob("*") if masks else ())
    elif is_pascal3d(path) and not is_pascal3d_root(path):
        annotations = pascal3d_annotations(path)
        found = chain(found, annotations.glob("*.mat"), [pascal3d_list(path, "train")])
    inside = path.resolve()
    return [f for f in found if f.is_file() and not f.resolve().is_relative_to(inside)]


def _listed(folder: Path) -> list[Path]:
    """What the table of a folder names; [] where it cannot be read, which its readers tell."""
    try:
        with (folder / "photos.csv").open(newline="", encoding="utf-8-sig") as table:
            return [folder / row["file"] for row in csv.DictReader(table) if row.get("file")]
    except (OSError, ValueError, csv.Error):
        return []


def _weights(path: Path) -> list[Path]:
    """The files in which an ONNX file keeps large arrays; [] where it is none, which is told."""
    import onnx  # a refused command waits for nothing

    try:
        model: Any = onnx.load(str(path), load_external_data=False)
    except Exception:  # protobuf's errors share no ancestor
        return []
    external = (array for array in model.graph.initializer if array.external_data)
    locations = {one.value for array in external for one in array.external_data
                 if one.key == "location"}  # fmt: skip
    return [path.parent / name for name in sorted(locations)]
