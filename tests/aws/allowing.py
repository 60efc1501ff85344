"""Whether a policy allows a request: the few rules of IAM that moto leaves out, for documents of Outlay's own kind.

Only `Allow` statements, with the operators that Outlay writes. A condition on what a request does not say is not met.
Source: the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringLike": lambda wanted, given: fnmatchcase(given, wanted),
}


def allows(
    document: Mapping[str, Any],
    action: str,
    resource: str = "",
    *,
    principal: tuple[str, str] | None = None,
    context: Mapping[str, str] | None = None,
) -> bool:
    """`principal` is its kind and its name, such as `Service` and `billingreports.amazonaws.com`."""
    return any(
        _matches(each["Action"], action)
        and ("Resource" not in each or _matches(each["Resource"], resource))
        and ("Principal" not in each or (principal and principal[1] in each["Principal"].get(principal[0], ())))
        and _is_met(each.get("Condition", {}), context or {})
        for each in document["Statement"]
    )


def _matches(patterns: list[str], text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _is_met(conditions: Mapping[str, Mapping[str, list[str]]], context: Mapping[str, str]) -> bool:
    return all(
        key in context and any(_OPERATORS[operator](value, context[key]) for value in values)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )
