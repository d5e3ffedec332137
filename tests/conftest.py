"""Without a GPU, triton's kernels run in its interpreter.

Triton asks the environment when it is imported, and many libraries import it: this file is read
before any of them.
"""

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
