"""The middleware in front of `/v1`: browsers of other origins, then API keys."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import RequestError
from service.http import refusal


class AccessControl:
    """CORS where origins are set, then the key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._with_cors: CORSMiddleware | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        engine = getattr(scope["app"].state, "engine", None)
        if scope["type"] != "http" or engine is None:
            await self.app(scope, receive, send)
        elif engine.settings.cors_origins:
            await self._cors(engine.settings.cors_origins)(scope, receive, send)
        else:
            await self._checked(scope, receive, send)

    def _cors(self, origins: tuple[str, ...]) -> CORSMiddleware:
        if self._with_cors is None:
            self._with_cors = CORSMiddleware(
                self._checked,
                allow_origins=origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["authorization", "content-type", "prefer", "x-request-id"],
                expose_headers=["retry-after", "x-request-id"],
            )
        return self._with_cors

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            scope["app"].state.engine.access.check(
                dict(scope["headers"]).get(b"authorization", b"")
            )
        except RequestError as error:
            await refusal.to_response(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)
