from tests.service.conftest import bundle_folder, client, loaded_bundle, pytest_configure

__all__ = ["bundle_folder", "client", "loaded_bundle", "pytest_configure"]
