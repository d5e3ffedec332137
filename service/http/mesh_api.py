"""Meshes as files of their own.

GET /v1/reconstructions/{id}/mesh   the mesh of a reconstruction that is still kept
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.errors import INTERNAL_ERROR, ItemError, RequestError
from service.http.requests import engine_of, read_query
from service.pipeline import meshes
from service.schemas import photographs as schemas
from service.schemas.objects import ObjectAnswer
from service.schemas.options import ImageOptions, MeshOptions

ALONE: dict[str, schemas.MeshFormat] = {
    meshes.MEDIA_TYPES["glb"]: "glb",
    meshes.MEDIA_TYPES["stl"]: "stl",
    meshes.MEDIA_TYPES["3mf"]: "3mf",
}
"""Formats by the media types that no other answer has."""
ID_HEADER = "X-Reconstruction-Id"


async def mesh(request: Request) -> Response:
    """GET /v1/reconstructions/{id}/mesh."""
    engine = engine_of(request.app)
    engine.check_room(1)
    wanted = read_query(request, MeshOptions, "invalid_field")
    identity = request.path_params["id"]
    try:
        archive = await engine.kept.find(identity)
    except ItemError as error:
        raise RequestError(404, error.code, error.message) from error
    content = await engine.in_pool(meshes.encode, engine, archive, wanted, archive.texture)
    return _file(content, wanted.format, identity)


def check_alone(kind: str, meshes_wanted: int, options: ImageOptions) -> ImageOptions:
    """The options of one mesh that is answered as a file; 406 where they do not fit."""
    if meshes_wanted != 1:
        message = (
            f"got {meshes_wanted} images or objects, {kind} holds one mesh: accept another type"
        )
        raise RequestError(406, "not_acceptable", message)
    if "format" in options.model_fields_set and options.format != ALONE[kind]:
        message = f"format is {options.format}, {kind} is {ALONE[kind]}: leave one of them out"
        raise RequestError(406, "not_acceptable", message)
    return options.model_copy(update={"format": ALONE[kind]})


def alone(entry: schemas.ImageAnswer | ObjectAnswer) -> Response:
    """The mesh of one image or object as a file; raises `RequestError` where there is none."""
    if entry.error is not None:
        status = 500 if entry.error.code == INTERNAL_ERROR else 422
        raise RequestError(status, entry.error.code, entry.error.message)
    assert entry.mesh is not None and entry.id is not None
    return _file(entry.mesh.data, entry.mesh.format, entry.id)


def _file(content: bytes | str, mesh_format: schemas.MeshFormat, identity: str) -> Response:
    name = f"{identity}.{meshes.EXTENSIONS[mesh_format]}"
    headers = {ID_HEADER: identity, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=meshes.MEDIA_TYPES[mesh_format])


ROUTES = [Route("/v1/reconstructions/{id}/mesh", mesh, methods=["GET"])]
