"""GPU memory that all sessions of a process share, and never more of it than is allowed.

Without it each session has memory of its own: that of each graph at each size of a batch.
"""

from functools import cache

import onnxruntime

CUDA_MEMORY = "Cuda"
"""ONNX Runtime's name of a GPU's memory."""
AS_REQUESTED = 1
"""How the memory grows: by what is asked for, in place of the next power of two."""


@cache
def share(provider: str, mebibytes: int) -> None:
    """Have sessions of `provider` that are opened with `OPTION` share so many MiB of the GPU."""
    memory = onnxruntime.OrtMemoryInfo(
        CUDA_MEMORY,
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    )
    limits = {"max_mem": mebibytes << 20, "arena_extend_strategy": AS_REQUESTED}
    arena = onnxruntime.OrtArenaCfg(limits)
    onnxruntime.create_and_register_allocator_v2(provider, memory, {}, arena)


OPTION = ("session.use_env_allocators", "1")
"""Of a session that takes its memory from there."""
