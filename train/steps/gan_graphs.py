"""The GPU work of a GAN step, recorded as CUDA graphs and replayed.

The networks' kernels are so short that the CPU needs several times as long to launch them one by
one as the GPU to run them; a graph launches them all at once.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

REHEARSALS = 2
"""Steps of either kind that run before the recording: they make the optimisers' state, and the
libraries choose their kernels."""

Inputs = tuple[Tensor, ...]
Outputs = tuple[Tensor, ...]


class Recorded(NamedTuple):
    """A graph, and the memory that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    inputs: Inputs
    outputs: Outputs  # results of the last replay, in memory that both graphs use


class StepGraphs:
    """Runs `update(inputs, regularise)` by a graph for either value of `regularise`.

    `update` must always do the same on the device but for the contents of `inputs`, neither read
    from it nor wait for it, and keep what lasts (weights, optimisers' state) where it is.
    """

    def __init__(self, update: Callable[[Inputs, bool], Outputs]) -> None:
        self.update = update
        self.rehearsed: Counter[bool] = Counter()
        self.recorded: dict[bool, Recorded] = {}
        self.stream = torch.cuda.Stream()
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, inputs: Inputs, regularise: bool) -> Outputs:
        """The outputs of this step; the next one, of either kind, overwrites them."""
        if regularise not in self.recorded:
            if self.rehearsed[regularise] < REHEARSALS:
                return self._rehearse(inputs, regularise)
            self._record(inputs, regularise)
        recorded = self.recorded[regularise]
        for kept, given in zip(recorded.inputs, inputs, strict=True):
            kept.copy_(given)
        recorded.graph.replay()
        return recorded.outputs

    def _rehearse(self, inputs: Inputs, regularise: bool) -> Outputs:
        """Run on the stream of the recording, as autograd ties its nodes to streams."""
        self.rehearsed[regularise] += 1
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            outputs = self.update(inputs, regularise)
        torch.cuda.current_stream().wait_stream(self.stream)
        return outputs

    def _record(self, inputs: Inputs, regularise: bool) -> None:
        kept = tuple(value.clone() for value in inputs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
            outputs = self.update(kept, regularise)
        self.recorded[regularise] = Recorded(graph, kept, outputs)
