"""Animations that last as long as was asked for.

Reports of the kind: Pillow rounds the time of a GIF's picture down to hundredths of a second, so
that 35 pictures a second become 50.
"""

import io

import numpy as np
import pytest
from PIL import Image

from service.imaging.animation import encode


@pytest.mark.parametrize("form", ["gif", "webp"])
@pytest.mark.parametrize("frames_per_second", [1, 7, 12, 24, 30, 35, 50])
def test_all_pictures_together_take_their_time(form, frames_per_second):
    count = 30
    frames = [np.full((16, 16, 3), 8 * number, np.uint8) for number in range(count)]
    film = Image.open(io.BytesIO(encode(form, frames, frames_per_second)))
    durations = []
    for number in range(film.n_frames):
        film.seek(number)
        film.load()
        durations.append(film.info["duration"])
    assert len(durations) == count
    assert abs(sum(durations) - 1000 * count / frames_per_second) <= 10
    assert max(durations) - min(durations) <= 10
