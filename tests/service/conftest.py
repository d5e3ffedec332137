import os
import tempfile
from contextlib import ExitStack, contextmanager

# Before BentoML is imported: its store, its logs and its metrics stay out of the user's home.
os.environ["BENTOML_HOME"] = tempfile.mkdtemp(prefix="bentoml-tests-")

import pytest

from service.model import bundle
from tests.service.small_bundle import write_small_bundle
from tests.service.watched import watched

MOST_MEMORY = 1_500_000_000
"""Bytes of a server that hostile clients have used."""


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "ellipses"
    write_small_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def loaded_bundle(bundle_folder):
    return bundle.load(bundle_folder)


@contextmanager
def open_client(bundle_folder, **settings):
    """A client of a service in this process; the one that was open before serves again after."""
    from starlette.testclient import TestClient

    with ExitStack() as held:
        patch = held.enter_context(pytest.MonkeyPatch.context())
        values = {
            "bundle": bundle_folder, "threads": 2, "queue_limit": 128, "body_limit_mebibytes": 4,
            "json_limit_mebibytes": 1, **settings,
        }  # fmt: skip
        for name, value in values.items():
            patch.setenv(f"INVERSE_GRAPHICS_{name.upper()}", str(value))
        from service.api import InverseGraphics, routes

        before = dict(routes.state._state)
        with pytest.MonkeyPatch.context() as at_start:
            # The servers of other tests are not to inherit it.
            at_start.setenv("INVERSE_GRAPHICS_SEGMENTER", "bundle")
            opened = held.enter_context(TestClient(InverseGraphics.to_asgi()))
        yield opened
    if before:
        routes.state._state.update(before)


@pytest.fixture(scope="session")
def client(bundle_folder):
    with open_client(bundle_folder) as opened:
        yield opened


@pytest.fixture(scope="package")
def hardy_server(bundle_folder, tmp_path_factory):
    """A server of its own process, for all tests of clients that may do anything."""
    folder = tmp_path_factory.mktemp("hardy") / "home"
    with watched(folder, bundle_folder, queue_limit=256, body_seconds=3) as opened:
        yield opened
        # Of all these tests together.
        assert opened.outbound() == []
        assert opened.peak() < MOST_MEMORY
        assert opened.process.poll() is None
