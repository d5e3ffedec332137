"""Methods, paths and queries that no route reads: refused in words, with an id, in the log.

Reports of the kind: FastAPI and Starlette pass over options in a query that no handler reads;
routers answer methods and paths that they do not know in plain text, outside all middlewares.
"""

import logging

import pytest

from service.api import ROUTES
from service.http import mesh_api
from tests.public_reports.test_unforeseen import counted, lines
from tests.service.requests import jpeg

__all__ = ["lines"]


def refusal(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert answer.headers["x-request-id"]
    return error["message"]


@pytest.mark.parametrize("method", ["PROPFIND", "LOCK", "CONNECT", "QUERY", "OPTIONS", "PUT"])
def test_any_other_method_is_refused_with_those_there_are(client, lines, method):
    answer = client.request(method, "/v1/jobs/7")
    assert "none of DELETE, GET, HEAD" in refusal(answer, 405, "wrong_method")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"
    assert [line["method"] for line in lines()] == [method]


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/model/", "/v1/jobs/a%0Ab/c", "/v1/%0A", "/v1/made/up"]
)
def test_any_other_path_is_refused(client, lines, path):
    before = counted("/v1/{path:path}", 404)
    refusal(client.get(path, follow_redirects=False), 404, "not_found")
    refusal(client.request("PROPFIND", path), 404, "not_found")
    assert len(lines()) == 2
    assert counted("/v1/{path:path}", 404) == before + 2


def test_a_line_break_in_an_id_is_part_of_it(client):
    refusal(client.get("/v1/jobs/a%0Ab"), 404, "unknown_job")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.path} {min(route.methods)}")
def test_no_route_passes_over_its_query(client, route):
    path = route.path.replace("{id}", a_job(client))
    sent = {"files": {"images": ("a.jpg", jpeg())}} if "POST" in route.methods else {}
    answer = client.request(min(route.methods - {"HEAD"}), f"{path}?fromat=stl", **sent)
    assert "'fromat'" in refusal(answer, 400, "unknown_field")


@pytest.mark.parametrize("query", ["first=0&first=5", "limit=1&limit=1", "first=", "limit=0"])
def test_an_option_of_a_query_comes_once_and_is_allowed(client, query):
    code = "invalid_field" if "&" in query else "invalid_query"
    refusal(client.get(f"/v1/jobs/{a_job(client)}?{query}"), 400, code)


def test_nothing_a_client_writes_begins_a_line_of_the_log(client, caplog, monkeypatch):
    def breaks(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(mesh_api, "engine_of", breaks)
    monkeypatch.setattr(logging.getLogger("bentoml"), "propagate", True)
    forged = "x%0A2026-01-01 [INFO] all is well%0D%1B[2J%E2%80%A8y"
    refusal(client.get(f"/v1/reconstructions/{forged}/mesh"), 500, "internal_error")
    (text,) = [record.getMessage() for record in caplog.records if "failed" in record.message]
    assert "all is well" in text
    assert text.isprintable() and text.isascii()


def a_job(client):
    answer = client.post("/v1/jobs", files={"images": ("a.jpg", jpeg())})
    return answer.json()["id"]
