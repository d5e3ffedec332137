"""How many processes BentoML starts for the service: one."""

import bentoml
import click
from _bentoml_impl.server.allocator import ResourceAllocator
from bentoml._internal.configuration.containers import BentoMLContainer


def check_workers(service: bentoml.Service) -> None:
    """Raise `ValueError` where more are asked for, also where BentoML would start one all the same.

    Jobs and reconstructions belong to one process, and another would not find them.
    """
    for source, workers in _asked(service).items():
        if workers not in (None, 1):
            raise ValueError(
                f"{source} asks for {workers} workers; it must be 1, because jobs, ids and limits "
                "belong to one process, and a call may reach any: set workers to 1, and run "
                "several replicas with sticky sessions instead"
            )


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
