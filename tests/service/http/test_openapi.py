"""The OpenAPI document says all there is, and nothing that is not so."""

import pytest

from service.schemas import photographs as schemas
from service.schemas import rendering as render_schemas
from service.schemas.jobs import JobAnswer
from tests.service.requests import jpeg, post

OURS = "/v1/"


@pytest.fixture(scope="module")
def document(client):
    return client.get("/docs.json").json()


def our_schemas(document):
    """Every model reachable from the routes of /v1."""
    found, todo = {}, [document["paths"][path] for path in document["paths"] if OURS in path]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            todo += node.values()
            name = node.get("$ref", "").removeprefix("#/components/schemas/")
            if name and name not in found:
                found[name] = document["components"]["schemas"][name]
                todo.append(found[name])
        elif isinstance(node, list):
            todo += node
    return found


def test_every_route_is_in_it_and_no_other(document):
    from service.api import ROUTES

    served = {
        (route.path, method.lower()) for route in ROUTES for method in route.methods - {"HEAD"}
    }
    listed = {
        (path, method)
        for path, item in document["paths"].items()
        if path.startswith(OURS)
        for method in item
        if method in ("get", "post", "delete")
    }
    assert listed == served


def test_every_field_has_words_and_an_example(document):
    models = our_schemas(document)
    assert {"ImageAnswer", "RenderRequest", "EditChanges", "JobAnswer", "Failure"} <= set(models)
    for name, model in models.items():
        for field, value in model.get("properties", {}).items():
            assert value.get("description"), f"{name}.{field}"
            assert value.get("examples"), f"{name}.{field}"


def numbers(value):
    """The parts of a field that are numbers."""
    return [
        part
        for part in [value, *value.get("anyOf", [])]
        if part.get("type") in ("number", "integer")
    ]


def test_every_number_a_client_sends_has_a_range(document):
    for name in ("CameraView", "Turntable", "Interpolation", "Animation", "Source",
                 "RenderRequest", "EditChanges"):  # fmt: skip
        for field, value in our_schemas(document)[name]["properties"].items():
            for part in numbers(value):
                assert {"minimum", "maximum"} <= set(part), f"{name}.{field}"


def test_every_form_field_has_words_and_an_example(document):
    for path in ("/v1/reconstruct", "/v1/edit", "/v1/jobs"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]
        for field, value in body["schema"]["properties"].items():
            assert value["description"], field
            assert "example" in value, field


def test_the_form_fields_are_those_that_are_read(document):
    from service.http.forms import EditForm, JobForm, ReconstructForm

    for path, form in (
        ("/v1/reconstruct", ReconstructForm), ("/v1/edit", EditForm), ("/v1/jobs", JobForm)
    ):  # fmt: skip
        body = document["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]
        assert set(body["schema"]["properties"]) == set(form.model_fields)


@pytest.mark.parametrize(
    "model",
    [
        schemas.ImageAnswer, schemas.CameraView, schemas.Camera, schemas.Alternative,
        schemas.Intrinsics, schemas.Square,
        render_schemas.Turntable, render_schemas.Animation, JobAnswer,
    ],
)  # fmt: skip
def test_the_examples_are_valid(model):
    check = model.__pydantic_validator__.validate_assignment
    for name, field in model.model_fields.items():
        for example in field.examples:
            if name not in ("camera", "items"):  # shortened
                check(model.model_construct(), name, example)


def test_statuses_and_media_types_that_come_are_listed(client, document):
    for answer, path, method in (
        (post(client, jpeg()), "/v1/reconstruct", "post"),
        (post(client, jpeg(), b""), "/v1/reconstruct", "post"),
        (post(client, b""), "/v1/reconstruct", "post"),
        (client.post("/v1/reconstruct", json={}), "/v1/reconstruct", "post"),
        (client.get("/v1/model"), "/v1/model", "get"),
        (client.get("/v1/jobs/none"), "/v1/jobs/{id}", "get"),
        (client.post("/v1/edit", json={}), "/v1/edit", "post"),
        (client.get("/v1/reconstructions/none/mesh"), "/v1/reconstructions/{id}/mesh", "get"),
        (client.post("/v1/render", json={"reconstruction": {"seed": 1}}), "/v1/render", "post"),
    ):
        listed = document["paths"][path][method]["responses"][str(answer.status_code)]
        assert answer.headers["content-type"] in listed["content"]


def test_the_limits_are_those_of_the_settings():
    from service.http import paths
    from service.settings import Settings

    described = paths.describe(
        Settings(
            largest_request=7, largest_job=1234, body_limit_mebibytes=9, json_limit_mebibytes=3,
            pixel_limit_megapixels=11,
        )
    )  # fmt: skip

    def form_of(path):
        return described[path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]

    batch, job = form_of("/v1/reconstruct"), form_of("/v1/jobs")
    for field in ("images", "masks"):
        assert batch["properties"][field]["maxItems"] == 7
        assert job["properties"][field]["maxItems"] == 1234
    assert "1..1,234" in job["properties"]["archive"]["description"]
    assert "9 MiB" in batch["description"]
    assert "11 megapixels" in batch["description"]
    assert "9 MiB" in job["description"]
    limits = described["/v1/render"]["post"]["requestBody"]["description"]
    assert "3 MiB" in limits
    assert "7 pictures" in limits


def test_keys_and_what_they_are_answered_are_in_it_where_they_are_asked_for():
    from service.http import paths
    from service.settings import Settings

    open_to_all, with_keys = Settings(), Settings(api_keys=("a-key-of-the-tests",))
    assert paths.security_schemes(open_to_all) == {}
    assert paths.security_schemes(with_keys)["key"]["scheme"] == "bearer"
    for item in paths.describe(with_keys).values():
        for operation in item.values():
            assert operation["security"] == [{"key": []}]
            assert {"401", "429"} <= set(operation["responses"])
    for item in paths.describe(open_to_all).values():
        for operation in item.values():
            assert "security" not in operation and "401" not in operation["responses"]


def test_headers_that_come_are_listed(client, document):
    answer = client.get("/v1/model")
    listed = document["paths"]["/v1/model"]["get"]["responses"]
    assert (
        set(listed["200"]["headers"])
        == {"X-Request-Id"}
        <= {name.title() for name in answer.headers}
    )
    assert "Retry-After" in listed["503"]["headers"]


def test_the_served_document_has_the_limits_of_the_server(client, document):
    from service.api import routes

    body = document["paths"]["/v1/reconstruct"]["post"]["requestBody"]
    found = body["content"]["multipart/form-data"]["schema"]
    settings = routes.state.engine.settings
    assert found["properties"]["images"]["maxItems"] == settings.largest_request
    assert f"{settings.body_limit_mebibytes} MiB" in found["description"]
    assert settings.body_limit_mebibytes == 4
