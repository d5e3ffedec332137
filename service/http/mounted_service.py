"""A BentoML service that does nothing but host mounted applications."""

from __future__ import annotations

from typing import TypeVar, cast

from _bentoml_sdk import Service
from starlette.applications import Starlette

Inner = TypeVar("Inner")


class MountedService(Service[Inner]):
    """Calls pass none of BentoML's middlewares: mounted applications bring their own.

    One is for API methods, which there are none of. One measures spans and sends them nowhere. The
    one for timeouts keeps a timer of every call until it runs out, answered or not; where a client
    left before its answer, the server cannot end until then.
    """

    def to_asgi(self, is_main: bool = True) -> Starlette:
        """The application that is served."""
        app = cast("Starlette", super().to_asgi(is_main))
        app.user_middleware.clear()
        return app
