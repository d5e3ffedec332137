"""Adapts a bundle to photographs: trains by folds, calibrates, trains on all, writes the bundle."""

from functools import partial
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from graphics.camera import AZIMUTH
from service.model.bundle import Bundle
from service.model.manifest import SEGMENTER
from service.settings import GENERAL_SEGMENTER
from train.adaptation.adapted_bundle import open_bundle, write_adapted
from train.adaptation.cameras import (
    CameraReadings,
    Training,
    fitted_temperature,
    read_cameras,
    scores,
    self_labels,
)
from train.adaptation.options import Adapt
from train.adaptation.served import Segmenter, ServedPhotos, read_served
from train.config import PROCEDURAL_CATEGORY
from train.data.cutouts import CutOutBatch
from train.data.rendered_cutouts import procedural_vehicles, rendered_meshes
from train.models.inverse_graphics import InverseGraphics
from train.running.workspace import Workspace, write_json

HELD_OUT_FOLD = 0
"""The fold that `held_out` keeps out of the last training."""


def adapt(options: Adapt) -> dict[str, Any]:
    """Write the adapted bundle into `options.out`; returns its figures."""
    bundle, network = open_bundle(options.bundle)
    size = network.shape.size
    photos = read_served(options.photos, options.masks, _segmenter(bundle), size)
    for name, reason in photos.skipped:
        print(f"{name} is left out: {reason}", flush=True)
    training = Training(
        Workspace(options.out / "work"),
        options.steps,
        options.learning_rate,
        options.photographed_share,
        options.seed,
        tuple(_rehearsal(options, bundle, size)),
    )
    labelled = photos.labelled
    report: dict[str, Any] = {"photographs": len(photos.names), "labelled": int(labelled.sum())}
    before = read_cameras(network, photos.images)
    azimuths = photos.cameras[:, AZIMUTH]
    if labelled.any():
        report["before"] = scores(_chosen(before, labelled), azimuths[labelled])
    temperature = 1.0
    cameras = self_labels(network, photos)
    report["self_labelled"] = int((~np.isnan(cameras[:, AZIMUTH]) & ~labelled).sum())
    if labelled.sum() >= options.folds > 1:
        held = _by_folds(training, network, photos, cameras, options.folds)
        logits = held.logits[labelled]
        temperature = fitted_temperature(logits, azimuths[labelled])
        report["by_folds"] = scores(_chosen(held, labelled), azimuths[labelled])
        report["temperature"] = temperature
    held_out = (_fold(photos, options.folds) == HELD_OUT_FOLD) & options.held_out
    cameras[held_out] = np.nan
    trained = training.train(network, photos, cameras, "last")
    trained.camera_head.temperature.fill_(temperature)
    if held_out.any():
        read = read_cameras(trained, photos.images)
        report["held_out"] = scores(_chosen(read, held_out), azimuths[held_out])
    write_adapted(options.out / "bundle", bundle, trained, photos.images, report)
    write_json(options.out / "adaptation.json", report)
    return report


def _fold(photos: ServedPhotos, folds: int) -> NDArray[np.int64]:
    """The fold of each photograph: the labelled ones in turn, as they stand in their order."""
    numbers = np.cumsum(photos.labelled) - 1
    return np.where(photos.labelled, numbers % folds, -1)


def _by_folds(
    training: Training,
    network: InverseGraphics,
    photos: ServedPhotos,
    cameras: NDArray[np.float32],
    folds: int,
) -> CameraReadings:
    """Readings of every labelled photograph by a network that was not trained on its label."""
    found = read_cameras(network, photos.images)
    found = CameraReadings(*(values.copy() for values in found))
    fold = _fold(photos, folds)
    for number in range(folds):
        held = fold == number
        known = cameras.copy()
        known[held] = np.nan
        trained = training.train(network, photos, known, f"fold_{number}")
        read = read_cameras(trained, photos.images[held])
        for kept, values in zip(found, read, strict=True):
            kept[held] = values
    return found


def _chosen(read: CameraReadings, rows: NDArray[np.bool_]) -> CameraReadings:
    return CameraReadings(*(values[rows] for values in read))


def _rehearsal(options: Adapt, bundle: Bundle, size: int) -> list[CutOutBatch]:
    """Rendered cut-outs, so that nothing is forgotten."""
    made: list[CutOutBatch] = []
    if bundle.manifest.category == PROCEDURAL_CATEGORY and options.procedural:
        made += procedural_vehicles(options.procedural, size, options.seed)
    if options.meshes is not None:
        made += rendered_meshes(options.meshes, options.views_per_mesh, size, options.seed)
    return made


def _segmenter(bundle: Bundle) -> Segmenter:
    """The general segmenter where it is set up, else the bundle's own."""
    general = GENERAL_SEGMENTER.is_file()
    if not general:
        print("no general segmenter (make setup fetches it): the bundle's own finds the objects")
    content = GENERAL_SEGMENTER.read_bytes() if general else bundle.graph_bytes(SEGMENTER)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[1]
    return Segmenter(partial(_segment, session), side, stretched=general)


def _segment(
    session: onnxruntime.InferenceSession, pixels: NDArray[np.uint8]
) -> NDArray[np.float32]:
    return np.asarray(session.run(["masks"], {"images": pixels[None]})[0])[0]
