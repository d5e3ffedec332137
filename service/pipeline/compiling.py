"""Compiles the loops that a service runs, so that its first start in a clone takes no longer.

    python -m service.pipeline.compiling

Compiled code is kept beside the source. `make setup` calls this once; else each worker of the first
start would compile the same, for many seconds.
"""

import asyncio

from service.pipeline.engine import Engine
from service.settings import Settings


def main() -> None:
    """Start the shipped bundle as a service does, and end it: to start is to compile."""
    engine = Engine(Settings(device="cpu"))
    asyncio.run(engine.close())


if __name__ == "__main__":
    main()
