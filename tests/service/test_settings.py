import pytest

from service.settings import SHIPPED_BUNDLE, Settings, available_cores, read_settings


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
        ("DEVICE", "tpu", "DEVICE is 'tpu'; it must be one of"),
        ("THREADS", "two", "THREADS is 'two'; it must be a whole number"),
        ("THREADS", "-1", "THREADS is -1; it must be 0 or more"),
        ("LARGEST_BATCH", "0", "LARGEST_BATCH is 0; it must be 1 or more"),
        ("QUEUE_LIMIT", "10", "QUEUE_LIMIT is 10; it must hold one largest request"),
    ],
)
def test_an_impossible_value_is_refused_by_name(variable, value, reason):
    with pytest.raises(ValueError, match=reason):
        read_settings({f"INVERSE_GRAPHICS_{variable}": value})


@pytest.mark.parametrize(
    ("content", "most"), [("50000 100000", 1), ("150000 100000", 2), ("max 100000", 1 << 20)]
)
def test_cores_are_cut_by_the_cgroup(tmp_path, content, most):
    (tmp_path / "cpu.max").write_text(content)
    assert 1 <= available_cores(tmp_path / "cpu.max") <= most
