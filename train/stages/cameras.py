"""Stage cameras (rounds >= 1): the photographs are labelled with cameras.

The reader is a classifier taught on the previous round's multi-view images, its inverse graphics
network, those of other runs, or the attribute network. Every photograph is read as it is and
mirrored; the mean is its camera, and those on which the readers are unsure, contradict themselves
or each other are left out: flipped labels ruin a camera-taught GAN, imprecise ones do not.
Students, taught on what is kept, then label all anew. Writes `labels.npz` (cameras f32 [N, 5], nan
where no reader can tell, keep bool [N], confidences f32 [N]).
"""

from typing import Any

import numpy as np
import torch

from graphics.camera import AZIMUTH, ELEVATION
from train.config import PROCEDURAL, CamerasConfig, Config
from train.data.vehicles import photographs
from train.metrics.camera_error import camera_errors
from train.models.attributes import read_attributes
from train.pose.estimators import pose_estimator
from train.pose.labels import Labels, Read, from_attributes
from train.pose.self_training import TrainingSet, train_estimator
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace, WorkspaceError, round_to

BATCH = 64
COMPARED = 2_000
"""Procedural photographs whose labels are compared with the truth, for the report only."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Label the photographs; goes on after a kill."""
    if round < 1:
        raise WorkspaceError(f"stage `cameras` of round {round}: it needs the round before it")
    folder = workspace.stage("cameras", round)
    folder.start(config.cameras)
    read = pose_estimator(config, workspace, round)
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    labelling = _Labelling(config, workspace, round, images)
    labels = labelling.read(folder, read)
    keep = labelling.trusted(labels)
    for number in range(1, config.cameras.self_training_rounds + 1):
        labels = labelling.camera_conditioned(folder, number, labels, keep)
        keep = labelling.trusted(labels)
    folder.save_arrays(
        "labels.npz",
        {"cameras": labels.cameras, "keep": keep, "confidences": labels.confidences},
    )
    facts = {
        "photographs": len(keep),
        "kept_fraction": round_to(float(keep.mean())),
        "confidence_median": round_to(float(np.median(labels.confidences))),
    }
    if config.photographs.source == PROCEDURAL:
        facts |= _against_truth(config, labels, keep)
    Progress(workspace, "cameras", 1, round).say(f"{facts}")
    folder.finish(**facts)


def keep_confident(labels: Labels, settings: CamerasConfig) -> np.ndarray:  # bool [N]
    """The most confident share of all, of which those that contradict themselves go too."""
    wanted = int(np.ceil(settings.confident * len(labels.confidences)))
    order = np.argsort(-labels.confidences, kind="stable")
    keep = np.zeros(len(order), bool)
    keep[order[:wanted]] = True
    return keep & (labels.disagreements <= settings.largest_mirror_degrees)


class _Labelling:
    """Reads all photographs, by whomever."""

    def __init__(
        self, config: Config, workspace: Workspace, round: int, images: np.ndarray
    ) -> None:
        self.config, self.workspace, self.round = config, workspace, round
        self.images = images

    def trusted(self, labels: Labels) -> np.ndarray:  # bool [N]
        """Those to keep."""
        keep = keep_confident(labels, self.config.cameras)
        if not keep.any():
            raise WorkspaceError(
                f"the camera of none of {len(keep)} photographs is read alike from the mirrored "
                f"one and by all readers (median difference {np.median(labels.disagreements):.0f}"
                "°): train stage `inverse` longer, or raise --cameras.largest-mirror-degrees"
            )
        return keep

    def read(self, folder: StageFolder, read: Read) -> Labels:
        """Of each photograph; the folder's checkpoint says how far an earlier call came."""
        done: list[Labels] = []

        def state() -> dict[str, Any]:
            joined = [torch.from_numpy(np.concatenate(part)) for part in zip(*done, strict=True)]
            return dict(zip(Labels._fields, joined, strict=True))

        loop = StepLoop(folder, -(-len(self.images) // BATCH), state)
        if (checkpoint := folder.load_checkpoint()) is not None:
            loop.first = checkpoint["step"]
            done.append(Labels(*(checkpoint[name].numpy() for name in Labels._fields)))
        progress = Progress(self.workspace, "cameras", loop.steps, self.round)
        for step in loop:
            pixels = torch.from_numpy(np.array(self.images[step * BATCH : (step + 1) * BATCH]))
            done.append(read(pixels.permute(0, 3, 1, 2).float() / 255))
            progress.tick(step + 1, confidence=done[-1].confidences.mean())
        return Labels(*(values.numpy() for values in state().values()))

    def camera_conditioned(
        self, folder: StageFolder, number: int, labels: Labels, keep: np.ndarray
    ) -> Labels:
        """What a student of these labels reads: azimuth and, if told, elevation; the rest stays."""
        own = StageFolder(folder.path / f"student_{number}")
        steps = self.config.cameras.self_training_steps
        progress = Progress(self.workspace, "cameras", steps, self.round)
        training_set = TrainingSet(self.images, labels.cameras, keep)
        seed = self.config.seed * 1_000 + self.round * 100 + number
        student = train_estimator(own, steps, progress, training_set, seed)
        said = self.read(own, lambda images: from_attributes(read_attributes(student, images)))
        cameras = labels.cameras.copy()
        cameras[:, AZIMUTH] = said.cameras[:, AZIMUTH]
        labelled = ~np.isnan(cameras[:, ELEVATION])
        cameras[labelled, ELEVATION] = said.cameras[labelled, ELEVATION]
        return said._replace(cameras=cameras)


def _against_truth(config: Config, labels: Labels, keep: np.ndarray) -> dict[str, float]:
    """Errors of the first labels, which nothing is trained on: the truth is for the report."""
    count = min(COMPARED, len(keep))
    truth = photographs(config.seed, np.arange(count), config.photographs.size).cameras
    errors = camera_errors(labels.cameras[:count], truth)
    metrics = {}
    for name, chosen in (("all", np.ones(count, bool)), ("kept", keep[:count])):
        if chosen.any():
            azimuths = errors.azimuth_degrees[chosen]
            metrics |= {
                f"azimuth_error_median_degrees_{name}": round_to(float(np.median(azimuths))),
                f"azimuth_beyond_90_{name}": round_to(float((azimuths > 90).mean())),
            }
            perhaps = {
                f"elevation_error_median_degrees_{name}": errors.elevation_degrees[chosen],
                f"distance_error_median_{name}": errors.distance_relative[chosen],
            }
            metrics |= {
                metric: round_to(float(np.median(found)))
                for metric, found in perhaps.items()
                if not np.isnan(found).any()  # those that nobody told
            }
    return metrics
