from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.train.adaptation.adaptable import photograph
from train.adaptation.served import Segmenter, photographs_of, read_served
from train.data.picture_files import PhotographsError

SIZE = 32
BLOCK = (10, 8, 49, 31)
"""Left, top, right, bottom of the object in pictures of 60 x 40 px."""


def darker(pixels: np.ndarray) -> np.ndarray:
    """Whatever is not nearly white is the object."""
    return (pixels.mean(-1) < 200).astype(np.float32)


SEGMENTER = Segmenter(darker, side=64, stretched=True)


def block(colour: tuple[int, int, int] | None) -> Image.Image:
    """A block on white; None: nothing on white."""
    image = Image.new("RGB", (60, 40), (255, 255, 255))
    if colour is not None:
        ImageDraw.Draw(image).rectangle((10, 8, 48, 30), fill=colour)
    return image


@pytest.fixture
def folder(tmp_path):
    """One photograph of each kind, and a mask that shows the left half of `masked.png`'s block."""
    for name in ("photos/more", "photos/masks", "given"):
        (tmp_path / name).mkdir(parents=True)
    photos = tmp_path / "photos"
    photograph(2).save(photos / "alpha.png")
    block((200, 30, 30)).save(photos / "more/segmented.png")
    block(None).save(photos / "nothing.png")
    block((30, 30, 200)).save(photos / "masked.png")
    mask = Image.new("L", (60, 40))
    ImageDraw.Draw(mask).rectangle((10, 8, 28, 30), fill=255)
    mask.save(tmp_path / "given/masked.png")
    mask.save(photos / "masks/masked.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (photos / "notes.txt").write_text("none")
    return photos


def write_table(folder, *rows: str) -> None:
    text = "\n".join(["file,azimuth_degrees,elevation_degrees", *rows])
    (folder / "photos.csv").write_text(text + "\n")


def test_each_photograph_is_cut_out_as_it_is_served_and_a_broken_one_harms_none(folder):
    found = read_served(folder, folder.parent / "given", SEGMENTER, SIZE)
    assert found.names == ["alpha.png", "masked.png", "more/segmented.png"]
    reasons = dict(found.skipped)
    assert set(reasons) == {"broken.jpg", "nothing.png", "notes.txt"}
    assert "no object was found" in reasons["nothing.png"]
    assert found.images.shape == (3, SIZE, SIZE, 4) and not found.labelled.any()
    alpha, masked, segmented = found.images
    for image in found.images:
        outside = image[..., 3] == 0
        assert (image[outside][:, :3] == 128).all()  # on grey
    shares = [(image[..., 3] > 127).mean() for image in found.images]
    assert shares[0] == pytest.approx(shares[2], abs=0.05)
    assert np.ptp(np.nonzero(alpha[..., 3] > 127)[1]) > 16
    # Of the masked one only the left half was given: as wide as it is high.
    rows, columns = np.nonzero(masked[..., 3] > 127)
    assert np.ptp(columns) <= np.ptp(rows)
    assert abs(int(segmented[16, 16, 0]) - 200) < 8


def test_without_given_masks_a_photograph_is_segmented_and_its_own_are_no_photographs(folder):
    found = read_served(folder, None, SEGMENTER, SIZE)
    assert found.names == ["alpha.png", "masked.png", "more/segmented.png"]
    rows, columns = np.nonzero(found.images[1, ..., 3] > 127)
    assert np.ptp(columns) > np.ptp(rows)


def test_masks_within_the_folder_are_no_photographs_however_they_are_named(folder, monkeypatch):
    before = photographs_of(folder, None)
    (folder / "cut").mkdir()
    block(None).save(folder / "cut/masked.png")
    monkeypatch.chdir(folder)
    for named in (Path("cut"), folder / "cut", folder / "more/../cut"):
        assert photographs_of(folder, named) == before
    assert len(photographs_of(folder, None)) == len(before) + 1


def test_labels_go_with_their_photographs_and_those_of_others_are_named(folder):
    write_table(folder, "masked.png,30,5", "./alpha.png,-40,", "broken.jpg,1,", "notes.txt,2,")
    found = read_served(folder, None, SEGMENTER, SIZE)
    np.testing.assert_array_equal(found.labelled, [True, True, False])
    np.testing.assert_array_equal(found.cameras[:, 0], [-40, 30, np.nan])
    np.testing.assert_array_equal(found.cameras[:, 1], [np.nan, 5, np.nan])
    assert np.isnan(found.cameras[:, 2:]).all()
    reasons = dict(found.skipped)
    assert "not a picture by its name" in reasons["notes.txt"] and "broken.jpg" in reasons


def test_photographs_know_their_row_of_the_table_whatever_the_order_of_the_files(folder):
    write_table(folder, "nothing.png,10", "masked.png,20", "alpha.png,30")
    found = read_served(folder, None, SEGMENTER, SIZE)
    rows = dict(zip(found.names, found.rows.tolist(), strict=True))
    # Nothing is found in the first row's, which leaves the others' numbers as they are.
    assert rows == {"alpha.png": 2, "masked.png": 1, "more/segmented.png": -1}


def test_a_folder_without_a_usable_photograph_is_refused_with_the_reasons(tmp_path):
    with pytest.raises(PhotographsError, match="none of its 0 photographs"):
        read_served(tmp_path, None, SEGMENTER, SIZE)
    (tmp_path / "a.png").write_bytes(b"none")
    block(None).save(tmp_path / "b.png")
    with pytest.raises(PhotographsError, match=r"none of its 2 photographs.*a.png \(.*b.png \("):
        read_served(tmp_path, None, SEGMENTER, SIZE)
