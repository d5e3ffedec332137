"""Train the neural renderer of a bundle anew, on views of a camera-conditioned GAN.

    python -m train.neural --bundle runs/adapted/bundle --out runs/neural
    make serve BUNDLE=runs/neural/bundle

A bundle's neural renderer knows the shapes and textures of the network that it was trained with.
Where another one has taken that network's place, as after `train.adapt`, it no longer fits. The
bundle itself reads the GAN's views. `--begin` goes on from a `neural_renderer.safetensors`.

The same command again goes on where the last one ended. Exit status: 0 done, 2 an argument or the
bundle cannot be used.
"""

import sys
from collections.abc import Sequence

from train.adaptation.renewing import renew
from train.adaptation.renewing_options import Neural


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return renew(Neural, "train.neural", __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
