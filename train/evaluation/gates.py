"""The gates of the stages: how each is measured, its limit, and what to do where it fails.

The limits are low: they stop what cannot become anything, not what could be better.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.camera import azimuth_difference_degrees
from train.data.duplicates import picture_groups
from train.metrics.manifold import pixel_features, precision_recall
from train.metrics.mask_faults import SENTENCES, MaskFault, mask_faults
from train.metrics.mask_iou import mask_iou
from train.models.generated import as_pixels, generate, generate_grid, sample_contents
from train.models.generator import Generator
from train.running.gate import Gate, gate

FEWEST_PHOTOGRAPHS = 500
USABLE_MASKS = 0.7
LEAST_OVERLAP = 0.1
"""Of precision and recall. Procedural photographs and others of their kind: 0.77; the shipped GAN:
0.67; noise, a mean picture or one recoloured picture: 0.002 at most."""
LEAST_TURN = 0.25
FEWEST_BINS = 8
MIRROR_AGREEMENT = 0.6
MIRROR_DEGREES = 40.0
LEAST_HULL = 0.8
"""Mean IoU. 24 plain vehicles, 8 views each: 0.99 at their cameras, 0.95 with distances unknown or
azimuths 10 degrees off, 0.88 with 20; 0.77 at mirrored cameras, 0.73 at shuffled ones."""
LEAST_MARGIN = 0.02
COMPARED, SIDE = 500, 64
"""Pictures of each kind that a GAN is judged by, and their largest side in pixels."""
VIEWS, CONTENTS, PAIRS = 12, 8, 500
SEED = 11

Segment = Callable[[Tensor], Tensor]


def photographs_gate(images: NDArray[np.uint8]) -> Gate:  # [N, R, R, 3]
    """Whether there are enough different photographs to learn a category from."""
    distinct = int(picture_groups(images).max()) + 1
    copies = len(images) - distinct
    return gate(
        "photographs",
        distinct,
        FEWEST_PHOTOGRAPHS,
        f"{distinct} different photographs"
        + (f" ({copies} of {len(images)} are copies or near-copies)" if copies else ""),
        f"A GAN learns nothing of a category from fewer than {FEWEST_PHOTOGRAPHS}; have thousands. "
        "Add photographs of different objects from all sides",
    )


def masks_gate(
    masks: NDArray[np.floating],  # [N, R, R] in 0..1
    origin: str,
    whole: NDArray[np.bool_] | None = None,  # [N], see `mask_faults`
) -> Gate:
    """Whether masks show objects. `origin`: whose masks they are."""
    faults = Counter(MaskFault(int(fault)) for fault in mask_faults(masks, whole))
    usable = faults.pop(MaskFault.NONE, 0)
    found = f"{usable} of {len(masks)} masks {origin} show an object"
    worst = faults.most_common(1)[0] if faults else (MaskFault.EMPTY, 0)
    if faults:
        found += f"; {worst[1]} {SENTENCES[worst[0]]}"
    advice = {
        MaskFault.EMPTY: "Look at the masks: give others with --masks FOLDER or an alpha channel, "
        "or another segmenter with --segmenter.onnx FILE",
        MaskFault.EVERYTHING: "Masks are white on the object only, or transparent around it: make "
        "them anew, or leave them out and give --segmenter.onnx FILE",
        MaskFault.INVERTED: "Invert them: white, or opaque, is the object",
    }
    return gate("masks", usable / len(masks), USABLE_MASKS, found, advice[worst[0]])


@torch.no_grad()
def gan_gates(
    generator: Generator,
    photographs: NDArray[np.uint8],  # [N, R, R, 3]
    cameras: NDArray[np.float32] | None,  # [M, 5] that a camera-conditioned one was trained with
    segment: Segment | None,  # None: the view codes are not judged
    again: str,  # the settings that train it for longer
) -> list[Gate]:
    """Whether a GAN's images are like photographs, and its view codes turn the object."""
    rng = torch.Generator().manual_seed(SEED)
    chosen = np.unique(np.linspace(0, len(photographs) - 1, COMPARED).round().astype(int))
    real = np.array(photographs[chosen])
    made = as_pixels(_samples(generator, cameras, rng)).numpy()
    gates = [_images_gate(real, made, again)]
    if segment is not None:
        gates.append(_turning_gate(generator, real, cameras, segment, rng, again))
    return gates


def _images_gate(real: NDArray[np.uint8], made: NDArray[np.uint8], again: str) -> Gate:
    """`real`, `made`: [N, R, R, 3], of different sides, each a multiple of the smaller."""
    side = min(real.shape[1], made.shape[1])
    real, made = (_reduced(images, side) for images in (real, made))
    precision, recall = 0.0, 0.0
    if len(real) > 1:
        precision, recall = precision_recall(pixel_features(real), pixel_features(made))
    return gate(
        "gan_images",
        min(precision, recall),
        LEAST_OVERLAP,
        f"{precision:.0%} of the GAN's images lie among photographs, and {recall:.0%} of the "
        "photographs among its images",
        "It makes noise, or the same picture again and again. Look at the newest picture in its "
        f"folder images/; {again}, or begin with more photographs",
    )


def _turning_gate(
    generator: Generator,
    real: NDArray[np.uint8],
    cameras: NDArray[np.float32] | None,
    segment: Segment,
    rng: torch.Generator,
    again: str,
) -> Gate:
    device = generator.constant.device
    contents = sample_contents(generator, CONTENTS, 1.0, rng)
    views = _views(generator, cameras, VIEWS, rng)
    pictures = generate_grid(generator, contents, views)  # contents change fastest
    masks = segment(pictures.to(device)).cpu().numpy()
    grid = masks.reshape(VIEWS, CONTENTS, *masks.shape[1:])
    pixels = torch.from_numpy(real[:: max(len(real) // 96, 1)]).permute(0, 3, 1, 2) / 255
    of_photographs = segment(pixels.to(device)).cpu().numpy()
    apart = np.mean([_difference(grid[:, number]) for number in range(CONTENTS)])
    known = _difference(of_photographs)
    return gate(
        "view_codes",
        float(apart / known) if known > 0 else 0.0,
        LEAST_TURN,
        f"the outlines of one object under {VIEWS} view codes differ by {apart:.2f}, those of the "
        f"photographs by {known:.2f} (1 less their IoU)",
        "All view codes show about the same view, so that no camera can be learned. Is every "
        "object photographed from one side only, or on the same plain ground? Then give others; "
        f"else {again}",
    )


def _samples(
    generator: Generator, cameras: NDArray[np.float32] | None, rng: torch.Generator
) -> Tensor:  # [COMPARED, 3, R, R]
    contents = sample_contents(generator, COMPARED, 1.0, rng)
    if generator.camera_mapping is None:  # a whole image has one code, as the photographs' have
        return generate(generator, contents, contents, SIDE)
    return generate(generator, contents, _views(generator, cameras, COMPARED, rng), SIDE)


def _views(
    generator: Generator, cameras: NDArray[np.float32] | None, count: int, rng: torch.Generator
) -> Tensor:  # [count, code]
    if generator.camera_mapping is None:
        return sample_contents(generator, count, 1.0, rng)
    assert cameras is not None
    rows = torch.randint(len(cameras), (count,), generator=rng)
    return generator.camera_mapping(torch.from_numpy(cameras)[rows].to(generator.constant.device))


def _reduced(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    inside = images.shape[1] // side
    blocks = images.reshape(len(images), side, inside, side, inside, 3)
    return np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)


def _difference(masks: NDArray[np.floating]) -> float:  # [N, R, R] in 0..1
    """Mean of 1 - IoU over random pairs; 0 of fewer than two masks."""
    if len(masks) < 2:
        return 0.0
    pairs = np.random.default_rng(SEED).integers(0, len(masks), (2, PAIRS))
    first, second = pairs[:, pairs[0] != pairs[1]]
    return float(1 - mask_iou(masks[first], masks[second]).mean())


def annotation_gate(per_bin: Mapping[str, int]) -> Gate:
    """Whether the annotated view codes go around the object."""
    covered = sum(count > 0 for count in per_bin.values())
    empty = ", ".join(f"{name}°" for name, count in per_bin.items() if not count)
    return gate(
        "annotation",
        covered,
        FEWEST_BINS,
        f"{sum(per_bin.values())} view codes are kept, in {covered} of {len(per_bin)} directions"
        + (f" (none: {empty})" if empty else ""),
        "Sides that no code shows cannot be learned. Keep more rows and correct those that are "
        "wrong, then give --redo viewpoints; if there are none, train the plain GAN for longer "
        "(--gan.kimg, with --redo gan:0)",
    )


def mirror_gate(
    azimuths: NDArray[np.floating],  # [N] degrees
    mirrored: NDArray[np.floating],  # [N] degrees: of the mirrored photographs, turned back
) -> Gate:
    """Whether a photograph and its mirror image are labelled alike."""
    agree = float((azimuth_difference_degrees(azimuths, mirrored) <= MIRROR_DEGREES).mean())
    return gate(
        "mirror",
        agree,
        MIRROR_AGREEMENT,
        f"{agree:.0%} of {len(azimuths)} photographs get the same azimuth as their mirror images, "
        f"to {MIRROR_DEGREES:g}°",
        "Labels by chance agree for 22 %, so these are hardly better. Correct viewpoints.csv "
        "(--redo viewpoints), or train longer (--cameras.views-steps, --gan.kimg)",
    )


def hulls_gate(
    ious: NDArray[np.floating],  # [N], see `train.metrics.hull_agreement`
) -> Gate:
    """Whether the silhouettes of an object, at the cameras of its views, are those of a shape."""
    return gate(
        "hulls",
        float(np.mean(ious)),
        LEAST_HULL,
        f"the silhouettes of {len(ious)} objects agree with those of the shape that explains them "
        f"best: IoU {np.mean(ious):.2f} (worst tenth {np.quantile(ious, 0.1):.2f})",
        "No shape has such outlines: the cameras are wrong, mirrored for example, or the views of "
        "a row show several objects. Look at contact_sheet.png: does each row show one object that "
        "turns to the same side? If it turns to the other side, or does not turn, correct "
        "viewpoints.csv (--redo viewpoints); if it changes, train the GAN for longer "
        "(--gan.conditioned-kimg) or annotate more rows",
    )


def mean_prediction_gate(
    network: NDArray[np.floating],  # [N] IoU
    mean_prediction: NDArray[np.floating],  # [N] IoU of the same photographs
    where: str,
) -> Gate:
    """Whether a network's shapes are better than always their mean. `where`: what the IoU is of."""
    margin = float(np.mean(network) - np.mean(mean_prediction))
    return gate(
        "mean_prediction",
        margin,
        LEAST_MARGIN,
        f"{where}: IoU {np.mean(network):.3f}, {np.mean(mean_prediction):.3f} with always the same "
        "mean shape",
        "The network tells no object from another. Look at round_*/multiview/contact_sheet.png: "
        "does each row show one object from many sides? If not, train the GAN for longer or "
        "annotate more rows; if so, give more --inverse.steps",
    )
