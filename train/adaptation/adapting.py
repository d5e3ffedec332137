"""Adapts a bundle to photographs: trains by folds, calibrates, trains on all, writes the bundle."""

import dataclasses
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH
from train.adaptation import rehearsal
from train.adaptation.adapted_bundle import Adaptable, has_bundle, open_bundle, write_adapted
from train.adaptation.cameras import (
    fitted_temperature,
    read_azimuths,
    read_cameras,
    read_logits,
    scores,
    self_labels,
)
from train.adaptation.options import Adapt
from train.adaptation.rendering import rerender_iou
from train.adaptation.served import ServedPhotos, photographs_of, read_served
from train.adaptation.training import Training
from train.data.labelled_photos import TABLE
from train.data.picture_files import PhotographsError, counted
from train.models.inverse_graphics import InverseGraphics
from train.running.fingerprint import fingerprint
from train.running.workspace import StageFolder, Workspace, write_json

HELD_OUT_FOLD = 0
"""The fold that `held_out` keeps out of the last training."""


def adapt(options: Adapt) -> dict[str, Any]:
    """Write the adapted bundle into `options.out`; returns its figures.

    What has been done by the same command before is not done again.

    Raises:
        CommandError: the bundle or the photographs cannot be used, or the folder holds the work of
            other options or photographs.
    """
    workspace = Workspace(options.out / "work", flag="--out")
    with workspace.lock():
        opened = open_bundle(options.bundle)
        folder = StageFolder(workspace.path)
        folder.start(_settings(options, opened))
        if folder.done and has_bundle(options.out / "bundle"):
            return folder.facts()
        photos = ServedPhotos.none(opened.size)
        if options.photos is not None:
            photos = read_served(options.photos, options.masks, opened.segmenter, opened.size)
        for name, reason in photos.skipped:
            _say(f"{name} is left out: {reason}")
        for line in counted(photos.skipped, len(photos.names) + len(photos.skipped)):
            _say(line)
        report = _adapted(options, opened, photos, workspace)
        write_json(options.out / "adaptation.json", report)
        folder.finish(**report)
    return report


def _settings(options: Adapt, opened: Adaptable) -> dict[str, Any]:
    """All that the figures depend on; of folders what they hold, wherever they are."""
    given = dataclasses.asdict(options)
    del given["out"]
    if options.photos is not None:
        files = photographs_of(options.photos, options.masks)
        table = options.photos / TABLE
        given["photos"] = fingerprint(options.photos, [*files, *[table] * table.is_file()])
    for name in ("masks", "meshes"):
        if (folder := given[name]) is not None:
            files = [path for path in folder.rglob("*") if path.is_file()]
            given[name] = fingerprint(folder, files)
    return {**given, "bundle": opened.digest, "segmenter": opened.segmenter_digest}


def _adapted(
    options: Adapt, opened: Adaptable, photos: ServedPhotos, workspace: Workspace
) -> dict[str, Any]:
    """Train and measure; write the bundle."""
    labelled, azimuths = photos.labelled, photos.cameras[:, AZIMUTH]
    held_out = _held_out(options, photos)
    report: dict[str, Any] = {
        "bundle": opened.about,
        "photographs": len(photos.names),
        "labelled": int(labelled.sum()),
    }
    if labelled.any():
        before = read_cameras(opened.network, photos.images[labelled])
        report["before"] = scores(before, azimuths[labelled])
    training = _training(options, opened, photos, workspace)
    if options.meshes is not None and options.camera_steps:
        training = training.with_camera(options.camera_steps)
        if labelled.any():
            read = read_cameras(training.network, photos.images[labelled])
            report["without_labels"] = scores(read, azimuths[labelled])
    cameras = _known_cameras(options, training.network, photos)
    report["self_labelled"] = int((~np.isnan(cameras[:, AZIMUTH]) & ~labelled).sum())
    temperature = _calibrated(options, training, photos, cameras, held_out, report)
    cameras[held_out] = np.nan
    trained = training.azimuths(cameras, "last") if len(photos.names) else training.network
    if options.shapes:
        trained = training.shapes(trained, cameras, "shapes")
    trained.camera_head.temperature.fill_(temperature)
    report |= _measured(photos, opened.network, trained, held_out)
    report["temperature"] = temperature
    rendered = training.rehearsal.everything
    shown = photos.images if rendered is None else rendered.images
    write_adapted(options.out / "bundle", opened, trained, shown, report)
    return report


def _calibrated(
    options: Adapt,
    training: Training,
    photos: ServedPhotos,
    cameras: NDArray[np.float32],  # [N, 5] as far as known
    held_out: NDArray[np.bool_],  # [N]
    report: dict[str, Any],  # gets `by_folds`, where that can be measured
) -> float:
    """The temperature by trainings that leave labels out; as it was, where it cannot be fitted."""
    labelled, azimuths = photos.labelled, photos.cameras[:, AZIMUTH]
    if len(photos.names) == 0:
        _say("without --photos nothing is measured, and the confidence is not calibrated")
    elif labelled.sum() >= options.folds > 1:
        logits = _by_folds(training, photos, cameras, options.folds)
        fitted = labelled & ~held_out
        temperature = fitted_temperature(logits[fitted], azimuths[fitted])
        read = read_azimuths(training.network, logits[labelled], temperature)
        report["by_folds"] = scores(read, azimuths[labelled])
        return temperature
    else:
        _say(
            f"with {labelled.sum()} labels and --folds {options.folds} nothing is measured by "
            "folds, and the confidence is not calibrated"
        )
    return float(training.network.camera_head.temperature)


def _measured(
    photos: ServedPhotos,
    network: InverseGraphics,
    trained: InverseGraphics,
    held_out: NDArray[np.bool_],  # [N]
) -> dict[str, Any]:
    """What is measured on the photographs, where there are any."""
    report: dict[str, Any] = {}
    if held_out.any():
        read = read_cameras(trained, photos.images[held_out])
        report["held_out"] = scores(read, photos.cameras[held_out, AZIMUTH])
    if len(photos.names):
        ious = [rerender_iou(each, photos.images) for each in (network, trained)]
        report["rerender_iou"] = dict(zip(("before", "after"), ious, strict=True))
    return report


def _known_cameras(
    options: Adapt, network: InverseGraphics, photos: ServedPhotos
) -> NDArray[np.float32]:
    """Cameras [N, 5] that are labelled, or that the network is sure of; nan where neither.

    Raises:
        PhotographsError: there is none.
    """
    cameras = self_labels(network, photos)
    if len(photos.names) and np.isnan(cameras[:, AZIMUTH]).all():
        raise PhotographsError(
            f"none of {len(photos.names)} photographs is labelled, and the bundle is sure of none: "
            f"there is nothing to learn from; label some: python -m train.annotate {options.photos}"
        )
    return cameras


def _held_out(options: Adapt, photos: ServedPhotos) -> NDArray[np.bool_]:
    """Which photographs [N] the last training does not see.

    Raises:
        PhotographsError: that cannot be, with so few labels.
    """
    labelled = int(photos.labelled.sum())
    if options.held_out and labelled < options.folds:
        raise PhotographsError(
            f"--held-out needs {options.folds} labels, one for each of --folds, and there are "
            f"{labelled}: label more with python -m train.annotate {options.photos}"
        )
    return (_fold(photos, options.folds) == HELD_OUT_FOLD) & options.held_out


def _fold(photos: ServedPhotos, folds: int) -> NDArray[np.int64]:
    """The fold of each photograph: the table's rows in turn, as `train.evaluate photos` and stage
    `cutouts` count them; -1 where it is not labelled."""
    return np.where(photos.labelled, photos.rows % folds, -1)


def _by_folds(
    training: Training, photos: ServedPhotos, cameras: NDArray[np.float32], folds: int
) -> NDArray[np.float32]:
    """Logits [N, bins] of every labelled photograph by a network that did not see its label."""
    logits = read_logits(training.network, photos.images)
    fold = _fold(photos, folds)
    for number in range(folds):
        held = fold == number
        if not held.any():
            continue  # its rows are of photographs that cannot be used
        known = cameras.copy()
        known[held] = np.nan
        trained = training.azimuths(known, f"fold_{number}")
        logits[held] = read_logits(trained, photos.images[held])
    return logits


def _training(
    options: Adapt, opened: Adaptable, photos: ServedPhotos, workspace: Workspace
) -> Training:
    return Training(
        workspace,
        opened.network,
        photos,
        options.steps,
        options.learning_rate,
        options.photographed_share,
        options.seed,
        rehearsal.render(options, opened.category, opened.size, workspace),
        options.camera_learning_rate,
        options.photograph_steps,
    )


def _say(text: str) -> None:
    print(f"train.adapt: {text}", file=sys.stderr, flush=True)
