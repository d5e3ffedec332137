"""An image as a client sent it, before anything of it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Upload(NamedTuple):
    """One image of a request or job; contents are read off the event loop, one after the other.

    Reading raises `ItemError` where there is no file to read.
    """

    name: str
    """As sent."""
    read: Callable[[], bytes]
    read_mask: Callable[[], bytes] | None = None
    """None where no mask came with the image."""
