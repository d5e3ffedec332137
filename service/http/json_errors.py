"""What is wrong with JSON, in the words of all refusals: what was got, what is allowed."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

LISTED = 5
"""Problems in one refusal."""
SHOWN = 80
"""Characters of a value in one."""
ALLOWED = {
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "above {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "below {lt}",
    "finite_number": "a finite number",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "string_too_long": "a text of at most {max_length} characters",
    "string_too_short": "a text of at least {min_length} characters",
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
"""By pydantic's type of an error; the names in braces are in its context."""


class DoubledKey(ValueError):
    """An object has two values for one key, of which readers of JSON take one or the other."""


def check_keys(text: str | bytes) -> None:
    """Raise `DoubledKey` where an object has a key twice; says nothing of other faults."""
    with suppress(json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str)


def _once(pairs: list[tuple[str, Any]]) -> None:
    keys = Counter(key for key, _ in pairs)
    if len(keys) < len(pairs):
        key = keys.most_common(1)[0][0]
        raise DoubledKey(f"{key[:SHOWN]!r} stands there twice in one object: send it once")


def in_words(model: type[BaseModel], error: ValidationError, name: str = "") -> str:
    """The first problems of a JSON text that is no such model; `name`: of the field it came in."""
    problems = error.errors(include_url=False)[:LISTED]
    return "; ".join(_problem(model, problem, name) for problem in problems)


def _problem(model: type[BaseModel], problem: Any, name: str) -> str:
    path: Sequence[str | int] = problem["loc"]
    where = ".".join(map(str, [name, *path] if name else path)) or "the body"
    got, context = problem["input"], problem.get("ctx", {})
    match problem["type"]:
        case "json_invalid":
            return f"{where} is no JSON ({context['error']}): send an object, in UTF-8"
        case "value_error":  # a model's own, which says all
            return f"{where}: {context['error']}"
        case "extra_forbidden":
            known = tuple(_model_at(model, path[:-1]).model_fields)
            return f"{where} is not known; it must be one of {known}"
        case "missing" if isinstance(path[-1], int):
            return f"{where} is missing: {shown(got)} is too short"
        case "missing":
            field = _model_at(model, path[:-1]).model_fields[str(path[-1])]
            return f"{where} is missing: send {field.description}"
    limits = {k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
    allowed = ALLOWED.get(problem["type"])
    if allowed is None:
        return f"{where} is {shown(got)}; {problem['msg'].replace('Input should', 'it must')}"
    return f"{where} is {shown(got)}; it must be {allowed.format(**limits)}"


def shown(value: Any) -> str:
    """A value of JSON in a few characters, however large it is."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return repr(value[:SHOWN])
        case dict():
            return "an object"
        case list():
            return f"a list of {len(value)}"
    return str(value)[:SHOWN]


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    """The model of an object within another."""
    for step in path:
        if isinstance(step, str):
            model = next(_models(model.model_fields[step].annotation))
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
