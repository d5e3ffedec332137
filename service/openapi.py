"""The OpenAPI document of the mounted routes, added to what BentoML writes about its own."""

from __future__ import annotations

from typing import Any, TypeVar

import attr
from _bentoml_sdk import Service
from bentoml._internal.service.openapi.specification import OpenAPISpecification, PathItem, Schema
from pydantic.json_schema import models_json_schema

from service import answers, form, render_schemas, schemas

Inner = TypeVar("Inner")

MODELS = (
    schemas.ReconstructAnswer,
    schemas.Summary,
    render_schemas.RenderRequest,
    render_schemas.RenderAnswer,
    schemas.ModelAnswer,
    schemas.Failure,
)
LINES_DESCRIPTION = (
    "one ImageAnswer per line as each image finishes, index saying which it is; the last line is "
    "a Summary"
)
FILES_DESCRIPTION = (
    f"{answers.ANSWER_FILE}, a ReconstructAnswer with file names in place of base64, then the files"
)
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
        "description": "pixels of the texture's longer side, for glb and obj; default: as the "
        "model makes it",
    },
    "preview": {
        "type": "boolean",
        "default": False,
        "example": True,
        "description": "with a picture of the mesh, 256 px",
    },
}
RECONSTRUCT_FORM = {
    "type": "object",
    "required": ["images"],
    "additionalProperties": False,
    "properties": {
        "images": {
            **FILES,
            "minItems": 1,
            "maxItems": 64,
            "example": ["car.jpg"],
            "description": "JPEG, PNG, WebP or GIF files (the first frame); an alpha channel is "
            "taken as the mask",
        },
        "masks": {
            **FILES,
            "maxItems": 64,
            "example": ["car.jpg"],
            "description": "image files, white on the object, of the same size and the same file "
            "name as the image each belongs to; they go before alpha",
        },
        **OPTION_FIELDS,
    },
}


class DocumentedService(Service[Inner]):
    """A BentoML service whose OpenAPI document lists its mounted routes too."""

    @property
    def openapi_spec(self) -> OpenAPISpecification:
        """BentoML's document with the paths and schemas of `/v1`."""
        document = super().openapi_spec
        _, definitions = models_json_schema(
            [(model, "serialization") for model in MODELS],
            ref_template="#/components/schemas/{model}",
        )
        schemas_of_ours = {name: Schema(**s) for name, s in definitions["$defs"].items()}
        components = {
            **(document.components or {}),
            "schemas": {**(document.components or {}).get("schemas", {}), **schemas_of_ours},
        }
        paths = {**document.paths, **{path: PathItem(**item) for path, item in _paths().items()}}
        return attr.evolve(document, paths=paths, components=components)


def _paths() -> dict[str, dict[str, Any]]:
    lines = {answers.LINES: {"schema": {"type": "string", "description": LINES_DESCRIPTION}}}
    every = _batch("every image succeeded; with lines: also where some failed")
    reconstruct_answers = {
        "200": {**every, "content": {**every["content"], **lines}},
        "207": _batch("some images failed; their entries say why"),
        "422": _batch("no image could be used; their entries say why"),
        "500": _batch("the service failed on every image"),
        **_failures("400", "406", "413", "415", "429", "503"),
    }
    form = {"required": True, "content": {"multipart/form-data": {"schema": RECONSTRUCT_FORM}}}
    return {
        "/v1/reconstruct": {
            "post": _operation(
                "reconstruct",
                "Photographs to textured meshes and cameras",
                reconstruct_answers,
                form,
            )
        },
        "/v1/render": {
            "post": _operation(
                "render",
                "Draw objects from any camera",
                {
                    "200": _answer("one PNG per camera", render_schemas.RenderAnswer),
                    **_failures("400", "413", "415", "422", "429", "503"),
                },
                {"required": True, "content": _content(render_schemas.RenderRequest)},
            )
        },
        "/v1/model": {
            "get": _operation(
                "model",
                "The manifest of the bundle",
                {"200": _answer("what is being served", schemas.ModelAnswer)},
            )
        },
    }


def _batch(description: str) -> dict[str, Any]:
    """The forms of service.answers."""
    files = {"schema": {"type": "string", "format": "binary", "description": FILES_DESCRIPTION}}
    content = {answers.MULTIPART: files, answers.ZIP: files}
    return {
        "description": description,
        "content": {**_content(schemas.ReconstructAnswer), **content},
    }


def _operation(
    name: str, description: str, answers: dict[str, Any], body: dict[str, Any] | None = None
) -> dict[str, Any]:
    operation = {
        "operationId": name,
        "tags": ["Service APIs"],
        "description": description,
        "responses": answers,
    }
    return operation if body is None else {**operation, "requestBody": body}


def _failures(*statuses: str) -> dict[str, Any]:
    return {status: _answer("refused; error says why", schemas.Failure) for status in statuses}


def _answer(description: str, model: type[schemas.Strict]) -> dict[str, Any]:
    return {"description": description, "content": _content(model)}


def _content(model: type[schemas.Strict]) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"application/json": {"schema": reference}}
