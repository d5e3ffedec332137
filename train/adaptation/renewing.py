"""The commands that train a renderer of a bundle anew, which differ in what they train."""

import importlib
from collections.abc import Sequence
from functools import partial

from train.adaptation.renewing_options import Renewing
from train.config.command_line import finish, outcome, parse


def renew(
    options: type[Renewing], program: str, text: str | None, arguments: Sequence[str] | None
) -> int:
    """Run `program`, whose --help says `text`; returns its exit status.

    The module that trains is told by the options.
    """
    return finish(program, *outcome(partial(_command, options, program, text, arguments), OSError))


def _command(
    kind: type[Renewing], program: str, text: str | None, arguments: Sequence[str] | None
) -> None:
    options = parse(kind, arguments, program, text)
    options.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said at once
    # It brings torch and numba, which a refused argument does not wait for.
    training = importlib.import_module(kind.trained_by)
    print(training.renew(options))
    bundle = options.out / "bundle"
    print(f"bundle: {bundle}; next: make serve BUNDLE={bundle}")
