"""The OpenAPI document: what BentoML writes about its own routes, and `service.http.paths`."""

from __future__ import annotations

from typing import Any, cast

import attr
from bentoml._internal.service.openapi.specification import (
    Components,
    OpenAPISpecification,
    PathItem,
    Schema,
)
from pydantic.json_schema import models_json_schema

from service.http import paths
from service.http.mounted_service import Inner, MountedService
from service.settings import read_settings


class DocumentedService(MountedService[Inner]):
    """A BentoML service whose OpenAPI document lists its mounted routes too."""

    @property
    def openapi_spec(self) -> OpenAPISpecification:
        """BentoML's document with the paths and schemas of `/v1`."""
        document = super().openapi_spec
        settings = read_settings()
        _, definitions = models_json_schema(
            [
                *((model, "validation") for model in paths.REQUESTS),
                *((model, "serialization") for model in paths.ANSWERS),
            ],
            ref_template=paths.REFERENCE,
        )
        # BentoML's class for them takes other things than what it writes: plain dictionaries.
        components = cast("dict[str, Any]", document.components or {})
        ours = {name: Schema(**schema) for name, schema in definitions["$defs"].items()}
        components = {**components, "schemas": {**components.get("schemas", {}), **ours}}
        if schemes := paths.security_schemes(settings):
            components["securitySchemes"] = schemes
        items = {path: PathItem(**item) for path, item in paths.describe(settings).items()}
        return attr.evolve(
            document,
            paths={**document.paths, **items},
            components=cast("Components", components),
        )
