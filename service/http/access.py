"""Who may call `/v1`, and how often: browsers by their origin, and API keys with a limit each."""

import hashlib
import hmac
import math
from collections.abc import Callable
from time import monotonic

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import RequestError
from service.http.requests import engine_of
from service.settings import Settings
from service.siblings import Siblings

READ_HEADERS = [
    "authorization", "content-type", "idempotency-key", "prefer", "traceparent", "tracestate",
    "x-request-id",
]  # fmt: skip
"""Of a request, which a page may send beside those that all may."""
SENT_HEADERS = [
    "content-disposition", "location", "retry-after", "x-reconstruction-id", "x-request-id",
]  # fmt: skip
"""Of an answer, which a page may read."""


class Bucket:
    """A token bucket: `per_minute` calls a minute in the long run, as many at once at first."""

    def __init__(
        self, per_minute: int, memory: "memoryview[float] | list[float] | None" = None
    ) -> None:
        """`memory`: two numbers, 0 at first, which processes may share."""
        self._per_second = per_minute / 60
        self._most = float(per_minute)
        self._memory = [0.0, 0.0] if memory is None else memory
        """Calls made and not yet regained, and when that was so, in seconds."""

    def take(self, now: float) -> float:
        """0.0 where one more call may be made, else the seconds to wait for it."""
        made, since = self._memory
        made = max(0.0, made - (now - since) * self._per_second)
        may = made + 1 <= self._most
        self._memory[0], self._memory[1] = made + may, now
        return 0.0 if may else (made + 1 - self._most) / self._per_second


class Access:
    """Knows the keys, by their digests only, and how often each was used."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = monotonic,
        siblings: Siblings | None = None,
    ) -> None:
        """`clock`: seconds, the same for all `siblings`, which share the limits and have two rates
        for each key; None for a process alone."""
        self._digests = [_digest(key.encode()) for key in settings.api_keys]
        self._clock = clock
        self._siblings = siblings or Siblings(rates=len(self._digests))
        limit, rates = settings.requests_per_minute, self._siblings.rates
        self._buckets = {
            digest: Bucket(limit, rates[2 * number : 2 * number + 2])
            for number, digest in enumerate(self._digests)
            if limit
        }

    def check(self, authorization: bytes) -> None:
        """Raise 401 or 429 unless this value of the Authorization header may call now."""
        if not self._digests:
            return
        scheme, _, key = authorization.partition(b" ")
        got = _digest(key.strip())
        # Every key is compared, each in constant time: the time says nothing about any of them.
        known = [digest for digest in self._digests if hmac.compare_digest(digest, got)]
        if scheme.lower() != b"bearer" or not known:
            message = (
                f"the key is {'unknown' if authorization else 'missing'}: send it in a header, "
                "Authorization: Bearer KEY"
            )
            raise RequestError(401, "unauthorized", message)
        bucket = self._buckets.get(got)
        if bucket is None:
            return
        with self._siblings.locked():
            seconds = bucket.take(self._clock())
        if seconds > 0:
            wait = math.ceil(seconds)
            message = f"this key calls too often: send again in {wait} s"
            raise RequestError(429, "rate_limited", message, wait)


class CrossOrigin:
    """The middleware for pages of other origins, where the settings allow any; of refusals too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._with_cors: CORSMiddleware | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        engine = getattr(scope["app"].state, "engine", None) if scope["type"] == "http" else None
        if engine is not None and engine.settings.cors_origins:
            await self._cors(engine.settings.cors_origins)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _cors(self, origins: tuple[str, ...]) -> CORSMiddleware:
        if self._with_cors is None:
            self._with_cors = CORSMiddleware(
                self.app,
                allow_origins=origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=READ_HEADERS,
                expose_headers=SENT_HEADERS,
            )
        return self._with_cors


class AccessControl:
    """The middleware that asks for the key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; raises `RequestError` 401, 429, or 503 before the engine is loaded."""
        if scope["type"] == "http":
            engine_of(scope["app"])
            sent = [value for name, value in scope["headers"] if name == b"authorization"]
            scope["app"].state.access.check(b", ".join(sent))
        await self.app(scope, receive, send)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
