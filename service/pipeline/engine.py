"""The engine: all that one process serves with, from the verified bundle to the thread pool."""

import asyncio
import contextvars
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import numpy as np

from graphics.formats import GlbWriter, find_seams, jpeg_bytes
from graphics.fusing.fusion import Fusion
from graphics.parts import component_sizes
from graphics.photographs import decode, decode_square
from graphics.render import Rendered, look, render
from service import metrics, tracing
from service.errors import NotWorking, Overloaded, ShuttingDown
from service.imaging.painting import Painter
from service.model import bundle as bundles
from service.model.batcher import Device
from service.model.device_memory import DeviceMemory
from service.model.health import TRY_AGAIN_SECONDS
from service.model.manifest import INVERSE_GRAPHICS, NEURAL_RENDERER, STYLEGAN_R
from service.model.runners import (
    Generator,
    GraphRunner,
    NeuralRenderer,
    Reconstructor,
    Segmenter,
)
from service.model.segmenter_choice import AUTO, choose_segmenter
from service.pipeline.kept import Kept
from service.pipeline.room import Room, return_large_blocks
from service.pipeline.samples import Samples
from service.settings import PREFIX, Settings
from service.siblings import Column, Siblings
from service.threads import Threads

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Engine:
    """Holds everything a request needs. Ready as soon as it is built: it warms itself up."""

    def __init__(self, settings: Settings, siblings: Siblings | None = None) -> None:
        """`siblings`: the processes that share the limits; None for one alone."""
        self.settings = settings
        self.siblings = siblings or Siblings()
        self.bundle = bundles.load(settings.bundle)
        self.manifest = self.bundle.manifest
        self.template = self.bundle.template
        self.device = Device()
        segmenter = choose_segmenter(settings.segmenter, self.bundle)
        self.segmenter = Segmenter(segmenter, settings, self.device)
        self.reconstructor = Reconstructor(
            self.bundle.graph_file(INVERSE_GRAPHICS), settings, self.device
        )
        self.generator = Generator(self.bundle.graph_file(STYLEGAN_R), settings, self.device)
        self.neural: NeuralRenderer | None = None
        """None where the bundle has none."""
        self.runners: list[GraphRunner] = [self.segmenter, self.reconstructor, self.generator]
        if NEURAL_RENDERER in self.manifest.graphs:
            graph = self.bundle.graph_file(NEURAL_RENDERER)
            self.neural = NeuralRenderer(graph, settings, self.device)
            self.runners.append(self.neural)
        self._pool = Threads(settings.cores, "images")
        self.room = Room(settings.pixels_in_flight, self.siblings)
        return_large_blocks()
        self.kept = Kept(settings.kept_reconstructions, settings.keep_seconds)
        self.seams = find_seams(self.template.faces, self.template.face_uvs)
        self.to_glb = GlbWriter(self.seams)
        self.painter = Painter(self.template, self.manifest.texture_size)
        self.fusion = Fusion(self.template)
        self.samples = Samples(self.bundle.samples())
        self.closed = False
        self._trying: asyncio.Task[bool] | None = None
        """Tries a broken graph again, where nobody asks whether this is ready."""
        self._finish_tracing = tracing.start(settings.otlp_endpoint)
        first = self.siblings.index == 0
        self._memory = DeviceMemory(self.reconstructor.session.provider, of_gpu=first)
        self._warm_up()

    @property
    def texture_size(self) -> int:
        """Texels of the longer side of every texture that is kept or rendered, and of mesh files
        where the request names no other."""
        return max(self.settings.texture_size, *self.manifest.texture_size)

    async def in_pool(
        self,
        function: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **keywords: Arguments.kwargs,
    ) -> Result:
        """Decode, render, encode: at most one call per core at a time, off the event loop."""
        # With the context, so that a stage in the pool knows the call it belongs to.
        run = contextvars.copy_context().run
        return await self._pool.call(run, function, *arguments, **keywords)

    @contextmanager
    def admit(self, items: int) -> Iterator[None]:
        """Room for the images of a request until it is answered, or `Overloaded` at once."""
        self.check_room(items)
        if not self.siblings.take(Column.IMAGES, items, self.settings.queue_limit):
            raise self._overloaded()
        metrics.IN_FLIGHT.set(self.siblings.own(Column.IMAGES))
        try:
            yield
        finally:
            self.siblings.set(Column.IMAGES, self.siblings.own(Column.IMAGES) - items)
            metrics.IN_FLIGHT.set(self.siblings.own(Column.IMAGES))
            self._memory.observe()

    def check_room(self, items: int) -> None:
        """Raise `ShuttingDown`, `NotWorking` or `Overloaded` where `admit` would."""
        if self.closed:
            raise ShuttingDown
        if broken := [runner.graph for runner in self.runners if runner.health.broken]:
            if self._trying is None or self._trying.done():
                self._trying = asyncio.create_task(self.is_ready())
            raise NotWorking(broken[0], round(TRY_AGAIN_SECONDS))
        if not self.siblings.fits(Column.IMAGES, items, self.settings.queue_limit):
            raise self._overloaded()

    def _overloaded(self) -> Overloaded:
        waiting = self.siblings.total(Column.IMAGES)
        # They work at the same time.
        share = math.ceil(waiting / self.siblings.count)
        retry_after = self.reconstructor.batcher.retry_after_seconds(share)
        return Overloaded(waiting, self.settings.queue_limit, retry_after)

    def render(
        self,
        vertices: np.ndarray,  # [V, 3]
        texture: np.ndarray,  # [Ht, Wt, 3], uint8 or float in 0..1
        camera: np.ndarray,  # [5]
        size: int,
        samples: int = 1,
    ) -> Rendered:
        """The graphics renderer on one object and one camera; arrays have a batch axis of 1."""
        return render(
            vertices[None], texture[None], camera[None], self.template, size, samples=samples
        )

    async def is_ready(self) -> bool:
        """Whether requests are taken. A graph that failed is tried again, now and then."""
        for runner in self.runners:
            if runner.health.broken and not self.closed and runner.health.may_try():
                await runner.try_again()
        return not self.closed and not any(runner.health.broken for runner in self.runners)

    def broken_seconds(self) -> float:
        """For how long a graph has been failing, whatever its input; 0 where none does."""
        return max(runner.health.broken_seconds for runner in self.runners)

    async def close(self) -> None:
        """Answer everything accepted, then stop."""
        self.closed = True
        if self._trying is not None:
            await asyncio.wait({self._trying})
        for runner in self.runners:
            await runner.batcher.close()
        self.device.close()
        self._pool.close()
        self.kept.close()
        if self._finish_tracing is not None:
            self._finish_tracing()

    def _warm_up(self) -> None:
        """Everything the first client would otherwise wait for: allocations, compilation."""
        for runner in self.runners:
            runner.warm_up()
        resolution = self.manifest.resolution
        content = jpeg_bytes(np.zeros((64, 64, 3), np.uint8))
        photograph = decode(content, resolution, pixel_limit=64 * 64)
        white = jpeg_bytes(np.full((2 * resolution, 2 * resolution, 3), 255, np.uint8))
        limit = 4 * resolution**2
        whole = decode(white, resolution, limit, white)
        decode_square(white, resolution, limit, whole.frame)
        mask = np.ones((resolution, resolution), np.float32)
        component_sizes(mask > 0)
        camera = np.array([30, 15, 5, 0, 0], np.float32)
        view = look(self.template.vertices[None], camera[None], self.template)
        predicted = np.zeros((*self.manifest.texture_size, 3), np.float32)
        painted = self.painter.paint(photograph, mask, view, predicted, self.texture_size)
        self.to_glb(self.template.vertices, painted)
        for texture in (painted, predicted):
            self.render(self.template.vertices, texture, camera, resolution, samples=2)
        self._memory.observe()
        logger.info("settings %s", self.settings.printable())
        self._tell_segmenter()
        logger.info(
            "%s at %d px is ready: %s, %d cores",
            self.manifest.category,
            self.manifest.resolution,
            {runner.graph: runner.session.provider for runner in self.runners},
            self.settings.cores,
        )

    def _tell_segmenter(self) -> None:
        """Which one serves, so that nobody takes the lesser for the better one."""
        chosen = self.segmenter.chosen
        metrics.SEGMENTER.labels(chosen.kind, chosen.sha256).set(1)
        logger.info("segmenter %s: %s, %s", chosen.kind, chosen.origin, chosen.licence)
        if chosen.kind == "bundle" and self.settings.segmenter == AUTO:
            logger.warning(
                "the general segmenter is not set up: the bundle's own serves, which finds far "
                "less on photographs unlike those of its training. Run make setup where the "
                "package index can be reached, or set %sSEGMENTER=bundle to say that it is meant",
                PREFIX,
            )
