"""What the networks find in one photograph: decode, segment, reconstruct."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics import azimuth
from graphics.photographs import Photograph, cut_out, open_photograph
from graphics.quality import OBJECT
from graphics.segmented import Shown, box_within, cut_out_found, show
from graphics.unpacking import pixels_unpacked
from service import metrics
from service.call import CALL
from service.imaging import images
from service.model.runners import Reconstruction
from service.pipeline.engine import Engine
from service.pipeline.room import Waiting
from service.schemas.photographs import Upload


class Seen(NamedTuple):
    """A photograph with what the networks found in it."""

    photograph: Photograph
    mask: NDArray[np.float32]
    """[R, R] in 0..1"""
    reconstruction: Reconstruction


async def see(
    engine: Engine, upload: Upload, timings: dict[str, float], longer: int | None = None
) -> Seen:
    """The object of one photograph; `longer`: texels of a texture that the client asks for.

    Raises `ItemError` where the image is to blame.
    """
    resolution = engine.manifest.resolution
    detail = engine.painter.height(max(engine.texture_size, longer or 0))
    with metrics.stage("decode", timings):
        found = await engine.in_pool(prepare_now, engine, upload, detail)
        if isinstance(found, Waiting):
            call = CALL.get()  # None in a job, which has no deadline
            async with engine.room.when_free(found.pixels, call and call.deadline):
                found = await engine.in_pool(prepare, engine, upload, detail)
    if isinstance(found, Shown):
        with metrics.stage("segment", timings):
            mask = await engine.segmenter.segment(found.pixels)
        with metrics.stage("cut_out", timings):
            found = await engine.in_pool(cut_out_found, found, mask, resolution, detail)
    assert found.mask is not None
    with metrics.stage("reconstruct", timings):
        reconstruction = await engine.reconstructor.reconstruct(found.pixels, found.mask)
    if not (found.mask > OBJECT.threshold).any():
        # The network was never asked about photographs of nothing.
        reconstruction = reconstruction._replace(
            confidence=0.0, azimuth_probabilities=azimuth.UNKNOWN
        )
    return Seen(found, found.mask, reconstruction)


def prepare_now(engine: Engine, upload: Upload, detail: int) -> Photograph | Shown | Waiting:
    """What `prepare` makes of a photograph, where there is room in memory for it now.

    Raises `ItemError` where the image is to blame. CPU work: called in the pool.
    """
    content, mask = _read(upload)
    boxed, resolution = upload.box is not None, engine.manifest.resolution
    pixels = pixels_unpacked(content, resolution, _limit(engine), mask, boxed)
    with engine.room.at_once(pixels) as granted:
        return prepare(engine, upload, detail) if granted else Waiting(pixels)


def _read(upload: Upload) -> tuple[bytes, bytes | None]:
    """The image and its mask, if one came with it."""
    return upload.read(), None if upload.read_mask is None else upload.read_mask()


def _limit(engine: Engine) -> int:
    return engine.settings.pixel_limit_megapixels * 1_000_000


def prepare(engine: Engine, upload: Upload, detail: int) -> Photograph | Shown:
    """The object, cut out, where a mask names it; else what the segmenter is to look at.

    Raises `ItemError` where the image is to blame. CPU work: called in the pool.
    """
    resolution, limit = engine.manifest.resolution, _limit(engine)
    content, mask = _read(upload)
    with images.blaming_the_image():
        boxed = upload.box is not None
        opened = open_photograph(content, resolution, limit, mask, boxed=boxed)
        if not opened.masked:
            chosen = engine.segmenter.chosen
            return show(opened, chosen.side, chosen.stretched, upload.box)
        if upload.box is not None:
            box_within(opened, upload.box)
        return cut_out(opened, resolution, detail)
