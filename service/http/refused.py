"""What the application answers to the errors that its handlers raise, and where it has none."""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from service.errors import FULL, InsufficientStorage, ItemError, RequestError, StoreFailed
from service.http import answers

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")


async def refused(_: Request, error: Exception) -> Response:
    """Any error raised on purpose, as JSON; that of an image outside a batch is a 422."""
    if isinstance(error, ItemError):
        error = RequestError(422, error.code, error.message)
    assert isinstance(error, RequestError)
    return answers.refuse(error)


async def disk_failed(_: Request, error: Exception) -> Response:
    """A full disk, wherever it was written to; another failure of the system stays one."""
    if isinstance(error, OSError) and error.errno in FULL:
        return answers.refuse(InsufficientStorage(error.strerror or str(error)))
    if isinstance(error, StoreFailed):
        logger.warning("%s", error)
        message = "the store that the replicas share does not answer: send again"
        return answers.refuse(RequestError(503, "store_unavailable", message, 5))
    raise error


async def nowhere(request: Request, _: Exception) -> Response:
    """Any other path of /v1, and any other method of those that there are."""
    method, path = request.method, request.url.path[:80]
    fitting = (
        route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE
    )
    if allowed := sorted({name for route in fitting for name in route.methods or ()}):
        message = f"{method} {path} is none of {', '.join(allowed)}"
        answer = answers.refuse(RequestError(405, "wrong_method", message))
        answer.headers["Allow"] = ", ".join(allowed)
        return answer
    message = f"there is no {path}: /docs.json lists what there is"
    return answers.refuse(RequestError(404, "not_found", message))


HANDLERS: Mapping[Any, Any] = {
    RequestError: refused,
    ItemError: refused,
    OSError: disk_failed,
    HTTPException: nowhere,
}
"""By the class of the error."""
