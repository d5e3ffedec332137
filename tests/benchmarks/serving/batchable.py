"""BentoML's own adaptive batching around the benchmark's graph."""

import os

import bentoml
import numpy as np

from tests.benchmarks.serving import wire
from tests.benchmarks.serving.session import open_graph


@bentoml.service(
    name="batchable", workers=1, traffic={"timeout": 300}, logging={"access": {"enabled": False}}
)
class Batchable:
    def __init__(self):
        self.session = open_graph(
            os.environ["BENCHMARK_GRAPH"],
            int(os.environ["BENCHMARK_THREADS"]),
            os.environ["BENCHMARK_DEVICE"],
        )

    @bentoml.api(route="/run", batchable=True, max_batch_size=32, max_latency_ms=60_000)
    def run(self, images: list[str]) -> list[str]:
        (outputs,) = self.session.run(None, {"images": np.stack([*map(wire.read_image, images)])})
        return [wire.write_output(output, len(images)) for output in outputs]
