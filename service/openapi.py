"""The OpenAPI document of the mounted routes, added to what BentoML writes about its own."""

from __future__ import annotations

from typing import Any, TypeVar

import attr
from _bentoml_sdk import Service
from bentoml._internal.service.openapi.specification import OpenAPISpecification, PathItem, Schema
from pydantic.json_schema import models_json_schema

from service import schemas

Inner = TypeVar("Inner")

MODELS = (
    schemas.ReconstructAnswer,
    schemas.RenderRequest,
    schemas.RenderAnswer,
    schemas.ModelAnswer,
    schemas.Failure,
)
RECONSTRUCT_FORM = {
    "type": "object",
    "required": ["images"],
    "properties": {
        "images": {
            "type": "array",
            "minItems": 1,
            "maxItems": 64,
            "items": {"type": "string", "format": "binary"},
            "description": "JPEG or PNG files; an alpha channel is taken as the mask",
        },
        "format": {"type": "string", "enum": ["glb", "obj", "npz"], "default": "glb"},
        "texture": {"type": "boolean", "default": True},
        "preview": {"type": "boolean", "default": False},
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
    reconstruct_answers = {
        "200": _answer("every image succeeded", schemas.ReconstructAnswer),
        "207": _answer("some images failed; their entries say why", schemas.ReconstructAnswer),
        "422": _answer("no image could be used", schemas.ReconstructAnswer),
        **_failures("400", "413", "415", "429", "503"),
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
                    "200": _answer("one PNG per camera", schemas.RenderAnswer),
                    **_failures("400", "413", "415", "422", "429", "503"),
                },
                {"required": True, "content": _content(schemas.RenderRequest)},
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
