"""IO binding: a graph's inputs and outputs in the device's own memory, each copied once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray


class Binding:
    """Runs a session with tensors bound on the device.

    Inputs stay on the device from one batch to the next and are written over; a plain
    `session.run` allocates them anew. Not for several threads at once.
    """

    def __init__(self, session: onnxruntime.InferenceSession, device: str) -> None:
        """`device`: ONNX Runtime's name of the memory, cuda or cpu."""
        self._session = session
        self._device = device
        self._inputs: dict[str, onnxruntime.OrtValue] = {}

    def run(self, outputs: Sequence[str], feed: Mapping[str, NDArray]) -> list[NDArray]:
        """The named outputs, as `InferenceSession.run` gives them."""
        binding = self._session.io_binding()
        for name, array in feed.items():
            binding.bind_ortvalue_input(name, self._on_device(name, np.ascontiguousarray(array)))
        for name in outputs:
            binding.bind_output(name, self._device)
        self._session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()

    def _on_device(self, name: str, array: NDArray) -> onnxruntime.OrtValue:
        held = self._inputs.get(name)
        if held is not None and tuple(held.shape()) == array.shape:
            held.update_inplace(array)
            return held
        if self._device == "cpu":
            # ONNX Runtime shares such memory with the array, which would be written over.
            array = array.copy()
        self._inputs[name] = onnxruntime.OrtValue.ortvalue_from_numpy(array, self._device)
        return self._inputs[name]
