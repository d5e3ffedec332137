"""triton's kernels compile for an NVIDIA GPU.

No GPU is needed, but a process of its own: here they are interpreted.
"""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("triton")

COMPILE = """
import json, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from train.renderer import triton_gradients, triton_kernels

FORWARD, BACKWARD = {"TILE": 8}, {"SPAN": 8}
KERNELS = {
    triton_kernels.list_faces: {"TILE": 16, "BLOCK": 256},
    triton_kernels.visible_faces: FORWARD, triton_kernels.soft_mask: FORWARD,
    triton_gradients.vertices_gradient: BACKWARD, triton_gradients.features_gradient: BACKWARD,
    triton_gradients.soft_mask_gradient: BACKWARD,
}
INTEGERS = {"faces", "height", "width", "channels", "knum"}
NUMBERS = {"epsilon", "margin", "sigmainv", "boxlen"}
INDICES = {"listed", "counts", "face_index", "last_face"}

def kind(name, dtype):
    if name in INTEGERS: return "i32"
    if name in NUMBERS: return "fp32"
    if name in INDICES: return "*i32"
    return "*i1" if name == "valid" else "*" + dtype

for kernel, sizes in KERNELS.items():
    # An integer argument that is 1 becomes a constant of the program.
    for dtype, ones in (("fp32", ()), ("fp64", ()), ("fp32", INTEGERS & set(kernel.arg_names))):
        constants = {**sizes, **dict.fromkeys(ones, 1)}
        kinds = {name: "constexpr" if name in constants else kind(name, dtype)
                 for name in kernel.arg_names}
        indices = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
        made = triton.compile(ASTSource(kernel, kinds, indices), target=GPUTarget("cuda", 90, 32),
                              options={"num_warps": 2, "enable_fp_fusion": False})
        print(json.dumps([kernel.__name__, dtype, len(made.asm["cubin"])]))
"""


def test_every_kernel_compiles_for_cuda(tmp_path):
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(made) == 18 and all(size > 0 for _, _, size in made)
