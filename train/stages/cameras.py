"""Stage cameras (rounds >= 1): labels the photographs with cameras.

The pose estimator is a classifier trained on the previous round's multi-view images, its inverse
graphics network, those of other runs, or the attribute classifier. The camera of a photograph is
the mean over the image and its mirror image. Photographs are left out whose camera is uncertain, or
on which image and mirror image or two pose estimators disagree: flipped labels ruin a
camera-conditioned GAN, imprecise ones do not. Rounds of self-training, each on what is kept, then
label all photographs anew. Writes `labels.npz` (cameras f32 [N, 5], nan where unlabelled, keep
bool [N], confidences f32 [N]).
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, ELEVATION
from train.config import PROCEDURAL, CamerasConfig, Config
from train.data.vehicles import photographs
from train.evaluation.gates import mirror_gate
from train.metrics.camera_error import camera_errors
from train.models.attributes import azimuths_both_ways, load_attributes, read_attributes
from train.models.serving_graphs import channels_first
from train.pose.estimators import Labels, PoseEstimator, from_attributes, pose_estimator
from train.pose.self_training import TrainingSet, train_estimator
from train.running.chunks import computed_chunks
from train.running.device import default_device
from train.running.gate import Gate, as_facts
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace, WorkspaceError, round_to

BATCH = 64
COMPARED = 2_000
"""Photographs whose labels are compared with their mirror images', and procedural ones whose labels
are compared with ground truth, for the report only."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Label the photographs; goes on after a kill."""
    if round < 1:
        raise WorkspaceError(f"stage `cameras` of round {round}: it needs the round before it")
    folder = workspace.stage("cameras", round)
    folder.start(config.cameras)
    estimate = pose_estimator(config, workspace, round)
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    labelling = _Labelling(config, workspace, round, images)
    labels = labelling.label(folder, estimate)
    keep = labelling.trusted(labels)
    for number in range(1, config.cameras.self_training_rounds + 1):
        labels = labelling.self_train(folder, number, labels, keep)
        keep = labelling.trusted(labels)
    arrays = {"cameras": labels.cameras, "keep": keep, "confidences": labels.confidences}
    folder.save_arrays("labels.npz", arrays)
    facts: dict[str, Any] = {
        "gates": as_facts([labelling.gate(folder, labels)]),
        "photographs": len(keep),
        "kept_fraction": round_to(float(keep.mean())),
        "confidence_median": round_to(float(np.median(labels.confidences))),
    }
    if config.photographs.source == PROCEDURAL:
        facts |= _errors(config, labels, keep)
    said = {name: value for name, value in facts.items() if name != "gates"}
    Progress(workspace, "cameras", 1, round).say(f"{said}")
    folder.finish(**facts)


def keep_confident(labels: Labels, settings: CamerasConfig) -> np.ndarray:  # bool [N]
    """The top `settings.confident` by confidence, without those whose disagreement is too large."""
    wanted = int(np.ceil(settings.confident * len(labels.confidences)))
    order = np.argsort(-labels.confidences, kind="stable")
    keep = np.zeros(len(order), bool)
    keep[order[:wanted]] = True
    return keep & (labels.disagreements <= settings.largest_mirror_degrees)


class _Labelling:
    """Labels all photographs by any pose estimator."""

    def __init__(
        self, config: Config, workspace: Workspace, round: int, images: NDArray[np.uint8]
    ) -> None:
        self.config, self.workspace, self.round = config, workspace, round
        self.images = images

    def trusted(self, labels: Labels) -> np.ndarray:  # bool [N]
        """Photographs whose labels are kept."""
        keep = keep_confident(labels, self.config.cameras)
        if not keep.any():
            raise WorkspaceError(
                f"for none of {len(keep)} photographs do the mirrored one and all pose estimators "
                f"give the same camera (median difference {np.median(labels.disagreements):.0f}"
                "°): train stage `inverse` longer, or raise --cameras.largest-mirror-degrees"
            )
        return keep

    def gate(self, folder: StageFolder, labels: Labels) -> Gate:
        """Whether the network that labelled last, if it is a classifier, contradicts itself.

        The labels themselves sum both of its readings; `inverse` notes how far they are apart.
        """
        trained = sorted(folder.path.glob("self_training_*/classifier.safetensors"))
        trained = trained or sorted(folder.path.glob("estimator_*/classifier.safetensors"))
        if not trained:
            return mirror_gate(labels.disagreements, np.zeros_like(labels.disagreements))
        network = load_attributes(trained[-1]).to(default_device())
        some = np.linspace(0, len(self.images) - 1, COMPARED).round().astype(int)
        pixels = torch.from_numpy(np.array(self.images[np.unique(some)]))
        read = [azimuths_both_ways(network, channels_first(part)) for part in pixels.split(BATCH)]
        return mirror_gate(*(np.concatenate(part) for part in zip(*read, strict=True)))

    def label(self, folder: StageFolder, estimate: PoseEstimator) -> Labels:
        """Labels of every photograph; goes on from the folder's checkpoint."""
        count = -(-len(self.images) // BATCH)
        progress = Progress(self.workspace, "cameras", count, self.round)

        def estimated(chunk: int) -> Labels:
            pixels = np.array(self.images[chunk * BATCH : (chunk + 1) * BATCH])
            labels = estimate(channels_first(torch.from_numpy(pixels)))
            progress.tick(chunk + 1, confidence=labels.confidences.mean())
            return labels

        return computed_chunks(folder, count, Labels, estimated)

    def self_train(
        self, folder: StageFolder, number: int, labels: Labels, keep: np.ndarray
    ) -> Labels:
        """Labels by a classifier trained on these: new azimuths and, where labelled, elevations."""
        own = StageFolder(folder.path / f"self_training_{number}")
        steps = self.config.cameras.self_training_steps
        progress = Progress(self.workspace, "cameras", steps, self.round)
        seed = self.config.seed * 1_000 + self.round * 100 + number
        training_set = TrainingSet(self.images, labels.cameras, keep)
        classifier = train_estimator(own, progress, training_set, seed)
        found = self.label(own, lambda images: from_attributes(read_attributes(classifier, images)))
        cameras = labels.cameras.copy()
        cameras[:, AZIMUTH] = found.cameras[:, AZIMUTH]
        labelled = ~np.isnan(cameras[:, ELEVATION])
        cameras[labelled, ELEVATION] = found.cameras[labelled, ELEVATION]
        return found._replace(cameras=cameras)


def _errors(config: Config, labels: Labels, keep: np.ndarray) -> dict[str, float]:
    """Errors of the first labels against ground truth, which nothing is trained on."""
    count = min(COMPARED, len(keep))
    truth = photographs(config.seed, np.arange(count), config.photographs.size).cameras
    errors = camera_errors(labels.cameras[:count], truth)
    metrics = {}
    for name, chosen in (("all", np.ones(count, bool)), ("kept", keep[:count])):
        if not chosen.any():
            continue
        azimuths = errors.azimuth_degrees[chosen]
        medians = {
            f"azimuth_error_median_degrees_{name}": azimuths,
            f"elevation_error_median_degrees_{name}": errors.elevation_degrees[chosen],
            f"distance_error_median_{name}": errors.distance_relative[chosen],
        }
        metrics[f"azimuth_beyond_90_{name}"] = round_to(float((azimuths > 90).mean()))
        metrics |= {
            metric: round_to(float(np.median(found)))
            for metric, found in medians.items()
            if not np.isnan(found).any()  # unlabelled columns have no error
        }
    return metrics
