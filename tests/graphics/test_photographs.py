import numpy as np
import pytest
from PIL import Image

from graphics.frames import FRAME, LARGEST_FILL, frame_around
from graphics.image_files import PhotographError
from graphics.photographs import decode, decode_square
from tests.graphics.photograph_files import encoded, png_claiming
from tests.service.small_bundle import draw_photograph

R = 32
LIMIT = 4_000_000


def test_a_mask_file_counts_before_alpha_and_in_the_upright_photograph():
    image = Image.new("RGBA", (60, 40), (10, 20, 30, 0))
    image.paste((10, 20, 30, 255), (0, 0, 10, 10))
    mask = Image.new("L", (60, 40))
    mask.paste(255, (30, 10, 50, 30))
    photograph = decode(encoded(image), R, LIMIT, encoded(mask))
    assert photograph.frame.left == pytest.approx(40 - FRAME * 10, abs=1)
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = draw_photograph(40, 60).transpose(Image.Transpose.ROTATE_90)
    turned = decode(
        encoded(sideways, "JPEG", exif=exif), R, LIMIT, encoded(mask.rotate(90, expand=True))
    )
    assert turned.size == (40, 60)
    assert turned.frame.left == pytest.approx(20 - FRAME * 10, abs=1)


def test_a_cut_out_is_a_mask_of_its_object_however_dark():
    cut_out = Image.new("RGBA", (60, 40), (255, 255, 255, 0))
    cut_out.paste((5, 5, 5, 255), (30, 10, 50, 30))
    photograph = decode(encoded(draw_photograph(60, 40)), R, LIMIT, encoded(cut_out))
    assert photograph.frame.left == pytest.approx(40 - FRAME * 10, abs=1)
    assert photograph.mask[R // 2, R // 2] == 1 and photograph.mask[0, 0] == 0


@pytest.mark.parametrize("alpha", [254, 0])
def test_a_mask_with_a_pixel_that_is_not_opaque_is_still_white_on_the_object(alpha):
    photograph = draw_photograph(60, 45)
    white = Image.new("L", (60, 45))
    white.paste(255, (10, 10, 40, 30))
    opaque = Image.merge("RGBA", [white, white, white, Image.new("L", (60, 45), 255)])
    opaque.putpixel((0, 0), (0, 0, 0, alpha))
    given = [decode(encoded(photograph), 32, 10**6, encoded(mask)) for mask in (white, opaque)]
    assert given[0].frame == given[1].frame
    np.testing.assert_array_equal(given[0].mask, given[1].mask)


def test_a_mask_of_another_size_will_do_only_where_it_may_and_has_the_same_proportions():
    content, mask = encoded(draw_photograph(120, 90)), Image.new("L", (40, 30))
    mask.paste(255, (10, 10, 20, 20))
    photograph = decode(content, R, LIMIT, encoded(mask), scaled_mask=True)
    assert photograph.frame.side == pytest.approx(FRAME * 30, abs=7)
    with pytest.raises(PhotographError, match="40x40 px and the upright image 120x90 px"):
        decode(content, R, LIMIT, encoded(mask.resize((40, 40))), scaled_mask=True)
    with pytest.raises(PhotographError, match="40x30 px and the upright image 120x90 px"):
        decode(content, R, LIMIT, encoded(mask))


def test_an_object_that_is_a_small_part_of_a_large_jpeg_keeps_its_detail():
    stripes = np.zeros((1200, 1600, 3), np.uint8)
    stripes[:, ::16] = stripes[:, 1::16] = stripes[:, 2::16] = stripes[:, 3::16] = 255
    mask = Image.new("L", (1600, 1200))
    mask.paste(255, (800, 600, 960, 760))
    content = encoded(Image.fromarray(stripes), "JPEG", quality=95)
    photograph = decode(content, R, LIMIT, encoded(mask))
    assert photograph.frame == pytest.approx((704, 504, 352), abs=2)
    assert len(photograph.detail) >= 2 * R
    assert np.ptp(photograph.detail[len(photograph.detail) // 2, :, 0]) > 200


def test_a_square_shows_what_is_in_its_frame_and_goes_on_by_the_edges():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(pixels))
    assert np.array_equal(decode_square(content, 20, LIMIT, (30, 10, 20)), pixels[10:30, 30:50])
    beyond = decode_square(content, 20, LIMIT, (50, 30, 20))
    assert np.array_equal(beyond[:10, :10], pixels[30:, 50:])
    assert np.all(beyond[10:, 10:] == pixels[-1, -1])


def test_a_square_is_that_of_the_large_jpeg_which_is_decoded_small():
    image = draw_photograph(3200, 2400)
    whole = decode_square(encoded(image, "JPEG", quality=95), 8, 8_000_000, (800, 600, 1600))
    cut = image.crop((800, 600, 2400, 2200)).resize((8, 8), Image.Resampling.BOX)
    assert np.abs(whole.astype(int) - np.asarray(cut)).max() <= 8


def test_a_frame_has_the_side_of_its_box_and_holds_all_of_a_long_one():
    assert frame_around(10.0, 20.0, 80.0, 50.0) == (-6, -16, 101)
    assert 101 == round(FRAME * np.sqrt(70 * 30))
    assert frame_around(0, 0, 900, 40) == (-50, -480, 900 / LARGEST_FILL)
    with pytest.raises(PhotographError, match="the box 3, 4, 3, 9 has no size"):
        frame_around(3, 4, 3, 9)


def test_a_mask_fits_a_large_jpeg_that_is_decoded_small():
    mask = Image.new("1", (1600, 1200))
    mask.paste(1, (400, 300, 1200, 900))
    photograph = decode(encoded(draw_photograph(1600, 1200), "JPEG"), R, LIMIT, encoded(mask))
    assert photograph.frame.side == pytest.approx(FRAME * np.sqrt(800 * 600), rel=0.02)


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (encoded(Image.new("L", (90, 120), 255)), "wrong_mask_size"),
        (encoded(Image.new("L", (60, 45), 255)), "wrong_mask_size"),
        (encoded(Image.new("L", (120, 90))), "transparent_image"),
        (encoded(Image.new("RGBA", (120, 90), (255, 255, 255, 0))), "transparent_image"),
        (png_claiming(30_000, 30_000), "unreadable_mask"),
        (b"", "unreadable_mask"),
        (encoded(Image.new("L", (120, 90), 255))[:60], "unreadable_mask"),
    ],
)
def test_a_mask_that_cannot_be_used_is_refused_with_its_own_reason(mask, code):
    with pytest.raises(PhotographError) as caught:
        decode(encoded(draw_photograph()), R, LIMIT, mask)
    assert caught.value.code == code


@pytest.mark.parametrize(("width", "height"), [(8, 8), (20, 31), (1200, 90), (640, 480), (33, 32)])
def test_any_size_is_padded_to_a_square_by_its_edges(width, height):
    rows = np.linspace(0, 255, height).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(rows[:, None], (height, width)).copy())
    photograph = decode(encoded(image), R, LIMIT)
    frame = photograph.frame
    assert frame.side == max(width, height)
    assert frame.left == pytest.approx((width - frame.side) / 2, abs=1)
    assert frame.top == pytest.approx((height - frame.side) / 2, abs=1)
    assert photograph.pixels[0, 0, 0] <= 255 // R + 20
    assert photograph.pixels[-1, 0, 0] >= 255 - 255 // R - 20


def test_area_average_keeps_the_mean():
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    pixels = decode(encoded(Image.fromarray(noise)), R, LIMIT).pixels
    expected = noise.reshape(R, 3, R, 3, 3).mean(axis=(1, 3))
    assert np.max(np.abs(pixels - expected)) <= 1  # rounded twice


def test_a_large_jpeg_looks_like_the_small_one():
    large = decode(encoded(draw_photograph(1600, 1200), "JPEG", quality=95), R, LIMIT)
    small = decode(encoded(draw_photograph(128, 96)), R, LIMIT)
    assert large.size == (1600, 1200)
    assert large.frame == pytest.approx((0, -200, 1600), abs=4)
    assert np.mean(np.abs(large.pixels.astype(int) - small.pixels)) < 3


@pytest.mark.parametrize("scale", [0.1, 1, 4.3])
def test_alpha_is_the_mask_and_the_object_in_the_middle_of_its_frame(scale):
    width, height, *box = (round(scale * length) for length in (400, 300, 10, 20, 80, 50))
    image = Image.new("RGBA", (width, height), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), box)
    photograph = decode(encoded(image), R, LIMIT)
    side = FRAME * np.sqrt(70 * 30)
    assert photograph.frame.side == pytest.approx(side * scale, abs=2)
    assert photograph.frame.left == pytest.approx(((10 + 80) - side) / 2 * scale, abs=1)
    inside = photograph.mask > 0.5
    assert inside.any(axis=0).sum() == pytest.approx(70 / side * R, abs=1.5)
    assert inside.any(axis=1).sum() == pytest.approx(30 / side * R, abs=1.5)
    # Hidden red never shows: blue inside, mid grey outside, mixtures of the two between.
    assert tuple(photograph.pixels[R // 2, R // 2]) == (0, 0, 255)
    assert tuple(photograph.pixels[0, 0]) == (128, 128, 128)
    assert photograph.pixels[..., 0].max() <= 129


def test_an_opaque_alpha_channel_is_no_mask():
    opaque = draw_photograph().convert("RGBA")
    assert decode(encoded(opaque), R, LIMIT).mask is None
