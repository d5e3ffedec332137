"""The OpenAPI document: what BentoML writes about its own routes, and `service.http.paths`."""

from typing import Any, TypeVar, cast

import attr
from _bentoml_sdk import Service
from bentoml._internal.service.openapi.specification import (
    Components,
    OpenAPISpecification,
    PathItem,
    Schema,
)
from pydantic.json_schema import models_json_schema
from starlette.applications import Starlette

from service.http import paths
from service.settings import read_settings

Inner = TypeVar("Inner")


class MountedService(Service[Inner]):
    """A BentoML service that only hosts mounted applications, and lists their routes too.

    Calls pass none of BentoML's middlewares: mounted applications bring their own. One is for API
    methods, which there are none of. One measures spans and sends them nowhere. The one for
    timeouts keeps a timer of every call until it runs out, answered or not; where a client left
    before its answer, the server cannot end until then.
    """

    def to_asgi(self, is_main: bool = True) -> Starlette:
        """The application that is served."""
        app = cast("Starlette", super().to_asgi(is_main))
        app.user_middleware.clear()
        return app

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
        components = cast("Components", components)
        return attr.evolve(document, paths={**document.paths, **items}, components=components)
