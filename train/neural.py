"""Train the neural renderer of a bundle anew, on views of a camera-conditioned GAN.

    python -m train.neural --bundle runs/adapted/bundle --out runs/neural
    make serve BUNDLE=runs/neural/bundle

A bundle's neural renderer knows the shapes and textures of the network that it was trained with.
Where another one has taken that network's place, as after `train.adapt`, it no longer fits. The
bundle itself reads the GAN's views. `--begin` goes on from a `neural_renderer.safetensors`.

The same command again goes on where the last one ended. Exit status: 0 done, 2 an argument or the
bundle cannot be used.
"""

import importlib
import sys
from collections.abc import Sequence
from functools import partial

from train.adaptation.renewing_options import Neural
from train.config.command_line import finish, outcome, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return finish("train.neural", *outcome(partial(_command, arguments), OSError))


def _command(arguments: Sequence[str] | None) -> None:
    options = parse(Neural, arguments, "train.neural", __doc__)
    options.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said at once
    # It brings torch and numba, which a refused argument does not wait for.
    renewing = importlib.import_module("train.adaptation.neural")
    print(renewing.renew(options))
    bundle = options.out / "bundle"
    print(f"bundle: {bundle}; next: make serve BUNDLE={bundle}")


if __name__ == "__main__":
    sys.exit(main())
