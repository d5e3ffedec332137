"""Turns photographs into meshes, as many as there are, without a server.

    python -m service.batch PHOTOGRAPHS RESULTS

PHOTOGRAPHS is a folder, a list (.txt) or a .parquet with a column photograph; RESULTS a folder.
Both may lie in an object store (s3://). The same command again makes only what is missing.
"""

import sys
import uuid

import tyro

from graphics.usage_data import switch_off
from service.batch.options import Options
from service.settings import read_settings

UNUSABLE, SOME_FAILED = 2, 1
HOW_TO_INSTALL = "it needs the extra batch: pip install '.[batch]' -c .ci/constraints.txt"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status.

    0: every photograph became a mesh, or was looked at for one; 1: some failed, as
    RESULTS/report.md says; 2: the batch cannot be begun or go on. The same command then goes on
    where it stopped.
    """
    switch_off()
    description = (__doc__ or "").split("\n\n")[0]
    options = tyro.cli(
        Options, args=arguments, prog="python -m service.batch", description=description
    )
    try:
        from service.batch.command import run  # for which --help does not wait

        failed = run(options, read_settings(), uuid.uuid4().hex)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("ray", "pyarrow"):
            raise
        print(f"batch: {error.name} is not installed; {HOW_TO_INSTALL}", file=sys.stderr)
        return UNUSABLE
    except ValueError as error:  # of a setting
        print(f"batch: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("batch: stopped; the same command goes on", file=sys.stderr)
        return UNUSABLE
    return UNUSABLE if failed is None else SOME_FAILED if failed else 0


if __name__ == "__main__":
    sys.exit(main())
