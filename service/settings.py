"""Every setting of the service, read once from the environment into one frozen dataclass."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "INVERSE_GRAPHICS_"
SHIPPED_BUNDLE = Path(__file__).parent / "shipped" / "vehicles"
DEVICES = ("auto", "cpu", "cuda", "tensorrt")
PRECISIONS = ("auto", "float32", "float16")
SHORTEST_KEY = 16
"""Characters of an API key."""
REQUEST_TIMEOUT_SECONDS = 300
"""A request that takes longer is answered 504; pods are given this long to drain."""
MAY_BE_ZERO = ("threads", "requests_per_minute", "texture_size")
CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Settings:
    """One field per environment variable: `largest_batch` is INVERSE_GRAPHICS_LARGEST_BATCH."""

    bundle: str = str(SHIPPED_BUNDLE)
    """A bundle folder, or `bentomodel:<tag>`."""
    device: str = "auto"
    """cpu, cuda or tensorrt (refused when not really in use), or auto (CUDA where there is one)."""
    precision: str = "auto"
    """float32, float16 (refused where the bundle has no such graph), or auto: float16 on a GPU
    where the bundle has it."""
    tensorrt_cache: str = ""
    """Folder in which TensorRT keeps the engines it builds; empty: built at every start."""
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
    texture_size: int = 256
    """Texels of the longer side of every texture where the model's own is smaller; 0 = always the
    model's own. For a GLB or OBJ a request may name another. Larger ones show more of the
    photograph's detail and cost more time and memory."""
    kept_reconstructions: int = 1000
    """Reconstructions held in memory for `/v1/render` to name by id; the oldest go first. Each
    holds 3 bytes per texel: 96 KiB where `texture_size` is 256 and textures are half as high, four
    times that at 512."""
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
    body_seconds: int = 60
    """In which a request's body has to be here, else 408."""
    deadline_seconds: int = 120
    """In which an image has to be worked off, else its answer is `deadline_exceeded`; a client may
    ask for less with the header `Prefer: wait=SECONDS`."""
    api_keys: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    """Comma separated; where there is one, `/v1` wants `Authorization: Bearer KEY`."""
    requests_per_minute: int = 0
    """Of each API key; 0 = without limit."""
    cors_origins: tuple[str, ...] = ()
    """Comma separated origins whose pages may call, as in https://example.org; none by default."""
    otlp_endpoint: str = ""
    """Where traces go, as in http://collector:4318/v1/traces; empty: there are none."""

    def __post_init__(self) -> None:
        for name, allowed in (("device", DEVICES), ("precision", PRECISIONS)):
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(
                    f"{PREFIX}{name.upper()} is {value!r}; it must be one of {allowed}"
                )
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            lowest = 0 if field.name in MAY_BE_ZERO else 1
            if isinstance(value, int) and value < lowest:
                raise ValueError(
                    f"{PREFIX}{field.name.upper()} is {value}; it must be {lowest} or more"
                )
        if self.queue_limit < self.largest_request:
            raise ValueError(
                f"{PREFIX}QUEUE_LIMIT is {self.queue_limit}; it must hold one largest request, "
                f"{self.largest_request} images"
            )
        self._check_access()

    def _check_access(self) -> None:
        for number, key in enumerate(self.api_keys, 1):
            if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
                # Which one, never what: this is read in logs.
                raise ValueError(
                    f"{PREFIX}API_KEYS: key {number} must be {SHORTEST_KEY} or more printable "
                    "ASCII characters, as in openssl rand -hex 16"
                )
        if self.requests_per_minute and not self.api_keys:
            raise ValueError(
                f"{PREFIX}REQUESTS_PER_MINUTE is {self.requests_per_minute}, which limits each API "
                f"key: set {PREFIX}API_KEYS too"
            )
        if self.otlp_endpoint and not self.otlp_endpoint.startswith(("http://", "https://")):
            raise ValueError(
                f"{PREFIX}OTLP_ENDPOINT is {self.otlp_endpoint!r}; it must start with http:// or "
                "https://"
            )

    def printable(self) -> str:
        """One line of JSON for the log; of the keys only how many there are."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps({**fields, "api_keys": f"{len(self.api_keys)} hidden"})

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
    values: dict[str, str | int | tuple[str, ...]] = {}
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
        elif isinstance(field.default, tuple):
            values[field.name] = tuple(part.strip() for part in text.split(",") if part.strip())
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
