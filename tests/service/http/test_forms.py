"""One model reads a form, refuses it and describes it."""

import pytest

from service.errors import RequestError
from service.http import forms
from service.http.requests import read_fields
from service.schemas.options import ImageOptions, MeshOptions


def refusal(model, *sent, code="invalid_field"):
    with pytest.raises(RequestError) as caught:
        read_fields(model, sent, code)
    assert caught.value.status == 400
    return caught.value.code, caught.value.message


def test_texts_become_what_they_say():
    sent = [("format", " OBJ "), ("texture", "0"), ("texture_size", "0512"), ("preview", "True")]
    assert read_fields(ImageOptions, sent) == ImageOptions(
        format="obj", texture=False, texture_size=512, preview=True
    )


@pytest.mark.parametrize(
    ("field", "text", "allowed"),
    [
        ("format", "fbx", "one of ('glb', 'obj', 'stl', '3mf', 'npz')"),
        ("texture", "yes", "true or false"),
        ("preview", "", "true or false"),
        ("texture_size", "15", "16..2048"),
        ("texture_size", "2049", "16..2048"),
        ("texture_size", "+64", "16..2048"),
        ("texture_size", "6_4", "16..2048"),
        ("texture_size", "64.0", "16..2048"),
        ("texture_size", "9" * 5000, "16..2048"),
        ("length_mm", "0.5", "1..10000"),
        ("length_mm", "nan", "1..10000"),
        ("length_mm", "-5", "1..10000"),
        ("length_mm", "1e3", "1..10000"),
        ("length_mm", "10001", "1..10000"),
    ],
)
def test_a_refusal_says_what_was_got_and_what_is_allowed(field, text, allowed):
    message = f"{field} is {text[:80]!r}; it must be {allowed}"
    assert refusal(ImageOptions, (field, text)) == ("invalid_field", message)


@pytest.mark.parametrize("form", ["npz", "stl"])
def test_a_mesh_without_a_texture_has_no_texture_size(form):
    _, message = refusal(ImageOptions, ("format", form), ("texture_size", "64"))
    assert f"left out with format {form}" in message


@pytest.mark.parametrize("form", ["glb", "obj", "npz"])
def test_only_what_is_printed_has_a_length(form):
    sent = [("format", form), ("length_mm", "80.5")]
    message = "length_mm is '80.5'; it must be left out with format " + form
    assert refusal(MeshOptions, *sent) == ("invalid_field", f"{message}: give format=stl or 3mf")
    for printed in ("stl", "3mf"):
        options = read_fields(MeshOptions, [("format", printed), ("length_mm", "80.5")])
        assert options.length_mm == 80.5


def test_a_field_that_is_unknown_or_comes_twice_or_is_missing_is_refused():
    assert refusal(MeshOptions, ("texture_size", "64"))[0] == "unknown_field"
    assert refusal(MeshOptions, ("format", "glb"), ("format", "glb"))[0] == "invalid_field"
    assert refusal(forms.EditForm, ("image", "a")) == (
        "wrong_count",
        "field changes is missing: send what to change: EditChanges as JSON",
    )


def test_a_query_may_have_an_error_of_its_own():
    assert refusal(forms.ItemsPage, ("limit", "0"), code="invalid_query") == (
        "invalid_query",
        "limit is '0'; it must be 1..1000",
    )


@pytest.mark.parametrize(
    "model", [forms.ReconstructForm, forms.JobForm, forms.EditForm, forms.ItemsPage, MeshOptions]
)
def test_a_description_has_every_field_and_no_null(model):
    described = forms.describe(model, "#/{model}")
    assert list(described["properties"]) == list(model.model_fields)
    assert described["additionalProperties"] is False
    for field in described["properties"].values():
        assert {"type", "description", "example"} <= set(field)
        assert "anyOf" not in field
        assert field.get("default", 0) is not None
