"""Pictures in one file: a strip, a WebP, a GIF, or a film where imageio-ffmpeg is installed."""

import io
import itertools
import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import RequestError

MEDIA_TYPES = {"strip": "image/png", "webp": "image/webp", "gif": "image/gif", "mp4": "video/mp4"}
LARGEST = 16_000_000
"""Pixels of all pictures together: they are held in memory at once."""
PROBE = 1 << 20
"""Bytes: a disk with less than this left over is what stopped an encoder of films."""


def check(form: str, frames: int, width: int, height: int) -> None:
    """Raise `RequestError` 422, before anything is rendered, where the file cannot be made."""
    if frames * width * height > LARGEST:
        message = (
            f"{frames} pictures of {width}x{height} px are more than {LARGEST / 1e6:g} megapixels: "
            "ask for fewer or smaller ones"
        )
        raise RequestError(422, "animation_too_large", message)
    if form == "mp4":
        _film_encoder()


def encode(form: str, frames: Sequence[NDArray[np.uint8]], frames_per_second: int) -> bytes:
    """`frames` are `[H, W, 3]` or `[H, W, 4]`, all alike. CPU work: called in the pool."""
    if form == "mp4":
        return _film(frames, frames_per_second)
    file = io.BytesIO()
    if form == "strip":
        Image.fromarray(np.concatenate(frames, axis=1)).save(file, "PNG", compress_level=3)
        return file.getvalue()
    first, *others = (Image.fromarray(frame) for frame in frames)
    moving = {
        "save_all": True,
        "append_images": others,
        "duration": _durations(len(frames), frames_per_second, 10 if form == "gif" else 1),
        "loop": 0,
    }
    if form == "webp":
        first.save(file, "WEBP", quality=80, method=2, **moving)
    else:
        # Each picture replaces the last one: transparent ones would pile up.
        first.save(file, "GIF", disposal=2, optimize=False, **moving)
    return file.getvalue()


def _durations(frames: int, frames_per_second: int, step: int) -> list[int]:
    """Milliseconds of each picture, multiples of `step`, that add up to the time of all.

    GIF counts hundredths of a second: 1/35 s each would be 2 of them, and the whole a third faster.
    """
    ends = [step * round(1000 * n / (frames_per_second * step)) for n in range(frames + 1)]
    return [end - start for start, end in itertools.pairwise(ends)]


def _film_encoder():  # noqa: ANN202 - the package has no types
    try:
        import imageio_ffmpeg  # pyright: ignore[reportMissingImports] - of the extra video
    except ImportError:
        message = (
            "format mp4 needs the package imageio-ffmpeg in the service (extra video): ask for "
            "webp or gif"
        )
        raise RequestError(422, "no_film_encoder", message) from None
    return imageio_ffmpeg


def _film(frames: Sequence[NDArray[np.uint8]], frames_per_second: int) -> bytes:
    """Raises `OSError` of the system's, where the folder of temporary files is full."""
    encoder = _film_encoder()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "film.mp4")
        try:
            _write_film(encoder, path, frames, frames_per_second)
            # The encoder's exit status is not looked at: it may have stopped early.
            count, _ = encoder.count_frames_and_secs(path)
            if count != len(frames):
                raise RuntimeError(f"the film has {count} of {len(frames)} pictures")
        except (OSError, RuntimeError):
            _fill_a_little(folder)  # says so where the disk is to blame: the encoder has no errno
            raise
        with open(path, "rb") as file:
            return file.read()


def _write_film(
    encoder: Any, path: str, frames: Sequence[NDArray[np.uint8]], frames_per_second: int
) -> None:
    height, width = (-(-length // 2) * 2 for length in frames[0].shape[:2])  # H.264 wants them even
    writer = encoder.write_frames(path, (width, height), fps=frames_per_second, macro_block_size=2)
    writer.send(None)
    try:
        for frame in frames:
            writer.send(_opaque(frame, height, width).tobytes())
    finally:
        writer.close()


def _fill_a_little(folder: str) -> None:
    with open(os.path.join(folder, "probe"), "wb") as file:
        file.write(bytes(PROBE))


def _opaque(frame: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A film has no transparency: the picture on white."""
    picture = Image.fromarray(frame).convert("RGBA")
    paper = Image.new("RGBA", (width, height), "white")
    paper.alpha_composite(picture)
    return np.asarray(paper.convert("RGB"))
