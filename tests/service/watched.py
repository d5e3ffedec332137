"""A real server whose memory and whose outgoing connections are watched."""

import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from service.process import serving

HOOK = """
import json, os, sys
_log = os.environ.get("WATCHED_CONNECTIONS")
def _hook(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        where = list(map(str, address)) if isinstance(address, tuple) else ["unix"]
    elif event == "socket.getaddrinfo":
        where = [str(arguments[0])]
    else:
        return
    with open(_log, "a") as file:
        file.write(json.dumps([event, *where]) + "\\n")
if _log:
    sys.addaudithook(_hook)
"""
LOCAL = ("unix", "127.0.0.1", "localhost", "None", "::1", "0.0.0.0")


class Watched(NamedTuple):
    address: str
    process: object
    folder: Path

    def outbound(self):
        """Connections and look-ups that Python tried beyond this machine, since the start."""
        log = self.folder / "connections"
        tried = [json.loads(line) for line in log.read_text().splitlines()]
        return [attempt for attempt in tried if attempt[1] not in LOCAL]

    def processes(self):
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def resident(self):
        """Bytes now."""
        return sum(each.memory_info().rss for each in self.processes())

    def peak(self):
        """Bytes at most, each process at its own worst moment."""
        texts = [Path(f"/proc/{each.pid}/status").read_text() for each in self.processes()]
        return sum(1024 * int(text.split("VmHWM:")[1].split()[0]) for text in texts)

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")

    def request_lines(self):
        """Lines of the log of requests by id."""
        lines = [json.loads(text) for text in self.log().splitlines() if text.startswith("{")]
        return {line["request"]: line for line in lines}

    def request_line(self, request: str, seconds: float = 10):
        """The line of one request, which may be written a little after its answer is read."""
        deadline = time.monotonic() + seconds
        while request not in (lines := self.request_lines()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return lines[request]


@contextmanager
def watched(folder: Path, bundle: Path, **settings):
    """`settings` in lower case, as the service's dataclass has them."""
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(HOOK)
    (folder / "connections").touch()
    variables = {
        "PYTHONPATH": str(folder),
        "WATCHED_CONNECTIONS": str(folder / "connections"),
        "INVERSE_GRAPHICS_BUNDLE": str(bundle),
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
        "INVERSE_GRAPHICS_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    variables |= {f"INVERSE_GRAPHICS_{name.upper()}": str(v) for name, v in settings.items()}
    with serving(folder, variables) as served:
        yield Watched(served.address, served.process, folder)
