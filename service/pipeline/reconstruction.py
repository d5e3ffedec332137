"""One photograph to its mesh: see what is in it, paint, re-render, encode."""

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics import azimuth, quality
from graphics import camera as cameras
from graphics.azimuth import Hypothesis
from graphics.frames import Frame
from graphics.render import Rendered, View, look, render_view
from service import metrics
from service.errors import INTERNAL_ERROR, ItemError, RequestError
from service.imaging import images
from service.pipeline import meshes
from service.pipeline.archive import Archive
from service.pipeline.engine import Engine
from service.pipeline.kept import Keeping
from service.pipeline.seeing import Seen, see
from service.schemas import photographs as schemas
from service.schemas.options import ImageOptions
from service.schemas.photographs import Upload

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

PREVIEW_SIZE = 256
SAMPLES = 2
"""Per pixel side, of every picture meant for people."""


class Taken(NamedTuple):
    """What was seen in a photograph, and the texture painted from it."""

    seen: Seen
    view: View
    """The mesh by its camera, B = 1."""
    texture: NDArray[np.uint8]
    """[Ht, Wt, 3] at the service's size, with what the photograph shows: of files and pictures"""


class Assessed(NamedTuple):
    """How well a mesh agrees with its photograph."""

    mask: bytes
    """PNG"""
    rerender_iou: float
    """0..1"""
    quality_flags: list[quality.Flag]


class Finished(NamedTuple):
    """The outcome of a photograph: files, its camera, and how good they are."""

    mesh: bytes | None
    """None where a link to it is wanted."""
    preview: bytes | None
    """PNG, where it is wanted."""
    camera: schemas.Camera
    assessed: Assessed


async def answer(
    engine: Engine, index: int, upload: Upload, options: ImageOptions, links: bool = False
) -> schemas.ImageAnswer:
    """The entry of one image: never raises, an error is an entry too.

    `links`: with the path of the mesh in place of its content.
    """
    timings: dict[str, float] = {}
    try:
        with metrics.stage("total", timings):
            seen = await see(engine, upload, timings, options.texture_size)
            found, keeping = await engine.in_pool(_finish, engine, seen, options, timings, links)
            identity = await keeping.done()
    except (ItemError, RequestError) as error:
        problem = schemas.Problem(code=error.code, message=error.message)
    except Exception:
        logger.exception("image %d failed", index)
        message = "the service failed on this image; its log says how"
        problem = schemas.Problem(code=INTERNAL_ERROR, message=message)
    else:
        metrics.count_item("ok")
        return schemas.ImageAnswer(
            index=index,
            name=upload.name,
            status="ok",
            id=identity,
            mesh=mesh_of(options, found.mesh or meshes.link(identity, options)),
            camera=found.camera,
            confidence=round(seen.reconstruction.confidence, 6),
            frame=schemas.Square(**seen.photograph.frame._asdict()),
            preview=found.preview,
            **found.assessed._asdict(),
            timings=timings,
        )
    metrics.count_item(problem.code)
    return schemas.ImageAnswer(
        index=index, name=upload.name, status="error", error=problem, timings=timings
    )


async def take(engine: Engine, upload: Upload, timings: dict[str, float]) -> Taken:
    """Decode, segment, reconstruct and paint; raises `ItemError` where the image is to blame."""
    return await engine.in_pool(paint, engine, await see(engine, upload, timings), timings)


def to_archive(taken: Taken) -> Archive:
    """The part of a photograph that is kept for rendering it again."""
    photograph, mask, found = taken.seen
    background = images.background_of(photograph.surroundings, mask)
    return Archive(found.vertices, taken.texture, background, found.camera)


def to_view(camera: NDArray[np.float32]) -> schemas.CameraView:
    """A camera row `[5]` as a client sends it."""
    wrapped = camera.astype(np.float64)
    wrapped[cameras.AZIMUTH] = cameras.wrap_degrees(wrapped[cameras.AZIMUTH])
    azimuth, elevation, distance, x, y = (round(value, 6) for value in wrapped.tolist())
    # Unchecked: a network may answer what a client may not ask for.
    return schemas.CameraView.model_construct(
        azimuth_degrees=azimuth, elevation_degrees=elevation, distance=distance, offset=(x, y)
    )


def _finish(
    engine: Engine, seen: Seen, options: ImageOptions, timings: dict[str, float], links: bool
) -> tuple[Finished, Keeping]:
    """The files of an answer, and what is kept. CPU work: called in the pool."""
    taken = paint(engine, seen, timings)
    found = seen.reconstruction
    others = azimuth.alternatives(found.azimuth_probabilities, _azimuth(found.camera))
    assessed = assess(engine, taken, others, timings)
    with metrics.stage("encode", timings):
        seen_from = camera_of(found.camera, seen.photograph.frame, others)
        shown = preview(engine, taken) if options.preview else None
    archive, mesh = to_archive(taken), None
    keeping = engine.kept.keep(archive)
    if not links:
        with metrics.stage("mesh", timings):
            texture = _texture(engine, taken, options)
            mesh = meshes.encode(engine, archive, options, texture)
    return Finished(mesh, shown, seen_from, assessed), keeping


def paint(engine: Engine, seen: Seen, timings: dict[str, float]) -> Taken:
    """The texture that one photograph shows. CPU work: called in the pool."""
    with metrics.stage("paint", timings):
        found = seen.reconstruction
        view = look(found.vertices[None], found.camera[None], engine.template)
        return Taken(seen, view, _painted(engine, seen, view, engine.texture_size))


def _painted(engine: Engine, seen: Seen, view: View, longer: int) -> NDArray[np.uint8]:
    """A texture [Ht, Wt, 3] with a longer side of so many texels."""
    texture = seen.reconstruction.texture
    return engine.painter.paint(seen.photograph, seen.mask, view, texture, longer)


def assess(
    engine: Engine, taken: Taken, others: list[Hypothesis], timings: dict[str, float]
) -> Assessed:
    """The re-rendered mesh beside the photograph. CPU work: called in the pool."""
    photograph, mask, found = taken.seen
    with metrics.stage("render", timings):
        resolution = engine.manifest.resolution
        rendered = render_view(taken.view, taken.texture[None], engine.template, resolution)
    with metrics.stage("assess", timings):
        there = rendered.masks[0] > 0.5
        iou = _iou(mask > 0.5, there)
        colour_error = quality.colour_difference(photograph.pixels, rendered.images[0], there)
        opposite = azimuth.opposite_probability(others, _azimuth(found.camera))
        flags = quality.flags(photograph, mask, iou, colour_error, found.confidence, opposite)
    with metrics.stage("encode", timings):
        return Assessed(images.encode_png(images.to_bytes(mask)), round(iou, 6), flags)


def mesh_of(options: ImageOptions, content: bytes | str) -> schemas.Mesh:
    """The file of a mesh, or what stands for it."""
    media_type = meshes.MEDIA_TYPES[options.format]
    return schemas.Mesh(format=options.format, media_type=media_type, data=content)


def _texture(engine: Engine, taken: Taken, options: ImageOptions) -> NDArray[np.uint8]:
    """The texture of a mesh file."""
    longer = options.texture_size or engine.texture_size
    if longer == engine.texture_size or not options.texture:
        return taken.texture
    return _painted(engine, taken.seen, taken.view, longer)


def preview(engine: Engine, taken: Taken) -> bytes:
    """PNG of the mesh from its camera. CPU work: called in the pool."""
    texture = taken.texture[None]
    rendered = render_view(taken.view, texture, engine.template, PREVIEW_SIZE, samples=SAMPLES)
    return images.encode_png(cut_out(rendered))


def cut_out(rendered: Rendered) -> NDArray[np.uint8]:
    """The first of the rendered objects, `[H, W, 4]`, transparent around it."""
    image, alpha = rendered.images[0], rendered.masks[0][..., None]
    # The renderer has black outside; a PNG's colours are those of the object alone.
    colours = np.divide(image, alpha, out=np.zeros_like(image), where=alpha > 0)
    return images.to_bytes(np.concatenate([colours, alpha], axis=-1))


def _azimuth(camera: NDArray[np.float32]) -> float:
    return float(camera[cameras.AZIMUTH])


def camera_of(
    camera: NDArray[np.float32], frame: Frame, others: list[Hypothesis]
) -> schemas.Camera:
    """A camera row [5] as it is answered, with the hypotheses beside it."""
    row = camera[None]
    half = frame.side / 2
    x, y = camera[cameras.OFFSET_X], camera[cameras.OFFSET_Y]
    return schemas.Camera(
        **to_view(camera).model_dump(),
        alternatives=[
            schemas.Alternative(
                azimuth_degrees=round(one.azimuth_degrees, 6), probability=round(one.probability, 6)
            )
            for one in others
        ],
        field_of_view_degrees=cameras.FIELD_OF_VIEW_DEGREES,
        intrinsics=schemas.Intrinsics(
            focal_length=round(cameras.focal_length() * half, 6),
            principal_point=(
                round(frame.left + half * float(1 + x), 6),
                round(frame.top + half * float(1 - y), 6),
            ),
        ),
        view_matrix=cameras.view_matrices(row)[0].tolist(),
        projection_matrix=cameras.projection_matrices(row)[0].tolist(),
        convention=cameras.CONVENTION,
    )


def _iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 0.0
