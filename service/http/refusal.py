"""A refused request as JSON."""

from __future__ import annotations

from starlette.responses import JSONResponse

from service import metrics
from service.errors import RequestError


def to_response(error: RequestError) -> JSONResponse:
    """`{"error": {"code", "message"}}` with the error's status, and Retry-After where it has it."""
    metrics.REFUSALS.labels(error.code).inc()
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    problem = {"error": {"code": error.code, "message": error.message}}
    return JSONResponse(problem, error.status, headers)
