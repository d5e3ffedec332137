"""Keeps the memory of freed tensors in the process, for the next training step to use again.

By default glibc hands blocks over a few hundred kilobytes back to the system when they are freed,
and every activation of every step is then paid for again in page faults: measured, up to a
fifth of a GAN step's time on a CPU.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Parameters of mallopt(3), from glibc's malloc.h."""
LARGEST_MMAP_THRESHOLD = 32 * 1024 * 1024  # highest value that glibc accepts on 64-bit systems
TOP_PAD = 256 * 1024 * 1024  # bytes by which the heap grows at once
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; False where there is no glibc and nothing is changed."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        return False
    settings = (
        (M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD),
        (M_TRIM_THRESHOLD, NEVER),
        (M_TOP_PAD, TOP_PAD),
    )
    return all([mallopt(name, value) == 1 for name, value in settings])
