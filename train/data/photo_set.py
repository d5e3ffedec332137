"""Real photographs of single objects for an evaluation or a training, with what truth there is."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.camera import CAMERA_SIZE
from train.data.photographs import (
    FORMATS,
    SUFFIXES,
    FolderPhotographs,
    PhotographsError,
    Skipped,
    box_of,
    cut_out_or_padded,
    read_upright,
    square_around,
)

UNKNOWN = np.nan
"""Column of a camera that nobody wrote down."""


class Photo(NamedTuple):
    """One photograph to be read."""

    name: str
    path: Path
    mask: Path | None = None
    """A picture of the same size, white where the object is."""
    box: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom of the object, in pixels of the upright photograph."""
    camera: tuple[float, float] | None = None
    """True azimuth and elevation in degrees."""


class PhotoSet(NamedTuple):
    """N usable photographs."""

    images: NDArray[np.uint8]
    """[N, R, R, 3]"""
    masks: NDArray[np.float32]
    """[N, R, R] in 0..1; all 0 where no mask is known."""
    masked: NDArray[np.bool_]
    """[N] whether its mask is known."""
    cameras: NDArray[np.float32]
    """[N, 5]; NaN where not known."""
    names: list[str]
    skipped: list[Skipped]


def read_photos(photos: Iterable[Photo], size: int, skipped: Iterable[Skipped] = ()) -> PhotoSet:
    """Read photographs as size x size pixels; one that cannot be used is named, with the reason.

    Where mask, alpha channel or box say where the object is, a square around it is cut out, so that
    it takes 0.7 of the side; else the whole photograph is padded to a square.

    Raises:
        PhotographsError: none can be used.
    """
    left_out = list(skipped)
    found: list[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]] = []
    used: list[Photo] = []
    for photo in photos:
        try:
            found.append(_read(photo, size))
            used.append(photo)
        except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
            left_out.append(Skipped(photo.name, f"{type(error).__name__}: {error}"))
    if not used and not left_out:
        raise PhotographsError("there is no photograph in the list, or in this split of it")
    if not used:
        first = "; ".join(f"{name} ({reason})" for name, reason in left_out[:3])
        raise PhotographsError(f"none of {len(left_out)} photographs can be used: {first}")
    cameras = np.full((len(used), CAMERA_SIZE), UNKNOWN, np.float32)
    for row, photo in zip(cameras, used, strict=True):
        if photo.camera is not None:
            row[:2] = photo.camera
    nothing = np.zeros((size, size), np.uint8)
    masks = np.stack([nothing if mask is None else mask for _, mask in found])
    return PhotoSet(
        np.stack([image for image, _ in found]),
        masks / np.float32(255),
        np.array([mask is not None for _, mask in found]),
        cameras,
        [photo.name for photo in used],
        left_out,
    )


def plain_folder(folder: Path, masks: Path | None) -> tuple[list[Photo], list[Skipped]]:
    """Every JPEG and PNG below a folder, each with the mask of its name below another.

    Raises:
        PhotographsError: either is no folder, or there is no photograph.
    """
    for place in (folder, masks):
        if place is not None and not place.is_dir():
            raise PhotographsError(f"{place} is not a folder; give a folder of JPEG or PNG files")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if masks is not None:
        paths = [path for path in paths if not path.is_relative_to(masks)]
    if not paths:
        raise PhotographsError(f"{folder} holds no {', '.join(SUFFIXES)} file")
    return _with_masks([(path.relative_to(folder).as_posix(), path) for path in paths], masks)


def listed(paths: Sequence[Path], masks: Path | None) -> tuple[list[Photo], list[Skipped]]:
    """Photographs by their paths, which are their names, each with the mask of its name.

    Raises:
        PhotographsError: `masks` is no folder.
    """
    if masks is not None and not masks.is_dir():
        raise PhotographsError(f"{masks} is not a folder; give a folder of JPEG or PNG files")
    missing = [
        Skipped(
            path.as_posix(),
            "it is a folder: name the files in it" if path.is_dir() else "no such file",
        )
        for path in paths
        if not path.is_file()
    ]
    found = [(path.as_posix(), path) for path in paths if path.is_file()]
    photos, without_mask = _with_masks(found, masks)
    return photos, missing + without_mask


def _with_masks(
    named: Sequence[tuple[str, Path]], masks: Path | None
) -> tuple[list[Photo], list[Skipped]]:
    """Every photograph with its mask; one without is left out where masks are given."""
    by_stem: dict[str, Path] = {}
    for path in sorted(masks.rglob("*")) if masks else ():
        if path.suffix.lower() in SUFFIXES:
            by_stem[path.relative_to(masks).with_suffix("").as_posix()] = path
            by_stem.setdefault(path.stem, path)
    photos, skipped = [], []
    for name, path in named:
        stem = Path(name).with_suffix("").as_posix()
        mask = by_stem.get(stem, by_stem.get(path.stem))
        if masks is not None and mask is None:
            skipped.append(Skipped(name, f"no mask named {path.stem} in {masks.name}"))
        else:
            photos.append(Photo(name, path, mask))
    return photos, skipped


def as_training(photos: PhotoSet) -> FolderPhotographs:
    """What a training takes; masks only where every photograph has one."""
    masks = np.rint(photos.masks * 255).astype(np.uint8) if photos.masked.all() else None
    opaque = [name for name, known in zip(photos.names, photos.masked, strict=True) if not known]
    return FolderPhotographs(photos.images, masks, opaque, photos.names, photos.skipped)


def _read(photo: Photo, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Pixels [R, R, 3] and mask [R, R] 0..255, None where it is not known."""
    placed = photo.mask is not None or photo.box is not None
    pixels = read_upright(photo.path, 4 * size if placed else size)  # RGBA
    whole = _full_size(photo.path)
    if photo.mask is not None:
        mask = _read_mask(photo.mask, pixels.shape[:2])
        box = box_of(mask)
        cut = square_around(np.dstack([pixels[..., :3], mask]), box, edge=True)
        resized = _resized(cut, size)
        return resized[..., :3], resized[..., 3]
    transparent = pixels[..., 3].min() < 255
    if photo.box is not None and not transparent:
        scale = pixels.shape[1] / whole[0]
        box = tuple(value * scale for value in photo.box)
        return _resized(square_around(pixels, box, edge=True), size)[..., :3], None
    resized = cut_out_or_padded(pixels, size)
    return resized[..., :3], resized[..., 3] if transparent else None


def _full_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright photograph, before any draft."""
    with Image.open(path, formats=FORMATS) as image:
        turned = image.getexif().get(0x0112, 1) >= 5
        return (image.height, image.width) if turned else image.size


def _read_mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A mask [H, W] 0..255 of a photograph [H, W]."""
    pixels = read_upright(path, max(shape))
    grey = pixels[..., 3] if pixels[..., 3].min() < 255 else pixels[..., :3].max(axis=2)
    ratio = (grey.shape[1] / grey.shape[0]) / (shape[1] / shape[0])
    if abs(ratio - 1) > 0.02:
        raise ValueError(
            f"its mask is {grey.shape[1]}x{grey.shape[0]} px, another shape than the photograph's"
        )
    image = Image.fromarray(np.ascontiguousarray(grey))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def _resized(square: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """[S, S, 4] to [R, R, 4]: every channel by itself, unlike colours with an alpha channel."""
    method = Image.Resampling.BOX if len(square) >= size else Image.Resampling.BILINEAR
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((size, size), method))
        for plane in np.moveaxis(square, 2, 0)
    ]
    return np.stack(planes, axis=2)
