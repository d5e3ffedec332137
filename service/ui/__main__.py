"""The page beside the service.

    python -m service.ui --service http://localhost:3000

Serves a page that is a client of the service's API, and nothing more. With `--start` it starts the
service as well where none answers.
"""

import os
import signal
import sys
import threading
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import tyro

from service.process import ROOT, ServerError, serving

SAMPLES = Path(__file__).parents[1] / "shipped" / "vehicles" / "samples"
UNUSABLE = 2
LOOK_SECONDS = 0.5
"""Between looks whether the service that was started is still there."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    service: str = "http://localhost:3000"
    """Address of the service."""
    key: str = ""
    """API key that the page uses; default: the environment variable INVERSE_GRAPHICS_KEY, which
    lists of processes do not show. Without one, the page asks where the service wants one."""
    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0: all of this machine's."""
    port: int = 3001
    """Port of the page."""
    samples: Path = SAMPLES
    """A folder of JPEG files to try."""
    start: bool = False
    """Start the service too where none answers at its address."""
    home: Path = ROOT / "build" / "ui"
    """With --start: where the service keeps its log and its jobs."""
    bundle: str = ""
    """With --start: a bundle's folder or bentomodel:<tag>; default: the shipped one."""


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl+C; returns the exit status."""
    options = tyro.cli(
        Options,
        args=arguments,
        prog="python -m service.ui",
        description=(__doc__ or "").split("\n\n")[0],
    )
    if missing := [name for name in ("nicegui", "uvicorn") if find_spec(name) is None]:
        print(
            f"ui: {missing[0]} is not installed: "
            "pip install -c .ci/constraints.txt '.[cpu,ui]', or run make ui",
            file=sys.stderr,
        )
        return UNUSABLE
    # Sent again once the page has closed, as its server does: by itself it would end this at once.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    beside = _started(options) if options.start else None
    with suppress(KeyboardInterrupt), beside or nullcontext():
        # While the service starts: both take seconds.
        import uvicorn

        from service.ui.application import application_of

        samples = sorted(options.samples.glob("*.jpg"))
        key = options.key or os.environ.get("INVERSE_GRAPHICS_KEY", "")
        application = application_of(
            options.service.rstrip("/"), key, samples, starting=bool(beside)
        )
        shown = "localhost" if options.host in ("127.0.0.1", "0.0.0.0") else options.host
        print(f"Open http://{shown}:{options.port} in a browser; Ctrl+C ends it.", flush=True)
        uvicorn.run(application, host=options.host, port=options.port, log_level="warning")
    return UNUSABLE if beside and beside.failed else 0


def _started(options: Options) -> "_Beside | None":
    if _answers(options.service):
        return None
    print(f"No service answers at {options.service}: starting one.", flush=True)
    return _Beside(options)


def _answers(service: str) -> bool:
    try:
        httpx.get(f"{service}/livez", timeout=2)
    except httpx.HTTPError:
        return False
    return True


class _Beside:
    """A service that starts while the page is already there, and ends with it.

    Where the service ends first the page does too: nobody else would start it again.
    """

    def __init__(self, options: Options) -> None:
        settings = {"INVERSE_GRAPHICS_BUNDLE": options.bundle} if options.bundle else {}
        port = urlsplit(options.service).port or 80
        self.failed = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(options.home, settings, port))

    def __enter__(self) -> "_Beside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _serve(self, home: Path, settings: dict[str, str], port: int) -> None:
        try:
            with serving(home, settings, port=port) as served:
                print(f"The service is ready after {served.seconds_to_ready:.1f} s.", flush=True)
                while not self._ended.wait(LOOK_SECONDS):
                    if (status := served.process.poll()) is not None:
                        log = home / "server.log"
                        raise ServerError(f"the service ended with {status}; its log is {log}")
        except ServerError as error:
            if not self._ended.is_set():
                self.failed = True
                print(f"ui: {error}", file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
