import sys
from types import SimpleNamespace

import pytest

from service import metrics
from service.model.device_memory import DeviceMemory, first_visible_gpu
from service.model.session import CPU, CUDA


class NvmlError(Exception):
    pass


class Nvml:
    """As much of pynvml as is called; `works`: for so many readings."""

    NVMLError = NvmlError
    nvmlDeviceGetHandleByIndex = staticmethod(lambda index: f"index {index}")
    nvmlDeviceGetHandleByUUID = staticmethod(lambda uuid: f"uuid {uuid}")

    def __init__(self, works):
        self.works = works

    def nvmlInit(self):
        pass

    def nvmlDeviceGetMemoryInfo(self, handle):
        self.works -= 1
        if self.works < 0:
            raise NvmlError("not supported")
        return SimpleNamespace(used=12345)


def gauge(device):
    return metrics.DEVICE_MEMORY.labels(device)._value.get()


def test_on_the_cpu_it_is_that_of_the_process():
    memory = DeviceMemory(CPU)
    memory.observe()
    assert gauge("cpu") == pytest.approx(memory.read(), rel=0.2)


def test_on_a_gpu_it_is_that_of_the_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(works=9))
    memory = DeviceMemory(CUDA)
    memory.observe()
    assert gauge("gpu") == memory.read() == 12345


@pytest.mark.parametrize("works", [0, 1])
def test_a_gpu_that_does_not_report_its_memory_serves(monkeypatch, caplog, works):
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(works))
    before = gauge("gpu")
    DeviceMemory(CUDA).observe()
    assert gauge("gpu") == before
    assert "not supported" in caplog.text


@pytest.mark.parametrize(
    ("visible", "handle"),
    [
        (None, "index 0"),
        ("", "index 0"),
        ("2,0", "index 2"),
        ("GPU-8f2", "uuid GPU-8f2"),
        ("MIG-1a, GPU-2", "uuid MIG-1a"),
    ],
)
def test_it_is_the_gpu_that_cuda_is_shown(visible, handle):
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert first_visible_gpu(Nvml(0), environment) == handle
