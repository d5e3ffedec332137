"""How this package compiles its loops, with numba.

Each loop is compiled at its first call per dtype, and cached on disk. It runs on one thread without
the GIL, so that callers can run several batches at once from threads of their own.
"""

import numba
import numpy as np
from numpy.typing import NDArray

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
"""The decorator; in the `numpy` error model a division by zero is inf, never an exception."""

Array = NDArray[np.floating]  # float32 or float64
Number = float | np.floating
"""A number in a loop, of its arrays' dtype: a literal 1 would make float32 arithmetic float64."""
