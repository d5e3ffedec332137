"""Memory of several sessions, in a process of its own: it is shared until that ends."""

import subprocess
import sys

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from service.model.session import CPU, CUDA
from service.process import ROOT

RUN = """
import sys
import numpy as np, onnxruntime
from service.model import arena
provider, file, mebibytes = sys.argv[1:]
arena.share(provider, int(mebibytes))
options = onnxruntime.SessionOptions()
options.add_session_config_entry(*arena.OPTION)
for number in range(3):
    session = onnxruntime.InferenceSession(file, options, providers=[provider])
    session.run(None, {"x": np.zeros((1, 1 << 18), np.float32)})
    print("ran", number, flush=True)
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """Needs some 9 MiB for a run."""
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["y"]),
            helper.make_node("Concat", ["y"] * 8, ["z"], axis=0),
        ],
        "wide",
        [value("x", TensorProto.FLOAT, [1, 1 << 18])],
        [value("z", TensorProto.FLOAT, [8, 1 << 18])],
    )
    file = tmp_path_factory.mktemp("arena") / "wide.onnx"
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, file)
    return file


ON_A_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        CUDA not in onnxruntime.get_available_providers(), reason="no CUDA in this ONNX Runtime"
    ),
]


@pytest.mark.parametrize("provider", [CPU, pytest.param(CUDA, marks=ON_A_GPU)])
@pytest.mark.parametrize(("mebibytes", "sessions"), [(64, 3), (4, 0)])
def test_sessions_take_their_memory_from_what_is_allowed(graph, provider, mebibytes, sessions):
    done = subprocess.run(
        [sys.executable, "-c", RUN, provider, str(graph), str(mebibytes)],
        cwd=ROOT, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.stdout.count("ran") == sessions, done.stderr
    assert sessions == 3 or "is smaller than requested bytes" in done.stderr
