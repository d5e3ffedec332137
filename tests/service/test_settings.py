import json

import pytest

from service.cgroup import available_bytes
from service.settings import (
    PREFIX,
    SHIPPED_BUNDLE,
    Settings,
    read_settings,
    table,
)
from service.store import opening


def test_without_variables_the_shipped_bundle_is_served():
    assert read_settings({}) == Settings(bundle=str(SHIPPED_BUNDLE))


def test_every_field_is_one_variable():
    settings = read_settings(
        {"INVERSE_GRAPHICS_DEVICE": "cuda", "INVERSE_GRAPHICS_LARGEST_BATCH": " 8 "}
    )
    assert (settings.device, settings.largest_batch) == ("cuda", 8)


def test_variables_kubernetes_sets_for_a_service_of_this_name_do_no_harm():
    assert read_settings({"INVERSE_GRAPHICS_SERVICE_HOST": "10.0.0.1"}) == read_settings({})


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("DEVICE", "tpu", "DEVICE is 'tpu'; it must be 'auto', 'cpu', 'cuda' or 'tensorrt'"),
        ("THREADS", "two", "THREADS is 'two'; it must be a valid integer"),
        ("THREADS", "-1", "THREADS is '-1'; it must be greater than or equal to 0"),
        ("LARGEST_BATCH", "0", "LARGEST_BATCH is '0'; it must be greater than or equal to 1"),
        ("PRECISION", "int8", "PRECISION is 'int8'; it must be 'auto', 'float32' or 'float16'"),
        ("REQUESTS_PER_MINUTE", "60", "limits each API key: set INVERSE_GRAPHICS_API_KEYS too"),
        ("OTLP_ENDPOINT", "collector:4318", "OTLP_ENDPOINT is 'collector:4318'; it must start"),
        ("STORE", "mysql://secret@host/jobs", "STORE must start with postgresql://"),
        ("STORE", "postgresql://host/jobs", "FILES is not; .* set both, or none"),
        ("FILES", "file://folder", "FILES is 'file://folder'; it must start with one of file:///"),
        ("FILES", "s3://bucket/prefix", "STORE is not; .* set both, or none"),
        ("LEASE_SECONDS", "1", "LEASE_SECONDS is '1'; it must be greater than or equal to 3"),
        ("QUEUE_LIMIT", "10", "QUEUE_LIMIT is 10; it must hold one largest request"),
    ],
)
def test_an_impossible_value_is_refused_by_name(variable, value, reason):
    with pytest.raises(ValueError, match=reason):
        read_settings({f"INVERSE_GRAPHICS_{variable}": value})


def test_memory_for_photographs_is_a_quarter_of_what_there_is_or_what_is_set():
    quarter = Settings().pixels_in_flight
    assert quarter == int(available_bytes() / 4 / 8)
    assert Settings(megapixels_in_flight=90).pixels_in_flight == 90_000_000


def test_a_database_s_password_is_told_to_nobody():
    store = {"INVERSE_GRAPHICS_STORE": "postgresql://service:secret@host/jobs"}
    settings = read_settings({**store, "INVERSE_GRAPHICS_FILES": "s3://bucket/prefix"})
    assert "secret" not in settings.printable() + repr(settings) and "s3://" in repr(settings)
    with pytest.raises(ValueError, match="STORE must start with") as caught:
        read_settings({"INVERSE_GRAPHICS_STORE": "mysql://service:secret@host/jobs"})
    assert "secret" not in str(caught.value)


def test_a_shared_store_without_its_packages_is_refused_at_the_start(monkeypatch):
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    opening.check_packages(Settings())
    settings = Settings(store="postgresql://host/jobs", files="file:///files")
    with pytest.raises(ValueError, match="install this project with its extra `shared`"):
        opening.check_packages(settings)


KEY = "a-key-of-sixteen-characters"


def test_lists_are_separated_by_commas():
    settings = read_settings(
        {
            "INVERSE_GRAPHICS_API_KEYS": f"{KEY}, {KEY}2,",
            "INVERSE_GRAPHICS_CORS_ORIGINS": "https://a.example",
        }
    )
    assert settings.api_keys == (KEY, f"{KEY}2")
    assert settings.cors_origins == ("https://a.example",)


def test_what_is_printed_has_every_setting_but_no_key():
    settings = Settings(api_keys=(KEY,), otlp_endpoint="http://collector:4318/v1/traces")
    printed = json.loads(settings.printable())
    assert set(printed) == set(Settings.model_fields)
    assert printed["api_keys"] == "1 hidden"
    assert KEY not in settings.printable() + repr(settings)


def test_a_refused_key_is_not_repeated():
    with pytest.raises(ValueError, match="API_KEYS: key 2 must be 16 or more") as refusal:
        Settings(api_keys=(KEY, "short-secret"))
    assert "short-secret" not in str(refusal.value)
    with pytest.raises(ValueError, match="API_KEYS: key 1 must be 16 or more") as refusal:
        read_settings({"INVERSE_GRAPHICS_API_KEYS": "short-secret"})
    assert "short-secret" not in str(refusal.value)


def test_all_that_is_wrong_is_said_at_once():
    variables = {"INVERSE_GRAPHICS_DEVICE": "tpu", "INVERSE_GRAPHICS_THREADS": "two"}
    with pytest.raises(ValueError, match=r"DEVICE is 'tpu'.*THREADS is 'two'"):
        read_settings(variables)


def test_the_table_has_every_variable_with_its_default_and_meaning():
    lines = table().splitlines()[2:]
    assert [line.split("`")[1] for line in lines] == [
        PREFIX + name.upper() for name in Settings.model_fields
    ]
    assert all(cell.strip() for line in lines for cell in line.strip("|").split(" | "))
    assert "| `INVERSE_GRAPHICS_LARGEST_BATCH` | 32 | Most images per run of a graph. |" in lines
