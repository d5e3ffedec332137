"""One ONNX graph on the device asked for, never silently on another."""

import importlib.metadata
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.model import arena
from service.model.binding import Binding, Ladder
from service.model.manifest import SIDE, GraphFile, Tensor, check_graph
from service.settings import Settings

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
PROVIDERS = {"cpu": CPU, "cuda": CUDA, "tensorrt": TENSORRT}
"""By setting; `auto` takes CUDA where there is one."""


CUDA_OPTIONS = {
    # An exhaustive search would be repeated, in seconds, for every new size of a batch.
    "cudnn_conv_algo_search": "HEURISTIC",
    # ONNX Runtime's default rounds what float32 graphs multiply to 10 bits (TensorFloat-32): more
    # than a bundle may be off by. Who wants speed for digits exports a float16 graph.
    "use_tf32": "0",
}
"""Options of ONNX Runtime's CUDA provider."""


class DeviceError(RuntimeError):
    """The device asked for is not the one in use."""


def choose_provider(device: str) -> str:
    """The execution provider for a setting: cpu, cuda, tensorrt, or auto (CUDA where it is)."""
    _refuse_two_runtimes()
    available = onnxruntime.get_available_providers()
    wanted = PROVIDERS.get(device, CUDA if CUDA in available else CPU)
    if wanted not in available:
        raise DeviceError(
            f"device is {device}, but this ONNX Runtime has only {available}: install the gpu "
            "extra (onnxruntime-gpu) instead of cpu"
        )
    if wanted != CPU:
        # The CUDA libraries of NVIDIA's wheels are not on the loader's path.
        onnxruntime.preload_dlls()
    return wanted


class Session:
    """Runs one graph; arrays in and out are checked against its contract."""

    def __init__(self, file: GraphFile, settings: Settings) -> None:
        """Raises `DeviceError` unless the device asked for by name is really in use."""
        self.graph = graph = file.name
        self.contract = file.tensors
        self._file = file
        self._settings = settings
        wanted = choose_provider(settings.device)
        self.half = settings.precision == "float16" or (
            settings.precision == "auto" and wanted != CPU and file.has_half
        )
        self._session = self._open(wanted)
        self.provider = self._session.get_providers()[0]
        if self.provider != wanted:
            if settings.device != "auto":
                raise DeviceError(
                    f"{graph} was to run on {wanted} but runs on {self.provider}: check the driver "
                    "(nvidia-smi) and the CUDA libraries"
                )
            logger.warning("%s: no usable CUDA device, running on %s", graph, self.provider)
            if self.half and settings.precision == "auto":
                # Float16 is for the GPU that turned out not to be there.
                self.half = False
                self._session = self._open(self.provider)
        check_graph(file.tensors, graph, self._session.get_inputs(), self._session.get_outputs())
        self._run = self._how_to_run()

    def _how_to_run(self) -> Callable[[Sequence[str], Mapping[str, NDArray]], Sequence[Any]]:
        if self.provider == CPU:
            return self._session.run
        if self.provider == TENSORRT:  # one engine for every batch size
            return Binding(self._session, "cuda").run
        first = [self._session]

        def open_session() -> onnxruntime.InferenceSession:
            return first.pop() if first else self._open(self.provider)

        return Ladder(open_session, "cuda", self._settings.largest_batch).run

    def _open(self, provider: str) -> onnxruntime.InferenceSession:
        options = _session_options(self._settings.cores)
        if provider == CUDA and (limit := self._settings.gpu_memory_mebibytes):
            arena.share(CUDA, limit)
            options.add_session_config_entry(*arena.OPTION)
        session = onnxruntime.InferenceSession(
            self._file.read(self.half),
            options,
            providers=self._providers(provider),
        )
        # A run that fails on the GPU would be repeated on the CPU, and so all that follow it.
        session.disable_fallback()
        return session

    def _providers(self, wanted: str) -> list[str | tuple[str, dict[str, str]]]:
        cuda = (CUDA, CUDA_OPTIONS)
        if wanted == TENSORRT:
            return [(TENSORRT, self._tensorrt()), cuda, CPU]
        return [cuda, CPU] if wanted == CUDA else [CPU]

    def _tensorrt(self) -> dict[str, str]:
        """Provider options: one engine for every batch size, float16 where it is asked for."""

        def profile(batch: int, side: int) -> str:
            shapes = ((t.name, t.batch_shape(batch, side)) for t in self.contract.inputs)
            return ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in shapes)

        largest, cache = self._settings.largest_batch, self._settings.tensorrt_cache
        smallest, usual, finest = self._file.sides or (0, 0, 0)
        chosen = {
            "trt_fp16_enable": "1" if self.half else "0",
            "trt_profile_min_shapes": profile(1, smallest),
            "trt_profile_opt_shapes": profile(largest, usual),
            "trt_profile_max_shapes": profile(largest, finest),
        }
        if cache:
            chosen |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": cache}
        return chosen

    def run(self, arrays: Sequence[NDArray]) -> tuple[NDArray, ...]:
        """Outputs in the contract's order, from inputs in the contract's order."""
        batch, side = len(arrays[0]), self._side(arrays)
        for tensor, array in zip(self.contract.inputs, arrays, strict=True):
            self._check("input", tensor, array, (batch, side))
        feed = {t.name: a for t, a in zip(self.contract.inputs, arrays, strict=True)}
        names = [tensor.name for tensor in self.contract.outputs]
        outputs = self._run(names, feed)
        for tensor, array in zip(self.contract.outputs, outputs, strict=True):
            self._check("output", tensor, array, (batch, side))
        return tuple(outputs)

    def zeros(self, batch: int) -> tuple[NDArray, ...]:
        """Inputs of the right kind, for warming up; pictures of any side have the least one."""
        side = self._file.sides[0] if self._file.sides else 0
        return tuple(np.zeros(t.batch_shape(batch, side), t.dtype) for t in self.contract.inputs)

    def _side(self, arrays: Sequence[NDArray]) -> int:
        """Of the pictures that may have any; 0 where the graph takes none such."""
        pairs = zip(self.contract.inputs, arrays, strict=True)
        given = (array.shape[tensor.shape.index(SIDE)] for tensor, array in pairs
                 if SIDE in tensor.shape and array.ndim == len(tensor.shape))  # fmt: skip
        return next(given, 0)

    def _check(self, kind: str, tensor: Tensor, array: NDArray, sizes: tuple[int, int]) -> None:
        shape = tensor.batch_shape(*sizes)
        if array.shape != shape or array.dtype != tensor.dtype:
            raise ValueError(
                f"{kind} {tensor.name} of {self.graph} is {array.dtype} {array.shape}; "
                f"it must be {tensor.dtype} {shape}"
            )


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would burn the cores that decode the next images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _refuse_two_runtimes() -> None:
    """onnxruntime and onnxruntime-gpu install over each other: what then runs is anyone's guess."""
    names = ("onnxruntime", "onnxruntime-gpu")
    if all(any(importlib.metadata.distributions(name=name)) for name in names):
        raise DeviceError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
            "uninstall both, then install exactly one of the extras cpu and gpu"
        )
