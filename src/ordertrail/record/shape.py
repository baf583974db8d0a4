"""Every problem of a value's shape against a struct's types, not only the first."""

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType

from ordertrail.kernel.errors import Problem


def shape_problems(value: Any, expected: Any, path: str = "") -> list[Problem]:
    """Return what keeps a plain JSON value from being of the expected type, each with its dotted path."""
    return list(_walk(value, expected, path))


def _walk(value: Any, expected: Any, path: str) -> Iterator[Problem]:
    expected = _for_json(value, expected)
    if isinstance(expected, type) and issubclass(expected, msgspec.Struct):
        yield from _walk_struct(value, expected, path)
    elif get_origin(expected) is tuple and isinstance(value, list):
        (item_type, _) = get_args(expected)
        for number, item in enumerate(value):
            yield from _walk(item, item_type, f"{path}.{number}")
    else:
        try:
            msgspec.convert(value, expected)
        except (msgspec.ValidationError, RecursionError) as error:
            yield Problem(path, _in_words(str(error)))


def _walk_struct(value: Any, expected: type[msgspec.Struct], path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"must be an object, not {_kind(value)}")
        return
    prefix = f"{path}." if path else ""
    hints = get_type_hints(expected)
    for field in msgspec.structs.fields(expected):
        if field.name in value:
            yield from _walk(value[field.name], hints[field.name], prefix + field.name)
        elif field.required:
            yield Problem(prefix + field.name, "is missing")
    for name in value:
        if name not in hints:
            yield Problem(prefix + name, f"is not a field here; the fields are {', '.join(sorted(hints))}")


def _for_json(value: Any, expected: Any) -> Any:
    """Choose the member of a union that a JSON value can only mean."""
    if get_origin(expected) not in (Union, types.UnionType):
        return expected
    choices = [choice for choice in get_args(expected) if choice is not UnsetType and choice is not UNSET]
    if value is None and type(None) in choices:
        return type(None)
    choices = [choice for choice in choices if choice is not type(None)]
    structs = [
        choice for choice in choices if isinstance(choice, type) and issubclass(choice, msgspec.Struct)
    ]
    if isinstance(value, dict) and structs:
        return structs[0]
    plain = [choice for choice in choices if choice not in structs]
    return plain[0] if plain else structs[0]


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _in_words(message: str) -> str:
    return message.replace("`", "").replace("Expected ", "must be ").replace(", got ", ", not ")
