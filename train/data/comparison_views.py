"""Multi-view folders that replace the generated one in comparisons, made without a GAN.

Both write the files that `train/data/multiview.py` reads, with done-markers, so that a folder is
there whole or written again.
"""

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch

from train.config import Config
from train.data.array_file import ArrayFile
from train.data.multiview import asked_cameras, plan_views
from train.data.vehicles import DISTANCES, views
from train.models.segmenter import load_segmenter
from train.running.device import default_device
from train.running.workspace import StageFolder, Workspace

BATCH = 256
Batch = Callable[[slice], tuple[np.ndarray, np.ndarray]]  # images [b, R, R, 3], masks [b, R, R]
NO_CODES = np.zeros((0, 0), np.float32)  # neither objects nor viewpoints were made from codes


def write_true_views(config: Config, folder: StageFolder) -> None:
    """Procedural vehicles of the training's seed from cameras like those a GAN is asked for.

    As many objects and views as `config.multiview` says; images, masks and cameras are exact.
    """
    settings, size = config.multiview, config.photographs.size
    folder.start({**asdict(settings), "size": size, "seed": config.seed})
    if folder.done:
        return
    cameras = asked_cameras(settings.cameras, config.seed, distances=DISTANCES)
    objects, viewpoints = plan_views(cameras, settings, config.seed)

    def batch(part: slice) -> tuple[np.ndarray, np.ndarray]:
        taken = views(config.seed, objects[part], cameras[viewpoints[part]], size)
        return taken.images, taken.masks

    _write_images(folder, len(objects), size, batch)
    _finish(folder, objects, viewpoints, cameras)


def write_single_photographs(
    config: Config, run: Workspace, round: int, count: int, folder: StageFolder
) -> None:
    """The first `count` labelled photographs of a run, each an object with one view of its own."""
    folder.start({"count": count, "round": round})
    if folder.done:
        return
    with np.load(run.stage("cameras", round).require("labels.npz")) as labels:
        chosen = np.flatnonzero(labels["keep"])[:count]
        cameras = labels["cameras"][chosen]
    photographs = np.load(run.stage("photographs").require("images.npy"), mmap_mode="r")
    segment = load_segmenter(run.stage("segmenter").path, default_device())

    def batch(part: slice) -> tuple[np.ndarray, np.ndarray]:
        pixels = photographs[chosen[part]]
        with torch.no_grad():
            found = segment(
                torch.from_numpy(pixels).to(default_device()).permute(0, 3, 1, 2).float() / 255
            )
        return pixels, (found * 255).round().to(torch.uint8).cpu().numpy()

    _write_images(folder, len(chosen), config.photographs.size, batch)
    own = np.arange(len(chosen), dtype=np.int32)
    _finish(folder, own, own, cameras)


def _write_images(folder: StageFolder, count: int, size: int, batch: Batch) -> None:
    images = ArrayFile(folder.file("images.npy"), (count, size, size, 3))
    masks = ArrayFile(folder.file("masks.npy"), (count, size, size))
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        images.rows[part], masks.rows[part] = batch(part)
    images.finish()
    masks.finish()


def _finish(
    folder: StageFolder, objects: np.ndarray, viewpoints: np.ndarray, cameras: np.ndarray
) -> None:
    folder.save_arrays("index.npz", {"object": objects, "viewpoint": viewpoints})
    folder.save_arrays("viewpoints.npz", {"cameras": cameras, "codes": NO_CODES})
    folder.save_arrays("contents.npz", {"codes": NO_CODES})
    folder.finish(images=len(objects), objects=len(np.unique(objects)))
