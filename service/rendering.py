"""Draw objects from any camera, with shape, texture and background from one source or several."""

from __future__ import annotations

import asyncio
import base64
import binascii

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.camera import CAMERA_SIZE
from service import archive, images, metrics, schemas
from service.archive import Archive
from service.engine import Engine
from service.errors import ItemError, RequestError
from service.reconstruction import PREVIEW_SIZE, SAMPLES, Upload, cut_out, take, to_archive, to_view


async def render(engine: Engine, request: schemas.RenderRequest) -> schemas.RenderAnswer:
    """Every camera's PNG; raises `RequestError` where a source or a setting cannot be used."""
    views = request.cameras
    largest = engine.settings.largest_request
    if views is not None and len(views) > largest:
        raise RequestError(
            422, "too_many_cameras", f"got {len(views)} cameras; at most {largest} are allowed"
        )
    size = _size(engine, request)
    timings: dict[str, float] = {}
    sources = _sources(request)
    with engine.admit(len(sources) + len(views or [0])), metrics.stage("total", timings):
        archives = await _resolve(engine, sources, timings)
        shape = archives[_key(request.shape or request.reconstruction)]
        texture = archives[_key(request.texture or request.reconstruction)].texture
        behind = request.background or (
            request.reconstruction if request.renderer == "gan" else None
        )
        background = None if behind is None else archives[_key(behind)].background
        rows = [shape.camera] if views is None else [_row(view) for view in views]
        textured = (shape.vertices, texture.astype(np.float32) / 255)
        with metrics.stage("draw", timings):
            draw = _generate if request.renderer == "gan" else _draw
            pngs = await asyncio.gather(
                *(draw(engine, textured, background, row, size) for row in rows)
            )
    return schemas.RenderAnswer(
        images=[base64.b64encode(png).decode("ascii") for png in pngs],
        cameras=[to_view(row) for row in rows] if views is None else views,
        renderer=request.renderer,
        size=size,
        timings=timings,
    )


def _size(engine: Engine, request: schemas.RenderRequest) -> int:
    resolution = engine.manifest.resolution
    if request.renderer == "graphics":
        return request.size or PREVIEW_SIZE
    if request.size not in (None, resolution):
        raise RequestError(
            422,
            "wrong_size",
            f"size is {request.size}; renderer gan draws {resolution} px: leave size out",
        )
    return resolution


def _sources(request: schemas.RenderRequest) -> dict[tuple[str, str], str]:
    """The distinct sources, each under the field it first appears in."""
    sources: dict[tuple[str, str], str] = {}
    for field in ("reconstruction", "shape", "texture", "background"):
        if (source := getattr(request, field)) is not None:
            sources.setdefault(_key(source), field)
    return sources


def _key(source: schemas.Source) -> tuple[str, str]:
    return ("npz", source.npz) if source.npz is not None else ("image", source.image or "")


async def _resolve(
    engine: Engine, sources: dict[tuple[str, str], str], timings: dict[str, float]
) -> dict[tuple[str, str], Archive]:
    async def one(kind: str, text: str, field: str) -> Archive:
        try:
            content = base64.b64decode(text, validate=True)
            if kind == "npz":
                return await engine.in_pool(archive.unpack, content, engine.manifest)
            return to_archive(await take(engine, Upload(field, lambda: content), timings))
        except binascii.Error as error:
            raise RequestError(
                422, "not_base64", f"{field}.{kind} is not base64 ({error}): encode the file"
            ) from error
        except ItemError as error:
            raise RequestError(422, error.code, f"{field}.{kind}: {error.message}") from error

    found = await asyncio.gather(*(one(*key, field) for key, field in sources.items()))
    return dict(zip(sources, found, strict=True))


def _row(view: schemas.CameraView) -> NDArray[np.float32]:
    row = np.array(
        [view.azimuth_degrees, view.elevation_degrees, view.distance, *view.offset], np.float32
    )
    if row.shape != (CAMERA_SIZE,) or np.any(np.abs(row) > archive.LARGEST_NUMBER):
        raise RequestError(
            422, "wrong_camera", f"camera {row.tolist()} is beyond {archive.LARGEST_NUMBER}"
        )
    return row


async def _draw(
    engine: Engine,
    textured: tuple[NDArray, NDArray],
    background: NDArray[np.uint8] | None,
    row: NDArray[np.float32],
    size: int,
) -> bytes:
    def draw() -> bytes:
        rgba = cut_out(engine.draw(*textured, row, size, SAMPLES))
        if background is None:
            return images.encode_png(rgba)
        behind = Image.fromarray(background).resize((size, size), Image.Resampling.BILINEAR)
        drawn_over = Image.alpha_composite(behind.convert("RGBA"), Image.fromarray(rgba))
        return images.encode_png(np.asarray(drawn_over.convert("RGB")))

    return await engine.in_pool(draw)


async def _generate(
    engine: Engine,
    textured: tuple[NDArray, NDArray],
    background: NDArray[np.uint8] | None,
    row: NDArray[np.float32],
    size: int,
) -> bytes:
    assert background is not None, f"a {size} px background is required by the schema"
    image = await engine.generator.generate(row, *textured, background)
    return await engine.in_pool(images.encode_png, images.to_bytes(image))
