"""A disk that is full soon, and a service of its own that writes to it."""

import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def mounted(folder, mebibytes):
    """A file system of that size in memory at `folder`; skips where none can be mounted."""
    folder.mkdir()
    options = f"size={mebibytes}m"
    mount = ["mount", "-t", "tmpfs", "-o", options, "small-disk", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no program mount")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted, which takes root: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder):
    """Until the end nobody can write another byte there; it may be freed before by `unlink`."""
    filling = folder / "filling"
    with open(filling, "wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    try:
        yield filling
    finally:
        filling.unlink(missing_ok=True)


@contextmanager
def serving_in_process(engine, store, spool):
    """A client of the routes with these in place of any other service's of this process."""
    from starlette.testclient import TestClient

    from service.api import routes
    from service.http.access import Access
    from service.jobs.worker import Jobs

    before = dict(routes.state._state)
    with TestClient(routes, raise_server_exceptions=False) as client:
        jobs = client.portal.call(_started, Jobs, engine, store)
        routes.state._state.update(
            engine=engine, jobs=jobs, spool=spool, access=Access(engine.settings)
        )
        try:
            yield client
        finally:
            client.portal.call(jobs.close)
            client.portal.call(engine.close)
            routes.state._state.clear()
            routes.state._state.update(before)


async def _started(make, engine, store):
    jobs = make(engine, store)
    jobs.start()
    return jobs
