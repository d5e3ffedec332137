from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphics.photographs import OBJECT_FILL, Frame
from tests.train.data.photo_folders import BOX, disc, mask, picture
from train.data.photo_layouts import read_photo_set, read_training
from train.data.photo_set import Photo, read_photos
from train.data.photographs import PhotographsError

SIZE = 40


def extent(inside: np.ndarray) -> tuple[float, float]:
    """Width and height of what is inside, as a share of the picture's side."""
    rows, columns = np.nonzero(inside)
    return np.ptp(columns) / len(inside), np.ptp(rows) / len(inside)


def test_a_photograph_without_anything_known_is_padded_whole(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    found = read_photo_set(tmp_path, SIZE)
    assert found.names == ["a.png"] and not found.masked.any() and not found.masks.any()
    assert np.isnan(found.cameras).all()
    bright = found.images[0, ..., 0] > 130
    assert extent(bright)[0] == pytest.approx(30 / 96, abs=0.05)


@pytest.mark.parametrize("known", ["mask", "alpha", "box"])
def test_an_object_whose_place_is_known_is_cut_out(tmp_path: Path, known: str) -> None:
    if known == "alpha":
        cut_out = picture()
        cut_out.putalpha(mask())
        cut_out.save(tmp_path / "a.png")
    else:
        picture().save(tmp_path / "a.png")
        mask().save(tmp_path / "m.png")
    photo = Photo(
        "a", tmp_path / "a.png", tmp_path / "m.png" if known == "mask" else None,
        BOX if known == "box" else None,
    )  # fmt: skip
    found = read_photos([photo], SIZE)
    bright = found.images[0, ..., 0] > 180
    assert found.sizes == [(96, 64)] and found.frames == [Frame(43, 3, 43)]
    assert extent(bright) == pytest.approx((OBJECT_FILL, OBJECT_FILL), abs=0.06)
    rows, columns = np.nonzero(bright)
    assert rows.mean() == pytest.approx(SIZE / 2, abs=1)
    assert columns.mean() == pytest.approx(SIZE / 2, abs=1)
    assert found.masked.tolist() == [known != "box"]
    if known != "box":
        assert np.mean((found.masks[0] > 0.5) == bright) > 0.98
    # What is around the object is kept beside: a segmenter has to read it.
    assert np.all(found.images[0, 0, 0] == (40 if known == "box" else 128))
    assert np.all(found.scenes[0, 0, 0] == (128 if known == "alpha" else 40))
    inside = found.masks[0] == 1
    assert np.abs(found.scenes[0].astype(int) - found.images[0])[inside].max(initial=0) <= 2


def test_a_box_is_found_in_a_large_jpeg_that_is_decoded_small(tmp_path: Path) -> None:
    picture().resize((96 * 40, 64 * 40)).save(tmp_path / "a.jpg", quality=80)
    box = tuple(40.0 * value for value in BOX)
    found = read_photos([Photo("a", tmp_path / "a.jpg", box=box)], 32)
    assert extent(found.images[0, ..., 0] > 150) == pytest.approx((0.7, 0.7), abs=0.06)


def test_a_box_without_a_size_is_named(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    photos = [Photo("a", tmp_path / "a.png", box=(3, 4, 3, 9)), Photo("b", tmp_path / "a.png")]
    found = read_photos(photos, SIZE)
    assert found.names == ["b"] and found.skipped[0].name == "a"
    assert "the box 3, 4, 3, 9 has no size" in found.skipped[0].reason


def test_a_photograph_and_its_mask_may_each_be_of_any_format(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for kind, of_mask in (("webp", "gif"), ("gif", "png"), ("png", "webp")):
        picture().save(tmp_path / f"{kind}.{kind}", lossless=True)
        mask().save(tmp_path / "masks" / f"{kind}.{of_mask}", lossless=True)
    found = read_photo_set(tmp_path, SIZE, tmp_path / "masks")
    assert found.names == ["gif.gif", "png.png", "webp.webp"] and found.masked.all()
    assert np.array_equal(found.images[1], found.images[2])


def test_masks_are_found_by_name_and_photographs_without_one_are_named(tmp_path: Path) -> None:
    for name in ("a.png", "deep/b.png", "c.png", "d.png", "e.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture().save(path)
    masks = tmp_path / "masks"
    masks.mkdir()
    mask().save(masks / "a.png")
    mask().resize((48, 32)).save(masks / "b.png")  # smaller, of the same shape
    Image.fromarray(np.zeros((64, 96), np.uint8)).save(masks / "c.png")
    mask().crop((0, 0, 64, 64)).save(masks / "d.png")
    found = read_photo_set(tmp_path / "photos", SIZE, masks)
    reasons = {item.name: item.reason for item in found.skipped}
    assert found.names == ["a.png", "deep/b.png"] and found.masked.all()
    assert set(reasons) == {"c.png", "d.png", "e.png"}
    assert "hides every" in reasons["c.png"] and "mask is 64x64 px" in reasons["d.png"]
    assert "no mask named e" in reasons["e.png"]


def test_a_broken_photograph_harms_no_other(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    found = read_photo_set(tmp_path, SIZE)
    assert found.names == ["a.png"] and [item.name for item in found.skipped] == ["b.jpg"]
    (tmp_path / "a.png").unlink()
    with pytest.raises(PhotographsError, match=r"none of 1 photographs can be used: b\.jpg"):
        read_photo_set(tmp_path, SIZE)


def test_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotographsError, match="holds no"):
        read_photo_set(tmp_path, SIZE)
    with pytest.raises(PhotographsError, match="is not a folder"):
        read_photo_set(tmp_path / "none", SIZE)
    picture().save(tmp_path / "a.png")
    with pytest.raises(PhotographsError, match="is not a folder"):
        read_photo_set(tmp_path, SIZE, tmp_path / "none")
    with pytest.raises(PhotographsError, match="leave --split out"):
        read_photo_set(tmp_path, SIZE, split="val")


def test_a_training_takes_a_plain_folder_as_it_is(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    found = read_training(tmp_path, SIZE)
    assert not found.masked.any() and found.scenes is found.images
    assert np.array_equal(found.images, read_photo_set(tmp_path, SIZE).images)
    assert disc().any()
