import importlib.util
import io

import numpy as np
import pytest
from PIL import Image

from service.errors import RequestError
from service.imaging import animation

SIDE = 20
FILM = importlib.util.find_spec("imageio_ffmpeg") is not None


def frames(count=5, channels=4):
    """A square that wanders over nothing."""
    made = np.zeros((count, SIDE, SIDE, channels), np.uint8)
    for index in range(count):
        made[index, 5:15, 2 * index : 2 * index + 10] = (255, 0, 0, 255)[:channels]
    return list(made)


def opened(content):
    return Image.open(io.BytesIO(content))


def test_a_strip_stands_side_by_side():
    strip = np.asarray(opened(animation.encode("strip", frames(), 10)))
    np.testing.assert_array_equal(strip, np.concatenate(frames(), axis=1))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("form", ["webp", "gif"])
def test_a_moving_picture_has_every_frame_and_shows_one_at_a_time(form, channels):
    content = animation.encode(form, frames(channels=channels), 10)
    picture = opened(content)
    assert picture.format == form.upper()
    assert picture.n_frames == 5
    for index, wanted in enumerate(frames(channels=channels)):
        picture.seek(index)
        seen = np.asarray(picture.convert("RGBA")).astype(int)
        assert picture.info["duration"] == 100
        covered = wanted[..., 0] > 0
        assert np.mean(seen[covered][:, 0]) > 180
        rest = seen[~covered]
        shown = rest[:, 0] * rest[:, 3] / 255 if channels == 4 else rest[:, 0]
        assert np.mean(shown) < 25


@pytest.mark.skipif(FILM, reason="imageio-ffmpeg is installed")
def test_a_film_without_its_encoder_is_refused_with_what_to_do():
    with pytest.raises(RequestError, match="imageio-ffmpeg") as caught:
        animation.check("mp4", 5, SIDE, SIDE)
    assert caught.value.status == 422


@pytest.mark.skipif(not FILM, reason="imageio-ffmpeg is not installed (extra video)")
def test_a_film_has_every_frame(tmp_path):
    import imageio_ffmpeg

    odd = [np.pad(frame, ((0, 1), (0, 1), (0, 0))) for frame in frames(8)]
    content = animation.encode("mp4", odd, 10)
    assert content[4:8] == b"ftyp"
    film = tmp_path / "film.mp4"
    film.write_bytes(content)
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(film))
    assert count == 8
    assert seconds == pytest.approx(0.8, abs=0.05)


def test_too_many_pixels_are_refused_before_they_are_drawn():
    animation.check("gif", 15, 1000, 1000)
    with pytest.raises(RequestError, match="17 pictures of 1000x1000 px"):
        animation.check("gif", 17, 1000, 1000)
