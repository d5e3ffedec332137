"""Graphs whose inputs and outputs are bound in the device's own memory, each copied once."""

from collections.abc import Callable, Mapping, Sequence

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


class Ladder:
    """Fills a batch up to the next of its sizes; each size has a session of its own.

    ONNX Runtime's convolutions plan for the size of the last batch alone, so that under load, where
    every batch has another size, each would wait for new plans: on an H100 a batch of the shipped
    graphs then takes 20 to 31 ms, and in this way 0.4 to 2.3. The last image fills up, and what it
    gives is dropped.
    """

    def __init__(
        self, open_session: Callable[[], onnxruntime.InferenceSession], device: str, largest: int
    ) -> None:
        """`device`: as for `Binding`; `largest`: beyond it sizes go on as powers of two."""
        self._open_session = open_session
        self._device = device
        self._largest = largest
        self._steps: dict[int, Binding] = {}

    def run(self, outputs: Sequence[str], feed: Mapping[str, NDArray]) -> list[NDArray]:
        """The named outputs, as `InferenceSession.run` gives them."""
        batch = len(next(iter(feed.values())))
        size = self.size(batch)
        if size not in self._steps:
            self._steps[size] = Binding(self._open_session(), self._device)
        filled = {name: _filled(array, size) for name, array in feed.items()}
        return [array[:batch] for array in self._steps[size].run(outputs, filled)]

    def size(self, batch: int) -> int:
        """The size of batch in which so many images are run."""
        size = 1 << (batch - 1).bit_length()
        return self._largest if batch <= self._largest < size else size


def _filled(array: NDArray, size: int) -> NDArray:
    if len(array) == size:
        return array
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])
