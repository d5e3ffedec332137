"""Device memory that all sessions of a process share, and never more of it than is allowed.

ONNX Runtime loads weights into memory of the session's own, whatever this says.

Without it each session has memory of its own: that of each graph at each size of a batch.
"""

from functools import cache

import onnxruntime

MEMORY = {"CUDAExecutionProvider": "Cuda", "CPUExecutionProvider": "Cpu"}
"""ONNX Runtime's names of the memory that a provider takes."""
AS_REQUESTED = 1
"""How the memory grows: by what is asked for, in place of the next power of two."""


@cache
def share(provider: str, mebibytes: int) -> None:
    """Have sessions of `provider` that are opened with `OPTION` share so many MiB of its memory.

    Once in a process. A run that needs more than is left fails; it harms no other.
    """
    memory = onnxruntime.OrtMemoryInfo(
        MEMORY[provider],
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    )
    limits = {"max_mem": mebibytes << 20, "arena_extend_strategy": AS_REQUESTED}
    arena = onnxruntime.OrtArenaCfg(limits)
    onnxruntime.create_and_register_allocator_v2(provider, memory, {}, arena)


OPTION = ("session.use_env_allocators", "1")
"""Of a session that takes its memory from there."""
