"""One ONNX graph of a bundle on the device asked for, never silently on another."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.bundle import Bundle
from service.manifest import Tensor, check_graph

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


class DeviceError(RuntimeError):
    """The device asked for is not the one in use."""


def choose_provider(device: str) -> str:
    """The execution provider for a setting: cpu, cuda, or auto (CUDA where this build has it)."""
    _refuse_two_runtimes()
    available = onnxruntime.get_available_providers()
    if device == "cpu":
        return CPU
    if CUDA in available:
        # The CUDA libraries of NVIDIA's wheels are not on the loader's path.
        onnxruntime.preload_dlls()
        return CUDA
    if device == "cuda":
        raise DeviceError(
            f"device is cuda, but this ONNX Runtime has only {available}: install the gpu extra "
            "(onnxruntime-gpu) instead of cpu"
        )
    return CPU


class Session:
    """Runs one graph; arrays in and out are checked against the bundle's contract."""

    def __init__(self, bundle: Bundle, graph: str, device: str, threads: int) -> None:
        """`device`: cpu, cuda or auto; cuda raises `DeviceError` unless CUDA is really in use."""
        self.graph = graph
        self.contract = bundle.manifest.graph(graph)
        wanted = choose_provider(device)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads would burn the cores that decode the next images.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = [wanted] if wanted == CPU else [wanted, CPU]
        self._session = onnxruntime.InferenceSession(
            bundle.graph_bytes(graph), options, providers=providers
        )
        self.provider = self._session.get_providers()[0]
        if self.provider != wanted:
            if device == "cuda":
                raise DeviceError(
                    f"{graph} was to run on {wanted} but runs on {self.provider}: check the driver "
                    "(nvidia-smi) and the CUDA libraries"
                )
            logger.warning("%s: no usable CUDA device, running on %s", graph, self.provider)
        check_graph(bundle.manifest, graph, self._session.get_inputs(), self._session.get_outputs())

    def run(self, arrays: Sequence[NDArray]) -> tuple[NDArray, ...]:
        """Outputs in the contract's order, from inputs in the contract's order."""
        batch = len(arrays[0])
        for tensor, array in zip(self.contract.inputs, arrays, strict=True):
            self._check("input", tensor, array, batch)
        feed = {t.name: a for t, a in zip(self.contract.inputs, arrays, strict=True)}
        outputs = self._session.run([t.name for t in self.contract.outputs], feed)
        for tensor, array in zip(self.contract.outputs, outputs, strict=True):
            self._check("output", tensor, array, batch)
        return tuple(outputs)

    def zeros(self, batch: int) -> tuple[NDArray, ...]:
        """Inputs of the right kind, for warming up."""
        return tuple(np.zeros((batch, *t.shape[1:]), t.dtype) for t in self.contract.inputs)

    def _check(self, kind: str, tensor: Tensor, array: NDArray, batch: int) -> None:
        shape = (batch, *tensor.shape[1:])
        if array.shape != shape or array.dtype != tensor.dtype:
            raise ValueError(
                f"{kind} {tensor.name} of {self.graph} is {array.dtype} {array.shape}; "
                f"it must be {tensor.dtype} {shape}"
            )


def _refuse_two_runtimes() -> None:
    """onnxruntime and onnxruntime-gpu install over each other: what then runs is anyone's guess."""
    installed = [
        name
        for name in ("onnxruntime", "onnxruntime-gpu")
        if any(importlib.metadata.distributions(name=name))
    ]
    if len(installed) > 1:
        raise DeviceError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
            "uninstall both, then install exactly one of the extras cpu and gpu"
        )
