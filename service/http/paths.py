"""What OpenAPI says of every route of `/v1`: parameters, forms, statuses and media types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.http import answers, mesh_api
from service.http.forms import EditForm, ItemsPage, JobForm, ReconstructForm
from service.imaging import animation
from service.pipeline import meshes
from service.schemas import photographs as schemas
from service.schemas.jobs import JobAnswer
from service.schemas.options import MeshOptions, Texts
from service.schemas.rendering import EditAnswer, EditChanges, RenderAnswer, RenderRequest
from service.settings import Settings

REFERENCE = "#/components/schemas/{model}"
REQUESTS = (RenderRequest, EditChanges)
ANSWERS = (
    schemas.ReconstructAnswer,
    schemas.Summary,
    RenderAnswer,
    EditAnswer,
    JobAnswer,
    schemas.ModelAnswer,
    schemas.Failure,
)
BINARY = {"type": "string", "format": "binary"}
FILES = {
    **BINARY,
    "description": f"{answers.ANSWER_FILE}, a ReconstructAnswer with file names in place of "
    "base64, then the files",
}
LINES = {
    answers.LINES: {
        "schema": {
            "type": "string",
            "description": "one ImageAnswer per line as each image finishes, index saying which it "
            "is; the last line is a Summary",
        }
    }
}
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
    paths = {
        "/v1/reconstruct": {"post": _reconstruct(settings)},
        "/v1/render": {"post": _render(settings)},
        "/v1/edit": {"post": _edit()},
        "/v1/reconstructions/{id}/mesh": {"get": _mesh()},
        "/v1/jobs": {"post": _create_job(settings)},
        "/v1/jobs/{id}": {"get": _look_at_job(), "delete": _delete_job()},
        "/v1/jobs/{id}/results": {"get": _job_results()},
        "/v1/model": {"get": _model()},
    }
    for item in paths.values():
        for operation in item.values():
            _add_what_all_have(operation, settings)
    return paths


def security_schemes(settings: Settings) -> dict[str, Any]:
    """None where no key is asked for."""
    return {"key": {"type": "http", "scheme": "bearer"}} if settings.api_keys else {}


def _reconstruct(settings: Settings) -> dict[str, Any]:
    every = _batch("every image succeeded; with lines: also where some failed")
    every["content"] |= {**LINES, **_files(mesh_api.ALONE)}  # the latter of one image
    form = _form(
        ReconstructForm,
        f"at most {settings.body_limit_mebibytes} MiB together, and "
        f"{settings.pixel_limit_megapixels} megapixels an image",
    )
    _limit(form, settings.largest_request)
    return _operation(
        "reconstruct",
        "Photographs to textured meshes and cameras",
        {
            "200": every,
            "207": _batch("some images failed; their entries say why"),
            "422": _batch("no image could be used; their entries say why"),
            "500": _batch("the service failed on every image"),
        },
        "400 406 413 415 429 503",
        requestBody=_body("multipart/form-data", form),
        parameters=[PREFER],
    )


def _render(settings: Settings) -> dict[str, Any]:
    fine = _answer("the pictures; as a file of its own where there is one", RenderAnswer)
    fine["content"] |= _files(animation.MEDIA_TYPES.values())
    limits = f"{settings.json_limit_mebibytes} MiB, and {settings.largest_request} pictures"
    return _operation(
        "render",
        "Draw objects from any camera",
        {"200": fine},
        "400 406 413 415 422 429 503 504",
        requestBody={
            "description": f"at most {limits}",
            **_body(answers.JSON, _reference(RenderRequest)),
        },
        parameters=[PREFER],
    )


def _edit() -> dict[str, Any]:
    fine = _answer("the new photograph", EditAnswer)
    fine["content"] |= _files([answers.PNG])
    return _operation(
        "edit",
        "A photograph and what to change to a new photograph",
        {"200": fine},
        "400 406 413 415 422 429 503 504",
        requestBody=_body("multipart/form-data", _form(EditForm)),
        parameters=[PREFER],
    )


def _mesh() -> dict[str, Any]:
    fine = {
        "description": "the file, with the texture of the settings' size",
        "content": _files(meshes.MEDIA_TYPES.values()),
    }
    identity = _identity("of a reconstruction this replica made not long ago")
    return _operation(
        "get_mesh",
        "The mesh of a kept reconstruction",
        {"200": fine},
        "400 404 429 503",
        parameters=[identity, *_query(MeshOptions)],
    )


def _create_job(settings: Settings) -> dict[str, Any]:
    form = _form(
        JobForm,
        "files in images (and masks), or one file in archive; at most "
        f"{settings.body_limit_mebibytes} MiB",
    )
    _limit(form, settings.largest_job)
    form["properties"]["archive"]["description"] += f"; 1..{settings.largest_job:,} images"
    return _operation(
        "create_job",
        "A batch too large to wait for: it goes on after a restart of the service",
        {"202": _answer("accepted; Location is its path", JobAnswer)},
        "400 413 415 422 503 507",
        requestBody=_body("multipart/form-data", form),
    )


def _look_at_job() -> dict[str, Any]:
    return _operation(
        "get_job",
        "Progress and outcomes so far",
        {"200": _answer("as it stands", JobAnswer)},
        "400 404 503",
        parameters=[_identity("of the job"), *_query(ItemsPage)],
    )


def _delete_job() -> dict[str, Any]:
    return _operation(
        "delete_job",
        "Cancel a running job, which keeps its results so far; delete one that has ended",
        {"200": _answer("as it stood", JobAnswer)},
        "404 503",
        parameters=[_identity("of the job")],
    )


def _job_results() -> dict[str, Any]:
    content = {answers.ZIP: {"schema": FILES}, **LINES}
    return _operation(
        "get_job_results",
        "The answers so far",
        {"200": {"description": "of the images finished so far", "content": content}},
        "400 404 406 503",
        parameters=[_identity("of the job")],
    )


def _model() -> dict[str, Any]:
    return _operation(
        "model",
        "Manifest, licence, metrics and camera convention",
        {"200": _answer("what is being served", schemas.ModelAnswer)},
        "503",
    )


def _operation(
    name: str, description: str, responses: dict[str, Any], refusals: str, **others: Any
) -> dict[str, Any]:
    """`refusals`: statuses with a space between; `others`: further fields of OpenAPI's."""
    failure = "refused; error says why"
    failures = {status: _answer(failure, schemas.Failure) for status in refusals.split()}
    return {
        "operationId": name,
        "tags": ["Service APIs"],
        "description": description,
        "responses": {**responses, **failures},
        **others,
    }


def _add_what_all_have(operation: dict[str, Any], settings: Settings) -> None:
    """Answers that do not come from the route itself, and headers."""
    responses = operation["responses"]
    statuses = ["408"] if "requestBody" in operation else []
    if settings.api_keys:
        operation["security"] = [{"key": []}]
        statuses += ["401", "429"]
    for status in statuses:
        responses[status] = _answer("refused; error says why", schemas.Failure)
    for status, answer in responses.items():
        answer["headers"] = {"X-Request-Id": REQUEST_ID}
        if status in ("429", "503"):
            answer["headers"]["Retry-After"] = RETRY_AFTER


def _batch(description: str) -> dict[str, Any]:
    """The forms of service.http.answers."""
    answer = _answer(description, schemas.ReconstructAnswer)
    answer["content"] |= {kind: {"schema": FILES} for kind in (answers.MULTIPART, answers.ZIP)}
    return answer


def _answer(description: str, model: type[schemas.Strict]) -> dict[str, Any]:
    return {"description": description, "content": {answers.JSON: {"schema": _reference(model)}}}


def _reference(model: type[schemas.Strict]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def _files(media_types: Iterable[str]) -> dict[str, Any]:
    return {kind: {"schema": BINARY} for kind in media_types}


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}}


def _identity(description: str) -> dict[str, Any]:
    """The id in the path."""
    schema = {"type": "string", "example": "7d1a54127b222502f5b79b5fb0803061"}
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _form(model: type[Texts], description: str | None = None) -> dict[str, Any]:
    """A form by its model, whose docstring is the description unless one is given."""
    schema = model.model_json_schema(ref_template=REFERENCE)
    form = {key: schema[key] for key in ("type", "required", "description") if key in schema}
    form |= {"additionalProperties": False, "properties": _fields(schema)}
    return {**form, "description": description or schema["description"]}


def _query(model: type[Texts]) -> list[dict[str, Any]]:
    fields = _fields(model.model_json_schema()).items()
    return [
        {"name": name, "in": "query", "description": field.pop("description"), "schema": field}
        for name, field in fields
    ]


def _fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each field as OpenAPI 3.0 has it: left out where it has no value, never null; one example."""
    fields = {}
    for name, field in schema["properties"].items():
        kind = field.pop("anyOf", [{}])[0]
        example = field.pop("examples")[0]
        kept = {key: field[key] for key in field if key != "title" and field[key] is not None}
        fields[name] = {**kind, **kept, "example": example}
    return fields


def _limit(form: dict[str, Any], largest: int) -> None:
    for name in ("images", "masks"):
        form["properties"][name]["maxItems"] = largest
