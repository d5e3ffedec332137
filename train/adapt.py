"""Adapt a bundle to photographs or textured meshes of your own.

    python -m train.adapt --photos photographs/ --out runs/adapted
    make serve BUNDLE=runs/adapted/bundle

Its network learns azimuths from the labels of `photos.csv` (`train.annotate` makes one) and from
what it is sure of itself in the other photographs; shape and texture by renderings into them. It
sees rendered objects beside them, so that nothing is forgotten. Trainings by folds say what that is
worth, before and after, and calibrate the confidence. `adaptation.json` and the bundle's manifest
hold the figures. With `--meshes` alone the whole network learns from these.

The same command again goes on where the last one ended. Exit status: 0 done, 2 an argument, the
bundle or all photographs cannot be used.
"""

import importlib
import json
import sys
from collections.abc import Sequence
from functools import partial

from train.adaptation.options import Adapt
from train.config.command_line import finish, outcome, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return finish("train.adapt", *outcome(partial(_command, arguments), OSError))


def _command(arguments: Sequence[str] | None) -> None:
    options = parse(Adapt, arguments, "train.adapt", __doc__)
    options.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said at once
    # It brings torch and numba, which a refused argument does not wait for.
    adapting = importlib.import_module("train.adaptation.adapting")
    print(json.dumps(adapting.adapt(options), indent=1))
    bundle = options.out / "bundle"
    print(f"bundle: {bundle}; next: make serve BUNDLE={bundle}")


if __name__ == "__main__":
    sys.exit(main())
