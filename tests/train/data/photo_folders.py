"""Small data sets in the layouts they are published in: a bright disc on dark ground."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

WIDTH, HEIGHT = 96, 64
BOX = (50, 10, 80, 40)
"""Left, top, right, bottom of the disc."""


def disc() -> np.ndarray:
    """Where the disc is, bool [64, 96]."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return (x - 65) ** 2 + (y - 25) ** 2 < 15**2


def picture(colour: tuple[int, int, int] = (230, 200, 40)) -> Image.Image:
    pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    pixels[disc()] = colour
    return Image.fromarray(pixels)


def mask() -> Image.Image:
    return Image.fromarray(disc().astype(np.uint8) * 255)


def write_pascal3d(root: Path) -> Path:
    """`Images/car_imagenet` with six images; returns that folder.

    a: one car; b: a car and a bus, a truncated car; c: a car whose camera is coarse; d: no image;
    e: a file that is none; f: MATLAB, but no annotation.
    """
    images, annotations = (root / name / "car_imagenet" for name in ("Images", "Annotations"))
    for folder in (images, annotations, root / "Image_sets"):
        folder.mkdir(parents=True)
    annotate(annotations / "a.mat", [car(30.0, 12.0)])
    annotate(
        annotations / "b.mat",
        [car(200.0, 5.0), {**car(0.0, 0.0), "class": "bus"}, {**car(1.0, 2.0), "truncated": 1}],
    )
    annotate(annotations / "c.mat", [car(10.0, 0.0, distance=0.0)])
    annotate(annotations / "d.mat", [car(10.0, 0.0)])
    (annotations / "e.mat").write_bytes(b"not MATLAB")
    savemat(annotations / "f.mat", {"something": 1})
    for stem in "abcef":
        picture().save(images / f"{stem}.JPEG", quality=95)
    (root / "Image_sets" / "car_imagenet_val.txt").write_text("a\nc\n")
    (root / "Image_sets" / "car_imagenet_train.txt").write_text("b\n")
    return images


def car(azimuth: float, elevation: float, distance: float = 7.0) -> dict:
    left, top, right, bottom = BOX
    return {
        "class": "car",
        "bbox": np.array([left + 1.0, top + 1, right, bottom]),  # from 1, the last one included
        "truncated": 0,
        "occluded": 0,
        "difficult": 0,
        "viewpoint": {
            "azimuth_coarse": 30.0, "elevation_coarse": 0.0, "azimuth": azimuth,
            "elevation": elevation, "distance": distance, "focal": 1.0, "theta": 0.0,
            "px": 48.0, "py": 32.0, "viewport": 3000.0,
        },
    }  # fmt: skip


def annotate(path: Path, objects: list[dict]) -> None:
    """A struct array where there are several, as MATLAB saves it."""
    if len(objects) == 1:
        savemat(path, {"record": {"filename": path.stem, "objects": objects[0]}})
        return
    kinds = [(key, object) for key in objects[0]]
    array = np.empty((1, len(objects)), kinds)
    for number, thing in enumerate(objects):
        array[0, number] = tuple(thing[key] for key, _ in kinds)
    savemat(path, {"record": {"filename": path.stem, "objects": array}})


def write_cub(root: Path, segmentations: bool) -> Path:
    """Three birds, the third without a box; the second of the test split."""
    species = "001.Black_footed_Albatross"
    names = [f"{species}/Albatross_{number}.jpg" for number in range(3)]
    (root / "images" / species).mkdir(parents=True)
    left, top, right, bottom = BOX
    box = f"{left}.0 {top}.0 {right - left}.0 {bottom - top}.0"
    lists = {
        "images.txt": [f"{n + 1} {name}" for n, name in enumerate(names)],
        "bounding_boxes.txt": [f"1 {box}", f"2 {box}"],
        "train_test_split.txt": ["1 1", "2 0", "3 1"],
        "classes.txt": [f"1 {species}"],
    }
    for name, lines in lists.items():
        (root / name).write_text("\n".join(lines) + "\n")
    for name in names:
        picture().save(root / "images" / name, quality=95)
        if segmentations:
            path = root / "segmentations" / Path(name).with_suffix(".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            mask().save(path)
    return root
