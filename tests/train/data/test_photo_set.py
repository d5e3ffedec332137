from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphics.frames import FRAME, Frame
from graphics.photographs import GREY
from tests.graphics.photograph_files import encoded
from tests.train.data.photo_folders import BOX, disc, mask, picture
from train.data.photo_layouts import read_photo_set, read_training
from train.data.photo_set import Photo, read_photos
from train.data.picture_files import PhotographsError, pictures_below


def save(path, pixels, **options):
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)


def halves(height, width):
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 200
    pixels[:, width // 2 :, 2] = 200
    return pixels


def test_any_size_becomes_a_square_with_its_edges_replicated(tmp_path):
    save(tmp_path / "wide.png", halves(40, 160))
    save(tmp_path / "Tall.PNG", halves(160, 40))
    found = read_training(tmp_path, 32)
    assert found.images.shape == (2, 32, 32, 3) and found.images.dtype == np.uint8
    assert found.names == ["Tall.PNG", "wide.png"] and not found.masked.any()
    for image in found.images:
        assert (image[:, :16] == [200, 0, 0]).all() and (image[:, 16:] == [0, 0, 200]).all()


def test_exif_orientation_is_obeyed(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the camera was held a quarter turn: the stored left edge is the top
    save(tmp_path / "turned.jpg", halves(64, 64), exif=exif, quality=95)
    image = read_training(tmp_path, 16).images[0].astype(int)
    assert (image[:7, :, 0] > image[:7, :, 2] + 100).all()
    assert (image[9:, :, 2] > image[9:, :, 0] + 100).all()


def test_downsizing_averages_areas_and_a_small_photograph_grows(tmp_path):
    checkers = np.indices((64, 64)).sum(axis=0) % 2 * 200
    save(tmp_path / "checkers.png", checkers)
    save(tmp_path / "small.png", np.full((9, 9), 77))
    checkers, small = read_training(tmp_path, 32).images
    assert (checkers == 100).all() and (small == 77).all()


def cut_out(left, top, width, height):
    """A bird in a corner of a photograph of 90 x 60 px: transparent around a striped box."""
    pixels = np.full((60, 90, 4), 250, np.uint8)
    pixels[:, ::2, :3] = 30
    pixels[..., 3] = 0
    pixels[top : top + height, left : left + width, 3] = 255
    return pixels


def test_alpha_becomes_the_mask_over_mid_grey_around_an_object_of_one_size(tmp_path):
    save(tmp_path / "far.png", cut_out(4, 40, 14, 10))
    save(tmp_path / "near.png", cut_out(0, 10, 70, 50))
    found = read_training(tmp_path, 40)
    assert found.masked.all()
    for image, inside in zip(found.images, found.masks, strict=True):
        assert (image[inside == 0] == GREY).all()
        rows, columns = np.nonzero(inside > 0.5)
        extents = np.ptp(columns) + 1, np.ptp(rows) + 1
        wide = np.sqrt(70 / 50)
        assert extents == pytest.approx((40 / FRAME * wide, 40 / FRAME / wide), abs=1)
        assert (rows.mean(), columns.mean()) == pytest.approx((19.5, 19.5), abs=1)


@pytest.mark.parametrize("left", ["scene", "black", "white"])
def test_what_an_alpha_channel_hides_is_the_scene_where_there_is_more_than_one_colour(
    tmp_path, left
):
    pixels = cut_out(20, 20, 30, 24)
    if left != "scene":
        pixels[pixels[..., 3] == 0, :3] = 0 if left == "black" else 255
    save(tmp_path / "a.png", pixels)
    found = read_training(tmp_path, 40)
    outside = found.scenes[0][found.masks[0] == 0]
    assert (found.images[0][found.masks[0] == 0] == GREY).all()
    assert (outside.std() > 50) if left == "scene" else (outside == GREY).all()


def test_a_photograph_of_nothing_but_transparency_is_skipped(tmp_path):
    save(tmp_path / "a.png", cut_out(4, 20, 30, 24))
    save(tmp_path / "b.png", cut_out(0, 0, 0, 0))
    found = read_training(tmp_path, 32)
    assert found.names == ["a.png"] and "hides every pixel" in found.skipped[0].reason


def test_photographs_with_and_without_a_mask_are_told_apart(tmp_path):
    half = np.full((16, 16, 4), 255, np.uint8)
    half[:8, :, 3] = 0
    save(tmp_path / "cut.png", half)
    save(tmp_path / "opaque.png", np.full((16, 16, 4), 255))
    found = read_training(tmp_path, 16)
    assert found.names == ["cut.png", "opaque.png"] and found.masked.tolist() == [True, False]


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "LA", "I;16"])
def test_every_mode_is_read(tmp_path, mode):
    if mode == "I;16":
        image = Image.fromarray(np.full((16, 16), 0x8000, np.uint16))
    else:
        image = Image.new("L", (16, 16), 128).convert(mode)
    image.save(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"))
    values = read_training(tmp_path, 16).images
    assert values.shape == (1, 16, 16, 3)
    if mode != "1":
        assert abs(values.astype(int) - 128).max() <= 2


def test_broken_files_are_skipped_by_name_with_the_reason(tmp_path):
    save(tmp_path / "good.jpg", halves(64, 64))
    whole = (tmp_path / "good.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "notes.txt").write_text("not even called one")
    save(tmp_path / "dot.png", halves(2, 2))
    below = tmp_path / "more"
    below.mkdir()
    save(below / "also.jpeg", halves(9, 9), format="JPEG")
    found = read_training(tmp_path, 16)
    assert found.names == ["good.jpg", "more/also.jpeg"]
    names = {name for name, _ in found.skipped}
    assert names == {"cut.jpg", "dot.png", "empty.png", "notes.txt", "text.png"}
    assert all(reason for _, reason in found.skipped)


def test_all_formats_of_the_service_are_read_and_other_pictures_named(tmp_path):
    picture = Image.fromarray(halves(40, 60))
    for name in ("a.jpg", "b.JPEG", "c.png", "d.webp", "e.gif", "f.bmp", "g.tiff", "h.txt"):
        picture.save(tmp_path / name, "BMP" if name == "h.txt" else None)
    (tmp_path / "i.HEIC").write_bytes(encoded(picture, "HEIF"))
    picture.save(tmp_path / "j.avif")
    found = read_training(tmp_path, 16)
    read = ["a.jpg", "b.JPEG", "c.png", "d.webp", "e.gif", "i.HEIC", "j.avif"]
    assert found.names == read
    reasons = {item.name: item.reason for item in found.skipped}
    assert set(reasons) == {"f.bmp", "g.tiff", "h.txt"}
    assert "it is not named as a picture" in reasons["h.txt"]
    none = "not a JPEG, PNG, WebP, GIF, HEIC or AVIF"
    assert "a BMP, " + none in reasons["f.bmp"]
    assert "a TIFF or a raw file of a camera, " + none in reasons["g.tiff"]
    assert len(pictures_below(tmp_path)) == 9


def test_nothing_usable_says_so(tmp_path):
    with pytest.raises(PhotographsError, match="holds no"):
        read_training(tmp_path, 16)
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PhotographsError, match=r"none of 1 photographs can be used: bad\.jpg"):
        read_training(tmp_path, 16)
    with pytest.raises(PhotographsError, match="not a folder"):
        read_training(tmp_path / "nowhere", 16)


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
    assert found.sizes == [(96, 64)] and found.frames == [Frame(32, -8, 66)]
    assert extent(bright) == pytest.approx((1 / FRAME, 1 / FRAME), abs=0.06)
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
    assert extent(found.images[0, ..., 0] > 150) == pytest.approx((1 / FRAME, 1 / FRAME), abs=0.06)


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
