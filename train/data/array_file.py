"""An `.npy` file that is filled in chunks, survives a kill, and appears complete or not at all."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROWS_PER_COPY = 1024  # rows copied at once when not all of them are kept


class ArrayFile:
    """Room for `shape[0]` rows beside `path`; `finish` keeps the rows wanted and renames it.

    A file left by a killed process is reopened if shape and type fit, otherwise begun anew. Which
    of its rows are good is the caller's to remember (a checkpoint).
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: type = np.uint8) -> None:
        self.path = path
        self.beside = path.with_name(f".{path.name}.part")
        left = self._reopen(shape, np.dtype(dtype))
        self.resumed = left is not None
        self.rows = left if left is not None else _new_file(self.beside, shape, dtype)

    def _reopen(self, shape: tuple[int, ...], dtype: np.dtype) -> np.memmap | None:
        try:
            rows = np.lib.format.open_memmap(self.beside, mode="r+")
        except (OSError, ValueError):
            return None
        return rows if rows.shape == tuple(shape) and rows.dtype == dtype else None

    def flush(self) -> None:
        """Bring the rows written so far to the disk, before a checkpoint counts on them."""
        self.rows.flush()

    def finish(self, kept: np.ndarray | None = None) -> None:
        """Publish the rows with the indices `kept` (default: all), in that order, as `path`."""
        self.rows.flush()
        if kept is None:
            os.replace(self.beside, self.path)
            return
        chosen_path = self.path.with_name(f".{self.path.name}.kept.part")
        chosen = _new_file(chosen_path, (len(kept), *self.rows.shape[1:]), self.rows.dtype)
        for start in range(0, len(kept), ROWS_PER_COPY):
            stop = min(start + ROWS_PER_COPY, len(kept))
            chosen[start:stop] = self.rows[kept[start:stop]]
        chosen.flush()
        os.replace(chosen_path, self.path)
        self.beside.unlink()


def _new_file(path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.memmap:
    """An empty file whose room is reserved: a mapped page that the disk has no room for would end
    the process by a signal, without a word."""
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=tuple(shape))
    try:
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    except OSError as error:
        del rows
        path.unlink()
        raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from error
    return rows
