"""Masks as editors and labelling tools write them: of 0 and 1, of a palette, of labels."""

import numpy as np
import pytest
from PIL import Image

from graphics.photographs import decode
from tests.service.requests import jpeg, png
from tests.service.small_bundle import draw_photograph

LIMIT, R = 4_000_000, 32
SIZE = draw_photograph().size


def square_mask(value, mode="L"):
    mask = Image.new(mode, SIZE)
    mask.paste(value, (20, 20, 60, 60))
    return mask


def palette_mask(*colours):
    mask = square_mask(1, "P")
    mask.putpalette([0, 0, 0, *colours])
    return mask


FILLED = decode(png(draw_photograph()), R, LIMIT, png(square_mask(255)))


@pytest.mark.parametrize(
    "mask",
    [
        square_mask(1),
        Image.fromarray(np.asarray(square_mask(1)).astype(np.uint16)),
        Image.fromarray(np.asarray(square_mask(255)).astype(np.uint16)),
        Image.fromarray(np.asarray(square_mask(1)).astype(np.uint16) * 1000),
        palette_mask(128, 0, 0),
        palette_mask(1, 1, 1),
        square_mask((255, 0, 0), "RGB"),
        square_mask((1, 1, 1), "RGB"),
    ],
    ids=["one", "one_of_16", "255_of_16", "1000_of_16", "palette", "dark_palette", "red", "rgb"],
)
def test_a_mask_of_two_values_names_the_object(mask):
    found = decode(png(draw_photograph()), R, LIMIT, png(mask))
    assert found.frame == FILLED.frame and np.array_equal(found.mask, FILLED.mask)


def labels(mode):
    image = palette_mask(128, 0, 0, 0, 200, 0)
    image.paste(2, (70, 20, 90, 60))
    return image if mode == "P" else image.convert(mode)


def grey_labels():
    mask = square_mask(1)
    mask.paste(2, (70, 20, 90, 60))
    return mask


@pytest.mark.parametrize("mask", [labels("P"), labels("RGB"), grey_labels()])
def test_a_picture_of_labels_is_refused_as_such(client, mask):
    files = [("images", ("a.jpg", jpeg())), ("masks", ("a.jpg", png(mask)))]
    (entry,) = client.post("/v1/reconstruct", files=files).json()["images"]
    assert entry["error"]["code"] == "ambiguous_mask"
    assert "labels" in entry["error"]["message"] and "white (255)" in entry["error"]["message"]
