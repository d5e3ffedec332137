"""How much memory the graphs' device has in use, for the metrics."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic

from service import metrics
from service.inference.session import CPU

STATM = Path("/proc/self/statm")
PERIOD_SECONDS = 1.0


class DeviceMemory:
    """Reads the memory in use, at most once a second, into the gauge."""

    def __init__(self, provider: str) -> None:
        """`provider`: ONNX Runtime's name of what the graphs run on."""
        self._gpu = None
        self._last = -PERIOD_SECONDS
        if provider != CPU:
            import pynvml

            pynvml.nvmlInit()
            self._pynvml = pynvml
            self._gpu = pynvml.nvmlDeviceGetHandleByIndex(0)

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
        name = "cpu" if self._gpu is None else "gpu"
        metrics.DEVICE_MEMORY.labels(name).set(self.read())
