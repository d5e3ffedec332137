"""Who may call, and how often: API keys with a rate limit each."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable
from time import monotonic

from service.errors import RequestError
from service.settings import Settings


class Bucket:
    """A token bucket: `per_minute` calls a minute in the long run, as many at once at first."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_second = per_minute / 60
        self._most = self._tokens = float(per_minute)
        self._since = now

    def take(self, now: float) -> float:
        """0.0 where one more call may be made, else the seconds to wait for it."""
        gained = (now - self._since) * self._per_second
        self._tokens = min(self._most, self._tokens + gained)
        self._since = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second


class Access:
    """Knows the keys, by their digests only, and how often each was used."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        """`clock`: seconds."""
        self._digests = [_digest(key.encode()) for key in settings.api_keys]
        self._clock = clock
        self._buckets = {}
        if settings.requests_per_minute:
            self._buckets = {
                digest: Bucket(settings.requests_per_minute, clock()) for digest in self._digests
            }

    def check(self, authorization: bytes) -> None:
        """Raise 401 or 429 unless this value of the Authorization header may call now."""
        if not self._digests:
            return
        scheme, _, key = authorization.partition(b" ")
        got = _digest(key.strip())
        # Every key is compared, each in constant time: the time tells nothing about any of them.
        known = [digest for digest in self._digests if hmac.compare_digest(digest, got)]
        if scheme.lower() != b"bearer" or not known:
            raise RequestError(
                401,
                "unauthorized",
                f"the key is {'unknown' if authorization else 'missing'}: send it in a header, "
                "Authorization: Bearer KEY",
            )
        bucket = self._buckets.get(got)
        if bucket is not None and (seconds := bucket.take(self._clock())) > 0:
            wait = math.ceil(seconds)
            raise RequestError(
                429, "rate_limited", f"this key calls too often: send again in {wait} s", wait
            )


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
