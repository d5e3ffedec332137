"""Errors that nobody foresaw, refusals before a route is found, and what pages may read of both.

Reports of the kind: Starlette answers an unforeseen error in plain text, outside all middlewares,
so without CORS headers: the page sees a network error.
"""

import json
import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from service import logs, metrics
from service.api import routes
from service.http import job_api, requests
from service.http.access import CrossOrigin
from service.settings import Settings
from tests.service.requests import jpeg

PAGE = "https://page.example"
NAMED = {"Origin": PAGE, "X-Request-Id": "order-7"}


@pytest.fixture
def paged(client, monkeypatch):
    """The routes of the service, for pages of another origin."""
    engine = routes.state.engine
    settings = engine.settings.model_copy(update={"cors_origins": (PAGE,)})
    monkeypatch.setattr(engine, "settings", settings)
    application = Starlette(routes=routes.routes, exception_handlers=routes.exception_handlers)
    application.state = routes.state
    application.user_middleware = routes.user_middleware
    return TestClient(application)


@pytest.fixture
def lines(caplog, monkeypatch):
    monkeypatch.setattr(logs.REQUESTS, "propagate", True)
    monkeypatch.setattr(logging.getLogger("bentoml"), "propagate", True)
    caplog.set_level(logging.INFO)
    return lambda: [
        json.loads(logs.JsonLine(1).format(record))
        for record in caplog.records
        if record.name == logs.REQUESTS.name
    ]


def counted(route, status):
    return metrics.REQUESTS.labels(route, status)._value.get()


def breaks(*_):
    raise ZeroDivisionError("nobody foresaw it")


@pytest.mark.parametrize("number", [1, 2])
def test_an_unforeseen_error_is_an_answer_of_the_usual_form(
    paged, lines, caplog, monkeypatch, number
):
    monkeypatch.setattr(job_api if number == 1 else requests, "engine_of", breaks)
    path, route = [("/v1/jobs/7", "/v1/jobs/{id}"), ("/v1/model", "/v1/model")][number - 1]
    before = counted(route, 500), counted(route, 499)
    answer = paged.get(path, headers=NAMED)
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert error["code"] == "internal_error" and "X-Request-Id" in error["message"]
    assert "nobody foresaw it" not in answer.text
    assert answer.headers["x-request-id"] == "order-7"
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "x-request-id" in answer.headers["access-control-expose-headers"]
    assert (counted(route, 500), counted(route, 499)) == (before[0] + 1, before[1])
    (line,) = lines()
    assert (line["status"], line["request"]) == (500, "order-7")
    assert "request order-7" in caplog.text and "ZeroDivisionError" in caplog.text


def test_an_answer_that_breaks_off_is_counted_as_failed(paged, lines):
    async def chunks():
        yield b"some"
        breaks()

    async def stream(_):
        return StreamingResponse(chunks())

    application = paged.app
    application.router.routes = [Route("/v1/stream", stream)]
    with pytest.raises(ZeroDivisionError):
        paged.get("/v1/stream", headers=NAMED)
    assert [line["status"] for line in lines()] == [500]
    assert counted("/v1/stream", 500) == 1


def test_a_refusal_before_the_route_is_looked_for_is_counted_by_it(client):
    before = counted("/v1/reconstruct", 413), counted("none", 413)
    answer = client.post("/v1/reconstruct", files={"images": ("a.jpg", bytes(5 << 20))})
    assert answer.status_code == 413
    assert (counted("/v1/reconstruct", 413), counted("none", 413)) == (before[0] + 1, before[1])
    other = "/v1/{path:path}"
    before = counted(other, 413)
    client.post("/v1/made-up", files={"images": ("a.jpg", bytes(5 << 20))})
    assert counted(other, 413) == before + 1


def test_a_refusal_for_the_time_may_be_read_by_pages(paged, monkeypatch):
    (limit,) = [one for one in paged.app.user_middleware if "seconds" in one.kwargs]
    monkeypatch.setitem(limit.kwargs, "seconds", 0.0)
    answer = paged.post("/v1/reconstruct", files={"images": ("a.jpg", jpeg())}, headers=NAMED)
    assert answer.status_code == 504
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["x-request-id"] == "order-7"


@pytest.mark.parametrize(
    "header", ["traceparent", "tracestate", "authorization", "content-type", "prefer"]
)
def test_a_page_may_send_every_header_that_is_read(header):
    state = type("State", (), {})()
    state.engine = type("Engine", (), {"settings": Settings(cors_origins=(PAGE,))})()
    application = Starlette(middleware=[Middleware(CrossOrigin)])
    application.state = state
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": f"x-request-id,{header}",
    }
    answer = TestClient(application).options("/v1/reconstruct", headers=asked)
    assert answer.status_code == 200, answer.text
    assert header in answer.headers["access-control-allow-headers"]
