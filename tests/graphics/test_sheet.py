import io

import numpy as np
from PIL import Image

from graphics.sheet import (
    CAPTION_HEIGHT,
    CAPTION_SIZE,
    PANEL,
    PAPER,
    TITLE_HEIGHT,
    Row,
    Style,
    jpeg_of,
    png_of,
    sheet_of,
)

RED, BLUE = (np.full((8, 8, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
GREY = np.full((8, 8), 100, np.uint8)


def pixels_of(sheet: Image.Image) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png_of(sheet))))


def test_pictures_stand_in_their_groups_above_their_captions():
    rows = [
        Row([[RED], [GREY, BLUE]], captions=["first", "one"]),
        Row([[BLUE], [RED, GREY]], captions=["second"]),
    ]
    style = Style(cell=64, gap=2, group_gap=10, margin=5)
    pixels = pixels_of(sheet_of(rows, [["left"], ["middle", "right"]], style))
    height = 64 + CAPTION_HEIGHT + 2
    width = 3 * 64 + 2 + 10
    assert pixels.shape == (2 * 5 + TITLE_HEIGHT + 2 * height - 2, width + 2 * 5, 3)
    top = 5 + TITLE_HEIGHT
    middles = [5 + 32, 5 + 64 + 5, 5 + 74 + 32, 5 + 140 + 32]
    assert pixels[top + 32, middles].tolist() == [
        [255, 0, 0], list(PAPER), [100, 100, 100], [0, 0, 255],
    ]  # fmt: skip
    assert pixels[top + height + 32, middles[0]].tolist() == [0, 0, 255]
    below = pixels[top + 64 : top + height]
    # The first caption begins at the left of its group, the second ends at the right of its.
    assert below[:, 5:40].min() < 200 and below[:, -40:-5].min() < 200
    assert below[:, 80:160].min() > 200
    for start, end in ((5, 69), (79, 143), (145, 209)):
        assert pixels[:TITLE_HEIGHT, start:end].min() < 150


def test_rows_stand_below_each_other_behind_their_labels_in_blocks():
    pictures = [np.full((16, 16, 3), (40 * number, 0, 0), np.uint8) for number in range(5)]
    rows = [Row([[picture] * 3], str(number)) for number, picture in enumerate(pictures)]
    pixels = pixels_of(sheet_of(rows, style=Style(gap=2, group_gap=6), blocks=2))
    block = (pixels.shape[1] - 6) // 2
    label = block - (3 * 16 + 2 * 2)
    assert label > 0 and pixels.shape[0] == 3 * 18 - 2
    assert pixels[10, label + 20].tolist() == [0, 0, 0]
    assert pixels[2 * 18 + 10, label + 20].tolist() == [80, 0, 0]
    # The fourth row begins the second block.
    assert pixels[10, block + 6 + label + 4].tolist() == [120, 0, 0]
    assert pixels[:18, :label].min() < 128


def test_rows_lower_than_a_label_still_get_one():
    rows = [Row([[np.zeros((4, 4, 3), np.uint8)]], label) for label in ("0", "1")]
    assert sheet_of(rows).height == 2 * CAPTION_SIZE


def test_a_row_with_fewer_pictures_leaves_cells_empty():
    pixels = pixels_of(sheet_of([Row([[RED, BLUE]]), Row([[BLUE]])]))
    assert pixels.shape == (16, 16, 3)
    assert pixels[12, 4].tolist() == [0, 0, 255] and pixels[12, 12].tolist() == list(PAPER)


def test_pictures_keep_the_proportions_of_the_first():
    wide = np.zeros((4, 12, 3), np.uint8)
    assert sheet_of([Row([[wide, RED]])], style=Style(cell=24)).size == (48, 8)


def test_a_transparent_picture_stands_on_a_quiet_ground():
    clear = Image.new("RGBA", (8, 8))
    assert pixels_of(sheet_of([Row([[clear]])], style=Style(cell=16)))[8, 8].tolist() == list(PANEL)


def test_the_same_rows_give_the_same_file():
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    first, again = (
        sheet_of([Row([[noise]], "a", ["b"])], [["c"]], Style(cell=40)) for _ in range(2)
    )
    assert png_of(first) == png_of(again) and jpeg_of(first) == jpeg_of(again)
    assert jpeg_of(first).startswith(b"\xff\xd8")
