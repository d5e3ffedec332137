"""One server with two workers, and how many there are by cores and memory."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service import workers
from service.api import routes
from service.errors import Overloaded
from service.model.session import CPU, CUDA
from service.process import ROOT, ServerError, serving
from service.settings import Settings
from service.siblings import Column, Siblings
from service.workers import Watch
from tests.service.requests import jpeg
from tests.service.watched import watched

SERVER = pytest.mark.server
CLIENTS = 6
GIBIBYTE = 1 << 30


@pytest.mark.parametrize(
    ("settings", "gibibytes", "gpu_gibibytes", "wanted"),
    [
        ({"threads": 16}, 64, None, 16),
        ({"threads": 16}, 3, None, 2),
        ({"threads": 16}, 2, None, 1),
        ({"threads": 16}, 0.5, None, 1),
        ({"threads": 2, "workers": 5}, 64, None, 5),
        ({"threads": 16}, 64, 141, 16),
        ({"threads": 16}, 64, 8, 5),
        ({"threads": 16, "gpu_memory_mebibytes": 3696}, 64, 8, 2),
    ],
)
def test_there_are_as_many_as_cores_and_memory_let_them(
    monkeypatch, settings, gibibytes, gpu_gibibytes, wanted
):
    monkeypatch.setattr(workers, "available_bytes", lambda: gibibytes * GIBIBYTE)
    gpu_bytes = gpu_gibibytes and gpu_gibibytes * GIBIBYTE
    monkeypatch.setattr(workers, "choose_provider", lambda _: CUDA if gpu_bytes else CPU)
    monkeypatch.setattr(workers, "total_bytes", lambda provider: gpu_bytes)
    assert workers.count(Settings(**settings)) == wanted


def test_each_has_its_part_of_the_cores_and_one_alone_has_all():
    settings = Settings(threads=6)
    assert [settings.share(count).threads for count in (1, 2, 4, 9)] == [6, 3, 1, 1]
    assert [settings.share(count).gpu_memory_mebibytes for count in (1, 2)] == [0, 1024]


STUCK = """
import sys
from pathlib import Path
from service.siblings import Siblings
own = Siblings(2, 1, Path(sys.argv[1]))
own.beat(ready=True)
print("there", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def watch(client, tmp_path, monkeypatch):
    """Of the first of two workers, quicker than in a service."""
    monkeypatch.setattr(workers, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(workers, "DEAD_AFTER_SECONDS", 0.1)
    return Watch(routes.state.engine, Siblings(2, 0, tmp_path))


def test_a_worker_that_gives_no_sign_of_life_any_more_is_ended(watch, tmp_path):
    command = [sys.executable, "-c", STUCK, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as stuck:
        assert stuck.stdout.readline() == "there\n"

        async def scenario():
            watch.start()
            await asyncio.to_thread(stuck.wait, 60)
            watch.stop()

        asyncio.run(scenario())
        assert stuck.returncode == -signal.SIGKILL


@pytest.mark.parametrize("ended", ["after it was loaded", "before"])
def test_a_worker_whose_server_has_ended_ends_too(watch, monkeypatch, ended):
    sent = asyncio.Queue()
    monkeypatch.setattr(os, "kill", lambda *signalled: sent.put_nowait(signalled))
    if ended == "before":
        monkeypatch.setenv(workers.SERVER, "1")
        watch = Watch(routes.state.engine, Siblings())
    else:
        monkeypatch.setattr(os, "getppid", lambda: 1)

    async def scenario():
        watch.start()
        return await asyncio.wait_for(sent.get(), 60)

    assert asyncio.run(scenario()) == (os.getpid(), signal.SIGTERM)


def test_images_that_other_workers_have_in_hand_count(client, tmp_path, monkeypatch):
    engine, (own, other) = routes.state.engine, (Siblings(2, row, tmp_path) for row in range(2))
    monkeypatch.setattr(engine, "siblings", own)
    other.set(Column.IMAGES, engine.settings.queue_limit - 1)
    with engine.admit(1):
        with pytest.raises(Overloaded, match=f"{engine.settings.queue_limit} "), engine.admit(1):
            pass
    assert own.own(Column.IMAGES) == 0


@SERVER
def test_two_workers_are_one_service(bundle_folder, tmp_path, monkeypatch):
    """All of its life: under load one is killed and replaced, then all are stopped."""
    # There BentoML itself would not replace it.
    monkeypatch.setenv("BENTOML_CONTAINERIZED", "true")
    settings = {"workers": 2, "threads": 2, "body_limit_mebibytes": 4}
    with watched(tmp_path / "home", bundle_folder, **settings) as server:
        first = running(server)
        assert len(first) == 2 and totals(server)["ready_workers"] == 2
        # Clients that keep their connections come to use both.
        answers = asyncio.run(load(server, 40))
        assert set(answers.values()) == {200}
        by_worker = workers_of(server, answers)
        assert set(by_worker) == {1, 2} and min(by_worker.values()) >= 0.2 * len(answers)
        assert totals(server)["items/ok"] == len(answers)
        any_worker_answers_for_all(server)
        answers = asyncio.run(load(server, 60, kill=first[0]))
        lost = [name for name, status in answers.items() if status is None]
        assert set(answers.values()) <= {200, None} and len(lost) <= CLIENTS
        assert not set(lost) & set(server.request_lines())
        after = replaced(server, first)
        counted = totals(server)
        assert counted["ready_workers"] == 2 and counted["replaced_workers"] == 1
        assert counted["in_flight_images"] == 0
        answers = asyncio.run(load(server, 100, stop=server.process))
        assert server.process.wait(timeout=60) == 0
        assert not any(psutil.pid_exists(each) for each in after)
    refused_or_answered(server, answers)


def running(server):
    """The ids of the workers."""
    return [each.pid for each in psutil.Process(server.process.pid).children()]


def workers_of(server, answers):
    lines = [line for name, line in server.request_lines().items() if name in answers]
    return Counter(line["worker"] for line in lines)


def any_worker_answers_for_all(server):
    """Ids and jobs, on connections that each worker takes some of."""
    sent, calls = {"images": ("a.jpg", jpeg())}, []
    identity = httpx.post(f"{server.address}/v1/reconstruct", files=sent, timeout=60)
    made = httpx.post(f"{server.address}/v1/jobs", files=sent, timeout=60)
    paths = [
        f"/v1/reconstructions/{identity.json()['images'][0]['id']}/mesh",
        f"/v1/jobs/{made.json()['id']}",
    ]

    async def scenario():
        async def ask(number):
            headers = {"x-request-id": f"any-{number}"}
            # Reading certificates would take longer than all the rest.
            async with httpx.AsyncClient(timeout=60, verify=False) as opened:
                url = f"{server.address}{paths[number % 2]}"
                calls.append((await opened.get(url, headers=headers)).status_code)

        await asyncio.gather(*(ask(number) for number in range(40)))

    asyncio.run(scenario())
    assert set(calls) == {200}
    assert set(workers_of(server, {f"any-{number}" for number in range(40)})) == {1, 2}


def totals(server):
    text = httpx.get(f"{server.address}/metrics", timeout=60).text
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]
    found = {}
    for sample in samples:
        name = sample.name.removeprefix("inverse_graphics_").removesuffix("_total")
        found["/".join([name, *sample.labels.values()])] = sample.value
    return found


def replaced(server, before):
    """The ids of the workers once it is ready again; meanwhile it says that it is not."""
    seen, deadline = set(), time.monotonic() + 200
    with httpx.Client(timeout=60) as asking:
        while time.monotonic() < deadline:
            status = asking.get(f"{server.address}/readyz").status_code
            seen.add(status)
            if status == 200 and 503 in seen:
                after = running(server)
                assert len(after) == 2 and len(set(after) & set(before)) == 1
                return after
            time.sleep(0.05)
    raise AssertionError(f"never ready again: {seen}")


def refused_or_answered(server, answers):
    """What was accepted was answered: what was not has no line in the log."""
    known = server.request_lines()
    assert sum(status == 200 for status in answers.values()) >= CLIENTS
    assert set(answers.values()) <= {200, 503, None}
    for name, status in answers.items():
        assert (name in known) == (status is not None) and known.get(name, {}).get(
            "status"
        ) == status


async def load(server, requests, kill=None, stop=None):
    """Name of each request → its status; None where the connection was lost.

    In the middle a process gets SIGKILL, or the server SIGTERM.
    """
    answers, content, numbers = {}, jpeg(), iter(range(requests))
    kind = "killing" if kill else "stopping" if stop else "plain"

    async def client():
        async with httpx.AsyncClient(timeout=120) as opened:
            for number in numbers:
                name = f"{kind}-{number}"
                answers[name] = await post(opened, server.address, content, name)
                if number == requests // 3 and kill:
                    os.kill(kill, signal.SIGKILL)
                if number == requests // 3 and stop:
                    stop.send_signal(signal.SIGTERM)
                if stop and answers[name] != 200:
                    return

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return answers


async def post(opened, address, content, name):
    try:
        answer = await opened.post(
            f"{address}/v1/reconstruct",
            files={"images": ("a.jpg", content)},
            headers={"x-request-id": name},
        )
    except httpx.TransportError:
        return None
    return answer.status_code


@SERVER
def test_settings_that_are_wrong_are_told_and_not_the_number_of_workers(tmp_path):
    """By a server that ends at once, whose last lines `serving` shows."""
    wrong = {"INVERSE_GRAPHICS_WORKERS": "-2"}
    told = r"(?s)ended with [1-9].*INVERSE_GRAPHICS_WORKERS is '-2'; it must be greater than or"
    with pytest.raises(ServerError, match=told), serving(tmp_path / "home", wrong):
        raise AssertionError("it must not get here")
