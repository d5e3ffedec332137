"""The runners: one per graph, each with its session and its adaptive batcher."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.call import CALL, JOB
from service.errors import ItemError
from service.model.batcher import Batcher, Device
from service.model.bundle import Bundle
from service.model.manifest import INVERSE_GRAPHICS, SEGMENTER, STYLEGAN_R
from service.model.session import Session
from service.settings import Settings


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


class GraphRunner:
    """One graph: items of many requests gathered into batches, run off the event loop."""

    graph: str

    def __init__(self, bundle: Bundle, settings: Settings, device: Device) -> None:
        self.session = Session(bundle, self.graph, settings)
        self._device = device
        self._largest_batch = settings.largest_batch
        self.batcher: Batcher[tuple[NDArray, ...], tuple[NDArray, ...]] = Batcher(
            self.graph, self.run_batch, device, settings.largest_batch, settings.queue_limit
        )

    def warm_up(self) -> None:
        """Run batches of 1, 2, 4 … and the largest, so that the first clients do not wait.

        Memory is laid out, and on a GPU kernels are chosen, for each size; on the device's thread,
        as ONNX Runtime keeps some of what CUDA needs per thread.
        """
        smaller = (1 << power for power in range((self._largest_batch - 1).bit_length()))
        for size in (*smaller, self._largest_batch):
            self._device.wait_for(partial(self.session.run, self.session.zeros(size)))

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
        outputs = self.session.run(arrays)
        return [self._result(outputs, index) for index in range(len(items))]

    def _result(self, outputs: tuple[NDArray, ...], index: int) -> tuple[NDArray, ...] | ItemError:
        # Copies: a slice would keep the whole batch alive.
        result = tuple(np.array(output[index]) for output in outputs)
        if not all(np.isfinite(array).all() for array in result):
            message = f"{self.graph} gave infinite or undefined numbers for this image"
            return ItemError("not_finite", message)
        return result


class Segmenter(GraphRunner):
    """Finds the object."""

    graph = SEGMENTER

    async def segment(
        self,
        pixels: NDArray[np.uint8],  # [R, R, 3]
    ) -> NDArray[np.float32]:  # [R, R] in 0..1
        """The mask of the object in one photograph."""
        (mask,) = await self.submit((pixels,))
        return mask


class Reconstructor(GraphRunner):
    """Photograph and mask to shape, texture and camera."""

    graph = INVERSE_GRAPHICS

    async def reconstruct(
        self,
        pixels: NDArray[np.uint8],  # [R, R, 3]
        mask: NDArray[np.float32],  # [R, R] in 0..1
    ) -> Reconstruction:
        """The object of one photograph."""
        vertices, texture, camera, confidence = await self.submit((pixels, mask))
        return Reconstruction(vertices, texture, camera, float(confidence))


class Generator(GraphRunner):
    """StyleGAN-R: generates an object as a photograph from any camera."""

    graph = STYLEGAN_R

    async def generate(
        self,
        camera: NDArray[np.float32],  # [5]
        vertices: NDArray[np.float32],  # [V, 3]
        texture: NDArray[np.float32],  # [Ht, Wt, 3] in 0..1
        background: NDArray[np.uint8],  # [R, R, 3]
    ) -> NDArray[np.float32]:  # [R, R, 3] in 0..1
        """One photograph."""
        (image,) = await self.submit((camera, vertices, texture, background))
        return image
