"""Content negotiation: the media type that a client prefers of those a route offers."""

from __future__ import annotations

from collections.abc import Sequence

from service.errors import RequestError

LONGEST = 1000
"""Characters of an Accept header."""


def choose(header: str | None, offered: Sequence[str]) -> str:
    """The offered type of the highest quality in an Accept header (RFC 9110, section 12.5.1).

    Of equals the one offered first; raises `RequestError` 406 where none will do.
    """
    if not header or not header.strip():
        return offered[0]
    if len(header) > LONGEST:
        raise RequestError(
            400, "invalid_accept", f"Accept has {len(header)} characters; at most {LONGEST} may be"
        )
    ranges = dict(_range(part) for part in header.lower().split(",") if part.strip())
    qualities = [_quality(ranges, kind) for kind in offered]
    best = max(qualities, default=0)
    if best <= 0:
        raise RequestError(
            406, "not_acceptable", f"Accept is {header[:80]!r}; this answers {', '.join(offered)}"
        )
    return offered[qualities.index(best)]


def _range(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, float(value)
            except ValueError:
                raise RequestError(
                    400, "invalid_accept", f"q of {kind[:80]!r} is {value[:20]!r}; it must be 0..1"
                ) from None
    return kind, 1.0


def _quality(ranges: dict[str, float], kind: str) -> float:
    """The most specific range that holds the type decides."""
    for pattern in (kind, f"{kind.split('/')[0]}/*", "*/*"):
        if pattern in ranges:
            return ranges[pattern]
    return 0.0
