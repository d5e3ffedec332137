import numpy as np
import pytest
from PIL import Image

from service.imaging.images import decode
from train.data.photographs import MID_GREY, OBJECT_FILL, PhotographsError, read_folder


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
    found = read_folder(tmp_path, 32)
    assert found.images.shape == (2, 32, 32, 3) and found.images.dtype == np.uint8
    assert found.names == ["Tall.PNG", "wide.png"] and found.masks is None
    for image in found.images:
        assert (image[:, :16] == [200, 0, 0]).all() and (image[:, 16:] == [0, 0, 200]).all()


def test_exif_orientation_is_obeyed(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the camera was held a quarter turn: the stored left edge is the top
    save(tmp_path / "turned.jpg", halves(64, 64), exif=exif, quality=95)
    image = read_folder(tmp_path, 16).images[0].astype(int)
    assert (image[:7, :, 0] > image[:7, :, 2] + 100).all()
    assert (image[9:, :, 2] > image[9:, :, 0] + 100).all()


def test_downsizing_averages_areas_and_a_small_photograph_grows(tmp_path):
    checkers = np.indices((64, 64)).sum(axis=0) % 2 * 200
    save(tmp_path / "checkers.png", checkers)
    save(tmp_path / "small.png", np.full((9, 9), 77))
    checkers, small = read_folder(tmp_path, 32).images
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
    found = read_folder(tmp_path, 40)
    assert found.opaque == []
    for image, mask in zip(found.images, found.masks, strict=True):
        assert (image[mask == 0] == MID_GREY).all()
        rows, columns = np.nonzero(mask > 127)
        assert np.ptp(columns) + 1 == pytest.approx(OBJECT_FILL * 40, abs=1)
        assert np.ptp(rows) + 1 == pytest.approx(OBJECT_FILL * 40 * 50 / 70, abs=1)
        assert (rows.mean(), columns.mean()) == pytest.approx((19.5, 19.5), abs=1)


def test_a_training_sees_cut_outs_and_whole_photographs_as_the_service_will(tmp_path):
    save(tmp_path / "a.png", cut_out(4, 20, 30, 24))
    save(tmp_path / "b.png", halves(60, 90))
    found = read_folder(tmp_path, 32)
    for name, image in zip(found.names, found.images, strict=True):
        served = decode((tmp_path / name).read_bytes(), 32, 10**6)
        assert np.abs(served.pixels.astype(int) - image).mean() < 2
    alone = tmp_path / "alone"
    alone.mkdir()
    (tmp_path / "a.png").rename(alone / "a.png")
    (mask,) = read_folder(alone, 32).masks
    served = decode((alone / "a.png").read_bytes(), 32, 10**6)
    assert np.abs(served.mask - mask / 255).mean() < 0.02


def test_a_photograph_of_nothing_but_transparency_is_skipped(tmp_path):
    save(tmp_path / "a.png", cut_out(4, 20, 30, 24))
    save(tmp_path / "b.png", cut_out(0, 0, 0, 0))
    found = read_folder(tmp_path, 32)
    assert found.names == ["a.png"] and "no pixel belongs" in found.skipped[0].reason


def test_masks_are_given_only_when_every_photograph_has_one(tmp_path):
    half = np.full((16, 16, 4), 255, np.uint8)
    half[:8, :, 3] = 0
    save(tmp_path / "cut.png", half)
    save(tmp_path / "opaque.png", np.full((16, 16, 4), 255))
    found = read_folder(tmp_path, 16)
    assert found.masks is None and found.opaque == ["opaque.png"]


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "LA", "I;16"])
def test_every_mode_is_read(tmp_path, mode):
    if mode == "I;16":
        image = Image.fromarray(np.full((16, 16), 0x8000, np.uint16))
    else:
        image = Image.new("L", (16, 16), 128).convert(mode)
    image.save(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"))
    values = read_folder(tmp_path, 16).images
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
    found = read_folder(tmp_path, 16)
    assert found.names == ["good.jpg", "more/also.jpeg"]
    assert [name for name, _ in found.skipped] == ["cut.jpg", "dot.png", "empty.png", "text.png"]
    assert all(reason for _, reason in found.skipped)


def test_nothing_usable_says_so(tmp_path):
    with pytest.raises(PhotographsError, match="holds no"):
        read_folder(tmp_path, 16)
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PhotographsError, match=r"none of its 1 files.*bad\.jpg"):
        read_folder(tmp_path, 16)
    with pytest.raises(PhotographsError, match="not a folder"):
        read_folder(tmp_path / "nowhere", 16)
