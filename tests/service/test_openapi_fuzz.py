"""Against a real server: requests that schemathesis makes out of the OpenAPI document."""

import warnings

import hypothesis
import pytest

pytestmark = [
    pytest.mark.server,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

EXAMPLES = 15
"""Per operation."""


def test_no_request_the_document_allows_or_forbids_makes_a_5xx(hardy_server):
    server = hardy_server
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schemathesis = pytest.importorskip("schemathesis")
        schema = schemathesis.openapi.from_url(f"{server.address}/docs.json")
    statuses = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.startswith("/v1"):
            seen = statuses.setdefault(operation.label, set())
            for mode in schemathesis.GenerationMode:
                fuzz(operation, mode, server.address, seen)
    assert {"POST /v1/reconstruct", "POST /v1/render", "GET /v1/model"} <= set(statuses)
    assert 200 in statuses["GET /v1/model"]
    assert all(status < 500 for seen in statuses.values() for status in seen), statuses
    assert server.process.poll() is None


def fuzz(operation, mode, address, seen):
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        answer = case.call(base_url=address)
        seen.add(answer.status_code)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text[:500])
        listed = operation.definition.raw["responses"]
        # Other methods, which some cases try, are no operation of the document.
        if case.method.upper() == operation.method.upper():
            assert str(answer.status_code) in listed, (case.as_curl_command(), answer.text[:500])

    try:
        run()
    except hypothesis.errors.Unsatisfiable:
        pass  # an operation without anything to get wrong
