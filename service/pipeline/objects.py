"""Several photographs of one object to its one mesh: see each, fuse, paint, encode."""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graphics import azimuth
from graphics.camera import AZIMUTH
from graphics.fusing.fusion import Fused, NothingSeen
from graphics.fusing.readings import Reading
from graphics.render import look
from service import metrics
from service.errors import INTERNAL_ERROR, ItemError, RequestError
from service.imaging.painting import ObjectShot
from service.pipeline import meshes, reconstruction
from service.pipeline.engine import Engine
from service.pipeline.kept import Keeping
from service.pipeline.reconstruction import Taken
from service.pipeline.seeing import Seen, see
from service.schemas import photographs as schemas
from service.schemas.objects import FusionOptions, ObjectAnswer, ObjectPhotograph
from service.schemas.options import ImageOptions
from service.schemas.photographs import ImageAnswer, Problem, Upload

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")


class Group(NamedTuple):
    """One object of a request, or one item of a job or batch."""

    number: int
    """Among the objects or items, from 0."""
    name: str
    uploads: list[tuple[int, Upload]]
    """Its images with their index in the request."""


class Made(NamedTuple):
    """The entries of one object."""

    object: ObjectAnswer
    images: list[ImageAnswer]
    """Of its photographs, in their order."""


class _Photograph(NamedTuple):
    """One that could be read."""

    number: int
    """Index of the image in the request."""
    name: str
    seen: Seen
    timings: dict[str, float]


async def answer(
    engine: Engine, group: Group, options: ImageOptions, wanted: FusionOptions, links: bool = False
) -> Made:
    """The entries of one object and its photographs: never raises, an error is an entry too.

    `links`: with the path of the mesh in place of its content.
    """
    timings: dict[str, float] = {}
    problem: Problem | None = None
    made: _Files | None = None
    with metrics.stage("total", timings):
        found = await asyncio.gather(
            *(_see(engine, group.name, one, options) for one in group.uploads)
        )
        read = [one for one in found if isinstance(one, _Photograph)]
        unread = {one.index: one for one in found if isinstance(one, ImageAnswer)}
        try:
            if not read:
                message = f"none of its {len(found)} photographs can be used; their entries say why"
                raise ItemError("no_photograph", message)
            made = await engine.in_pool(_make, engine, group, read, options, wanted, timings)
        except ItemError as error:
            problem = Problem(code=error.code, message=error.message)
        except Exception:
            logger.exception("object %d failed", group.number)
            message = "the service failed on this object; its log says how"
            problem = Problem(code=INTERNAL_ERROR, message=message)
    if made is None:
        assert problem is not None
        return _nothing(group, read, unread, problem, timings)
    identity = await made.keeping.done()
    content = meshes.link(identity, options) if links else made.mesh
    entries = unread | {entry.index: entry for entry in made.images}
    return Made(
        _whole(group, read, made, identity, reconstruction.mesh_of(options, content), timings),
        [entries[index] for index in sorted(entries)],
    )


def _whole(
    group: Group,
    read: Sequence[_Photograph],
    made: "_Files",
    identity: str,
    mesh: schemas.Mesh,
    timings: dict[str, float],
) -> ObjectAnswer:
    return ObjectAnswer(
        index=group.number,
        name=group.name,
        status="ok",
        id=identity,
        mesh=mesh,
        preview=made.preview,
        photographs=_photographs(group, read, made.fused),
        coverage=[round(float(share), 6) for share in made.shares],
        timings=timings,
    )


async def _see(
    engine: Engine, name: str, one: tuple[int, Upload], options: ImageOptions
) -> _Photograph | ImageAnswer:
    """One photograph, or the entry that says why it cannot be used."""
    index, upload = one
    timings: dict[str, float] = {}
    try:
        seen = await see(engine, upload, timings, options.texture_size)
    except (ItemError, RequestError) as error:
        problem = Problem(code=error.code, message=error.message)
    except Exception:
        logger.exception("image %d failed", index)
        message = "the service failed on this image; its log says how"
        problem = Problem(code=INTERNAL_ERROR, message=message)
    else:
        metrics.count_item("ok")
        return _Photograph(index, upload.name, seen, timings)
    metrics.count_item(problem.code)
    return _failed(index, upload.name, name, problem, timings)


def _failed(
    index: int, name: str, of: str, problem: Problem, timings: dict[str, float]
) -> ImageAnswer:
    return ImageAnswer(
        index=index, name=name, object=of, status="error", error=problem, timings=timings
    )


class _Files(NamedTuple):
    """What is made of an object."""

    fused: Fused
    keeping: Keeping
    mesh: bytes
    preview: bytes | None
    shares: np.ndarray
    images: list[ImageAnswer]


def _make(
    engine: Engine,
    group: Group,
    read: Sequence[_Photograph],
    options: ImageOptions,
    wanted: FusionOptions,
    timings: dict[str, float],
) -> _Files:
    """The files and entries. CPU work: called in the pool. Raises `ItemError`."""
    try:
        with metrics.stage("fuse", timings):
            fused = engine.fusion([_reading(one.seen) for one in read], wanted.refine)
    except NothingSeen as error:
        message = f"{error}: send photographs of it, or masks"
        raise ItemError("no_object", message) from error
    with metrics.stage("paint", timings):
        shots = _shots(engine, read, fused)
        texture, shares = engine.painter.paint_object(
            shots, fused.texture, engine.texture_size, wanted.symmetric
        )
    taken = [
        Taken(_seen(one.seen, fused, number), shots[fused.used.index(number)].view, texture)
        if number in fused.used
        else reconstruction.paint(engine, one.seen, one.timings)
        for number, one in enumerate(read)
    ]
    with metrics.stage("mesh", timings):
        first = taken[fused.used[0]]
        file, longer = texture, options.texture_size or engine.texture_size
        if longer != engine.texture_size and options.texture:
            file, _ = engine.painter.paint_object(shots, fused.texture, longer, wanted.symmetric)
        archive = reconstruction.to_archive(first)
        mesh = meshes.encode(engine, archive, options, file)
        preview = reconstruction.preview(engine, first) if options.preview else None
    images = [
        _entry(engine, group, one, each, fused, number)
        for number, (one, each) in enumerate(zip(read, taken, strict=True))
    ]
    return _Files(fused, engine.kept.keep(archive), mesh, preview, shares, images)


def _reading(seen: Seen) -> Reading:
    return Reading(seen.photograph.pixels, seen.mask, *seen.reconstruction)


def _seen(seen: Seen, fused: Fused, number: int) -> Seen:
    """With what the object's photographs together say."""
    found = seen.reconstruction._replace(
        vertices=fused.vertices, texture=fused.texture, camera=fused.cameras[number]
    )
    return seen._replace(reconstruction=found)


def _shots(engine: Engine, read: Sequence[_Photograph], fused: Fused) -> list[ObjectShot]:
    return [
        ObjectShot(
            read[number].seen.photograph,
            read[number].seen.mask,
            look(fused.vertices[None], fused.cameras[[number]], engine.template),
            float(fused.weights[number]),
        )
        for number in fused.used
    ]


def _entry(
    engine: Engine, group: Group, one: _Photograph, taken: Taken, fused: Fused, number: int
) -> ImageAnswer:
    """Of one photograph, by the object's mesh; of one that is left out, by its own."""
    found = taken.seen.reconstruction
    settled = len(fused.used) > 1 and number in fused.used
    azimuths = azimuth.alternatives(found.azimuth_probabilities, float(found.camera[AZIMUTH]))
    others = [] if settled else azimuths
    assessed = reconstruction.assess(engine, taken, others, one.timings)
    frame = taken.seen.photograph.frame
    return ImageAnswer(
        index=one.number,
        name=one.name,
        object=group.name,
        status="ok",
        camera=reconstruction.camera_of(found.camera, frame, others),
        confidence=None if fused.turns_degrees[number] else round(found.confidence, 6),
        frame=schemas.Square(**frame._asdict()),
        **assessed._asdict(),
        timings=one.timings,
    )


def _photographs(group: Group, read: Sequence[_Photograph], fused: Fused) -> list[ObjectPhotograph]:
    """What became of each, in the order sent."""
    said = {
        index: ObjectPhotograph(index=index, used=False, reason="failed")
        for index, _ in group.uploads
    }
    for number, one in enumerate(read):
        turn = fused.turns_degrees[number]
        said[one.number] = ObjectPhotograph(
            index=one.number,
            used=number in fused.used,
            reason=fused.reasons[number],
            turned_degrees=round(turn, 6) if turn else None,
        )
    return list(said.values())


def failed(number: int, name: str, images: Sequence[tuple[int, str]], problem: Problem) -> Made:
    """The entries of an object that is not made; each of its images has the reason.

    `images`: their numbers and names.
    """
    left_out = [ObjectPhotograph(index=index, used=False, reason="failed") for index, _ in images]
    whole = ObjectAnswer(
        index=number, name=name, status="error", error=problem, photographs=left_out
    )
    return Made(whole, [_failed(index, image, name, problem, {}) for index, image in images])


def _nothing(
    group: Group,
    read: Sequence[_Photograph],
    unread: dict[int, ImageAnswer],
    problem: Problem,
    timings: dict[str, float],
) -> Made:
    """What `failed` says, with the errors of photographs by themselves and the times taken."""
    names = [(index, upload.name) for index, upload in group.uploads]
    made = failed(group.number, group.name, names, problem)
    entries = {entry.index: entry for entry in made.images} | unread
    for one in read:
        entries[one.number].timings = one.timings
    whole = made.object.model_copy(update={"timings": timings})
    return Made(whole, [entries[index] for index in sorted(entries)])
