"""Colours of photographs as sRGB, which networks, textures and clients read."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Colour spaces of ICC profiles -> Pillow's modes of 8 bits a channel."""
SAME = 1
"""Of 255: a profile that moves no colour by more is sRGB under another name, as most are."""
REMEMBERED = 16
"""Profiles; a camera writes the same one into each of its photographs."""


def changes_colours(profile: bytes | None, mode: str) -> bool:
    """Whether `to_srgb` does anything to a picture of this mode."""
    return bool(profile) and _transform(profile, "L" if mode == "LA" else mode) is not None


def to_srgb(
    image: Image.Image,  # 8 bits a channel, no palette; changed in place where its mode can stay
    profile: bytes | None,  # ICC
) -> Image.Image:
    """The same picture with sRGB colours, alpha as it was; RGB, RGBA or the mode that it had.

    Without a profile, with a damaged one or one of another colour space, colours are sRGB already,
    as they are for browsers.
    """
    if not profile:
        return image
    if image.mode == "LA":
        grey, alpha = image.split()
        coloured = to_srgb(grey, profile)
        coloured.putalpha(alpha)
        return coloured
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    stays = transform.input_mode == transform.output_mode
    done = ImageCms.applyTransform(image, transform, inPlace=stays)
    return image if done is None else done


@lru_cache(REMEMBERED)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None where nothing is to be done, or nothing can."""
    try:
        opened: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if MODES.get(opened.profile.xcolor_space.strip()) != mode.removesuffix("A"):
            return None
        out = mode if mode in ("RGB", "RGBA") else "RGB"
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, out)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    return None if mode.startswith("RGB") and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    steps = np.linspace(0, 255, 18).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(18, -1, 3)
    sample = Image.fromarray(colours).convert(mode)
    moved = ImageCms.applyTransform(sample, transform)
    assert moved is not None
    difference = np.asarray(moved).astype(int) - np.asarray(sample)
    return bool(np.abs(difference).max() <= SAME)
