"""The runners: one per graph, each with its session and its adaptive batcher."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.layers import Layers
from graphics.picture_fit import SHIFTS
from service.call import CALL, JOB
from service.errors import ItemError
from service.model.batcher import Batcher, Device
from service.model.health import Health
from service.model.manifest import GraphFile
from service.model.segmenter_choice import ChosenSegmenter
from service.model.session import CPU, Session
from service.settings import Settings

MOST_SEGMENTED_PIXELS = 1 << 18
"""Of all images in one run: a large network takes memory with each, and gains no time."""
MOST_DRAWN_PIXELS = 1 << 20
"""Of all pictures in one run of the neural renderer: at 1024 px it is one by one."""
NO_SHIFTS = np.zeros(SHIFTS, np.float32)
"""The generator draws what the other inputs say."""


class Reconstruction(NamedTuple):
    """An object taken out of one photograph."""

    vertices: NDArray[np.float32]
    """[V, 3]"""
    texture: NDArray[np.float32]
    """[Ht, Wt, 3] in 0..1, row 0 is the top"""
    camera: NDArray[np.float32]
    """[5], the convention of graphics.camera"""
    confidence: float
    """0..1"""
    azimuth_probabilities: NDArray[np.float32]
    """[24], the bins of graphics.azimuth; sum 1"""


class GraphRunner:
    """One graph: items of many requests gathered into batches, run off the event loop."""

    def __init__(
        self, file: GraphFile, settings: Settings, device: Device, most: int | None = None
    ) -> None:
        """`most`: images in one run, where it is less than the settings' largest batch."""
        self.graph = file.name
        self.session = Session(file, settings)
        self._device = device
        self._largest_batch = min(settings.largest_batch, most or settings.largest_batch)
        self.health = Health(self.graph, lambda: self.session.run(self.session.zeros(1)))
        self.batcher: Batcher[tuple[NDArray, ...], tuple[NDArray, ...]] = Batcher(
            self.graph, self.run_batch, device, self._largest_batch, settings.queue_limit
        )

    def warm_up(self) -> None:
        """Run what the first clients would otherwise wait for, on the device's thread.

        On a GPU batches of 1, 2, 4 … and the largest: memory is laid out and kernels are chosen for
        each size, and ONNX Runtime keeps some of what CUDA needs per thread. On a CPU a first
        batch of any size takes what the next one takes.
        """
        sizes = [1]
        if self.session.provider != CPU:
            sizes += [1 << power for power in range(1, (self._largest_batch - 1).bit_length())]
            sizes += [self._largest_batch]
        for size in sizes:
            self._device.wait_for(partial(self.session.run, self.session.zeros(size)))

    async def try_again(self) -> None:
        """Test a broken graph, between two batches."""
        async with self._device.idle:
            await self._device.call(self.health.test)

    async def submit(self, item: tuple[NDArray, ...]) -> tuple[NDArray, ...]:
        """One array per output; in the turn, and within the deadline, of the call it is part of.

        Outside any call it takes the turn of its job.
        """
        call = CALL.get()
        if call is None:
            return await self.batcher.submit(item, JOB.get())
        return await self.batcher.submit(item, call, call.deadline)

    def run_batch(
        self, items: Sequence[tuple[NDArray, ...]]
    ) -> list[tuple[NDArray, ...] | ItemError]:
        """Items of one array per input → for each one array per output, or its error."""
        arrays = [np.stack(column) for column in zip(*items, strict=True)]
        try:
            outputs = self.session.run(arrays)
        except Exception:
            if len(items) == 1:  # several are run again, one by one
                self.health.test()
            raise
        self.health.worked()
        return [self._result(outputs, index) for index in range(len(items))]

    def _result(self, outputs: tuple[NDArray, ...], index: int) -> tuple[NDArray, ...] | ItemError:
        # Copies: a slice would keep the whole batch alive.
        result = tuple(np.array(output[index]) for output in outputs)
        if not all(np.isfinite(array).all() for array in result):
            message = f"{self.graph} gave infinite or undefined numbers for this image"
            return ItemError("not_finite", message)
        return result


class Segmenter(GraphRunner):
    """Finds what there is of objects."""

    def __init__(self, chosen: ChosenSegmenter, settings: Settings, device: Device) -> None:
        most = max(1, MOST_SEGMENTED_PIXELS // chosen.side**2)
        super().__init__(chosen.file, settings, device, most)
        self.chosen = chosen

    async def segment(
        self,
        pixels: NDArray[np.uint8],  # [S, S, 3]
    ) -> NDArray[np.float32]:  # [s, s] in 0..1
        """The mask of all objects in one photograph."""
        (mask,) = await self.submit((pixels,))
        return mask


class Reconstructor(GraphRunner):
    """Photograph and mask to shape, texture and camera."""

    async def reconstruct(
        self,
        pixels: NDArray[np.uint8],  # [R, R, 3]
        mask: NDArray[np.float32],  # [R, R] in 0..1
    ) -> Reconstruction:
        """The object of one photograph."""
        vertices, texture, camera, confidence, azimuths = await self.submit((pixels, mask))
        return Reconstruction(vertices, texture, camera, float(confidence), azimuths)


class Generator(GraphRunner):
    """StyleGAN-R: generates an object as a photograph from any camera."""

    async def generate(
        self,
        camera: NDArray[np.float32],  # [5]
        vertices: NDArray[np.float32],  # [V, 3]
        texture: NDArray[np.float32],  # [Ht, Wt, 3] in 0..1
        background: NDArray[np.uint8],  # [R, R, 3]
        shifts: NDArray[np.float32] = NO_SHIFTS,  # [SHIFTS] of its code
    ) -> NDArray[np.float32]:  # [R, R, 3] in 0..1
        """One photograph."""
        (image,) = await self.submit((camera, vertices, texture, background, shifts))
        return image


class NeuralRenderer(GraphRunner):
    """Makes photographs of the graphics renderer's layers, whose side may be any multiple."""

    async def draw(
        self,
        camera: NDArray[np.float32],  # [5]
        layers: Layers,  # B = 1
    ) -> NDArray[np.float32]:  # [S, S, 3] in 0..1
        """One photograph."""
        (image,) = await self.submit((camera, *(layer[0] for layer in layers)))
        return image

    def run_batch(
        self, items: Sequence[tuple[NDArray, ...]]
    ) -> list[tuple[NDArray, ...] | ItemError]:
        """As of any graph; each side by itself, and of large pictures few at once."""
        drawn: dict[int, tuple[NDArray, ...] | ItemError] = {}
        by_side: dict[int, list[int]] = {}
        for number, (_, drawing, *_) in enumerate(items):
            by_side.setdefault(len(drawing), []).append(number)
        for side, numbers in by_side.items():
            most = max(1, MOST_DRAWN_PIXELS // side**2)
            for some in (numbers[i : i + most] for i in range(0, len(numbers), most)):
                results = super().run_batch([items[number] for number in some])
                drawn.update(zip(some, results, strict=True))
        return [drawn[number] for number in range(len(items))]
