"""How a file is refused."""

from train.config import CommandError


class CheckpointError(CommandError):
    """A checkpoint cannot be imported; one line: what was found, what is wanted, what to do."""


def listing(names: list[str], most: int = 4) -> str:
    """The first `most` names and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def contents(value: object) -> str:
    """The names of a dictionary's entries, or the type of what is none."""
    held = ", ".join(map(str, value)) if isinstance(value, dict) else type(value).__name__
    return held[:200] or "nothing"


def printable(text: str, most: int = 2000) -> str:
    """One line of text of a file, at most so long: without what would steer a terminal."""
    cut = text if len(text) <= most else f"{text[:most]} ..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
