"""Draw objects from any camera, with shape, texture and background from one source or several."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.camera import CAMERA_SIZE
from service import archive, images, metrics, render_schemas, schemas
from service.archive import Archive
from service.engine import Engine
from service.errors import ItemError, RequestError
from service.reconstruction import PREVIEW_SIZE, SAMPLES, Upload, cut_out, take, to_archive, to_view


class Scene(NamedTuple):
    """What is drawn."""

    vertices: NDArray[np.float32]
    """[V, 3]"""
    texture: NDArray[np.float32]
    """[Ht, Wt, 3] in 0..1"""
    background: NDArray[np.uint8] | None
    """[R, R, 3]; None leaves the picture transparent around the object."""


async def render(
    engine: Engine, request: render_schemas.RenderRequest
) -> render_schemas.RenderAnswer:
    """Every camera's PNG; raises `RequestError` where a source or a setting cannot be used."""
    views = request.cameras
    largest = engine.settings.largest_request
    if views is not None and len(views) > largest:
        raise RequestError(
            422, "too_many_cameras", f"got {len(views)} cameras; at most {largest} are allowed"
        )
    size = _size(engine, request)
    sources = _sources(request)
    timings: dict[str, float] = {}
    with engine.admit(len(sources) + len(views or [0])), metrics.stage("total", timings):
        archives = await _resolve(engine, sources, timings)
        scene = _scene(request, archives)
        photographed = archives[_key(request.shape or request.reconstruction)].camera
        rows = [photographed] if views is None else [_row(view) for view in views]
        with metrics.stage("draw", timings):
            if request.renderer == "gan":
                drawings = [_generate(engine, scene, row) for row in rows]
            else:
                drawings = [engine.in_pool(_draw, engine, scene, row, size) for row in rows]
            pngs = await asyncio.gather(*drawings)
    return render_schemas.RenderAnswer(
        images=[base64.b64encode(png).decode("ascii") for png in pngs],
        cameras=[to_view(row) for row in rows] if views is None else views,
        renderer=request.renderer,
        size=size,
        timings=timings,
    )


def _scene(
    request: render_schemas.RenderRequest, archives: dict[tuple[str, str], Archive]
) -> Scene:
    """Each part from its own source, else from the reconstruction."""
    whole = request.reconstruction
    # The graphics renderer keeps the object alone unless a background is asked for by name.
    behind = request.background or (whole if request.renderer == "gan" else None)
    return Scene(
        archives[_key(request.shape or whole)].vertices,
        archives[_key(request.texture or whole)].texture.astype(np.float32) / 255,
        None if behind is None else archives[_key(behind)].background,
    )


def _size(engine: Engine, request: render_schemas.RenderRequest) -> int:
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


def _sources(request: render_schemas.RenderRequest) -> dict[tuple[str, str], str]:
    """The distinct sources, each under the field it first appears in."""
    sources: dict[tuple[str, str], str] = {}
    for field in ("reconstruction", "shape", "texture", "background"):
        if (source := getattr(request, field)) is not None:
            sources.setdefault(_key(source), field)
    return sources


def _key(source: render_schemas.Source) -> tuple[str, str]:
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


def _draw(engine: Engine, scene: Scene, row: NDArray[np.float32], size: int) -> bytes:
    """CPU work: called in the pool."""
    rgba = cut_out(engine.draw(scene.vertices, scene.texture, row, size, SAMPLES))
    if scene.background is None:
        return images.encode_png(rgba)
    behind = Image.fromarray(scene.background).resize((size, size), Image.Resampling.BILINEAR)
    drawn_over = Image.alpha_composite(behind.convert("RGBA"), Image.fromarray(rgba))
    return images.encode_png(np.asarray(drawn_over.convert("RGB")))


async def _generate(engine: Engine, scene: Scene, row: NDArray[np.float32]) -> bytes:
    image = await engine.generator.generate(row, *scene)
    return await engine.in_pool(images.encode_png, images.to_bytes(image))
