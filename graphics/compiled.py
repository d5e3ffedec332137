"""How loops are compiled, with numba.

Each loop is compiled at its first call per dtype, and cached on disk. It runs on one thread without
the GIL, so that callers can run several batches at once from threads of their own.
"""

import logging
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import config
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

CACHE_VARIABLE = "NUMBA_CACHE_DIR"
"""numba's variable for the folder of compiled code."""

Array = NDArray[np.floating]  # float32 or float64
Number = float | np.floating
"""A number in a loop, of its arrays' dtype: a literal 1 would make float32 arithmetic float64."""


class CacheFolderError(RuntimeError):
    """Compiled code can be kept nowhere; the message says what to set."""


def cached(**options: Any) -> Callable[[Callable[..., Any]], Dispatcher]:
    """A decorator: `numba.njit` with these options, without the GIL, cached on disk.

    numba keeps the code beside the source, else in the user's home. Where it can write neither, as
    in a read-only image, it is kept in a folder for temporary files that is this user's alone.

    Raises:
        CacheFolderError: there is no such folder either, or NUMBA_CACHE_DIR names one that cannot
            be written.
    """
    compile_loop = numba.njit(cache=True, nogil=True, **options)

    def decorate(function: Callable[..., Any]) -> Dispatcher:
        try:
            return compile_loop(function)
        except RuntimeError as error:
            if "cannot cache function" not in str(error):
                raise
        _use_temporary_folder()
        return compile_loop(function)

    return decorate


def _use_temporary_folder() -> None:
    if named := os.environ.get(CACHE_VARIABLE):
        raise CacheFolderError(
            f"{CACHE_VARIABLE} is {named!r}, which cannot be written: name a folder that can"
        )
    try:
        folder = Path(tempfile.gettempdir()) / f"numba-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise CacheFolderError(
            f"there is no folder for compiled code ({error}): set {CACHE_VARIABLE} to one that can "
            "be written"
        ) from None
    # What is read from there is run.
    private = found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o022
    if not (stat.S_ISDIR(found.st_mode) and private):
        raise CacheFolderError(
            f"{folder} is not this user's alone, so that compiled code is not kept there: set "
            f"{CACHE_VARIABLE} to a folder that is"
        )
    logger.warning(
        "compiled code is kept in %s, as neither %s nor the home folder can be written: set %s to "
        "keep it elsewhere", folder, Path(__file__).parent, CACHE_VARIABLE,
    )  # fmt: skip
    # For what is compiled from here on, in processes of this one too.
    os.environ[CACHE_VARIABLE] = str(folder)
    config.reload_config()


compiled = cached(error_model="numpy")
"""The decorator; in the `numpy` error model a division by zero is inf, never an exception."""
