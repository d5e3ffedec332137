"""How BentoML hosts the service, and its OpenAPI document, with `service.http.paths` in it."""

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
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http import paths, protocol
from service.settings import read_settings

Inner = TypeVar("Inner")
PREFIX = "/v1"


class OwnPaths:
    """Hands all calls of `/v1` to the application that has its routes.

    BentoML's router leaves out methods it does not know and paths with a line break, and answers
    them by itself: in plain text, without an id, and not in the log.
    """

    def __init__(self, app: ASGIApp, own: ASGIApp) -> None:
        self.app, self.own = app, own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope.get("path", "")
        is_own = scope["type"] == "http" and (path == PREFIX or path.startswith(f"{PREFIX}/"))
        await (self.own if is_own else self.app)(scope, receive, send)


class MountedService(Service[Inner]):
    """A BentoML service that only hosts mounted applications, and lists their routes too.

    Calls pass none of BentoML's middlewares: mounted applications bring their own. One is for API
    methods, which there are none of. One measures spans and sends them nowhere. The one for
    timeouts keeps a timer of every call until it runs out, answered or not; where a client left
    before its answer, the server cannot end until then.
    """

    def to_asgi(self, is_main: bool = True) -> Starlette:
        """The application that is served."""
        protocol.serve_by_this()
        app = cast("Starlette", super().to_asgi(is_main))
        mounted = (cast("Starlette", one) for one, *_ in self.mount_apps)
        own = next((one for one in mounted if any(map(_is_own, one.routes))), None)
        app.user_middleware[:] = [] if own is None else [Middleware(OwnPaths, own=own)]
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


def _is_own(route: Any) -> bool:
    return route.path.startswith(f"{PREFIX}/")
