import pytest

from service.model import bundle, store


def test_a_registered_bundle_loads_from_the_model_store(bundle_folder):
    location = store.register(bundle_folder)
    assert location.startswith("bentomodel:inverse-graphics-ellipses:")
    loaded = bundle.load(store.resolve(location))
    assert loaded.manifest == bundle.load(bundle_folder).manifest
    assert loaded.folder != bundle_folder


def test_the_newest_is_found_by_name(bundle_folder):
    location = store.register(bundle_folder, "cars")
    assert store.resolve("bentomodel:cars:latest") == store.resolve(location)


def test_a_tag_that_is_not_in_the_store_is_refused():
    with pytest.raises(bundle.BundleError, match="not in BentoML's model store"):
        store.resolve("bentomodel:nothing:1")


def test_a_folder_is_its_own_location(bundle_folder):
    assert store.resolve(bundle_folder) == bundle_folder
