"""The worker processes of one server: how many, and what each does for all to be there.

BentoML starts them on one listening socket and replaces those that end.
"""

import asyncio
import contextlib
import logging
import os
import signal

import bentoml
import click
from _bentoml_impl.server.allocator import ResourceAllocator
from bentoml._internal.configuration.containers import BentoMLContainer

from service import metrics
from service.cgroup import available_bytes
from service.model.device_memory import total_bytes
from service.model.session import choose_provider
from service.pipeline.engine import Engine
from service.settings import GPU_CONTEXT_BYTES, PREFIX, SHARE_FOR_PIXELS, Settings, read_settings
from service.siblings import Siblings

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

WORKER_BYTES = 896 << 20
"""Memory of one on CPUs under load: with the general segmenter and kept reconstructions, without
what it decodes."""
SERVER = "INVERSE_GRAPHICS_SERVER"
"""The environment variable by which the server tells its workers its process id."""
BEAT_SECONDS = 1.0
DEAD_AFTER_SECONDS = 60
"""Of a graph that fails whatever its input, or of a process that gives no sign of life."""


def planned() -> int:
    """How many BentoML is to start; 1 where the settings cannot be read, which `verify` tells."""
    try:
        return count(read_settings())
    except (ValueError, RuntimeError):
        return 1


def count(settings: Settings) -> int:
    """As many as the settings say; else one for each core, as far as the memory lets them.

    On a GPU each takes a part of its memory too.

    Raises:
        DeviceError: the device of the settings is not there.
    """
    if settings.workers:
        return settings.workers
    most = min(settings.cores, int((1 - SHARE_FOR_PIXELS) * available_bytes() / WORKER_BYTES))
    gpu_bytes = total_bytes(choose_provider(settings.device))
    if gpu_bytes is not None:
        each = (settings.share(2).gpu_memory_mebibytes << 20) + GPU_CONTEXT_BYTES
        most = min(most, gpu_bytes // each)
    return max(1, most)


def check_workers(service: bentoml.Service, wanted: int) -> None:
    """Raise `ValueError` where BentoML is asked for another number, also where it passes that over.

    The limits of the service are shared by as many as `wanted`.
    """
    for source, workers in _asked(service).items():
        if workers not in (None, wanted):
            raise ValueError(
                f"{source} asks for {workers} workers, and {PREFIX}WORKERS comes to {wanted}: "
                f"leave it out there and set {PREFIX}WORKERS, by which limits, memory and cores "
                "are shared too"
            )


def name_server() -> None:
    """Tell the workers that are about to be started whose they are, until this process ends."""
    os.environ[SERVER] = str(os.getpid())


def replace_in_containers() -> None:
    """Have BentoML replace a worker that ended in a container too, before it starts them.

    There it would leave it at the others, until the last one ends.
    """
    os.environ.pop("BENTOML_CONTAINERIZED", None)


def _asked(service: bentoml.Service) -> dict[str, object]:
    """By where it stands: a file, `BENTOML_CONFIG_OPTIONS` or the command line."""
    workers, _ = ResourceAllocator().get_worker_env(service)
    configuration = BentoMLContainer.config.get()
    # The service's own number is before those two.
    everywhere = configuration["services"].get("workers")
    server = configuration.get("api_server", {}).get("workers")
    command = click.get_current_context(silent=True)
    return {
        "BentoML's configuration": workers,
        "services.workers of BentoML's configuration": everywhere,
        "api_server.workers of BentoML's configuration": server,
        "--api-workers, or BENTOML_API_WORKERS,": command and command.params.get("api_workers"),
    }


class Watch:
    """Gives signs of life of this process, and ends those that are of no use any more.

    Those that end are replaced. One that works alone is left to whoever asks `/livez`.
    """

    def __init__(self, engine: Engine, siblings: Siblings) -> None:
        self._engine = engine
        self._siblings = siblings
        # Where the server ended while this loaded, the parent is who adopted it by now.
        server = int(os.environ.get(SERVER, 0))
        self._server = server if server not in (0, os.getpid()) else os.getppid()
        self._task: asyncio.Task[None] | None = None
        if siblings.replaced:
            metrics.REPLACED.inc()
            metrics.forget_process(siblings.replaced)
            message = "worker %d takes the place of process %d, which ended"
            logger.warning(message, siblings.index + 1, siblings.replaced)

    def start(self) -> None:
        """On the event loop."""
        self._task = asyncio.create_task(self._beat())

    def stop(self) -> None:
        """Take no requests any more."""
        if self._task is not None:
            self._task.cancel()
        self._siblings.beat(ready=False)
        metrics.READY.set(0)

    async def _beat(self) -> None:
        while True:
            ready = await self._engine.is_ready()
            self._siblings.beat(ready)
            metrics.READY.set(ready)
            self._end_stuck()
            if reason := self._useless():
                logger.error("%s: this worker ends", reason)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            await asyncio.sleep(BEAT_SECONDS)

    def _end_stuck(self) -> None:
        for process in self._siblings.stuck(round(DEAD_AFTER_SECONDS / BEAT_SECONDS)):
            logger.error("process %d gives no sign of life: it is ended", process)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _useless(self) -> str:
        """Why nobody needs this process any more; empty where they do."""
        if os.getppid() != self._server:
            return "the server has ended"
        if self._siblings.count > 1 and self._engine.broken_seconds() >= DEAD_AFTER_SECONDS:
            # An error of the GPU can outlast all runs of a process.
            return f"a graph has failed for {DEAD_AFTER_SECONDS} s"
        return ""
