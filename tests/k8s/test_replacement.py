"""A replica is replaced under load, as the Deployment says, and the other one is taken away, behind
haproxy: nothing is lost.

haproxy stands for the Service: a replica that is deleted leaves it two seconds later, as nodes
learn of it late. It tries nothing twice.
"""

import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from service.process import free_port, stop
from tests.k8s.built import build, needs_kubectl
from tests.k8s.local_pod import start, wait_until_ready
from tests.service.conftest import bundle_folder  # noqa: F401
from tests.service.requests import jpeg

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(900),
    needs_kubectl,
    pytest.mark.skipif(HAPROXY is None, reason="haproxy (Debian's) is not installed"),
]
LATE_SECONDS = 2
CLIENTS = 4
THINKING_SECONDS = 0.5
"""Of a client between two requests, while none is deleted: what starts has the same cores."""
CONFIGURATION = """
global
    stats socket {socket} level admin
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout client 400s
    timeout server 400s
frontend service
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET {path}
    default-server check inter {period}s fall {failures} rise 1
"""


class Balancer:
    """haproxy, before the ports of replicas of which none is in at first."""

    def __init__(self, folder, probe, ports):
        self.port, self.socket = free_port(), folder / "haproxy.sock"
        text = CONFIGURATION.format(
            socket=self.socket, port=self.port, path=probe["httpGet"]["path"],
            period=probe["periodSeconds"], failures=probe["failureThreshold"],
        )  # fmt: skip
        lines = [f"    server r{port} 127.0.0.1:{port} disabled" for port in ports]
        path = folder / "haproxy.cfg"
        path.write_text("\n".join([text.rstrip(), *lines, ""]))
        self.process = subprocess.Popen([HAPROXY, "-db", "-f", path])

    def say(self, command: str) -> None:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.connect(str(self.socket))
            opened.sendall(f"{command}\n".encode())
            assert opened.recv(4096).strip() == b"", command

    def let_in(self, port: int) -> None:
        self.say(f"set server replicas/r{port} state ready")

    def forget(self, port: int) -> None:
        self.say(f"set server replicas/r{port} state maint")


def test_replacing_a_replica_and_scaling_down_under_load_lose_no_request(bundle_folder, tmp_path):  # noqa: F811
    built = build("overlays/cpu")
    update = built.one("Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert (update["maxUnavailable"], update["maxSurge"]) == (0, 1)  # as this test does it
    first, second, new = ports = [free_port() for _ in range(3)]
    assert len(set(ports)) == 3
    with ExitStack() as held:
        balancer = Balancer(tmp_path, built.container["readinessProbe"], ports)
        held.callback(stop, balancer.process)
        running = {}

        def begin(port):
            running[port] = start(built, bundle_folder, tmp_path / str(port), port)
            held.callback(stop, running[port])
            wait_until_ready(built, running[port], port)
            balancer.let_in(port)

        begin(first)
        begin(second)
        with load(f"http://127.0.0.1:{balancer.port}/v1/reconstruct") as (answers, hurry):
            begin(new)
            hurry.set()
            for old in (first, second):
                before = len(answers)
                delete(built, balancer, old, running[old])
                assert len(answers) > before
            time.sleep(1)
    assert set(answers) == {200}
    print(f"{len(answers)} requests, none lost")


def delete(built, balancer, port, process):
    """What a node and the cluster do with a pod that is deleted; it has to end by itself."""
    asked = time.monotonic()
    command = built.container["lifecycle"]["preStop"]["exec"]["command"]
    pre_stop = subprocess.Popen(command)
    time.sleep(LATE_SECONDS)
    balancer.forget(port)
    assert pre_stop.wait() == 0
    assert time.monotonic() - asked > LATE_SECONDS + 1
    process.send_signal(signal.SIGTERM)
    left = built.pod["terminationGracePeriodSeconds"] - (time.monotonic() - asked)
    assert process.wait(timeout=left) == 0


@contextmanager
def load(url):
    """Clients that post one photograph after the other; their answers' statuses, or the errors, and
    what makes them post without a pause."""
    answers, content, ended, hurry = [], jpeg(), threading.Event(), threading.Event()

    def client():
        with httpx.Client(timeout=120) as opened:
            while not ended.is_set():
                try:
                    answer = opened.post(url, files={"images": ("a.jpg", content)})
                    answers.append(answer.status_code)
                except httpx.TransportError as error:
                    answers.append(repr(error))
                hurry.wait(THINKING_SECONDS)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield answers, hurry
    finally:
        ended.set()
        for thread in threads:
            thread.join()
