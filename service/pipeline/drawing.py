"""One scene as a picture, by any of the renderers."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.inpainting import fill, with_rim
from graphics.layers import Layers, layers
from service.errors import RequestError
from service.imaging import images
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import PREVIEW_SIZE, SAMPLES, cut_out
from service.pipeline.scenes import Scene
from service.schemas.rendering import CameraFlag, Renderer

Pictures = Mapping[Renderer, NDArray[np.uint8]]
"""Renderer → picture [S, S, 3], [S, S, 4] where the scene has no background, of gan [R, R, 3]."""


def picture_size(engine: Engine, renderers: Sequence[Renderer], size: int | None) -> int:
    """Pixels per side.

    Raises:
        RequestError: 422, the bundle lacks a renderer, or one cannot draw that size.
    """
    resolution, sides = engine.manifest.resolution, engine.manifest.sides
    if "neural" in renderers and engine.neural is None:
        message = (
            "renderer is neural, which this model does not have: ask for graphics or gan, or serve "
            "a bundle with a neural_renderer.onnx"
        )
        raise RequestError(422, "no_such_renderer", message)
    if size is None:
        usual = sides[1] if "neural" in renderers else PREVIEW_SIZE
        return resolution if "gan" in renderers else usual
    # Beside others, gan's pictures keep their own size.
    if list(renderers) == ["gan"] and size != resolution:
        message = f"size is {size}; renderer gan renders {resolution} px: leave size out"
        raise RequestError(422, "wrong_size", message)
    if "neural" in renderers and size % resolution:
        message = (
            f"size is {size}; renderer neural renders multiples of {resolution} px, up to "
            f"{sides[2]}: give one of them, or leave size out"
        )
        raise RequestError(422, "wrong_size", message)
    return size


def camera_flags(engine: Engine, camera: NDArray[np.float32]) -> list[CameraFlag]:
    """What is to be said of a picture from this camera row [5]."""
    return ["extrapolated_camera"] if engine.manifest.extrapolates(camera) else []


async def render_scene(
    engine: Engine, scene: Scene, renderers: Sequence[Renderer], size: int
) -> Pictures:
    """One scene by each of the renderers."""
    return {name: await _BY_NAME[name](engine, scene, size) for name in renderers}


async def _by_graphics(engine: Engine, scene: Scene, size: int) -> NDArray[np.uint8]:
    return await engine.in_pool(_over_background, engine, scene, size)


async def _by_gan(engine: Engine, scene: Scene, size: int) -> NDArray[np.uint8]:
    return images.to_bytes(await generate(engine, scene))


async def generate(engine: Engine, scene: Scene) -> NDArray[np.float32]:
    """A scene by the GAN, [R, R, 3] in 0..1."""
    assert scene.background is not None  # the GAN has no transparent pictures
    texture = at_models_size(engine, scene.texture)
    return await engine.generator.generate(
        scene.camera, scene.vertices, texture, scene.background, scene.shifts
    )


async def _by_neural(engine: Engine, scene: Scene, size: int) -> NDArray[np.uint8]:
    assert engine.neural is not None  # picture_size has looked
    given = await engine.in_pool(_layers, engine, scene, size)
    return images.to_bytes(await engine.neural.draw(scene.camera, given))


_BY_NAME = {"graphics": _by_graphics, "gan": _by_gan, "neural": _by_neural}


def at_models_size(engine: Engine, texture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The GAN takes textures [Ht, Wt, 3] in 0..1 of its own size alone."""
    own = engine.manifest.texture_size
    if texture.shape[:2] == own:
        return texture
    return images.to_floats(images.resize_longer(images.to_bytes(texture), max(own)))


def _over_background(engine: Engine, scene: Scene, size: int) -> NDArray[np.uint8]:
    """The mesh before the background without its object, if there is one. CPU work."""
    rgba = cut_out(engine.render(scene.vertices, scene.texture, scene.camera, size, SAMPLES))
    if scene.background is None:
        return rgba
    ground = fill(scene.background, with_rim(scene.hole))
    behind = Image.fromarray(ground).resize((size, size), Image.Resampling.BILINEAR)
    composed = Image.alpha_composite(behind.convert("RGBA"), Image.fromarray(rgba))
    return np.asarray(composed.convert("RGB"))


def _layers(engine: Engine, scene: Scene, size: int) -> Layers:
    """What the neural renderer takes. CPU work."""
    assert scene.background is not None  # the request was refused without
    drawn = engine.render(scene.vertices, scene.texture, scene.camera, size, SAMPLES)
    return layers(drawn, scene.background[None], scene.hole[None])
