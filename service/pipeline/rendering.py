"""Render objects from any camera, each part from its own source, as pictures or one file."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service import metrics
from service.errors import RequestError
from service.imaging import animation, images
from service.pipeline import sources
from service.pipeline.archive import Archive
from service.pipeline.drawing import Pictures, camera_flags, picture_size, render_scene
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import to_view
from service.pipeline.scenes import Scene, blend, camera_row, turn
from service.schemas.photographs import Content
from service.schemas.rendering import Animation, AnimationFile, RenderAnswer, RenderRequest


async def render(engine: Engine, request: RenderRequest) -> RenderAnswer:
    """Every picture; raises `RequestError` where a source or a setting cannot be used."""
    renderers = request.renderers
    size = picture_size(engine, renderers, request.size)
    named = _named(request)
    count = _count(engine, request, len(renderers))
    if request.animation is not None:
        animation.check(request.animation.format, count, len(renderers) * size, size)
    timings: dict[str, float] = {}
    items = sources.photographs(named) + count * len(renderers)
    with engine.admit(items), metrics.stage("total", timings):
        archives = await sources.resolve(engine, named, timings)
        scenes = _scenes(request, archives)
        with metrics.stage("draw", timings):
            rendered = await asyncio.gather(
                *(render_scene(engine, scene, renderers, size) for scene in scenes)
            )
        animated, drawn = None, {}
        with metrics.stage("encode", timings):
            if request.animation is not None:
                animated = await engine.in_pool(_animate, request.animation, rendered, size)
            else:
                for name in renderers:
                    drawn[name] = await _pngs(engine, [one[name] for one in rendered])
    return RenderAnswer(
        images=drawn.pop(renderers[0], []),
        more_images=drawn or None,
        animation=animated,
        cameras=request.cameras or [to_view(scene.camera) for scene in scenes],
        quality_flags=[camera_flags(engine, scene.camera) for scene in scenes],
        renderer=request.renderer,
        size=size,
        timings=timings,
    )


def _named(request: RenderRequest) -> dict[str, sources.Source | None]:
    fields = ("reconstruction", "shape", "texture", "background", "camera")
    named = {field: getattr(request, field) for field in fields}
    if request.interpolation is not None:
        named["interpolation.to"] = request.interpolation.to
    return named


def _count(engine: Engine, request: RenderRequest, renderers: int) -> int:
    """Pictures to render, each counted as one item."""
    if request.interpolation is not None:
        count = request.interpolation.steps
    elif request.turntable is not None:
        count = request.turntable.frames
    else:
        count = len(request.cameras or [0])
    largest = engine.settings.largest_request
    if count * renderers > largest:
        message = (
            f"got {count} cameras or steps for {renderers} renderer(s); at most {largest} pictures "
            "are rendered in one request: ask for fewer"
        )
        raise RequestError(422, "too_many_cameras", message)
    return count


def _scenes(request: RenderRequest, archives: Mapping[str, Archive]) -> list[Scene]:
    first = _first_scene(request, archives)
    if request.cameras is not None:
        return [first._replace(camera=camera_row(view)) for view in request.cameras]
    if request.turntable is not None:
        return [first._replace(camera=row) for row in turn(request.turntable)]
    if request.interpolation is not None:
        end = Scene.of(archives["interpolation.to"])
        if first.background is None:
            end = end._replace(background=None)
        return blend(first, end, request.interpolation)
    return [first]


def _first_scene(request: RenderRequest, archives: Mapping[str, Archive]) -> Scene:
    """Each part from its own source, else from the reconstruction."""

    def part(name: str) -> Archive:
        return archives[name if name in archives else "reconstruction"]

    # The graphics renderer keeps the object alone unless a background is asked for by name.
    with_background = request.background is not None or request.renderers != ["graphics"]
    photographed = next(name for name in ("camera", "reconstruction", "shape") if name in archives)
    return Scene(
        part("shape").vertices,
        images.to_floats(part("texture").texture),
        part("background").background if with_background else None,
        archives[photographed].camera,
    )


async def _pngs(engine: Engine, pictures: Sequence[NDArray[np.uint8]]) -> list[Content]:
    """The pictures' files."""
    encoding = (engine.in_pool(images.encode_png, one) for one in pictures)
    return [*await asyncio.gather(*encoding)]


def _animate(wanted: Animation, rendered: Sequence[Pictures], size: int) -> AnimationFile:
    frames = [_side_by_side(one, size) for one in rendered]
    content = animation.encode(wanted.format, frames, wanted.frames_per_second)
    media_type = animation.MEDIA_TYPES[wanted.format]
    return AnimationFile(format=wanted.format, media_type=media_type, data=content)


def _side_by_side(pictures: Pictures, size: int) -> NDArray[np.uint8]:
    given = map(Image.fromarray, pictures.values())
    resized = [np.asarray(one.resize((size, size), Image.Resampling.BICUBIC)) for one in given]
    return np.concatenate(resized, axis=1)
