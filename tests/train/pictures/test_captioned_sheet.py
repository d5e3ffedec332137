import io

import numpy as np
from PIL import Image

from train.pictures.captioned_sheet import CAPTION, CELL, MARGIN, captioned_sheet, line_of


def test_pictures_stand_in_their_groups_below_their_captions() -> None:
    red, blue = (np.full((8, 8, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    grey = np.full((8, 8), 100, np.uint8)
    lines = [line_of([red], [grey, blue]), line_of([blue], [red, grey])]
    assert lines[0].size == (3 * CELL + MARGIN, CELL)
    content = captioned_sheet([(0, "columns")], ["first", "second"], lines)
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert pixels.shape == (CAPTION + 2 * (CAPTION + CELL), 3 * CELL + MARGIN, 3)
    first, second = (CAPTION + CAPTION + CELL // 2, 2 * CAPTION + CELL + CAPTION + CELL // 2)
    middles = [CELL // 2, CELL + MARGIN // 2, CELL + MARGIN + CELL // 2, 5 * CELL // 2 + MARGIN]
    assert pixels[first, middles].tolist() == [
        [255, 0, 0], [255, 255, 255], [100, 100, 100], [0, 0, 255],
    ]  # fmt: skip
    assert pixels[second, middles[0]].tolist() == [0, 0, 255]
    captions = pixels[CAPTION + 3 : 2 * CAPTION - 3]
    assert captions.min() < 100  # something is written there
