"""A PostgreSQL and an object store of the tests' own; skipped where they are not installed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from service.process import free_port

BUCKET = "photographs"
SECONDS = 120


def program(name):
    """A program of PostgreSQL, also where Debian keeps it out of the way."""
    places = [os.environ.get("PATH", ""), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"PostgreSQL is not installed: there is no {name}")
    return found


@contextmanager
def postgresql():
    """A server that ends with this; its address, without a database."""
    for name in ("psycopg", "psycopg_pool"):
        pytest.importorskip(name, reason="psycopg is not installed (extra shared)")
    initdb, server = program("initdb"), program("postgres")
    # It refuses to be root's, who alone may look into pytest's folders.
    other = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    folder = tempfile.mkdtemp(prefix="postgresql-")
    if other:
        shutil.chown(folder, **other)
    data, port = f"{folder}/data", free_port()
    made = [initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True, cwd=folder, **other)
    command = [server, "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=null, stderr=null, cwd=folder, **other)
    address = f"postgresql://postgres@127.0.0.1:{port}"
    try:
        wait_until(lambda: connects(f"{address}/postgres"))
        yield address
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nobody needs what it holds
        process.wait()
        shutil.rmtree(folder)


@contextmanager
def objects():
    """A server that speaks S3 and ends with this; the environment in which it is found."""
    if find_spec("obstore") is None or find_spec("moto") is None:
        pytest.skip("obstore (extra shared) or moto[server] is not installed")
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=null, stderr=null)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(endpoint))
        httpx.put(f"{endpoint}/{BUCKET}", timeout=SECONDS).raise_for_status()
        yield {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
        }
    finally:
        process.terminate()
        process.wait()


def create_database(server, name):
    """A database of one test; its address."""
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


def connects(address):
    import psycopg

    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def answers(endpoint):
    try:
        httpx.get(endpoint, timeout=2)
    except httpx.HTTPError:
        return False
    return True


def wait_until(condition, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
