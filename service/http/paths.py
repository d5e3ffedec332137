"""What OpenAPI says of every route of `/v1`: parameters, forms, statuses and media types."""

from __future__ import annotations

from typing import Any

from service.http import answers, form_schemas, job_api, mesh_api
from service.imaging import animation
from service.pipeline import meshes
from service.schemas import photographs as schemas
from service.schemas import rendering as render_schemas
from service.schemas.jobs import JobAnswer
from service.settings import Settings

LINES_DESCRIPTION = (
    "one ImageAnswer per line as each image finishes, index saying which it is; the last line is "
    "a Summary"
)
FILES_DESCRIPTION = (
    f"{answers.ANSWER_FILE}, a ReconstructAnswer with file names in place of base64, then the files"
)
BINARY = {"schema": {"type": "string", "format": "binary"}}
JOB_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "of the job",
    "schema": {"type": "string", "example": "7d1a54127b222502f5b79b5fb0803061"},
}
PAGE = [
    {
        "name": "first",
        "in": "query",
        "description": "number of the first item listed",
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**31, "default": 0, "example": 0},
    },
    {
        "name": "limit",
        "in": "query",
        "description": "items listed",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": job_api.MOST_LISTED,
            "default": job_api.MOST_LISTED,
            "example": 100,
        },
    },
]


PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "wait=SECONDS: less time than the settings give (RFC 7240)",
    "schema": {"type": "string", "pattern": "^wait=[0-9]{1,6}$", "example": "wait=5"},
}
REQUEST_ID = {
    "description": "of this call, in the log too: the client's own where it sent a plain one",
    "schema": {"type": "string", "example": "3f0c1b7a9d2e4c58a6b1e0d47f29c3ab"},
}
RETRY_AFTER = {
    "description": "seconds after which to send again",
    "schema": {"type": "integer", "minimum": 1, "example": 5},
}


def describe(settings: Settings) -> dict[str, dict[str, Any]]:
    """Path items by path, with the limits that the settings give."""
    paths = _paths(settings)
    for item in paths.values():
        for operation in item.values():
            _add_what_all_have(operation, settings)
    return paths


def security_schemes(settings: Settings) -> dict[str, Any]:
    """None where no key is asked for."""
    return {"key": {"type": "http", "scheme": "bearer"}} if settings.api_keys else {}


def _add_what_all_have(operation: dict[str, Any], settings: Settings) -> None:
    """Answers that do not come from the route itself, and headers."""
    answers_of = operation["responses"]
    if "requestBody" in operation:
        answers_of.update(_failures("408"))
    if settings.api_keys:
        operation["security"] = [{"key": []}]
        answers_of.update(_failures("401", "429"))
    for status, answer in answers_of.items():
        answer.setdefault("headers", {})["X-Request-Id"] = REQUEST_ID
        if status in ("429", "503"):
            answer["headers"]["Retry-After"] = RETRY_AFTER


def _paths(settings: Settings) -> dict[str, dict[str, Any]]:
    return {
        "/v1/reconstruct": {"post": _reconstruct(settings)},
        "/v1/render": {"post": _render(settings)},
        "/v1/edit": {"post": _edit()},
        "/v1/reconstructions/{id}/mesh": {"get": _mesh()},
        "/v1/jobs": {"post": _create_job(settings)},
        "/v1/jobs/{id}": {"get": _look_at_job(), "delete": _delete_job()},
        "/v1/jobs/{id}/results": {"get": _job_results()},
        "/v1/model": {"get": _model()},
    }


def _reconstruct(settings: Settings) -> dict[str, Any]:
    every = _batch("every image succeeded; with lines: also where some failed")
    alone = dict.fromkeys(mesh_api.ALONE, BINARY)  # of one image
    statuses = {
        "200": {**every, "content": {**every["content"], **_lines(), **alone}},
        "207": _batch("some images failed; their entries say why"),
        "422": _batch("no image could be used; their entries say why"),
        "500": _batch("the service failed on every image"),
        **_failures("400", "406", "413", "415", "429", "503"),
    }
    text = "Photographs to textured meshes and cameras"
    body = _form(form_schemas.reconstruct_form(settings))
    return _operation("reconstruct", text, statuses, body, [PREFER])


def _render(settings: Settings) -> dict[str, Any]:
    kinds = dict.fromkeys(animation.MEDIA_TYPES.values(), BINARY)
    fine = _answer(
        "the pictures; as a file of its own where there is one", render_schemas.RenderAnswer
    )
    statuses = {
        "200": {**fine, "content": {**fine["content"], **kinds}},
        **_failures("400", "406", "413", "415", "422", "429", "503", "504"),
    }
    body = {
        "description": f"at most {settings.json_limit_mebibytes} MiB, and "
        f"{settings.largest_request} pictures",
        "required": True,
        "content": _content(render_schemas.RenderRequest),
    }
    return _operation("render", "Draw objects from any camera", statuses, body, [PREFER])


def _edit() -> dict[str, Any]:
    fine = _answer("the new photograph", render_schemas.EditAnswer)
    statuses = {
        "200": {**fine, "content": {**fine["content"], answers.PNG: BINARY}},
        **_failures("400", "406", "413", "415", "422", "429", "503", "504"),
    }
    text = "A photograph and what to change to a new photograph"
    return _operation("edit", text, statuses, _form(form_schemas.EDIT_FORM), [PREFER])


def _mesh() -> dict[str, Any]:
    fields = form_schemas.MESH_FIELDS.items()
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in fields]
    identity = {**JOB_ID, "description": "of a reconstruction this replica made not long ago"}
    kinds = dict.fromkeys(meshes.MEDIA_TYPES.values(), BINARY)
    statuses = {
        "200": {
            "description": "the file, with the texture of the settings' size",
            "content": kinds,
        },
        **_failures("400", "404", "429", "503"),
    }
    text = "The mesh of a kept reconstruction"
    return _operation("get_mesh", text, statuses, None, [identity, *query])


def _create_job(settings: Settings) -> dict[str, Any]:
    statuses = {
        "202": _answer("accepted; Location is its path", JobAnswer),
        **_failures("400", "413", "415", "422", "503", "507"),
    }
    text = "A batch too large to wait for: it goes on after a restart of the service"
    return _operation("create_job", text, statuses, _form(form_schemas.job_form(settings)))


def _look_at_job() -> dict[str, Any]:
    statuses = {"200": _answer("as it stands", JobAnswer), **_failures("400", "404", "503")}
    return _operation("get_job", "Progress and outcomes so far", statuses, None, [JOB_ID, *PAGE])


def _delete_job() -> dict[str, Any]:
    statuses = {"200": _answer("as it stood", JobAnswer), **_failures("404", "503")}
    text = "Cancel a running job, which keeps its results so far; delete one that has ended"
    return _operation("delete_job", text, statuses, None, [JOB_ID])


def _job_results() -> dict[str, Any]:
    archive = {answers.ZIP: {"schema": {**BINARY["schema"], "description": FILES_DESCRIPTION}}}
    fine = {"description": "of the images finished so far", "content": {**archive, **_lines()}}
    statuses = {"200": fine, **_failures("400", "404", "406", "503")}
    return _operation("get_job_results", "The answers so far", statuses, None, [JOB_ID])


def _model() -> dict[str, Any]:
    statuses = {"200": _answer("what is being served", schemas.ModelAnswer), **_failures("503")}
    return _operation("model", "Manifest, licence, metrics and camera convention", statuses)


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _lines() -> dict[str, Any]:
    return {answers.LINES: {"schema": {"type": "string", "description": LINES_DESCRIPTION}}}


def _batch(description: str) -> dict[str, Any]:
    """The forms of service.http.answers."""
    files = {"schema": {"type": "string", "format": "binary", "description": FILES_DESCRIPTION}}
    content = {answers.MULTIPART: files, answers.ZIP: files}
    return {
        "description": description,
        "content": {**_content(schemas.ReconstructAnswer), **content},
    }


def _operation(
    name: str,
    description: str,
    statuses: dict[str, Any],
    body: dict[str, Any] | None = None,
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    operation = {
        "operationId": name,
        "tags": ["Service APIs"],
        "description": description,
        "responses": statuses,
    }
    if parameters is not None:
        operation["parameters"] = parameters
    return operation if body is None else {**operation, "requestBody": body}


def _failures(*statuses: str) -> dict[str, Any]:
    return {status: _answer("refused; error says why", schemas.Failure) for status in statuses}


def _answer(description: str, model: type[schemas.Strict]) -> dict[str, Any]:
    return {"description": description, "content": _content(model)}


def _content(model: type[schemas.Strict]) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {answers.JSON: {"schema": reference}}
