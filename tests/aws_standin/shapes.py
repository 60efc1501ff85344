"""What of a request or an answer is not as AWS's own service model, which botocore carries, says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from botocore.model import Shape


def faults(shape: Shape | None, value: object, where: str = "") -> Iterator[str]:
    """One sentence for each: unknown or missing members, wrong types, lengths, ranges, patterns and enumerations.

    Times are ISO 8601 text in a request and `datetime` in an answer.
    """
    if shape is None:
        yield from [] if value == {} else [f"{where or 'the request'} takes no parameters"]
        return
    kind, check = CHECKS[shape.type_name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        yield f"{where or 'the request'} is {type(value).__name__}, not a {shape.type_name}"
        return
    yield from check(shape, value, where)


def _structure(shape: Any, value: dict[str, Any], where: str) -> Iterator[str]:
    yield from (f"unknown parameter {_inside(where, name)}" for name in value if name not in shape.members)
    yield from (f"missing parameter {_inside(where, name)}" for name in shape.required_members if name not in value)
    for name, member in shape.members.items():
        if name in value:
            yield from faults(member, value[name], _inside(where, name))


def _list(shape: Any, value: list[Any], where: str) -> Iterator[str]:
    yield from _sized(shape, len(value), where)
    for number, each in enumerate(value):
        yield from faults(shape.member, each, f"{where}[{number}]")


def _map(shape: Any, value: dict[str, Any], where: str) -> Iterator[str]:
    for key, each in value.items():
        yield from faults(shape.key, key, f"{where}.{key}")
        yield from faults(shape.value, each, f"{where}.{key}")


def _string(shape: Any, value: str, where: str) -> Iterator[str]:
    yield from _sized(shape, len(value), where)
    if shape.enum and value not in shape.enum:
        yield f"{where} is {value!r}, none of {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{where} is {value!r} and does not match {pattern}"


def _integer(shape: Any, value: int, where: str) -> Iterator[str]:
    yield from _sized(shape, value, where)


def _anything(shape: Any, value: object, where: str) -> Iterator[str]:
    yield from ()


def _sized(shape: Any, size: int, where: str) -> Iterator[str]:
    if size < shape.metadata.get("min", size) or size > shape.metadata.get("max", size):
        yield f"{where} is not from {shape.metadata.get('min', 0)} to {shape.metadata.get('max')}"


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


Check = Callable[[Any, Any, str], Iterator[str]]
CHECKS: dict[str, tuple[type | tuple[type, ...], Check]] = {
    "structure": (dict, _structure),
    "list": (list, _list),
    "map": (dict, _map),
    "string": (str, _string),
    "integer": (int, _integer),
    "boolean": (bool, _anything),
    "timestamp": ((str, datetime), _anything),
}
