"""The parts of AWS's policy language that moto leaves out: who is trusted, on which condition.

Covers trust policies of roles and bucket policies for AWS's own services.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

# Those that AWS compares with wildcards, and those that it does not.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda actual, wanted: actual == wanted,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
}


def allows(
    document: str | bytes | None, *, principal: str, action: str, resource: str, context: Mapping[str, str]
) -> bool:
    """Whether the policy lets the principal (an ARN, or the name of a service) do that; a Deny wins."""
    statements = json.loads(document)["Statement"] if document else []
    effects = {
        each["Effect"]
        for each in ([statements] if isinstance(statements, dict) else statements)
        if _is_about(each, principal, action, resource, context)
    }
    return effects == {"Allow"}


def _is_about(
    statement: dict[str, Any], principal: str, action: str, resource: str, context: Mapping[str, str]
) -> bool:
    return (
        any(_is_principal(principal, each) for each in _principals(statement.get("Principal")))
        and any(fnmatchcase(action.lower(), each.lower()) for each in _many(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in _many(statement.get("Resource", "*")))
        and all(_holds(operator, keys, context) for operator, keys in statement.get("Condition", {}).items())
    )


def _principals(said: Any) -> Iterable[str]:
    return _many(said) if not isinstance(said, dict) else [each for kind in said.values() for each in _many(kind)]


def _is_principal(principal: str, said: str) -> bool:
    """An account's number and its root stand for everybody in it."""
    account = principal.split(":")[4] if principal.startswith("arn:") else "-"
    return said in ("*", principal, account) or (said.startswith("arn:") and said.endswith(f"::{account}:root"))


def _holds(operator: str, keys: dict[str, Any], context: Mapping[str, str]) -> bool:
    same = _OPERATORS[operator]
    return all(
        any(key.lower() in context and same(context[key.lower()], each) for each in _many(wanted))
        for key, wanted in keys.items()
    )


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
