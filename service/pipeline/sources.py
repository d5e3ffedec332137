"""Finds the archive that a client names by an id, an npz, a photograph or a seed."""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path

from service.errors import ItemError, RequestError
from service.pipeline import archive
from service.pipeline.archive import Archive
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import take, to_archive
from service.schemas.photographs import Upload
from service.schemas.rendering import Source


async def resolve(
    engine: Engine, sources: Mapping[str, Source | None], timings: dict[str, float]
) -> dict[str, Archive]:
    """The archive of each field that names one; the same source is looked up once.

    Raises `RequestError` 422 that begins with the field.
    """
    given = {field: source for field, source in sources.items() if source is not None}
    firsts: dict[str, str] = {}
    for field, source in given.items():
        firsts.setdefault(source.model_dump_json(), field)
    found = await asyncio.gather(
        *(_one(engine, field, given[field], timings) for field in firsts.values())
    )
    archives = dict(zip(firsts, found, strict=True))
    return {field: archives[source.model_dump_json()] for field, source in given.items()}


def photographs(sources: Mapping[str, Source | None]) -> int:
    """The number of sources that cost a reconstruction."""
    return len({(s.image, s.box) for s in sources.values() if s and s.image is not None})


async def _one(engine: Engine, field: str, source: Source, timings: dict[str, float]) -> Archive:
    try:
        if source.id is not None:
            return await engine.kept.find(source.id)
        if source.seed is not None:
            return await engine.samples.sample(source.seed, lambda path: _read(engine, path))
        content = _decoded(field, source)
        if source.npz is not None:
            return await engine.in_pool(
                archive.unpack, content, engine.manifest, engine.texture_size
            )
        upload = Upload(field, lambda: content, box=source.box)
        return to_archive(await take(engine, upload, timings))
    except ItemError as error:
        raise RequestError(422, error.code, f"{field}: {error.message}") from error


async def _read(engine: Engine, path: Path) -> Archive:
    return to_archive(await take(engine, Upload(path.name, path.read_bytes), {}))


def _decoded(field: str, source: Source) -> bytes:
    text = source.image if source.npz is None else source.npz
    try:
        return base64.b64decode(text or "", validate=True)
    except ValueError as error:  # binascii's own, and characters beyond ASCII
        raise ItemError("not_base64", f"not base64 ({error}): encode the file") from error
