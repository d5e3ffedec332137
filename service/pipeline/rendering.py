"""Render objects from any camera, each part from its own source, as pictures or one file."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.inpainting import fill
from graphics.photographs import GREY
from service import metrics
from service.errors import RequestError
from service.imaging import animation, images
from service.pipeline import sources
from service.pipeline.archive import Archive
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import PREVIEW_SIZE, SAMPLES, cut_out, to_view
from service.pipeline.scenes import Scene, blend, camera_row, turn
from service.schemas.photographs import Content
from service.schemas.rendering import Animation, AnimationFile, RenderAnswer, RenderRequest


class Pictures(NamedTuple):
    """The pictures of one scene by the renderers asked for."""

    graphics: NDArray[np.uint8] | None
    """[S, S, 4], or [S, S, 3] before a background."""
    gan: NDArray[np.uint8] | None
    """[R, R, 3]"""


async def render(engine: Engine, request: RenderRequest) -> RenderAnswer:
    """Every picture; raises `RequestError` where a source or a setting cannot be used."""
    size = picture_size(engine, request.renderer, request.size)
    named = _named(request)
    renderers = 2 if request.renderer == "both" else 1
    count = _count(engine, request, renderers)
    if request.animation is not None:
        animation.check(request.animation.format, count, renderers * size, size)
    timings: dict[str, float] = {}
    items = sources.photographs(named) + count * renderers
    with engine.admit(items), metrics.stage("total", timings):
        archives = await sources.resolve(engine, named, timings)
        scenes = _scenes(request, archives)
        with metrics.stage("draw", timings):
            rendered = await asyncio.gather(
                *(render_scene(engine, scene, request.renderer, size) for scene in scenes)
            )
        animated, graphics, gan = None, [], []
        with metrics.stage("encode", timings):
            if request.animation is not None:
                animated = await engine.in_pool(_animate, request.animation, rendered, size)
            else:
                graphics = await _pngs(engine, [one.graphics for one in rendered])
                gan = await _pngs(engine, [one.gan for one in rendered])
    return RenderAnswer(
        images=graphics or gan,
        gan_images=gan if graphics and gan else None,
        animation=animated,
        cameras=request.cameras or [to_view(scene.camera) for scene in scenes],
        renderer=request.renderer,
        size=size,
        timings=timings,
    )


def picture_size(engine: Engine, renderer: str, size: int | None) -> int:
    """Pixels per side; raises `RequestError` 422 where the GAN cannot render that many."""
    resolution = engine.manifest.resolution
    if renderer == "gan" and size not in (None, resolution):
        message = f"size is {size}; renderer gan renders {resolution} px: leave size out"
        raise RequestError(422, "wrong_size", message)
    return size or (PREVIEW_SIZE if renderer == "graphics" else resolution)


async def render_scene(engine: Engine, scene: Scene, renderer: str, size: int) -> Pictures:
    """One scene by one renderer or both."""
    graphics = gan = None
    if renderer != "gan":
        graphics = await engine.in_pool(_render, engine, scene, size)
    if renderer != "graphics":
        assert scene.background is not None  # the GAN has no transparent pictures
        texture = _at_models_size(engine, scene.texture)
        image = await engine.generator.generate(
            scene.camera, scene.vertices, texture, scene.background
        )
        gan = images.to_bytes(image)
    return Pictures(graphics, gan)


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
    with_background = request.background is not None or request.renderer != "graphics"
    photographed = next(name for name in ("camera", "reconstruction", "shape") if name in archives)
    return Scene(
        part("shape").vertices,
        images.to_floats(part("texture").texture),
        part("background").background if with_background else None,
        archives[photographed].camera,
    )


def _at_models_size(engine: Engine, texture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The GAN takes textures [Ht, Wt, 3] in 0..1 of its own size alone."""
    own = engine.manifest.texture_size
    if texture.shape[:2] == own:
        return texture
    return images.to_floats(images.resize_longer(images.to_bytes(texture), max(own)))


def _render(engine: Engine, scene: Scene, size: int) -> NDArray[np.uint8]:
    """CPU work: called in the pool."""
    rgba = cut_out(engine.render(scene.vertices, scene.texture, scene.camera, size, SAMPLES))
    if scene.background is None:
        return rgba
    # Where the object was cut out of its photograph nothing but mid grey is known.
    ground = fill(scene.background, np.all(scene.background == GREY, axis=-1))
    return compose(rgba, ground, Image.Resampling.BILINEAR)


def compose(
    rgba: NDArray[np.uint8],  # [S, S, 4]
    ground: NDArray[np.uint8],  # [R, R, 3]
    resampling: Image.Resampling,
) -> NDArray[np.uint8]:  # [S, S, 3]
    """The object before the ground, which is brought to its size."""
    behind = Image.fromarray(ground).resize(rgba.shape[1::-1], resampling)
    composed = Image.alpha_composite(behind.convert("RGBA"), Image.fromarray(rgba))
    return np.asarray(composed.convert("RGB"))


async def _pngs(engine: Engine, pictures: Sequence[NDArray[np.uint8] | None]) -> list[Content]:
    """The files of those pictures that there are."""
    encoding = (engine.in_pool(images.encode_png, one) for one in pictures if one is not None)
    return [*await asyncio.gather(*encoding)]


def _animate(wanted: Animation, rendered: Sequence[Pictures], size: int) -> AnimationFile:
    frames = [_side_by_side(one, size) for one in rendered]
    content = animation.encode(wanted.format, frames, wanted.frames_per_second)
    media_type = animation.MEDIA_TYPES[wanted.format]
    return AnimationFile(format=wanted.format, media_type=media_type, data=content)


def _side_by_side(pictures: Pictures, size: int) -> NDArray[np.uint8]:
    given = (Image.fromarray(one) for one in pictures if one is not None)
    resized = [np.asarray(one.resize((size, size), Image.Resampling.BICUBIC)) for one in given]
    return np.concatenate(resized, axis=1)
