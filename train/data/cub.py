"""CUB-200-2011 (Wah et al. 2011) as it is published: photographs of birds with boxes and masks.

    CUB_200_2011/images.txt                 1 001.Black_footed_Albatross/Black_Footed_..._18.jpg
    CUB_200_2011/bounding_boxes.txt         1 60.0 27.0 325.0 304.0    left, top, width, height
    CUB_200_2011/train_test_split.txt       1 0                        1: training
    CUB_200_2011/images/001.Black_footed_Albatross/Black_Footed_..._18.jpg
    CUB_200_2011/segmentations/001.Black_footed_Albatross/Black_Footed_..._18.png

The segmentations are an archive of their own; they may also lie beside the folder. It has no
cameras.
"""

from pathlib import Path

from train.data.photo_set import Photo
from train.data.photographs import PhotographsError, Skipped

SPLITS = {"train": "1", "test": "0"}
"""Name -> what `train_test_split.txt` writes for it."""


def is_cub(folder: Path) -> bool:
    """Whether a folder is the data set."""
    return (folder / "images.txt").is_file() and (folder / "bounding_boxes.txt").is_file()


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
    segmentations = next(
        (place for place in (folder / "segmentations", folder.parent / "segmentations")
         if place.is_dir()), None,
    )  # fmt: skip
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
