"""Meshes as files of their own.

GET /v1/reconstructions/{id}/mesh   the mesh of a reconstruction that is still kept
"""

from __future__ import annotations

import base64
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.errors import ItemError, RequestError
from service.http import form
from service.http.requests import engine_of
from service.pipeline import meshes
from service.pipeline.reconstruction import INTERNAL_ERROR, Options
from service.schemas import photographs as schemas

QUERY = ("format", "texture")
ALONE = {meshes.MEDIA_TYPES[form]: form for form in ("glb", "stl")}
"""Formats by the media types that no other answer has."""
ID_HEADER = "X-Reconstruction-Id"


async def mesh(request: Request) -> Response:
    """GET /v1/reconstructions/{id}/mesh."""
    engine = engine_of(request.app)
    engine.check_room(1)
    texts: dict[str, str] = {}
    for field, value in request.query_params.multi_items():
        form.add_text(texts, QUERY, field, value)
    wanted = form.read_options(texts)
    identity = request.path_params["id"]
    try:
        archive = engine.kept.find(identity)
    except ItemError as error:
        raise RequestError(404, error.code, error.message) from error
    texture = archive.texture if wanted.texture else meshes.WHITE
    content = await engine.in_pool(meshes.encode, engine, archive, wanted.format, texture)
    return _file(content, wanted.format, identity)


def check_alone(kind: str, images: int, options: Options, chosen: bool) -> Options:
    """The options of one mesh that is answered as a file; 406 where they do not fit.

    `chosen`: whether the client named a format.
    """
    if images != 1:
        raise RequestError(
            406, "not_acceptable", f"got {images} images, {kind} holds one: accept another type"
        )
    if chosen and options.format != ALONE[kind]:
        raise RequestError(
            406,
            "not_acceptable",
            f"format is {options.format}, {kind} is {ALONE[kind]}: leave one of them out",
        )
    return options._replace(format=cast(schemas.MeshFormat, ALONE[kind]))


def alone(entry: schemas.ImageAnswer) -> Response:
    """The mesh of one image as a file; raises `RequestError` where there is none."""
    if entry.error is not None:
        status = 500 if entry.error.code == INTERNAL_ERROR else 422
        raise RequestError(status, entry.error.code, entry.error.message)
    assert entry.mesh is not None and entry.id is not None
    return _file(base64.b64decode(entry.mesh.data), entry.mesh.format, entry.id)


def _file(content: bytes, mesh_format: schemas.MeshFormat, identity: str) -> Response:
    name = f"{identity}.{meshes.EXTENSIONS[mesh_format]}"
    headers = {ID_HEADER: identity, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=meshes.MEDIA_TYPES[mesh_format])


ROUTES = [Route("/v1/reconstructions/{id}/mesh", mesh, methods=["GET"])]
