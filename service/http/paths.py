"""The operations of `/v1` as OpenAPI has them: parameters, forms, statuses and media types."""

from typing import Any

from service.http import answers, forms, mesh_api
from service.http.forms import EditForm, ItemsPage, JobForm, ReconstructForm
from service.http.idempotency import KEY_HEADER, LONGEST_KEY
from service.imaging import animation
from service.pipeline import meshes
from service.schemas import photographs as schemas
from service.schemas.jobs import JobAnswer
from service.schemas.objects import ReconstructAnswer, Summary
from service.schemas.options import MeshOptions, Texts
from service.schemas.rendering import EditAnswer, EditChanges, RenderAnswer, RenderRequest
from service.settings import Settings

REFERENCE = "#/components/schemas/{model}"
REQUESTS = (RenderRequest, EditChanges)
ANSWERS = (
    ReconstructAnswer,
    Summary,
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
            "is; of objects, the images of each and then its ObjectAnswer, as it finishes; the "
            "last line is a Summary",
        }
    }
}
JOB_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "of the job",
    "schema": {"type": "string", "example": "7d1a54127b222502f5b79b5fb0803061"},
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "wait=SECONDS: less time than the settings give (RFC 7240)",
    "schema": {"type": "string", "pattern": "^wait=[0-9]{1,6}$", "example": "wait=5"},
}
IDEMPOTENCY_KEY = {
    "name": KEY_HEADER,
    "in": "header",
    "description": "names this POST: sent again with the same fields and files it gives the same "
    "job, as long as that is kept; with others it is refused (422)",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_KEY,
        "pattern": "^[ -~]+$",
        "example": "5f0e6a52-1e1b-4a54-9b0c-5b9d9f8a8f0e",
    },
}
REQUEST_ID = {
    "description": "of this call, in the log too: the client's own where it sent a plain one",
    "schema": {"type": "string", "example": "3f0c1b7a9d2e4c58a6b1e0d47f29c3ab"},
}
REFUSED = "400 406 413 415 422 429 503 504 507"
"""Statuses of refused requests for pictures."""
RETRY_AFTER = {
    "description": "seconds after which to send again",
    "schema": {"type": "integer", "minimum": 1, "example": 5},
}


def describe(settings: Settings) -> dict[str, dict[str, Any]]:
    """Path items by path, with the limits that the settings give."""
    served = {"200": _answer("what is being served", schemas.ModelAnswer)}
    text = "Manifest, licence, metrics and camera convention"
    paths = {
        "/v1/reconstruct": {"post": _reconstruct(settings)},
        "/v1/render": {"post": _render(settings)},
        "/v1/edit": {"post": _edit()},
        "/v1/reconstructions/{id}/mesh": {"get": _mesh()},
        **_jobs(settings),
        "/v1/model": {"get": _operation("model", text, served, "503")},
    }
    for item in paths.values():
        for operation in item.values():
            _add_what_all_have(operation, settings)
    return paths


def security_schemes(settings: Settings) -> dict[str, Any]:
    """None where no key is asked for."""
    return {"key": {"type": "http", "scheme": "bearer"}} if settings.api_keys else {}


def _reconstruct(settings: Settings) -> dict[str, Any]:
    limits = (
        f"at most {settings.body_limit_mebibytes} MiB together, and "
        f"{settings.pixel_limit_megapixels} megapixels an image"
    )
    every = _batch("every image succeeded; with lines: also where some failed", *mesh_api.ALONE)
    every["content"] |= LINES
    answers_of = {
        "200": every,
        "207": _batch("some images failed; their entries say why"),
        "422": _batch("no image could be used; their entries say why"),
        "500": _batch("the service failed on every image"),
    }
    text = "Photographs to textured meshes and cameras"
    form = _form(ReconstructForm, limits, settings.largest_request)
    more = {"parameters": [PREFER], "requestBody": form}
    return _operation("reconstruct", text, answers_of, "400 406 413 415 429 503 507", **more)


def _render(settings: Settings) -> dict[str, Any]:
    text = "the pictures; as a file of its own where there is one"
    answers_of = {"200": _answer(text, RenderAnswer, *animation.MEDIA_TYPES.values())}
    limits = f"at most {settings.json_limit_mebibytes} MiB, and {settings.largest_request} pictures"
    body = {"description": limits, "required": True, "content": _json(RenderRequest)}
    more = {"parameters": [PREFER], "requestBody": body}
    return _operation("render", "Render objects from any camera", answers_of, REFUSED, **more)


def _edit() -> dict[str, Any]:
    answers_of = {"200": _answer("the new photograph", EditAnswer, answers.PNG)}
    text = "A photograph and what to change to a new photograph"
    more = {"parameters": [PREFER], "requestBody": _form(EditForm)}
    return _operation("edit", text, answers_of, REFUSED, **more)


def _mesh() -> dict[str, Any]:
    text = "the file, with the texture of the settings' size"
    file = {"description": text, "content": _files(*meshes.MEDIA_TYPES.values())}
    identity = {**JOB_ID, "description": "of a reconstruction that was made not long ago"}
    more = {"parameters": [identity, *_query(MeshOptions)]}
    text = "The mesh of a kept reconstruction"
    return _operation("get_mesh", text, {"200": file}, "400 404 429 503", **more)


def _jobs(settings: Settings) -> dict[str, dict[str, Any]]:
    limits = (
        "files in images (and masks), or one file in archive; at most "
        f"{settings.body_limit_mebibytes} MiB, and with all other jobs "
        f"{settings.jobs_limit_mebibytes} MiB unpacked"
    )
    accepted = {"202": _answer("accepted; Location is its path", JobAnswer)}
    text = "A batch too large to wait for: it goes on after a restart of the service"
    form = _form(JobForm, limits, settings.largest_job)
    more = {"parameters": [IDEMPOTENCY_KEY], "requestBody": form}
    refusals = "400 409 413 415 422 429 503 507"
    create = _operation("create_job", text, accepted, refusals, **more)

    found = {"200": _answer("as it stands", JobAnswer)}
    text, parameters = "Progress and outcomes so far", [JOB_ID, *_query(ItemsPage)]
    look = _operation("get_job", text, found, "400 404 503", parameters=parameters)

    ended = {"200": _answer("as it stood", JobAnswer)}
    text = "Cancel a running job, which keeps its results so far; delete one that has ended"
    delete = _operation("delete_job", text, ended, "404 503", parameters=[JOB_ID])

    content = {answers.ZIP: {"schema": FILES}, **LINES}
    finished = {"200": {"description": "of the items finished so far", "content": content}}
    text, refusals = "The answers so far", "400 404 406 429 503 507"
    results = _operation("get_job_results", text, finished, refusals, parameters=[JOB_ID])
    return {
        "/v1/jobs": {"post": create},
        "/v1/jobs/{id}": {"get": look, "delete": delete},
        "/v1/jobs/{id}/results": {"get": results},
    }


def _operation(
    name: str, text: str, answers_of: dict[str, Any], refusals: str, **more: Any
) -> dict[str, Any]:
    """`refusals`: statuses with a space between; `more`: OpenAPI's other fields of an operation."""
    return {
        "operationId": name,
        "tags": ["Service APIs"],
        "description": text,
        "responses": {**answers_of, **_refusals(refusals)},
        **more,
    }


def _add_what_all_have(operation: dict[str, Any], settings: Settings) -> None:
    """Answers that do not come from the route itself, and headers."""
    answers_of = operation["responses"]
    every = _refusals("400 408 431 500 504")
    answers_of |= {k: v for k, v in every.items() if k not in answers_of}
    if settings.api_keys:
        operation["security"] = [{"key": []}]
        answers_of |= _refusals("401 429")
    for status, answer in answers_of.items():
        if status == "431":  # refused before the call's headers are read
            continue
        answer["headers"] = {"X-Request-Id": REQUEST_ID}
        if status in ("429", "503", "507"):
            answer["headers"]["Retry-After"] = RETRY_AFTER


def _refusals(statuses: str) -> dict[str, Any]:
    """`statuses`: with a space between."""
    text = "refused; error says why"
    return {status: _answer(text, schemas.Failure) for status in statuses.split()}


def _batch(description: str, *media_types: str) -> dict[str, Any]:
    """The forms of service.http.answers."""
    answer = _answer(description, ReconstructAnswer, *media_types)
    answer["content"] |= {kind: {"schema": FILES} for kind in (answers.MULTIPART, answers.ZIP)}
    return answer


def _answer(description: str, model: type[schemas.Strict], *media_types: str) -> dict[str, Any]:
    """JSON, or a file of one of the media types."""
    return {"description": description, "content": {**_json(model), **_files(*media_types)}}


def _json(model: type[schemas.Strict]) -> dict[str, Any]:
    return {answers.JSON: {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}


def _files(*media_types: str) -> dict[str, Any]:
    return {kind: {"schema": BINARY} for kind in media_types}


def _form(model: type[Texts], limits: str | None = None, largest: int = 0) -> dict[str, Any]:
    """`limits`: in words; `largest`: images."""
    schema = forms.describe(model, REFERENCE)
    schema["description"] = limits or schema["description"]
    fields = schema["properties"]
    for name in {"images", "masks"} & set(fields):
        fields[name]["maxItems"] = largest
    if "archive" in fields:
        fields["archive"]["description"] += f"; 1..{largest:,} images"
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _query(model: type[Texts]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": field.pop("description"), "schema": field}
        for name, field in forms.describe(model, REFERENCE)["properties"].items()
    ]
