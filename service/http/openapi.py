"""The OpenAPI document of the mounted routes, added to what BentoML writes about its own."""

from __future__ import annotations

import attr
from bentoml._internal.service.openapi.specification import OpenAPISpecification, PathItem, Schema
from pydantic.json_schema import models_json_schema

from service.http import paths
from service.http.mounted_service import Inner, MountedService
from service.schemas import photographs as schemas
from service.schemas import rendering as render_schemas
from service.schemas.jobs import JobAnswer
from service.settings import read_settings

REQUESTS = (render_schemas.RenderRequest, render_schemas.EditChanges)
ANSWERS = (
    schemas.ReconstructAnswer,
    schemas.Summary,
    render_schemas.RenderAnswer,
    render_schemas.EditAnswer,
    JobAnswer,
    schemas.ModelAnswer,
    schemas.Failure,
)


class DocumentedService(MountedService[Inner]):
    """A BentoML service whose OpenAPI document lists its mounted routes too."""

    @property
    def openapi_spec(self) -> OpenAPISpecification:
        """BentoML's document with the paths and schemas of `/v1`."""
        document = super().openapi_spec
        _, definitions = models_json_schema(
            [
                *((model, "validation") for model in REQUESTS),
                *((model, "serialization") for model in ANSWERS),
            ],
            ref_template="#/components/schemas/{model}",
        )
        schemas_of_ours = {name: Schema(**s) for name, s in definitions["$defs"].items()}
        components = {
            **(document.components or {}),
            "schemas": {**(document.components or {}).get("schemas", {}), **schemas_of_ours},
        }
        settings = read_settings()
        if schemes := paths.security_schemes(settings):
            components["securitySchemes"] = schemes
        ours = {path: PathItem(**item) for path, item in paths.describe(settings).items()}
        return attr.evolve(document, paths={**document.paths, **ours}, components=components)
