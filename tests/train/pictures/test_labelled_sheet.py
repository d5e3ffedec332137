import numpy as np
from PIL import Image

from train.pictures.labelled_sheet import LABEL_WIDTH, write_labelled_sheet


def test_rows_stand_below_each_other_behind_their_labels(tmp_path):
    images = np.zeros((5, 3, 16, 16, 3), np.uint8)
    images[..., 0] = np.arange(5)[:, None, None, None] * 40
    write_labelled_sheet(tmp_path / "sheet.png", images, [str(n) for n in range(5)], blocks=2)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * (LABEL_WIDTH + 3 * 16), 3 * 18)
        pixels = np.asarray(sheet)
    assert pixels[10, LABEL_WIDTH + 20].tolist() == [0, 0, 0]
    assert pixels[2 * 18 + 10, LABEL_WIDTH + 20].tolist() == [80, 0, 0]
    # The fourth row begins the second block.
    assert pixels[10, LABEL_WIDTH + 48 + LABEL_WIDTH + 4].tolist() == [120, 0, 0]
    assert pixels[:18, :LABEL_WIDTH].min() < 128


def test_rows_lower_than_a_label_still_get_one(tmp_path):
    write_labelled_sheet(tmp_path / "sheet.png", np.zeros((2, 1, 4, 4, 3), np.uint8), ["0", "1"])
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (LABEL_WIDTH + 4, 2 * 14)
