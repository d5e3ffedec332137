"""Takes a StyleGAN2 that others trained: its weights, and nothing else of the file.

    python -m train.import_stylegan car.pkl --out imported/car

Reads NVIDIA's pickles (stylegan2-ada-pytorch; StyleGAN2 of the stylegan3 repository) and files of
rosinality's stylegan2-pytorch. No code in them is run. Prints what became of every key, and writes
`generator.safetensors`, and `discriminator.safetensors` where the file holds one. Exit status:
0 done, 2 the file cannot be used.
"""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tyro.conf import Positional

from train.checkpoints import VIEW_LAYERS
from train.checkpoints.refusal import printable
from train.config.command_line import finish, outcome, parse
from train.config.section import AtLeast1, InputFile, OutputFolder, Section


@dataclass(frozen=True, kw_only=True)
class Command(Section):
    """The command line."""

    file: Positional[InputFile]
    """NVIDIA's .pkl or rosinality's .pt."""
    out: OutputFolder
    """The folder to write to."""
    view_layers: AtLeast1 = VIEW_LAYERS
    """Codes that hold the viewpoint (Zhang et al. 2021, section 3.1)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    status, message = outcome(partial(_command, arguments), OSError)
    return finish("train.import_stylegan", status, printable(message))


def _command(arguments: Sequence[str] | None) -> None:
    given = parse(Command, arguments, "train.import_stylegan", __doc__)
    # It brings torch, which a refused argument does not wait for.
    stylegan_file = importlib.import_module("train.checkpoints.stylegan_file")
    report = stylegan_file.import_file(given.file, given.out, given.view_layers)
    print("\n".join(map(printable, report)))
    use = f"--preset paper --gan.checkpoint {given.out} --photographs.source checkpoint"
    use += f" --photographs.size {stylegan_file.size_of(given.out)}"
    more = "; with photographs of your own --data FOLDER in place of the source"
    print(printable(f"checkpoint: {given.out}; next: python -m train.cycle {use}{more}"))


if __name__ == "__main__":
    sys.exit(main())
