"""Real photographs of single objects: which files they are, and what ground truth they have."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import CAMERA_SIZE
from graphics.frames import Frame, frame_around
from graphics.image_files import MOST_PIXELS, PhotographError
from graphics.photographs import Photograph, decode, decode_square
from graphics.picture_names import nearest_masks
from train.data.picture_files import (
    PhotographsError,
    Skipped,
    name_in,
    no_picture,
    others_below,
    photographs_below,
    pictures_below,
)

PIXEL_LIMIT = MOST_PIXELS
"""No server is to be kept alive: a photograph of 200 megapixels is read as any other."""
UNKNOWN = np.nan  # a column of a camera that is not annotated
FLAT = 8.0  # of 255: most deviation of one colour, as it lies under the alpha of a cut-out


class Photo(NamedTuple):
    """One photograph to be read."""

    name: str
    path: Path
    mask: Path | None = None
    """A picture of the same proportions, white where the object is, or transparent around it."""
    box: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom of the object, in pixels of the upright photograph."""
    camera: tuple[float, float] | None = None
    """True azimuth and elevation in degrees."""


class PhotoSet(NamedTuple):
    """N usable photographs."""

    images: NDArray[np.uint8]
    """[N, R, R, 3] as the service gives them to the networks: objects with a mask are on grey."""
    scenes: NDArray[np.uint8]
    """[N, R, R, 3]: the same squares with what the file shows around the object, also under alpha,
    which a segmenter has to read; on grey where it shows nothing."""
    masks: NDArray[np.float32]
    """[N, R, R] in 0..1; all 0 where no mask is known."""
    masked: NDArray[np.bool_]
    """[N] whether its mask is known."""
    cameras: NDArray[np.float32]
    """[N, 5]; NaN where not known."""
    frames: list[Frame]
    sizes: list[tuple[int, int]]
    """(width, height) of the upright photographs."""
    names: list[str]
    skipped: list[Skipped]

    def subset(self, numbers: NDArray[np.integer], skipped: list[Skipped]) -> "PhotoSet":
        """Some of them, in this order, and what is left out in all."""
        return PhotoSet(
            self.images[numbers],
            self.scenes[numbers],
            self.masks[numbers],
            self.masked[numbers],
            self.cameras[numbers],
            [self.frames[number] for number in numbers],
            [self.sizes[number] for number in numbers],
            [self.names[number] for number in numbers],
            skipped,
        )

    def photograph(self, number: int) -> Photograph:
        """One of them as the service has it, with no finer pixels than these."""
        mask = self.masks[number] if self.masked[number] else None
        pixels = self.images[number]
        return Photograph(pixels, pixels, mask, self.frames[number], self.sizes[number])


def read_photos(photos: Sequence[Photo], size: int, skipped: Iterable[Skipped] = ()) -> PhotoSet:
    """Read photographs as size x size pixels; one that cannot be used is named, with the reason.

    Where mask, alpha channel or box say where the object is, the square that
    `graphics.photographs.frame_around` gives is cut out; else the whole photograph is padded to a
    square.

    Raises:
        PhotographsError: none can be used.
    """
    left_out = list(skipped)
    found: list[tuple[Photograph, NDArray[np.uint8]]] = []
    used: list[Photo] = []
    for photo in photos:
        try:
            found.append(_read(photo, size))
            used.append(photo)
        except (PhotographError, OSError) as error:
            left_out.append(Skipped(photo.name, str(error)))
    if not used and not left_out:
        raise PhotographsError("there is no photograph in the list, or in this split of it")
    if not used:
        first = "; ".join(f"{name} ({reason})" for name, reason in left_out[:3])
        raise PhotographsError(f"none of {len(left_out)} photographs can be used: {first}")
    return _stacked(used, found, left_out)


def of_squares(
    images: NDArray[np.uint8],  # [N, R, R, 3]
    masks: NDArray[np.float32] | None,  # [N, R, R] in 0..1
    names: list[str],
) -> PhotoSet:
    """Photographs that have been read before, of which no more is known than these pixels."""
    count, size = images.shape[:2]
    known = np.full(count, masks is not None)
    masks = np.zeros(images.shape[:3], np.float32) if masks is None else masks
    cameras = np.full((count, CAMERA_SIZE), UNKNOWN, np.float32)
    frames, sizes = [Frame(0, 0, size)] * count, [(size, size)] * count
    return PhotoSet(images, images, masks, known, cameras, frames, sizes, names, [])


def _stacked(
    used: list[Photo], found: list[tuple[Photograph, NDArray[np.uint8]]], skipped: list[Skipped]
) -> PhotoSet:
    cameras = np.full((len(used), CAMERA_SIZE), UNKNOWN, np.float32)
    masks = np.zeros((len(used), *found[0][1].shape[:2]), np.float32)
    for number, (photo, (photograph, _)) in enumerate(zip(used, found, strict=True)):
        cameras[number, :2] = photo.camera or UNKNOWN
        if photograph.mask is not None:
            masks[number] = photograph.mask
    images = np.stack([photograph.pixels for photograph, _ in found])
    alike = all(scene is photograph.pixels for photograph, scene in found)
    return PhotoSet(
        images,
        images if alike else np.stack([scene for _, scene in found]),
        masks,
        np.array([photograph.mask is not None for photograph, _ in found]),
        cameras,
        [photograph.frame for photograph, _ in found],
        [photograph.size for photograph, _ in found],
        [photo.name for photo in used],
        skipped,
    )


def plain_folder(folder: Path, masks: Path | None) -> tuple[list[Photo], list[Skipped]]:
    """Every photograph below a folder, each with the mask of its name below another. Files that are
    not named as pictures are left out.

    Where none is given, the nearest folder called `masks` counts, and a photograph may have none.

    Raises:
        PhotographsError: either is no folder, or there is no photograph.
    """
    paths = photographs_below(folder)
    if masks is not None:
        paths = [path for path in paths if not path.is_relative_to(masks)]
    if not paths:
        raise no_picture(folder)
    others = others_below(folder, [] if masks is None else [masks])
    named = [(name_in(folder, path), path) for path in paths]
    photos, left_out = (
        _with_nearest_masks(named, folder) if masks is None else _with_masks(named, masks)
    )
    return photos, others + left_out


def _with_nearest_masks(
    named: Sequence[tuple[str, Path]], folder: Path
) -> tuple[list[Photo], list[Skipped]]:
    """Every photograph with its mask, if it has one; masks of no photograph are named."""
    names = [name_in(folder, path) for path in pictures_below(folder)]
    masks = nearest_masks(names, stem_of)
    photos = []
    for name, path in named:
        mask = masks.get(stem_of(name))
        photos.append(Photo(name, path, folder / mask[0] if mask else None))
    known = {stem_of(name) for name, _ in named}
    reason = "it is in a folder of masks, and there is no photograph of its name"
    unmatched = (mask for stem, mask in masks.items() if stem not in known)
    return photos, [Skipped(name, reason) for mask in unmatched for name in mask]


def stem_of(name: str) -> str:
    """`cars/a.jpg` → `cars/a`: what a photograph and its mask share."""
    return PurePosixPath(name).with_suffix("").as_posix()


def listed(paths: Sequence[Path], masks: Path | None) -> tuple[list[Photo], list[Skipped]]:
    """Photographs by their paths, which are their names, each with the mask of its name.

    Raises:
        PhotographsError: `masks` is no folder.
    """
    reasons = {True: "it is a folder: name the files in it", False: "no such file"}
    missing = [Skipped(p.as_posix(), reasons[p.is_dir()]) for p in paths if not p.is_file()]
    photos, unmasked = _with_masks([(p.as_posix(), p) for p in paths if p.is_file()], masks)
    return photos, missing + unmasked


def _with_masks(
    named: Sequence[tuple[str, Path]], masks: Path | None
) -> tuple[list[Photo], list[Skipped]]:
    """Every photograph with its mask; one without is left out where masks are given."""
    by_stem: dict[str, Path] = {}
    if masks is not None:
        for path in pictures_below(masks):
            by_stem[stem_of(name_in(masks, path))] = path
            by_stem.setdefault(path.stem, path)
    photos, skipped = [], []
    for name, path in named:
        mask = by_stem.get(stem_of(name), by_stem.get(path.stem))
        if masks is not None and mask is None:
            skipped.append(Skipped(name, f"no mask named {path.stem} in {masks.name}"))
        else:
            photos.append(Photo(name, path, mask))
    return photos, skipped


def _shows_something(pixels: NDArray[np.uint8]) -> bool:  # [P, 3]
    """Whether there is more than one colour under an alpha channel, as before a cut-out of it."""
    return len(pixels) > 0 and float(pixels.std(axis=0).max()) > FLAT


def _read(photo: Photo, size: int) -> tuple[Photograph, NDArray[np.uint8]]:
    """A photograph, without the finer pixels, and the same square with its surroundings."""
    content = photo.path.read_bytes()
    mask = None if photo.mask is None else photo.mask.read_bytes()
    found = decode(content, size, PIXEL_LIMIT, mask, detail=size, scaled_mask=True)
    scene = found.pixels
    if mask is None and found.mask is not None:
        under = decode_square(content, size, PIXEL_LIMIT, found.frame)
        if _shows_something(under[found.mask == 0]):
            scene = under
    elif mask is not None:
        scene = decode_square(content, size, PIXEL_LIMIT, found.frame)
    elif photo.box is not None and found.mask is None:
        frame = frame_around(*photo.box)
        scene = decode_square(content, size, PIXEL_LIMIT, frame)
        found = found._replace(pixels=scene, frame=frame)
    return found._replace(detail=found.pixels), scene
