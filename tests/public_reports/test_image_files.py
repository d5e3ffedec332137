"""Image files as phones, screenshots and image editors write them, read as people see them."""

import io
import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageDraw

from graphics.image_files import MOST_PIXELS, PhotographError, read_upright
from graphics.photographs import decode, open_photograph
from service.settings import Settings
from tests.graphics.photograph_files import (
    ADOBE_RGB,
    DISPLAY_P3,
    encoded,
    icc_profile,
    png_claiming,
    png_of,
)
from tests.service.requests import png, post
from tests.service.small_bundle import draw_photograph
from train.data.photo_layouts import read_training
from train.data.photo_set import PIXEL_LIMIT
from train.data.picture_files import counted

LIMIT, R = 4_000_000, 32


def with_alpha(alpha):
    image = draw_photograph().convert("RGBA")
    image.putalpha(alpha)
    return image


def rounded(size, radius):
    alpha = Image.new("L", size)
    ImageDraw.Draw(alpha).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius, fill=255)
    return alpha


def one_pixel(size):
    alpha = Image.new("L", size, 255)
    alpha.putpixel((3, 3), 254)
    return alpha


SIZE = draw_photograph().size


@pytest.mark.parametrize(
    "alpha",
    [
        one_pixel(SIZE),
        rounded(SIZE, 12),
        Image.new("L", SIZE, 254),
        Image.new("L", SIZE, 200),
    ],
    ids=["one_pixel", "rounded_corners", "254_everywhere", "200_everywhere"],
)
def test_alpha_that_hides_next_to_nothing_is_no_mask(client, alpha):
    assert not open_photograph(png(with_alpha(alpha)), R, LIMIT).masked
    (entry,) = post(client, png(with_alpha(alpha))).json()["images"]
    (opaque,) = post(client, png(draw_photograph())).json()["images"]
    assert "segment" in entry["timings"] and entry["frame"] == opaque["frame"]


def test_an_alpha_channel_that_cuts_out_stays_a_mask(client):
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(0, (0, 0, SIZE[0], round(0.06 * SIZE[1])))
    (entry,) = post(client, png(with_alpha(alpha))).json()["images"]
    assert "segment" not in entry["timings"]


@pytest.mark.parametrize(
    ("primaries", "shown"),
    [(DISPLAY_P3, (219, 14, 35)), (ADOBE_RGB, (232, 46, 46))],
    ids=["display_p3", "adobe_rgb"],
)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "HEIF", "AVIF"])
def test_colours_are_those_of_the_profile_for_service_and_training(
    tmp_path, form, primaries, shown
):
    """Worked out by the equations of the two spaces, gamma 2.2, adapted to D50."""
    image = Image.new("RGB", (64, 64), (200, 50, 50))
    content = encoded(image, form, icc_profile=icc_profile(primaries))
    served = decode(content, R, LIMIT).pixels[5, 5]
    assert np.abs(served.astype(int) - shown).max() <= 6
    (tmp_path / f"a.{form.lower()}").write_bytes(content)
    assert np.array_equal(read_training(tmp_path, R).images[0, 5, 5], served)


def test_greys_and_alpha_have_profiles_too_and_damaged_ones_say_nothing():
    grey = encoded(Image.new("LA", (64, 64), (100, 77)), icc_profile=icc_profile((), 1.8))
    assert read_upright(grey, 64, LIMIT)[0].getpixel((5, 5)) == (119, 119, 119, 77)
    for profile in (b"no profile", icc_profile(DISPLAY_P3)[:150], icc_profile(())):
        content = encoded(Image.new("RGB", (64, 64), (200, 50, 50)), icc_profile=profile)
        assert read_upright(content, R, LIMIT)[0].getpixel((5, 5)) == (200, 50, 50)


def test_a_large_file_with_a_profile_keeps_its_size_and_place():
    image = draw_photograph(1200, 900)
    profiled = encoded(image, icc_profile=icc_profile(DISPLAY_P3))
    found, plain = (decode(content, R, LIMIT) for content in (profiled, encoded(image)))
    assert found.size == plain.size == (1200, 900)
    assert found.frame == pytest.approx(plain.frame)


@pytest.mark.parametrize(
    ("depth", "row", "nothing"),
    [
        (16, struct.pack(">2H", 0x1234, 0xABCD) * 20, b"\xab\xcd"),
        (8, bytes([5, 200]) * 20, b"\0\xc8"),
        (4, bytes([0x0A]) * 20, b"\0\x0a"),
        (2, bytes([0b00100010]) * 10, b"\0\2"),
        (1, bytes([0b01010101]) * 5, b"\0\1"),
    ],
)
def test_a_grey_png_of_any_depth_keeps_its_transparent_value(depth, row, nothing):
    content = png_of(40, 40, depth, 0, [row] * 40, (b"tRNS", nothing))
    image, _ = read_upright(content, R, LIMIT)
    assert image.mode == "RGBA"
    assert np.array_equal(np.asarray(image)[0, :4, 3], [255, 0, 255, 0])


def test_a_colour_png_of_16_bits_keeps_its_transparent_value():
    row = struct.pack(">6H", 1, 2, 3, 0x1234, 0x5678, 0x9ABC) * 20
    nothing = struct.pack(">3H", 0x1234, 0x5678, 0x9ABC)
    content = png_of(40, 40, 16, 2, [row] * 40, (b"tRNS", nothing))
    assert np.array_equal(
        np.asarray(read_upright(content, R, LIMIT)[0])[0, :4, 3], [255, 0, 255, 0]
    )


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_what_phones_write_is_taken(client, form):
    content = encoded(draw_photograph(), form)
    (entry,) = post(client, content).json()["images"]
    assert entry["status"] == "ok"
    (other,) = post(client, encoded(draw_photograph())).json()["images"]
    assert entry["camera"]["azimuth_degrees"] == pytest.approx(
        other["camera"]["azimuth_degrees"], abs=2
    )


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_a_phones_photograph_is_turned_once(form):
    upright = Image.new("RGB", (64, 48), "white")
    upright.paste((255, 0, 0), (0, 0, 32, 24))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    if form == "HEIF":  # where a property of the image says the same as EXIF
        written = pillow_heif.from_bytes("RGB", stored.size, stored.tobytes())
        written.info["exif"] = exif.tobytes()
        file = io.BytesIO()
        written.save(file)
        content = file.getvalue()
        assert b"irot" in content
    else:
        content = encoded(stored, form, exif=exif)
    image, size = read_upright(content, R, LIMIT)
    assert image.size == size == (64, 48)
    assert image.getpixel((8, 8))[1] < 60 and image.getpixel((56, 40))[1] > 200


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_their_sizes_are_looked_at_before_they_are_decoded(form):
    content = encoded(draw_photograph(), form)
    assert content.count(b"ispe") == 1
    start = content.index(b"ispe") + 8
    claiming = content[:start] + struct.pack(">2I", 9000, 9000) + content[start + 8 :]
    with pytest.raises(PhotographError) as caught:
        decode(claiming, R, LIMIT)
    assert caught.value.code == "image_too_large" and "9000x9000 px" in caught.value.message


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_a_cut_one_is_damaged_not_of_another_format(form):
    content = encoded(draw_photograph(), form)
    for end in (60, 200, len(content) // 2, len(content) - 9):
        with pytest.raises(PhotographError) as caught:
            decode(content[:end], R, LIMIT)
        assert caught.value.code == "unreadable_image"


def cut_exif(keep):
    """A JPEG whose note of the camera ends early."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker" * 50
    content = encoded(draw_photograph(), "JPEG", exif=exif)
    start = content.index(b"Exif")
    (length,) = struct.unpack(">H", content[start - 2 : start])
    head = content[: start - 2] + struct.pack(">H", keep + 2) + content[start : start + keep]
    return head + content[start - 2 + length :]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Tag data larger")
def test_training_reads_what_the_service_reads(client, tmp_path):
    frames = [draw_photograph(), draw_photograph(colour=(9, 9, 9))]
    files = {
        "cut_4.jpg": cut_exif(4),
        "cut_15.jpg": cut_exif(15),
        "cut_60.jpg": cut_exif(60),
        "head.jpg": cut_exif(200).replace(b"MM\0*", b"junk"),
        "mpo.jpg": encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]),
        "phone.avif": encoded(frames[0], "AVIF"),
        "phone.heic": encoded(frames[0], "HEIF"),
        "web.webp": encoded(frames[0], "WEBP"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert {e["status"] for e in post(client, *files.values()).json()["images"]} == {"ok"}
    found = read_training(tmp_path, R)
    assert found.names == sorted(files) and found.skipped == []


def test_every_file_that_is_left_out_is_named_and_counted_by_reason(tmp_path):
    draw_photograph().save(tmp_path / "good.jpg")
    for name in ("a.tif", "b.bmp", "c.TIFF"):
        form = "BMP" if name.endswith("bmp") else "TIFF"
        (tmp_path / name).write_bytes(encoded(draw_photograph(), form))
    for name in ("raw.xyz", "IMG_0001", "notes.txt", "d.dng"):
        (tmp_path / name).write_bytes(b"0123")
    for name in (".DS_Store", "photos.csv"):
        (tmp_path / name).write_bytes(b"0123")
    found = read_training(tmp_path, R)
    assert found.names == ["good.jpg"]
    others = {"raw.xyz", "IMG_0001", "notes.txt"}
    assert {file.name for file in found.skipped} == others | {"a.tif", "b.bmp", "c.TIFF", "d.dng"}
    first, *lines = counted(found.skipped, 8)
    assert first == "7 of 8 files are left out:"
    assert [int(line.split(" x ")[0]) for line in lines] == [3, 2, 1, 1]
    kinds = {"not named", "a TIFF", "a BMP", "text"}
    assert {kind for kind in kinds for line in lines if kind in line} == kinds
    assert sum("not a JPEG, PNG, WebP, GIF, HEIC or AVIF" in line for line in lines) == 3


def test_a_phones_largest_photograph_is_no_bomb(tmp_path):
    content = encoded(Image.new("L", (12_000, 9_000), 90), "JPEG")
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_training(tmp_path, R).sizes == [(12_000, 9_000)]
    with pytest.raises(PhotographError, match="at most 256 megapixels"):
        read_upright(png_claiming(20_000, 20_000), R, PIXEL_LIMIT)


def test_no_limit_is_above_what_pillow_reads():
    assert Settings(pixel_limit_megapixels=256).pixel_limit_megapixels * 1_000_000 == MOST_PIXELS
    with pytest.raises(ValueError, match="less than or equal to 256"):
        Settings(pixel_limit_megapixels=257)
