"""The device and the precision that a training stage runs on, by Lightning Fabric."""

import contextlib
from contextlib import AbstractContextManager

import torch
from lightning_fabric import Fabric


def cpu_computes_bfloat16() -> bool:
    """Whether this processor has bfloat16 arithmetic; without it autocast only costs time."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        flags = file.read()
        return "avx512_bf16" in flags or "amx_bf16" in flags
    return False


class Device:
    """Where tensors live and which precision the forward passes take.

    `precision`: "auto" (bfloat16 where the hardware computes it), "float32" or "bfloat16".
    """

    def __init__(self, precision: str = "auto") -> None:
        on_gpu = torch.cuda.is_available()
        fast = torch.cuda.is_bf16_supported() if on_gpu else cpu_computes_bfloat16()
        half = precision == "bfloat16" or (precision == "auto" and fast)
        self.fabric = Fabric(
            accelerator="cuda" if on_gpu else "cpu",
            devices=1,
            precision="bf16-mixed" if half else "32-true",
        )

    @property
    def device(self) -> torch.device:
        """The torch device."""
        return self.fabric.device

    def autocast(self) -> AbstractContextManager[None]:
        """The context of a forward pass."""
        return self.fabric.autocast()
