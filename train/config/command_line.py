"""Command lines from dataclasses, by tyro, and how a command ends.

Nothing here or in the settings imports torch: what cannot be used is refused at once.
"""

import errno
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from typing import Annotated, Any, TypeVar

import tyro
from docstring_parser import parse_from_object
from tyro.constructors import (
    MISSING_NONPROP,
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from train.config.section import CommandError, Section, annotations, limits

Options = TypeVar("Options")
Values = Annotated[Options, tyro.conf.FlagConversionOff]
"""Settings whose switches are written with a value, as in `--inverse.anew true`."""
Settings = Annotated[Values[Options], tyro.conf.arg(name="")]
"""Settings whose flags have no prefix but their sections'."""

MARKERS = (
    tyro.conf.DisallowNone,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.PositionalMetavarFromFieldName,
)
_REGISTRY = ConstructorRegistry()

STOPPED, DISK_FULL = 130, 1
"""Exit statuses; the first is the shell's own for Ctrl-C."""
FULL = (errno.ENOSPC, errno.EDQUOT)
AGAIN = (
    "nothing that was finished is lost; the same command again goes on from its last checkpoint, "
    "or begins anew where it writes none"
)


def parse(
    kind: Any,  # a dataclass, or a union of them: sub-commands
    arguments: Sequence[str] | None,
    module: str,
    docstring: str | None,
    default: Any = MISSING_NONPROP,
    more: str = "",
) -> Any:
    """The options of a command line, an instance of `kind`.

    `docstring`: the module's, whose first paragraph --help begins with, then `more`; `default`: of
    what is not given.

    Raises:
        ConfigError: an impossible value.
        SystemExit: status 2, an unknown flag or a value of another type, or 0, --help; why is said.
    """
    return tyro.cli(
        kind,
        args=arguments,
        default=default,
        prog=f"python -m {module}",
        description=(docstring or "").split("\n\n")[0] + more,
        config=MARKERS,
        registry=_REGISTRY,
    )


def parse_first(kind: type[Options], arguments: Sequence[str] | None, module: str) -> Options:
    """Only the options that the defaults of all others depend on."""
    prog = f"python -m {module}"
    known, _ = tyro.cli(kind, args=arguments, prog=prog, return_unknown_args=True, add_help=False)
    return known


def outcome(
    work: Callable[[], None], *unusable: type[Exception]
) -> tuple[int, str]:  # the exit status, and what there is to say about it
    """Do `work`; `unusable`: errors beside `CommandError` whose message says what to change.

    Ctrl-C ends with status 130 and a full disk with 1, each with one line.
    """
    try:
        work()
    except CommandError as error:
        return error.status, str(error)
    except KeyboardInterrupt:
        return STOPPED, f"stopped: {AGAIN}"
    except OSError as error:
        if error.errno in FULL:
            return DISK_FULL, f"{error}: make room on that disk; {AGAIN}"
        if not isinstance(error, unusable):
            raise
        return CommandError.status, str(error)
    except unusable as error:
        return CommandError.status, str(error)
    except SystemExit as ended:  # tyro's, which has said why
        return int(ended.code or 0), ""
    return 0, ""


def finish(module: str, status: int, message: str) -> int:
    """Say why a command ends, if there is anything to say; returns the exit status."""
    if message:
        print(f"{module}: {message}", file=sys.stderr)
    return status


@_REGISTRY.primitive_rule
def _boolean(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """Switches are written `true` or `false`, in any case."""
    if info.type is not bool:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="{true,false}",
        instance_from_str=lambda texts: texts[0].lower() == "true",
        is_instance=lambda value: isinstance(value, bool),
        str_from_instance=lambda value: [str(value).lower()],
        choices=("true", "false", "True", "False"),
    )


@_REGISTRY.struct_rule
def _described(info: StructTypeInfo) -> StructConstructorSpec | None:
    """A section: limits stand behind the type of a number, docstrings are one paragraph each."""
    if not isinstance(info.type, type) or not issubclass(info.type, Section):
        return None
    given = info.default if isinstance(info.default, info.type) else None
    specs = []
    for field in fields(info.type):
        annotation: Any = annotations(info.type)[field.name]
        if bounds := limits(annotation):
            metavar = annotation.__origin__.__name__.upper() + ",".join(map(str, bounds))
            metavar = metavar.replace(" ", "")
            annotation = Annotated[annotation, tyro.conf.arg(metavar=metavar)]
        if given is not None:
            default = getattr(given, field.name)
        elif field.default_factory is not MISSING:
            default = field.default_factory()
        else:
            default = MISSING_NONPROP if field.default is MISSING else field.default
        if default in (None, ""):  # the docstring says what that means
            annotation = Annotated[annotation, tyro.conf.arg(help_behavior_hint="")]
        helptext = partial(_docstring, info.type, field.name)
        specs.append(StructFieldSpec(field.name, annotation, default, helptext))
    return StructConstructorSpec(info.type, tuple(specs))


def _docstring(kind: type, name: str) -> str | None:
    return docstrings(kind).get(name)


@cache
def docstrings(kind: type) -> dict[str, str]:
    """The docstring below each field of a class, its bases' included, as one paragraph."""
    owners = [owner for owner in reversed(kind.__mro__) if is_dataclass(owner)]
    found = (each for owner in owners for each in parse_from_object(owner).params)
    return {each.arg_name: " ".join((each.description or "").split()) for each in found}
