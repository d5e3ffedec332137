"""LitServe around the benchmark's graph.

    python -m tests.benchmarks.serving.lit GRAPH PORT THREADS DEVICE

It batches requests, not images: only requests of one image can be compared.
"""

import sys

import litserve
import numpy as np

from tests.benchmarks.serving import wire
from tests.benchmarks.serving.session import open_graph


class Api(litserve.LitAPI):
    def setup(self, device):
        self.session = open_graph(sys.argv[1], int(sys.argv[3]), sys.argv[4])

    def decode_request(self, request):
        (text,) = request["images"]
        return wire.read_image(text)

    def predict(self, images):
        stacked = np.stack(images)
        (outputs,) = self.session.run(None, {"images": stacked})
        return [(output, len(stacked)) for output in outputs]

    def encode_response(self, found):
        return [wire.write_output(*found)]


if __name__ == "__main__":
    made = Api(max_batch_size=32, batch_timeout=0.02, api_path="/run")
    litserve.LitServer(made, accelerator="cpu", timeout=300).run(
        host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False
    )
