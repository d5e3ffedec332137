"""Stage segmenter: a small U-Net trained on ground-truth masks, or an ONNX graph from elsewhere.

The masks are those of procedural photographs. Where the run's own photographs came with masks (an
alpha channel), half of each batch is theirs. Where these show no vehicles, they are all of each
batch, every second one before a procedural scene. Writes `segmenter.safetensors` or a copy of the
given `segmenter.onnx`.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from train.config import PROCEDURAL, PROCEDURAL_CATEGORY, Config
from train.config.checks import check_segmenter, require_masks
from train.data.augmentation import BatchRandom, augment
from train.data.masked_photographs import Labelled, MaskedPhotographs, as_labelled
from train.data.vehicles import HELD_OUT_SEED, photographs
from train.evaluation.gates import masks_gate
from train.models.layers import channels_last
from train.models.segmenter import Segmenter, load_segmenter, save_segmenter
from train.models.serving_graphs import channels_first
from train.running.device import Device, default_device
from train.running.gate import Gate, as_facts
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace, round_to, write_atomically
from train.steps.one_cycle import train_one_cycle

HELD_OUT = 256
"""Photographs that the reported IoU is measured on.

They are procedural ones; of another category they are some of the run's own that came with masks,
at most a tenth of them."""
WARM_UP_STEPS = 20

Batches = Callable[[int], Labelled]
"""Step -> the batch of that step: a function of the step alone, so that a resume repeats it."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the segmenter, or take the one given; goes on where a killed run stopped."""
    check_segmenter(config)
    folder = workspace.stage("segmenter")
    folder.start({**asdict(config.segmenter), "size": config.photographs.size})
    if config.segmenter.onnx:
        content = Path(config.segmenter.onnx).read_bytes()
        write_atomically(folder.file("segmenter.onnx"), content)
        segment: Callable[[Tensor], Tensor] = load_segmenter(folder.path, default_device())
        source = "onnx"
    else:
        taken = workspace.stage("photographs")
        if config.photographs.source != PROCEDURAL and not taken.facts()["masks"]:
            require_masks(config)
            Progress(workspace, "segmenter", 1).say(
                f"is trained on procedural {PROCEDURAL_CATEGORY}, for these photographs bring no "
                "masks: look at what it finds, or give one with --segmenter.onnx FILE"
            )
        segment = _train(config, workspace, _batches(config, taken))
        source = "trained"
    held_out = _held_out(config, workspace.stage("photographs"))
    facts: dict[str, Any] = {"gates": as_facts(_gates(workspace, segment))}
    if held_out is not None:
        iou = held_out_iou(segment, held_out)
        Progress(workspace, "segmenter", 1).say(f"{source}: held-out IoU {iou:.3f}")
        facts |= {"held_out_iou": round_to(iou), "held_out_images": len(held_out.images)}
    folder.finish(source=source, **facts)


@torch.inference_mode()
def _gates(workspace: Workspace, segment: Callable[[Tensor], Tensor]) -> list[Gate]:
    """Whether the segmenter finds objects in the run's photographs, if those are there yet."""
    taken = workspace.stage("photographs").path / "images.npy"
    if not taken.is_file():
        return []
    images = np.load(taken, mmap_mode="r")
    some = np.unique(np.linspace(0, len(images) - 1, HELD_OUT).round().astype(int))
    masks = []
    for rows in np.array_split(some, -(-len(some) // 64)):
        pixels = channels_first(torch.from_numpy(images[rows]).to(default_device()))
        masks.append(segment(pixels).cpu().numpy())
    return [masks_gate(np.concatenate(masks), "that the segmenter finds in the photographs")]


def mask_loss(logits: Tensor, masks: Tensor) -> Tensor:  # [B, R, R], [B, R, R] in 0..1
    """Binary cross-entropy plus the dice loss, which does not let small objects be overlooked."""
    found = torch.sigmoid(logits)
    overlap = (found * masks).sum(dim=(1, 2))
    dice = 1 - (2 * overlap + 1) / (found.sum(dim=(1, 2)) + masks.sum(dim=(1, 2)) + 1)
    return F.binary_cross_entropy_with_logits(logits, masks) + dice.mean()


@torch.inference_mode()
def held_out_iou(segment: Callable[[Tensor], Tensor], labelled: Labelled) -> float:
    """Mean IoU of masks cut at one half."""
    intersections, unions = [], []
    for images, masks in zip(
        labelled.images.split(64), (labelled.masks > 0.5).split(64), strict=True
    ):
        found = segment(images.to(default_device())).cpu() > 0.5
        intersections.append((found & masks).sum(dim=(1, 2)))
        unions.append((found | masks).sum(dim=(1, 2)))
    return float((torch.cat(intersections) / torch.cat(unions).clamp(min=1)).mean())


def _procedural(seed: int, indices: np.ndarray, size: int) -> Labelled:
    album = photographs(seed, indices, size)
    return as_labelled(album.images, album.masks)


def _held_out(config: Config, taken: StageFolder) -> Labelled | None:
    """What the IoU is measured on; None where only photographs of the training have masks."""
    if config.shows_vehicles:
        return _procedural(HELD_OUT_SEED, np.arange(HELD_OUT), config.photographs.size)
    if not taken.facts()["masks"]:
        return None
    own = MaskedPhotographs(taken)
    if len(own.held_out) == 0:
        return None
    return own.load_in_scenes(own.held_out[:HELD_OUT], HELD_OUT_SEED, 0)


def _batches(config: Config, taken: StageFolder) -> Batches:
    """Procedural photographs, mixed with the run's own where those have masks.

    Photographs of another category are not mixed: a segmenter that also learns vehicles finds them
    in backgrounds.
    """
    size, batch = config.photographs.size, config.segmenter.batch_size

    def procedural(step: int, count: int) -> Labelled:
        return _procedural(config.seed, np.arange(step * count, (step + 1) * count), size)

    if not taken.facts()["masks"]:
        return lambda step: procedural(step, batch)
    own = MaskedPhotographs(taken)

    def sampled(step: int, among: int, count: int) -> np.ndarray:
        return np.random.default_rng([config.seed, step]).integers(0, among, count)

    def mixed(step: int) -> Labelled:
        first = own.load(sampled(step, len(own.images), batch // 2))
        second = procedural(step, batch - batch // 2)
        return Labelled(*(torch.cat(pair) for pair in zip(first, second, strict=True)))

    def alone(step: int) -> Labelled:
        numbers = own.training[sampled(step, len(own.training), batch)]
        return own.load_in_scenes(numbers, config.seed, step * batch)

    return mixed if config.shows_vehicles else alone


def _train(config: Config, workspace: Workspace, batches: Batches) -> Segmenter:
    settings, folder = config.segmenter, workspace.stage("segmenter")
    torch.manual_seed(config.seed)
    segmenter = channels_last(Segmenter(settings.channels), default_device())
    autocast = Device().autocast

    def loss_of(step: int) -> Tensor:
        images, masks = (values.to(default_device()) for values in batches(step))
        rng = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        changed = augment(images, masks, BatchRandom(rng, len(images)))
        with autocast():
            logits = segmenter.logits(changed.seen)
        return mask_loss(logits.float(), changed.masks)

    progress = Progress(workspace, "segmenter", settings.steps)
    rise = min(0.5, WARM_UP_STEPS / settings.steps)
    train_one_cycle(segmenter, folder, progress, loss_of, settings.learning_rate, rise)
    save_segmenter(segmenter, folder.file("segmenter.safetensors"))
    return segmenter
