"""Every setting of the service, read once from the environment into one frozen model.

python -m service.settings      # a table of all variables
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field

from graphics.unpacking import BYTES_A_PIXEL
from service.cgroup import available_bytes, available_cores

PREFIX = "INVERSE_GRAPHICS_"
SHIPPED_BUNDLE = Path(__file__).parent / "shipped" / "vehicles"
GENERAL_SEGMENTER = SHIPPED_BUNDLE.parent / "general" / "segmenter.onnx"
"""What `make setup` makes, where it can; it is not part of the source."""
SHORTEST_KEY = 16
"""Characters of an API key."""
REQUEST_TIMEOUT_SECONDS = 300
"""A request that takes longer is answered 504; pods are given this long to drain."""
DATABASES = ("postgresql://", "postgres://")
PLACES = ("file:///", "s3://", "gs://")
"""How the addresses of shared stores begin."""
SHARE_FOR_PIXELS = 0.25
"""Of the memory there is: the rest is for the graphs, the uploads and what is kept."""
GPU_WORKER_MEBIBYTES = 1024
"""Of the GPU, for the graphs of one of several workers."""
GPU_CONTEXT_BYTES = 400 << 20
"""Of the GPU, that CUDA takes for each process."""


def _parts(given: Any) -> Any:
    """The parts of a text that commas separate."""
    if not isinstance(given, str):
        return given
    return tuple(part.strip() for part in given.split(",") if part.strip())


AtLeast0 = Annotated[int, Field(ge=0)]
AtLeast1 = Annotated[int, Field(ge=1)]
Parts = Annotated[tuple[str, ...], pydantic.BeforeValidator(_parts)]


class Settings(pydantic.BaseModel):
    """One field per environment variable: `largest_batch` is INVERSE_GRAPHICS_LARGEST_BATCH."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    bundle: str = str(SHIPPED_BUNDLE)
    """A bundle folder, or `bentomodel:<tag>`."""
    segmenter: str = "auto"
    """What finds the object in a photograph without a mask: `general` (what `make setup` sets up,
    refused where it is not), `bundle` (the bundle's own), an ONNX file that `python -m
    service.segmenters.wrap` wrote, or auto: `general` where it is set up, else `bundle`."""
    device: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    """cpu, cuda or tensorrt (refused when not really in use), or auto (CUDA where there is one)."""
    precision: Literal["auto", "float32", "float16"] = "auto"
    """float32, float16 (refused where the bundle has no such graph), or auto: float16 on a GPU
    where the bundle has it."""
    tensorrt_cache: str = ""
    """Folder in which TensorRT keeps the engines it builds; empty: built at every start."""
    threads: AtLeast0 = 0
    """Cores for the graphs and for the decoding pool, of all workers together; 0 = those of the
    cgroup and affinity."""
    workers: AtLeast0 = 0
    """Processes that answer requests, on one port. They share cores and all limits of the service.
    0 = one for each core, as far as the memory of the cgroup, or of the GPU, goes."""
    gpu_memory_mebibytes: AtLeast0 = 0
    """MiB of the GPU that the graphs of one worker may take, beside some 400 for CUDA itself. 0 =
    1024 where there are several workers, else without limit."""
    largest_batch: AtLeast1 = 32
    """Most images per run of a graph."""
    queue_limit: AtLeast1 = 256
    """Most images accepted and not yet answered, over all requests; beyond it the answer is 429."""
    largest_request: AtLeast1 = 64
    """Most images, or cameras, in one request."""
    body_limit_mebibytes: AtLeast1 = 256
    """Largest request body in MiB; uploads are spooled to disk, not held in memory."""
    spool_limit_mebibytes: AtLeast1 = 1024
    """MiB of the bodies of all requests that are being answered, together, and of the archives of
    results that are being sent; beyond it the answer is 429. The folder of temporary files, TMPDIR,
    needs as much."""
    json_limit_mebibytes: AtLeast1 = 32
    """Largest JSON request body in MiB, which is held in memory."""
    pixel_limit_megapixels: Annotated[int, Field(ge=1, le=256)] = 50
    """Most megapixels of one image as stored; 256 at most."""
    megapixels_in_flight: AtLeast0 = 0
    """Megapixels that are unpacked at a time, over all images, at 8 bytes a pixel; others wait. A
    JPEG counts as it is unpacked, at a fraction of its size; WebP counts twice, HEIC and AVIF three
    times. An image that is larger is unpacked alone. 0 = a quarter of the memory that the cgroup
    allows, or that the machine has."""
    texture_size: AtLeast0 = 256
    """Texels of the longer side of every texture where the model's own is smaller; 0 = always the
    model's own. For a GLB or OBJ a request may name another. Larger ones show more of the
    photograph's detail and cost more time and memory."""
    kept_reconstructions: AtLeast1 = 1000
    """Reconstructions held in memory for `/v1/render` to name by id; the oldest go first. Each
    holds 3 bytes per texel: 96 KiB where `texture_size` is 256 and textures are half as high, four
    times that at 512."""
    keep_seconds: AtLeast1 = 3600
    """Seconds that such an id is good for."""
    jobs_folder: str = ""
    """Where jobs are kept, so that they survive a restart, and reconstructions; empty: in BentoML's
    home. All processes of one machine may share it; it is of no use where `store` is set."""
    store: str = Field(default="", repr=False)
    """Database that all replicas share, as in postgresql://user:password@host/database; empty: one
    of this machine, in `jobs_folder`."""
    files: str = ""
    """Where the files of a shared store are: file:///folder, s3://bucket/prefix or
    gs://bucket/prefix."""
    lease_seconds: Annotated[int, Field(ge=3, le=3600)] = 30
    """Seconds of silence after which a process is taken for dead, and others do again what it had
    begun of jobs."""
    job_keep_seconds: AtLeast1 = 86_400
    """Seconds from the end of a job to the deletion of its results."""
    jobs_limit_mebibytes: AtLeast1 = 1024
    """MiB of uploads, unpacked, and results of all jobs together; beyond it a new job is
    refused."""
    largest_job: AtLeast1 = 10_000
    """Most images in one job."""
    body_seconds: AtLeast1 = 60
    """Seconds in which a request's body has to be here, else 408."""
    stall_seconds: AtLeast1 = 60
    """Seconds that a client may take for the address and headers of a request, else 408, or leave
    an answer without taking any of it; then its connection is closed."""
    deadline_seconds: AtLeast1 = 120
    """Seconds in which an image has to be worked off, else its answer is `deadline_exceeded`; a
    client may ask for less with the header `Prefer: wait=SECONDS`."""
    api_keys: Parts = Field(default=(), repr=False)
    """API keys, separated by commas; where there is one, `/v1` wants `Authorization: Bearer
    KEY`."""
    requests_per_minute: AtLeast0 = 0
    """Requests per minute of each API key; 0 = without limit."""
    cors_origins: Parts = ()
    """Comma separated origins whose pages may call, as in https://example.org; none by default."""
    otlp_endpoint: str = ""
    """Where traces go, as in http://collector:4318/v1/traces; empty: there are none."""

    @pydantic.field_validator("api_keys")
    @classmethod
    def _check_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for number, key in enumerate(keys, 1):
            if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
                # Which one, never what: this is read in logs.
                raise ValueError(
                    f"{PREFIX}API_KEYS: key {number} must be {SHORTEST_KEY} or more printable "
                    "ASCII characters, as in openssl rand -hex 16"
                )
        return keys

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.queue_limit < self.largest_request:
            raise ValueError(
                f"{PREFIX}QUEUE_LIMIT is {self.queue_limit}; it must hold one largest request, "
                f"{self.largest_request} images"
            )
        if self.spool_limit_mebibytes < self.body_limit_mebibytes:
            raise ValueError(
                f"{PREFIX}SPOOL_LIMIT_MEBIBYTES is {self.spool_limit_mebibytes}; it must hold one "
                f"largest body, {self.body_limit_mebibytes} MiB"
            )
        if self.requests_per_minute and not self.api_keys:
            raise ValueError(
                f"{PREFIX}REQUESTS_PER_MINUTE is {self.requests_per_minute}, which limits each API "
                f"key: set {PREFIX}API_KEYS too"
            )
        self._check_store()
        if self.otlp_endpoint and not self.otlp_endpoint.startswith(("http://", "https://")):
            raise ValueError(
                f"{PREFIX}OTLP_ENDPOINT is {self.otlp_endpoint!r}; it must start with http:// or "
                "https://"
            )
        return self

    def _check_store(self) -> None:
        if self.store and not self.store.startswith(DATABASES):
            # What it is may hold a password.
            raise ValueError(f"{PREFIX}STORE must start with {' or '.join(DATABASES)}, or be empty")
        if self.files and not self.files.startswith(PLACES):
            raise ValueError(
                f"{PREFIX}FILES is {self.files!r}; it must start with one of {', '.join(PLACES)}"
            )
        if bool(self.store) != bool(self.files):
            one, other = ("STORE", "FILES") if self.store else ("FILES", "STORE")
            raise ValueError(
                f"{PREFIX}{one} is set and {PREFIX}{other} is not; replicas share a database and "
                "files: set both, or none"
            )

    def printable(self) -> str:
        """One line of JSON for the log, without keys and passwords."""
        hidden = self.model_copy(
            update={
                "api_keys": f"{len(self.api_keys)} hidden",
                "store": self.store and "hidden",
            }
        )
        return hidden.model_dump_json(warnings=False)

    @property
    def jobs_path(self) -> Path:
        """The folder of the jobs."""
        home = os.environ.get("BENTOML_HOME") or Path.home() / "bentoml"
        return Path(self.jobs_folder or Path(home) / "inverse-graphics-jobs").absolute()

    def share(self, workers: int) -> Self:
        """The settings of one of so many workers: its part of the cores and of the GPU."""
        each = GPU_WORKER_MEBIBYTES if workers > 1 else 0
        part = {
            "threads": max(1, self.cores // workers),
            "workers": workers,
            "gpu_memory_mebibytes": self.gpu_memory_mebibytes or each,
        }
        return self.model_copy(update=part)

    @property
    def cores(self) -> int:
        """Cores to use."""
        return self.threads or available_cores()

    @property
    def pixels_in_flight(self) -> int:
        """Pixels of 8 bytes that are unpacked at a time."""
        if self.megapixels_in_flight:
            return self.megapixels_in_flight * 1_000_000
        return int(SHARE_FOR_PIXELS * available_bytes() / BYTES_A_PIXEL)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `INVERSE_GRAPHICS_*`.

    Raises:
        ValueError: a variable's value is not allowed; the message names it and what is.
    """
    texts = {
        name: environment.get(PREFIX + name.upper(), "").strip() for name in Settings.model_fields
    }
    try:
        return Settings.model_validate({name: text for name, text in texts.items() if text})
    except pydantic.ValidationError as error:
        raise ValueError("; ".join(map(_refusal, error.errors()))) from None


def _refusal(error: Any) -> str:
    """What is wrong with one variable, by one of pydantic's errors."""
    if error["type"] == "value_error":  # ours, which name their variables
        return str(error["ctx"]["error"])
    allowed = error["msg"].replace("Input should be", "it must be")
    return f"{PREFIX}{error['loc'][0].upper()} is {error['input']!r}; {allowed}"


def table() -> str:
    """All variables with their defaults and meanings, as a Markdown table."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        if name == "bundle":
            default = "the shipped one"
        text = str(default) if default not in ("", ()) else "none"
        meaning = " ".join((field.description or "").split())
        lines.append(f"| `{PREFIX}{name.upper()}` | {text} | {meaning} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
