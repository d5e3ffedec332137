"""What OpenAPI says of every route of `/v1`: parameters, forms, statuses and media types."""

from __future__ import annotations

from typing import Any

from service.http import answers, form, job_api
from service.imaging import animation
from service.jobs.zip_upload import LARGEST_ENTRY
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
FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
OPTION_FIELDS: dict[str, Any] = {
    "format": {
        "type": "string",
        "enum": list(schemas.MESH_FORMATS),
        "default": "glb",
        "example": "glb",
        "description": "obj is a zip of .obj, .mtl and .png; npz is what /v1/render takes",
    },
    "texture": {
        "type": "boolean",
        "default": True,
        "example": True,
        "description": "false leaves the mesh white",
    },
    "texture_size": {
        "type": "integer",
        "minimum": form.TEXTURE_SIZES[0],
        "maximum": form.TEXTURE_SIZES[-1],
        "example": 512,
        "description": "pixels of the texture's longer side, for glb and obj; default: that of "
        "the service's settings; larger ones show more of the photograph's detail",
    },
    "preview": {
        "type": "boolean",
        "default": False,
        "example": True,
        "description": "with a picture of the mesh, 256 px",
    },
}


def _images(largest: int) -> dict[str, Any]:
    return {
        **FILES,
        "minItems": 1,
        "maxItems": largest,
        "example": ["car.jpg"],
        "description": "JPEG, PNG, WebP or GIF files (the first frame); an alpha channel is "
        "taken as the mask",
    }


def _masks(largest: int) -> dict[str, Any]:
    return {
        **FILES,
        "maxItems": largest,
        "example": ["car.jpg"],
        "description": "image files, white on the object, of the same size and the same file "
        "name as the image each belongs to; they go before alpha",
    }


def _reconstruct_form(settings: Settings) -> dict[str, Any]:
    largest = settings.largest_request
    return {
        "type": "object",
        "required": ["images"],
        "additionalProperties": False,
        "description": f"at most {settings.body_limit_mebibytes} MiB together, and "
        f"{settings.pixel_limit_megapixels} megapixels an image",
        "properties": {"images": _images(largest), "masks": _masks(largest), **OPTION_FIELDS},
    }


def _job_form(settings: Settings) -> dict[str, Any]:
    largest = settings.largest_job
    return {
        "type": "object",
        "additionalProperties": False,
        "description": "files in images (and masks), or one file in archive; at most "
        f"{settings.body_limit_mebibytes} MiB",
        "properties": {
            "images": _images(largest),
            "masks": _masks(largest),
            "archive": {
                "type": "string",
                "format": "binary",
                "example": "cars.zip",
                "description": f"a ZIP of images, 1..{largest:,}, unpacked at most "
                f"{LARGEST_ENTRY >> 20} MiB each; masks/a.jpg in it is the mask of a.jpg",
            },
            **OPTION_FIELDS,
        },
    }


EDIT_FORM = {
    "type": "object",
    "required": ["image", "changes"],
    "additionalProperties": False,
    "properties": {
        "image": {
            "type": "string",
            "format": "binary",
            "example": "car.jpg",
            "description": "the photograph: JPEG, PNG, WebP or GIF",
        },
        "mask": {
            "type": "string",
            "format": "binary",
            "example": "mask.png",
            "description": "an image file of the same size, white on the object",
        },
        "changes": {
            "type": "string",
            "contentMediaType": answers.JSON,
            "contentSchema": {"$ref": "#/components/schemas/EditChanges"},
            "example": '{"turn_degrees": 30}',
            "description": "what to change: EditChanges as JSON",
        },
    },
}
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


def describe(settings: Settings) -> dict[str, dict[str, Any]]:
    """Path items by path, with the limits that the settings give."""
    return {
        "/v1/reconstruct": {"post": _reconstruct(settings)},
        "/v1/render": {"post": _render(settings)},
        "/v1/edit": {"post": _edit()},
        "/v1/jobs": {"post": _create_job(settings)},
        "/v1/jobs/{id}": {"get": _look_at_job(), "delete": _delete_job()},
        "/v1/jobs/{id}/results": {"get": _job_results()},
        "/v1/model": {"get": _model()},
    }


def _reconstruct(settings: Settings) -> dict[str, Any]:
    every = _batch("every image succeeded; with lines: also where some failed")
    statuses = {
        "200": {**every, "content": {**every["content"], **_lines()}},
        "207": _batch("some images failed; their entries say why"),
        "422": _batch("no image could be used; their entries say why"),
        "500": _batch("the service failed on every image"),
        **_failures("400", "406", "413", "415", "429", "503"),
    }
    text = "Photographs to textured meshes and cameras"
    return _operation("reconstruct", text, statuses, _form(_reconstruct_form(settings)))


def _render(settings: Settings) -> dict[str, Any]:
    kinds = dict.fromkeys(animation.MEDIA_TYPES.values(), BINARY)
    fine = _answer(
        "the pictures; as a file of its own where there is one", render_schemas.RenderAnswer
    )
    statuses = {
        "200": {**fine, "content": {**fine["content"], **kinds}},
        **_failures("400", "406", "413", "415", "422", "429", "503"),
    }
    body = {
        "description": f"at most {settings.json_limit_mebibytes} MiB, and "
        f"{settings.largest_request} pictures",
        "required": True,
        "content": _content(render_schemas.RenderRequest),
    }
    return _operation("render", "Draw objects from any camera", statuses, body)


def _edit() -> dict[str, Any]:
    fine = _answer("the new photograph", render_schemas.EditAnswer)
    statuses = {
        "200": {**fine, "content": {**fine["content"], answers.PNG: BINARY}},
        **_failures("400", "406", "413", "415", "422", "429", "503"),
    }
    text = "A photograph and what to change to a new photograph"
    return _operation("edit", text, statuses, _form(EDIT_FORM))


def _create_job(settings: Settings) -> dict[str, Any]:
    statuses = {
        "202": _answer("accepted; Location is its path", JobAnswer),
        **_failures("400", "413", "415", "422", "503", "507"),
    }
    text = "A batch too large to wait for: it goes on after a restart of the service"
    return _operation("create_job", text, statuses, _form(_job_form(settings)))


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
