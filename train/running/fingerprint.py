"""What a folder holds, in a line: a repeated command can tell whether that has changed."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def fingerprint(folder: Path, files: Iterable[Path]) -> str:
    """The number of these files below the folder, and the sha256 of their names and contents.

    A file that cannot be read counts by its name.
    """
    whole, count = hashlib.sha256(), 0
    for path in sorted(files):
        count += 1
        for part in (os.fsencode(path.relative_to(folder)), _content(path)):
            whole.update(hashlib.sha256(part).digest())
    return f"{count} files, sha256 {whole.hexdigest()[:16]}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
