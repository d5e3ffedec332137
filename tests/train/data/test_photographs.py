import numpy as np
import pytest
from PIL import Image

from graphics.photographs import GREY, OBJECT_FILL
from train.data.photo_layouts import read_training
from train.data.photographs import PhotographsError, pictures_below


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
    for image, mask in zip(found.images, found.masks, strict=True):
        assert (image[mask == 0] == GREY).all()
        rows, columns = np.nonzero(mask > 0.5)
        assert np.ptp(columns) + 1 == pytest.approx(OBJECT_FILL * 40, abs=1)
        assert np.ptp(rows) + 1 == pytest.approx(OBJECT_FILL * 40 * 50 / 70, abs=1)
        assert (rows.mean(), columns.mean()) == pytest.approx((19.5, 19.5), abs=1)


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
    assert [name for name, _ in found.skipped] == ["cut.jpg", "dot.png", "empty.png", "text.png"]
    assert all(reason for _, reason in found.skipped)


def test_all_formats_of_the_service_are_read_and_other_pictures_named(tmp_path):
    picture = Image.fromarray(halves(40, 60))
    for name in ("a.jpg", "b.JPEG", "c.png", "d.webp", "e.gif", "f.bmp", "g.tiff", "h.txt"):
        picture.save(tmp_path / name, "BMP" if name == "h.txt" else None)
    (tmp_path / "i.HEIC").write_bytes(b"a phone's")
    found = read_training(tmp_path, 16)
    assert found.names == ["a.jpg", "b.JPEG", "c.png", "d.webp", "e.gif"]
    assert [item.name for item in found.skipped] == ["f.bmp", "g.tiff", "i.HEIC"]
    assert all("not a JPEG, PNG, WebP or GIF" in item.reason for item in found.skipped)
    assert len(pictures_below(tmp_path)) == 8


def test_nothing_usable_says_so(tmp_path):
    with pytest.raises(PhotographsError, match="holds no"):
        read_training(tmp_path, 16)
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PhotographsError, match=r"none of 1 photographs can be used: bad\.jpg"):
        read_training(tmp_path, 16)
    with pytest.raises(PhotographsError, match="not a folder"):
        read_training(tmp_path / "nowhere", 16)
