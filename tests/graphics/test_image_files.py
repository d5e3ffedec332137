import numpy as np
import pytest
from PIL import Image

from graphics.image_files import PhotographError, read_upright, transparent_share
from graphics.photographs import decode
from tests.graphics.photograph_files import encoded, png_claiming
from tests.service.small_bundle import draw_photograph

R = 32
LIMIT = 4_000_000


def error_of(content):
    with pytest.raises(PhotographError) as caught:
        decode(content, R, LIMIT)
    return caught.value


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("RGB", "JPEG"),
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGB", "PNG"),
        ("L", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
        ("RGB", "WEBP"),
        ("RGBA", "WEBP"),
        ("P", "GIF"),
    ],
)
def test_every_mode_becomes_the_same_square_of_colours(mode, form):
    grey = draw_photograph(colour=(40, 40, 40)).convert(mode)
    photograph = decode(encoded(grey, form), R, LIMIT)
    assert photograph.pixels.shape == (R, R, 3)
    assert photograph.pixels.dtype == np.uint8
    assert photograph.mask is None
    centre, corner = photograph.pixels[R // 2, R // 2], photograph.pixels[0, 0]
    assert np.all(centre < 60)
    assert np.all(corner > 225)


@pytest.mark.parametrize("value", [0, 128 << 8, 65535])
def test_sixteen_bits_are_scaled_not_clipped(value):
    image = Image.fromarray(np.full((40, 40), value, np.uint16))
    pixels = decode(encoded(image), R, LIMIT).pixels
    assert np.all(pixels == value >> 8)


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
def test_an_animation_gives_its_first_frame(form):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    red, green, blue = decode(content, R, LIMIT).pixels[5, 5]
    assert red > 245
    assert max(green, blue) < 10


def test_a_jpeg_of_several_pictures_gives_the_first():
    frames = [Image.new("RGB", (900, 600), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    photograph = decode(content, R, LIMIT)
    assert photograph.size == (900, 600)
    assert photograph.pixels[5, 5, 0] > 245


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright(orientation):
    upright = Image.new("RGB", (60, 40), "white")
    upright.paste((255, 0, 0), (0, 0, 30, 20))  # top left quarter
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph = decode(encoded(stored, exif=exif), R, LIMIT)
    assert photograph.size == (60, 40)
    assert tuple(photograph.pixels[R // 2 - 4, 4]) == (255, 0, 0)
    assert tuple(photograph.pixels[R // 2 + 4, R - 4]) == (255, 255, 255)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"hello", "unsupported_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
        (b"%PDF-1.7", "unsupported_format"),
        (encoded(draw_photograph(), "BMP"), "unsupported_format"),
        (encoded(draw_photograph(), "TIFF"), "unsupported_format"),
        (encoded(draw_photograph())[:300], "unreadable_image"),
        (encoded(draw_photograph(), "JPEG")[:700], "unreadable_image"),
        (png_claiming(3000, 3000), "image_too_large"),
        (png_claiming(12_000, 12_000), "image_too_large"),
        (png_claiming(30_000, 30_000), "image_too_large"),
        (encoded(Image.new("RGB", (1, 5000))), "image_too_narrow"),
        (encoded(Image.new("RGB", (7, 7))), "image_too_narrow"),
        (encoded(Image.new("RGBA", (50, 50))), "transparent_image"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_own_reason(content, code):
    error = error_of(content)
    assert error.code == code
    assert ": " in error.message  # what to do follows what is wrong


def test_a_message_says_what_was_got_and_what_is_allowed():
    message = error_of(encoded(Image.new("RGB", (1, 5000)))).message
    assert "1x5000 px" in message
    assert "at least 8 px" in message
    assert "3000x3000 px; at most 4 megapixels" in error_of(png_claiming(3000, 3000)).message


def test_any_cut_of_a_file_is_refused_or_an_image():
    for content in (encoded(draw_photograph()), encoded(draw_photograph(), "JPEG")):
        for end in range(0, len(content), 97):
            try:
                decode(content[:end], R, LIMIT)
            except PhotographError:
                continue


def test_any_flipped_byte_is_refused_or_an_image():
    random = np.random.default_rng(1)
    for content in (encoded(draw_photograph()), encoded(draw_photograph(), "JPEG")):
        for place in random.integers(0, len(content), 60):
            damaged = bytearray(content)
            damaged[place] ^= 0xFF
            try:
                decode(bytes(damaged), R, LIMIT)
            except PhotographError:
                continue


def test_a_large_jpeg_is_decoded_at_a_fraction_and_its_own_size_told():
    content = encoded(draw_photograph(1600, 1200), "JPEG")
    image, size = read_upright(content, 300, LIMIT)
    assert image.size == (400, 300) and size == (1600, 1200)
    assert read_upright(content, 1200, LIMIT)[0].size == size


def test_what_is_more_than_half_hidden_is_transparent():
    cut_out = Image.new("RGBA", (9, 9), (1, 2, 3, 255))
    cut_out.putpixel((4, 4), (1, 2, 3, 128))
    assert transparent_share(cut_out) == 0 and transparent_share(Image.new("RGB", (9, 9))) == 0
    cut_out.putpixel((4, 4), (1, 2, 3, 127))
    assert transparent_share(cut_out) == 1 / 81
