import numpy as np
import pytest
from PIL import Image

from train.data.photographs import MID_GREY, PhotographsError, read_folder


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


def test_alpha_becomes_the_mask_over_mid_grey(tmp_path):
    cut_out = np.full((20, 40, 4), 250, np.uint8)
    cut_out[..., 3] = 0
    cut_out[:, 10:30, 3] = 255
    save(tmp_path / "cut.png", cut_out)
    found = read_folder(tmp_path, 40)
    image, mask = found.images[0], found.masks[0]
    assert (mask[10:30, 10:30] == 255).all() and mask.sum() == 255 * 400
    assert (image[mask == 0] == MID_GREY).all() and (image[mask == 255] == 250).all()


def test_masks_are_given_only_when_every_photograph_has_one(tmp_path):
    half = np.full((16, 16, 4), 255, np.uint8)
    half[:8, :, 3] = 0
    save(tmp_path / "cut.png", half)
    save(tmp_path / "opaque.png", np.full((16, 16, 4), 255))
    assert read_folder(tmp_path, 16).masks is None


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
