"""How many processes BentoML starts for the service: one."""

import bentoml
from _bentoml_impl.server.allocator import ResourceAllocator


def check_workers(service: bentoml.Service) -> None:
    """Raise `ValueError` where BentoML's configuration asks for more: jobs and reconstructions
    belong to one process, and another would not find them."""
    workers, _ = ResourceAllocator().get_worker_env(service)
    if workers != 1:
        raise ValueError(
            f"BentoML's configuration asks for {workers} workers; it must be 1, because jobs, ids "
            "and limits belong to one process, and a call may reach any: set workers to 1, and run "
            "several replicas with sticky sessions instead"
        )
