"""Photographs of a folder, as a bundle reads them, on a page for a person to correct."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH
from train.annotation.photo_answers import read_answers
from train.annotation.photo_page import PredictedPhoto, write_photo_page
from train.data.photo_set import Photo, PhotoSet, read_photos
from train.data.picture_files import Skipped, counted, no_picture, others_below, photographs_below
from train.evaluation.benchmark import BATCH
from train.evaluation.predictors import BundlePredictor


def annotate_photographs(folder: Path, bundle: Path, out: Path) -> str:
    """Write the page of a folder; returns what there is to say about it.

    A photograph that cannot be used is named on stderr, with the reason. Pictures in folders
    called `masks` are no photographs.

    Raises:
        CommandError, OSError: the bundle, the folder's table or all of its photographs cannot be
            used.
    """
    answers = read_answers(folder)
    predictor = BundlePredictor(bundle)
    listed, unnamable = _listed(folder)
    photos = read_photos(listed, predictor.resolution, unnamable)
    for name, reason in photos.skipped:
        print(f"train.annotate: {name} is left out: {reason}", file=sys.stderr)
    for line in counted(photos.skipped, len(photos.names) + len(photos.skipped)):
        print(f"train.annotate: {line}", file=sys.stderr)
    azimuths, confidences = _predicted(predictor, photos)
    predicted = [
        PredictedPhoto(name, folder / name, float(azimuth), float(confidence))
        for name, azimuth, confidence in zip(photos.names, azimuths, confidences, strict=True)
    ]
    size = write_photo_page(out, folder.resolve().name, predictor.category, predicted, answers)
    known = sum(name in answers.by_name for name in photos.names)
    return f"{len(predicted)} photographs, {known} of them labelled, {size / 1e6:.1f} MB"


def _listed(folder: Path) -> tuple[list[Photo], list[Skipped]]:
    """Every picture below the folder but its masks, and those whose path no table can hold."""
    paths = photographs_below(folder)
    if not paths:
        raise no_picture(folder)
    photos, skipped = [], others_below(folder)
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            name.encode()
            photos.append(Photo(name, path))
        except UnicodeEncodeError:  # bytes of another encoding
            printable = name.encode(errors="backslashreplace").decode()
            skipped.append(Skipped(printable, "its name is not UTF-8: rename it"))
    return photos, skipped


def _predicted(
    predictor: BundlePredictor, photos: PhotoSet
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Azimuths [N] in degrees and confidences [N], as they are served."""
    azimuths, confidences = [], []
    for start in range(0, len(photos.images), BATCH):
        part = slice(start, start + BATCH)
        found = predictor.segment(photos.scenes[part])
        masks = np.where(photos.masked[part, None, None], photos.masks[part], found)
        cameras, sure = predictor.read_cameras(photos.images[part], masks)
        azimuths.append(cameras[:, AZIMUTH])
        confidences.append(sure)
    return np.concatenate(azimuths), np.concatenate(confidences)
