"""Requests whose images are photographs of objects: which are whose, and the answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

from starlette.responses import Response

from service.errors import INTERNAL_ERROR, RequestError
from service.http import answers, mesh_api
from service.http.forms import ReconstructForm, check_names
from service.pipeline import objects
from service.pipeline.engine import Engine
from service.pipeline.objects import Group, Made
from service.schemas.objects import ObjectAnswer, ReconstructAnswer, Summary
from service.schemas.options import ImageOptions
from service.schemas.photographs import ImageAnswer, Upload

ONLY_OBJECT = "object"
"""Name of the object where fuse is true."""


def groups_of(form: ReconstructForm, uploads: Sequence[Upload]) -> list[Group]:
    """The objects of a request, in the order of their first images; none where each image is one.

    Raises:
        RequestError: 400, where the names are not one for each image.
    """
    names = form.object
    if form.fuse:
        if names:
            message = "fuse is true, so that there is one object: leave field object out"
            raise RequestError(400, "invalid_field", message)
        names = [ONLY_OBJECT] * len(uploads)
    if names:
        check_names(names, len(uploads))
    groups: dict[str, list[tuple[int, Upload]]] = {}
    for index, (name, upload) in enumerate(zip(names, uploads, strict=bool(names))):
        groups.setdefault(name, []).append((index, upload))
    return [Group(index, name, own) for index, (name, own) in enumerate(groups.items())]


async def answer(
    engine: Engine,
    kind: str,
    form: ReconstructForm,
    options: ImageOptions,
    groups: Sequence[Group],
    held: AsyncExitStack,
) -> Response:
    """The answer of the objects, in the form that the client prefers."""
    making = [objects.answer(engine, group, options, form, form.links) for group in groups]
    if kind == answers.LINES:
        return answers.Stream(
            _lines([asyncio.ensure_future(one) for one in making]), held.pop_all()
        )
    made = await asyncio.gather(*making)
    if kind in mesh_api.ALONE:
        return mesh_api.alone(made[0].object)
    images = sorted((entry for one in made for entry in one.images), key=_index)
    whole = ReconstructAnswer.of(images, [one.object for one in made])
    return await engine.in_pool(answers.pack, kind, whole, _status(whole))


def _index(entry: ImageAnswer) -> int:
    return entry.index


def _status(whole: ReconstructAnswer) -> int:
    """200 where all went well, 207 where an object did, else 422, or 500 where it is our fault."""
    made: list[ObjectAnswer] = whole.objects or []
    failed = [one.error for one in made if one.error is not None]
    if not failed and not whole.failed:
        return 200
    if len(failed) < len(made):
        return 207
    return 500 if all(error.code == INTERNAL_ERROR for error in failed) else 422


async def _lines(tasks: Sequence[asyncio.Future[Made]]) -> AsyncIterator[bytes]:
    """As each object is made, a line for each of its images and one for itself; the summary."""
    succeeded = failed = 0
    try:
        for next_one in asyncio.as_completed(tasks):
            made = await next_one
            for entry in made.images:
                succeeded += entry.status == "ok"
                failed += entry.status == "error"
                yield entry.to_json() + b"\n"
            yield made.object.to_json() + b"\n"
        yield Summary(succeeded=succeeded, failed=failed).to_json() + b"\n"
    finally:
        for task in tasks:  # those of a client that has gone away
            task.cancel()
