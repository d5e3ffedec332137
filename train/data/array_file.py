"""An `.npy` file that is filled in chunks, survives a kill, and appears complete or not at all."""

import os
from pathlib import Path

import numpy as np

ROWS_PER_COPY = 1024
"""Rows copied at once when fewer rows came than there was room for."""


class ArrayFile:
    """Room for `shape[0]` rows beside `path`; `finish` cuts it to the rows used and renames it.

    A file left by a killed process is taken up again when it fits in shape and type, otherwise
    begun anew; which rows of it are good is the caller's to remember (a checkpoint).
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: type = np.uint8) -> None:
        self.path = path
        self.beside = path.with_name(f".{path.name}.part")
        self.rows = self._reopen(shape, np.dtype(dtype))
        self.resumed = self.rows is not None
        if self.rows is None:
            self.rows = np.lib.format.open_memmap(
                self.beside, mode="w+", dtype=dtype, shape=tuple(shape)
            )

    def _reopen(self, shape: tuple[int, ...], dtype: np.dtype) -> np.memmap | None:
        try:
            rows = np.lib.format.open_memmap(self.beside, mode="r+")
        except (OSError, ValueError):
            return None
        return rows if rows.shape == tuple(shape) and rows.dtype == dtype else None

    def flush(self) -> None:
        """Bring the rows written so far to the disk, before a checkpoint counts on them."""
        self.rows.flush()

    def finish(self, used: int | None = None) -> None:
        """Publish the first `used` rows (default: all) as `path`."""
        used = len(self.rows) if used is None else used
        self.rows.flush()
        if used == len(self.rows):
            os.replace(self.beside, self.path)
            return
        shorter_path = self.path.with_name(f".{self.path.name}.short.part")
        shorter = np.lib.format.open_memmap(
            shorter_path, mode="w+", dtype=self.rows.dtype, shape=(used, *self.rows.shape[1:])
        )
        for start in range(0, used, ROWS_PER_COPY):
            stop = min(start + ROWS_PER_COPY, used)
            shorter[start:stop] = self.rows[start:stop]
        shorter.flush()
        os.replace(shorter_path, self.path)
        self.beside.unlink()
