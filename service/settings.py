"""Every setting of the service, read once from the environment into one frozen dataclass."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "INVERSE_GRAPHICS_"
SHIPPED_BUNDLE = Path(__file__).parent / "shipped" / "vehicles"
DEVICES = ("auto", "cpu", "cuda")
REQUEST_TIMEOUT_SECONDS = 300
"""A request that takes longer is answered 504; pods are given this long to drain."""
CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Settings:
    """One field per environment variable: `largest_batch` is INVERSE_GRAPHICS_LARGEST_BATCH."""

    bundle: str = str(SHIPPED_BUNDLE)
    """A bundle folder, or `bentomodel:<tag>`."""
    device: str = "auto"
    """cpu, cuda (refused when CUDA is not really in use) or auto (CUDA where there is one)."""
    threads: int = 0
    """Cores for the graphs and for the decoding pool; 0 = those of the cgroup and affinity."""
    largest_batch: int = 32
    """Images per run of a graph."""
    queue_limit: int = 256
    """Images accepted and not yet answered, over all requests; beyond it the answer is 429."""
    largest_request: int = 64
    """Images, or cameras, in one request."""
    body_limit_mebibytes: int = 256
    """Request body; uploads are spooled to disk, not held in memory."""
    json_limit_mebibytes: int = 32
    """JSON request body, which is held in memory."""
    pixel_limit_megapixels: int = 50
    """Pixels of one image as stored."""
    kept_reconstructions: int = 1000
    """Reconstructions held in memory for `/v1/render` to name by id; the oldest go first."""
    keep_seconds: int = 3600
    """How long such an id is good for."""
    jobs_folder: str = ""
    """Where jobs are kept, so that they survive a restart; empty: in BentoML's home."""
    job_keep_seconds: int = 86_400
    """From the end of a job to the deletion of its results."""
    jobs_limit_mebibytes: int = 1024
    """Uploads and results of all jobs together; beyond it a new job is refused."""
    largest_job: int = 10_000
    """Images in one job."""

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise ValueError(f"{PREFIX}DEVICE is {self.device!r}; it must be one of {DEVICES}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            lowest = 0 if field.name == "threads" else 1
            if isinstance(value, int) and value < lowest:
                raise ValueError(
                    f"{PREFIX}{field.name.upper()} is {value}; it must be {lowest} or more"
                )
        if self.queue_limit < self.largest_request:
            raise ValueError(
                f"{PREFIX}QUEUE_LIMIT is {self.queue_limit}; it must hold one largest request, "
                f"{self.largest_request} images"
            )

    @property
    def jobs_path(self) -> Path:
        """The folder of the jobs."""
        home = os.environ.get("BENTOML_HOME") or Path.home() / "bentoml"
        return Path(self.jobs_folder or Path(home) / "inverse-graphics-jobs").absolute()

    @property
    def cores(self) -> int:
        """Cores to use."""
        return self.threads or available_cores()


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `INVERSE_GRAPHICS_*`; a value of the wrong kind is refused by name."""
    values: dict[str, str | int] = {}
    for field in dataclasses.fields(Settings):
        variable = PREFIX + field.name.upper()
        text = environment.get(variable, "").strip()
        if not text:
            continue
        if isinstance(field.default, int):
            try:
                values[field.name] = int(text)
            except ValueError:
                raise ValueError(f"{variable} is {text!r}; it must be a whole number") from None
        else:
            values[field.name] = text
    return Settings(**values)


def available_cores(limit_file: Path = CGROUP_LIMIT) -> int:
    """Cores this process may use: the CPU affinity, cut by the cgroup's quota."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = limit_file.read_text().split()
    except (OSError, ValueError):
        return cores
    if quota == "max":
        return cores
    return max(1, min(cores, math.ceil(int(quota) / int(period))))
