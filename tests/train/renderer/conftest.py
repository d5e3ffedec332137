"""Without a GPU, triton's kernels run in its interpreter; it asks the environment when imported."""

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
