"""Photographs as the service cuts them out, with what is known of their cameras."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import CAMERA_SIZE
from graphics.image_files import PhotographError
from graphics.photographs import Photograph, cut_out, open_photograph
from graphics.segmented import cut_out_found, show
from train.data.labelled_photos import MASKS, TABLE, read_labels
from train.data.photo_set import PIXEL_LIMIT, PhotographsError, Skipped, pictures_below

Segment = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""[S, S, 3] -> the mask [s, s] in 0..1."""


class ServedPhotos(NamedTuple):
    """N cut-outs."""

    images: NDArray[np.uint8]
    """[N, R, R, 4], the mask last, the object on grey."""
    cameras: NDArray[np.float32]
    """[N, 5], nan where unlabelled."""
    names: list[str]
    skipped: list[Skipped]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """[N] whether the azimuth is known."""
        return ~np.isnan(self.cameras[:, 0])


class Segmenter(NamedTuple):
    """What finds the objects of photographs without a mask."""

    segment: Segment
    side: int
    """S"""
    stretched: bool
    """Whether photographs are stretched to its square, or padded to one."""


def read_served(folder: Path, masks: Path | None, segmenter: Segmenter, size: int) -> ServedPhotos:
    """Every picture below a folder, cut out; labels of its `photos.csv`, where it has one.

    A photograph in which nothing is found is left out, and so is one that cannot be read. Pictures
    in `masks/` are none.

    Raises:
        PhotographsError: there is none to be used, or the table is wrong.
    """
    labels = {}
    if (folder / TABLE).is_file():
        labels = {row.path: row for row in read_labels(folder, masks)}
    images, cameras, names, skipped = [], [], [], []
    for path in pictures_below(folder):
        if any(place in path.parents for place in (folder / MASKS, masks)):
            continue
        name = path.relative_to(folder).as_posix()
        try:
            found = _cut_out(path, masks, segmenter, size)
        except (PhotographError, OSError) as error:
            skipped.append(Skipped(name, str(error)))
            continue
        mask = np.rint(255 * found.mask).astype(np.uint8)
        if not (mask > 127).any():
            skipped.append(Skipped(name, "no object was found in it"))
            continue
        camera = np.full(CAMERA_SIZE, np.nan, np.float32)
        if path in labels:
            camera[:2] = labels[path].azimuth_degrees, labels[path].elevation_degrees
        images.append(np.dstack([found.pixels, mask]))
        cameras.append(camera)
        names.append(name)
    if not images:
        raise PhotographsError(f"{folder}: none of {len(skipped)} photographs can be used")
    return ServedPhotos(np.stack(images), np.stack(cameras), names, skipped)


def _cut_out(path: Path, masks: Path | None, segmenter: Segmenter, size: int) -> Photograph:
    content = path.read_bytes()
    given = [] if masks is None else sorted(masks.glob(f"{path.stem}.*"))
    mask = given[0].read_bytes() if given else None
    opened = open_photograph(content, size, PIXEL_LIMIT, mask, scaled_mask=True)
    if opened.masked:
        return cut_out(opened, size, size)
    shown = show(opened, segmenter.side, segmenter.stretched)
    return cut_out_found(shown, segmenter.segment(shown.pixels), size, size)
