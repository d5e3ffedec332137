import numpy as np
import torch
from PIL import Image

from train.pictures.grid import write_grid, write_labelled_rows


def test_images_stand_row_by_row(tmp_path):
    images = torch.zeros(3, 3, 2, 4)
    images[1, 0] = 1.0
    images[2, 2] = 2.0  # out of range: clipped
    write_grid(tmp_path / "grid.png", images, columns=2, enlarge=2)
    with Image.open(tmp_path / "grid.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (8, 16, 3)
    assert pixels[0, 8].tolist() == [255, 0, 0]
    assert pixels[4, 0].tolist() == [0, 0, 255]


def test_labelled_rows_may_have_fewer_pictures(tmp_path):
    pictures = np.zeros((3, 16, 16, 3), np.uint8)
    write_labelled_rows(tmp_path / "rows.png", {"12": pictures, "7": pictures[:1]})
    with Image.open(tmp_path / "rows.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape[0] == 2 * 16 + 2 + 2 * 6
    assert pixels[14, -10].max() == 0 and pixels[-14, -10].min() > 200
