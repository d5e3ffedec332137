"""The fixtures of the service's tests."""

from tests.service.conftest import (  # noqa: F401 - pytest finds them by name
    bundle_folder,
    client,
    loaded_bundle,
    pytest_configure,
)
