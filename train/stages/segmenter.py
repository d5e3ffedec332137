"""Stage segmenter: a small U-Net taught on masks that are known, or an ONNX graph from elsewhere.

The masks are the truth of procedural photographs; where the run's own photographs came with masks
(an alpha channel), half of each batch is theirs. Writes `segmenter.safetensors` or a copy of the
given `segmenter.onnx`.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from train.config import CHECKPOINT, PROCEDURAL, Config
from train.config.refusal import require
from train.data.augmentation import augment
from train.data.vehicles import HELD_OUT_SEED, photographs
from train.device import place
from train.models.segmenter import Segmenter, load_segmenter, save_segmenter
from train.progress import Progress
from train.workspace import StageFolder, StepLoop, Workspace, write_atomically

HELD_OUT = 256
"""Held-out procedural photographs that the reported IoU is measured on."""
WARM_UP_STEPS = 20
TAUGHT_CATEGORY = "vehicles"
"""What the procedural photographs show."""


class Labelled(NamedTuple):
    """Images with their masks."""

    images: Tensor
    """[B, 3, R, R] in 0..1."""
    masks: Tensor
    """[B, R, R] in 0..1."""


Batches = Callable[[int], Labelled]
"""Step -> the batch of that step: a function of the step alone, so that a resume repeats it."""


def check(config: Config) -> None:
    """Refuse, before any stage has run, what this one could not use.

    Raises:
        ConfigError: a graph that is not there, or drawn photographs of what no masks are known of.
        SegmenterError: a graph of another kind.
    """
    given = Path(config.segmenter.onnx)
    if config.segmenter.onnx:
        require(
            given.is_file() and given.suffix == ".onnx",
            f"segmenter.onnx={given}: no such file, or not called .onnx",
        )
        load_segmenter(given)
    elif config.photographs.source == CHECKPOINT:
        _require_masks(config)


def _require_masks(config: Config) -> None:
    """Masks of photographs that bring none are learned from procedural vehicles."""
    category = config.export.category
    require(
        category == TAUGHT_CATEGORY,
        f"export.category={category}: the segmenter is taught on procedural {TAUGHT_CATEGORY} and "
        "would find nothing else (if these are vehicles, leave export.category at "
        f"{TAUGHT_CATEGORY}); give one with segmenter.onnx=FILE (`images` uint8 [B, R, R, 3] "
        "-> `masks` float32 [B, R, R]), or a folder of photographs with an alpha channel",
    )


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the segmenter, or take the one given; goes on where a killed run stopped."""
    check(config)
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
            _require_masks(config)
            Progress(workspace, "segmenter", 1).say(
                f"is taught on procedural {TAUGHT_CATEGORY}, for these photographs bring no masks: "
                "look at what it finds, or give segmenter.onnx=FILE"
            )
        batches = _batches(config, taken)
        segment = _train(config, workspace, folder, batches)
        source = "trained"
    held_out = _procedural(HELD_OUT_SEED, np.arange(HELD_OUT), config.photographs.size)
    iou = held_out_iou(segment, held_out)
    Progress(workspace, "segmenter", 1).say(f"{source}: held-out IoU {iou:.3f}")
    folder.finish(source=source, held_out_iou=round_figure(iou), held_out_images=HELD_OUT)


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


def _labelled(images: np.ndarray, masks: np.ndarray) -> Labelled:
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return Labelled(pixels, torch.from_numpy(np.ascontiguousarray(masks)).float() / 255)


def _procedural(seed: int, indices: np.ndarray, size: int) -> Labelled:
    drawn = photographs(seed, indices, size)
    return _labelled(drawn.images, drawn.masks)


def _batches(config: Config, taken: StageFolder) -> Batches:
    """Procedural photographs, mixed with the run's own where those have masks."""
    size, batch = config.photographs.size, config.segmenter.batch_size
    if not taken.facts()["masks"]:
        return lambda step: _procedural(
            config.seed, np.arange(step * batch, (step + 1) * batch), size
        )
    images = np.load(taken.require("images.npy"), mmap_mode="r")
    masks = np.load(taken.require("masks.npy"), mmap_mode="r")
    own = batch // 2

    def mixed(step: int) -> Labelled:
        chosen = np.random.default_rng([config.seed, step]).integers(0, len(images), own)
        first = _labelled(images[chosen], masks[chosen])
        drawn = np.arange(step * (batch - own), (step + 1) * (batch - own))
        second = _procedural(config.seed, drawn, size)
        return Labelled(*(torch.cat(pair) for pair in zip(first, second, strict=True)))

    return mixed


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
    progress = Progress(workspace, "segmenter", settings.steps)
    for step in loop:
        labelled = batches(step)
        rng = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        changed = augment(*(values.to(place()) for values in labelled), rng)
        loss = mask_loss(segmenter.logits(changed.seen), changed.masks)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.tick(step + 1, loss=loss.detach())
    segmenter.eval()
    save_segmenter(segmenter, folder.file("segmenter.safetensors"))
    return segmenter
