import itertools
from contextlib import ExitStack

import pytest

from service.jobs.store import JobStore
from service.settings import Settings
from service.store.opening import open_store
from tests.service.store import servers

KINDS = ("embedded", "postgresql_and_folder", "postgresql_and_s3")


class Place:
    """A store that several processes share."""

    def __init__(self, **settings):
        self.settings = settings
        self._opened = ExitStack()

    def open(self, lease_seconds=30, **options):
        """The jobs, as a process of their own sees them."""
        settings = Settings(**self.settings, lease_seconds=lease_seconds)
        jobs = JobStore(open_store(settings), **options)
        self._opened.callback(jobs.close)
        return jobs

    def environment(self):
        """For other processes."""
        return {f"INVERSE_GRAPHICS_{name.upper()}": v for name, v in self.settings.items()}

    def close(self):
        self._opened.close()


@pytest.fixture(scope="session")
def postgresql():
    with servers.postgresql() as address:
        yield address


@pytest.fixture(scope="session")
def object_store():
    with servers.objects() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield f"s3://{servers.BUCKET}"


numbers = itertools.count()


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    if request.param == "embedded":
        settings = {"jobs_folder": str(tmp_path / "jobs")}
    else:
        number = next(numbers)
        server = request.getfixturevalue("postgresql")
        settings = {"store": servers.create_database(server, f"test_{number}")}
        if request.param == "postgresql_and_folder":
            settings["files"] = f"file://{tmp_path}/files"
        else:
            settings["files"] = f"{request.getfixturevalue('object_store')}/{number}"
    opened = Place(**settings)
    yield opened
    opened.close()
