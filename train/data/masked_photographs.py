"""Photographs that brought their masks, as a segmenter is trained on them."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.camera import NOMINAL_DISTANCE
from train.data.vehicles import surroundings
from train.running.workspace import StageFolder

HELD_OUT_EVERY = 10  # one photograph of so many is kept out of the training
SHADOW_EXTENTS = (0.8, 0.8, 0.8)
"""What throws a shadow in a scene: a compact object, whose extents are not known."""
SCENE_CAMERA = np.array([[0.0, 12.0, NOMINAL_DISTANCE, 0.0, 0.0]], np.float32)
"""The camera that sees a scene."""


class Labelled(NamedTuple):
    """Images with their masks."""

    images: Tensor  # [B, 3, R, R] in 0..1
    masks: Tensor  # [B, R, R] in 0..1


def as_labelled(
    images: NDArray[np.uint8],  # [B, R, R, 3]
    masks: NDArray[np.uint8],  # [B, R, R]
) -> Labelled:
    """Bytes as a network takes them."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return Labelled(pixels, torch.from_numpy(np.ascontiguousarray(masks)).float() / 255)


class MaskedPhotographs:
    """What stage photographs wrote for a folder whose files all have a mask."""

    def __init__(self, taken: StageFolder) -> None:
        self.images = np.load(taken.require("images.npy"), mmap_mode="r")  # uint8 [N, R, R, 3]
        self.masks = np.load(taken.require("masks.npy"), mmap_mode="r")  # uint8 [N, R, R]
        self.cut_outs = np.load(taken.require("cut_outs.npy")) > 0  # bool [N]
        numbers = np.arange(len(self.images))
        self.held_out = numbers[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
        self.training = np.setdiff1d(numbers, self.held_out)

    def load(self, numbers: NDArray[np.integer]) -> Labelled:
        """Photographs as they are."""
        return as_labelled(self.images[numbers], self.masks[numbers])

    def load_in_scenes(self, numbers: NDArray[np.integer], seed: int, first: int) -> Labelled:
        """Photographs, every second one of them before the procedural scene (seed, first + index).

        An object that was cut out shows no background; what a segmenter has to read does.
        """
        images, masks = self.load(numbers)
        for index in range(1, len(numbers), 2):
            behind = torch.from_numpy(self._scene(seed, first + index)).permute(2, 0, 1)
            images[index] = torch.lerp(behind, images[index], masks[index])
        return Labelled(images, masks)

    def scenes(self, numbers: NDArray[np.integer], seed: int) -> NDArray[np.uint8]:
        """What a segmenter would be served, [B, R, R, 3]: photographs as they are, and what was cut
        out before the procedural scene (seed, number)."""
        images = np.array(self.images[numbers])
        for image, mask, number in zip(images, self.masks[numbers], numbers, strict=True):
            if self.cut_outs[number]:
                share = mask[..., None].astype(np.float32) / 255
                behind = self._scene(seed, int(number)) * 255
                image[:] = np.rint(behind + (image - behind) * share)
        return images

    def _scene(self, seed: int, index: int) -> NDArray[np.float32]:  # [R, R, 3] in 0..1
        size = self.images.shape[1]
        return surroundings(seed, index, SHADOW_EXTENTS, SCENE_CAMERA, size)[0]
