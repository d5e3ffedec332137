import pytest

from tests.service.conftest import bundle_folder, loaded_bundle, open_client

__all__ = ["bundle_folder", "loaded_bundle"]


@pytest.fixture(scope="package")
def client(bundle_folder, tmp_path_factory):
    """A service of its own, beside that of the tests of `tests/service`."""
    with open_client(bundle_folder, jobs_folder=tmp_path_factory.mktemp("jobs")) as opened:
        yield opened
