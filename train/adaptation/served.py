"""Photographs as the service cuts them out, with what is known of their cameras."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, CAMERA_SIZE, ELEVATION
from graphics.image_files import FORMAT_NAMES, PhotographError
from graphics.photographs import cut_out, open_photograph
from graphics.segmented import cut_out_found, show
from train.data.labelled_photos import TABLE, LabelledPhoto, mask_named, read_labels
from train.data.photo_set import PIXEL_LIMIT
from train.data.picture_files import PhotographsError, Skipped, others_below, photographs_below

Segment = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""[S, S, 3] -> the mask [s, s] in 0..1."""


class ServedPhotos(NamedTuple):
    """N cut-outs."""

    images: NDArray[np.uint8]
    """[N, R, R, 4], the mask last, the object on grey."""
    cameras: NDArray[np.float32]
    """[N, 5], nan where unlabelled."""
    rows: NDArray[np.int64]
    """[N] number of each one's row in the table, from 0; -1 where it has none."""
    names: list[str]
    """[N] paths below the folder."""
    skipped: list[Skipped]

    @classmethod
    def none(cls, size: int) -> Self:
        """No photograph, of that side."""
        images = np.empty((0, size, size, 4), np.uint8)
        cameras = np.empty((0, CAMERA_SIZE), np.float32)
        return cls(images, cameras, np.empty(0, np.int64), [], [])

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """[N] whether the azimuth is known."""
        return ~np.isnan(self.cameras[:, AZIMUTH])


class Segmenter(NamedTuple):
    """What finds the objects of photographs without a mask."""

    segment: Segment
    side: int
    """S"""
    stretched: bool
    """Whether photographs are stretched to its square, or padded to one."""


def photographs_of(folder: Path, masks: Path | None) -> list[Path]:
    """Every picture below a folder, in order, but those in folders called `masks` and in `masks`.

    Raises:
        PhotographsError: it is no folder.
    """
    paths = photographs_below(folder)
    if masks is None:
        return paths
    # Relative and absolute paths may name the same folder.
    place = masks.resolve()
    return [path for path in paths if not path.parent.resolve().is_relative_to(place)]


def read_served(folder: Path, masks: Path | None, segmenter: Segmenter, size: int) -> ServedPhotos:
    """Every picture below a folder, cut out to size x size; labels of its `photos.csv`, if any.

    One in which nothing is found, or that cannot be read, is left out. So is a label whose file is
    not named as a picture.

    Raises:
        PhotographsError: there is none to be used, or the table is wrong.
    """
    labels: dict[Path, LabelledPhoto] = {}
    if (folder / TABLE).is_file():
        labels = {row.path.resolve(): row for row in read_labels(folder, masks)}
    paths = photographs_of(folder, masks)
    numbers = {place: number for number, place in enumerate(labels)}
    images, cameras, rows, names = [], [], [], []
    skipped = list(_unused(folder, labels, paths))
    known = {item.name for item in skipped}
    others = others_below(folder, [] if masks is None else [masks])
    skipped += [item for item in others if item.name not in known]
    for path in paths:
        name = _printable(path, folder)
        try:
            images.append(_cut_out(path, masks, segmenter, size))
        except (PhotographError, OSError) as error:
            skipped.append(Skipped(name, str(error)))
            continue
        camera = np.full(CAMERA_SIZE, np.nan, np.float32)
        if (label := labels.get(path.resolve())) is not None:
            camera[[AZIMUTH, ELEVATION]] = label.azimuth_degrees, label.elevation_degrees
        cameras.append(camera)
        rows.append(numbers.get(path.resolve(), -1))
        names.append(name)
    if not images:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in skipped[:3])
        raise PhotographsError(
            f"{folder}: none of its {len(paths)} photographs can be used{reasons and ': '}{reasons}"
            f"; give {FORMAT_NAMES} files of single objects"
        )
    return ServedPhotos(np.stack(images), np.stack(cameras), np.array(rows), names, skipped)


def _unused(
    folder: Path, labels: dict[Path, LabelledPhoto], paths: list[Path]
) -> Iterator[Skipped]:
    """Labels of files that are no photographs of the folder."""
    known = {path.resolve() for path in paths}
    for place, row in labels.items():
        if place not in known:
            reason = f"{TABLE} labels it, but it is not a picture by its name, or a mask"
            yield Skipped(_printable(row.path, folder), reason)


def _printable(path: Path, folder: Path) -> str:
    """The path below the folder, where it is below; bytes of another encoding are escaped."""
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    return shown.as_posix().encode(errors="backslashreplace").decode()


def _cut_out(
    path: Path, masks: Path | None, segmenter: Segmenter, size: int
) -> NDArray[np.uint8]:  # [R, R, 4]
    """The object as it is served.

    Raises:
        PhotographError, OSError: the file cannot be used, or no object was found in it.
    """
    named = None if masks is None else mask_named(masks, path)
    mask = None if named is None else named.read_bytes()
    opened = open_photograph(path.read_bytes(), size, PIXEL_LIMIT, mask, scaled_mask=True)
    if opened.masked:
        found = cut_out(opened, size, size)
    else:
        shown = show(opened, segmenter.side, segmenter.stretched)
        found = cut_out_found(shown, segmenter.segment(shown.pixels), size, size)
    if found.mask is None or not (found.mask > 0.5).any():
        raise PhotographError("no_object", "no object was found in it: give a mask in --masks")
    return np.dstack([found.pixels, np.rint(255 * found.mask).astype(np.uint8)])
