"""Memory that the graphs' device has in use, for the metrics."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from service import metrics
from service.model.session import CPU

STATM = Path("/proc/self/statm")
PERIOD_SECONDS = 1.0

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")


class DeviceMemory:
    """Reads the memory in use, at most once a second, into the gauge.

    A GPU that does not report it (a driver without NVML, a part of a GPU) has no gauge; it serves.
    """

    def __init__(self, provider: str, of_gpu: bool = True) -> None:
        """`provider`: ONNX Runtime's name of what the graphs run on. `of_gpu`: whether to read it
        there; one process does for all, as the gauge sums them."""
        self._name = "cpu" if provider == CPU else "gpu"
        self._gpu = None
        self._failure: type[Exception] = OSError
        self._last = -PERIOD_SECONDS
        if provider != CPU and of_gpu:
            import pynvml

            self._pynvml, self._failure = pynvml, pynvml.NVMLError
            try:
                pynvml.nvmlInit()
                self._gpu = first_visible_gpu(pynvml)
                self.read()
            except self._failure as error:
                self._gpu = None
                logger.warning("the GPU does not report its memory in use: %s", error)

    def read(self) -> int:
        """Bytes: of the whole GPU, or resident in this process."""
        if self._gpu is not None:
            return int(self._pynvml.nvmlDeviceGetMemoryInfo(self._gpu).used)
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def observe(self) -> None:
        """Set the gauge, unless that was done less than a second ago."""
        if monotonic() - self._last < PERIOD_SECONDS:
            return
        self._last = monotonic()
        if self._name == "gpu" and self._gpu is None:
            return
        try:
            metrics.DEVICE_MEMORY.labels(self._name).set(self.read())
        except self._failure as error:  # no answer must fail of it
            logger.warning("the memory in use was not read: %s", error)


def first_visible_gpu(pynvml: Any, environment: Mapping[str, str] = os.environ) -> Any:
    """NVML's handle of CUDA's first device: NVML counts those too that CUDA is not shown."""
    first = environment.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if first.startswith(("GPU-", "MIG-")):
        return pynvml.nvmlDeviceGetHandleByUUID(first)
    return pynvml.nvmlDeviceGetHandleByIndex(int(first) if first.isdigit() else 0)


def total_bytes(provider: str) -> int | None:
    """Memory of the GPU; None where the graphs run on the CPU, or the GPU does not report it."""
    if provider == CPU:
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetMemoryInfo(first_visible_gpu(pynvml)).total)
    except pynvml.NVMLError:
        return None
