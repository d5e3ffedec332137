"""Stage segmenter: a small U-Net taught on masks that are known, or an ONNX graph from elsewhere.

The masks are the truth of procedural photographs; where the run's own photographs came with masks
(an alpha channel), half of each batch is theirs, and all of it where they show no vehicles, every
second one then before a procedural scene. Writes `segmenter.safetensors` or a copy of the given
`segmenter.onnx`.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from train.config import PROCEDURAL, PROCEDURAL_CATEGORY, Config
from train.config.checks import check_segmenter, require_masks
from train.data.augmentation import augment
from train.data.batch_random import BatchRandom
from train.data.masked_photographs import Labelled, MaskedPhotographs, as_labelled
from train.data.vehicles import HELD_OUT_SEED, photographs
from train.models.segmenter import Segmenter, load_segmenter, save_segmenter
from train.running.device import Device, place
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace, write_atomically

HELD_OUT = 256
"""Photographs that the reported IoU is measured on: procedural ones, or, where they show no
vehicles, some of the run's own that came with masks: a tenth of them, if that is fewer."""
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
        segment: Callable[[Tensor], Tensor] = load_segmenter(folder.path, place())
        source = "onnx"
    else:
        taken = workspace.stage("photographs")
        if config.photographs.source != PROCEDURAL and not taken.facts()["masks"]:
            require_masks(config)
            Progress(workspace, "segmenter", 1).say(
                f"is trained on procedural {PROCEDURAL_CATEGORY}, for these photographs bring no "
                "masks: look at what it finds, or give one with --segmenter.onnx FILE"
            )
        batches = _batches(config, taken)
        segment = _train(config, workspace, folder, batches)
        source = "trained"
    held_out = _held_out(config, workspace.stage("photographs"))
    facts = {}
    if held_out is not None:
        iou = held_out_iou(segment, held_out)
        Progress(workspace, "segmenter", 1).say(f"{source}: held-out IoU {iou:.3f}")
        facts = {"held_out_iou": round_figure(iou), "held_out_images": len(held_out.images)}
    folder.finish(source=source, **facts)


def round_figure(value: float) -> float:
    """Four decimals are more than the figure is good for."""
    return float(f"{value:.4f}")


def mask_loss(
    logits: Tensor,  # [B, R, R]
    masks: Tensor,  # [B, R, R] in 0..1
) -> Tensor:
    """Binary cross-entropy plus the dice loss, which does not let small objects be overlooked."""
    shares = torch.sigmoid(logits)
    overlap = (shares * masks).sum(dim=(1, 2))
    dice = 1 - (2 * overlap + 1) / (shares.sum(dim=(1, 2)) + masks.sum(dim=(1, 2)) + 1)
    return F.binary_cross_entropy_with_logits(logits, masks) + dice.mean()


@torch.inference_mode()
def held_out_iou(segment: Callable[[Tensor], Tensor], labelled: Labelled) -> float:
    """Mean IoU of masks cut at one half."""
    intersections, unions = [], []
    for images, masks in zip(
        labelled.images.split(64), (labelled.masks > 0.5).split(64), strict=True
    ):
        found = segment(images.to(place())).cpu() > 0.5
        intersections.append((found & masks).sum(dim=(1, 2)))
        unions.append((found | masks).sum(dim=(1, 2)))
    return float((torch.cat(intersections) / torch.cat(unions).clamp(min=1)).mean())


def _procedural(seed: int, indices: np.ndarray, size: int) -> Labelled:
    drawn = photographs(seed, indices, size)
    return as_labelled(drawn.images, drawn.masks)


def _held_out(config: Config, taken: StageFolder) -> Labelled | None:
    """What the IoU is measured on; None where nothing but the taught ones has a known mask."""
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

    Those of no vehicles stand alone: who also learns vehicles finds them in backgrounds.
    """
    size, batch = config.photographs.size, config.segmenter.batch_size

    def procedural(step: int, count: int) -> Labelled:
        return _procedural(config.seed, np.arange(step * count, (step + 1) * count), size)

    if not taken.facts()["masks"]:
        return lambda step: procedural(step, batch)
    own = MaskedPhotographs(taken)

    def drawn(step: int, among: int, count: int) -> np.ndarray:
        return np.random.default_rng([config.seed, step]).integers(0, among, count)

    def mixed(step: int) -> Labelled:
        first = own.load(drawn(step, len(own.images), batch // 2))
        second = procedural(step, batch - batch // 2)
        return Labelled(*(torch.cat(pair) for pair in zip(first, second, strict=True)))

    def alone(step: int) -> Labelled:
        numbers = own.camera_conditioned[drawn(step, len(own.camera_conditioned), batch)]
        return own.load_in_scenes(numbers, config.seed, step * batch)

    return mixed if config.shows_vehicles else alone


def _train(
    config: Config, workspace: Workspace, folder: StageFolder, batches: Batches
) -> Segmenter:
    settings = config.segmenter
    torch.manual_seed(config.seed)
    segmenter = Segmenter(settings.channels)
    segmenter = segmenter.to(device=place(), memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(segmenter.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings.learning_rate,
        total_steps=settings.steps,
        pct_start=min(0.5, WARM_UP_STEPS / settings.steps),
    )
    parts = {"model": segmenter, "optimiser": optimiser, "schedule": schedule}
    loop = StepLoop(
        folder, settings.steps, lambda: {name: part.state_dict() for name, part in parts.items()}
    )
    if (checkpoint := folder.load_checkpoint()) is not None:
        for name, part in parts.items():
            part.load_state_dict(checkpoint[name])
        loop.first = checkpoint["step"]
    progress, device = Progress(workspace, "segmenter", settings.steps), Device()
    for step in loop:
        labelled = batches(step)
        rng = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        changed = augment(
            *(values.to(place()) for values in labelled), BatchRandom(rng, len(labelled[0]))
        )
        with device.autocast():
            logits = segmenter.logits(changed.seen)
        loss = mask_loss(logits.float(), changed.masks)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.tick(step + 1, loss=loss.detach())
    segmenter.eval()
    save_segmenter(segmenter, folder.file("segmenter.safetensors"))
    return segmenter
