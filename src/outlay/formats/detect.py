"""Which format a file has, by the names of its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def _cbf(columns: frozenset[str]) -> bool:
    return "cost/cost" in columns


def _cur(columns: frozenset[str]) -> bool:
    return bool({"lineitem/unblendedcost", "line_item_unblended_cost"} & columns)


def _focus(columns: frozenset[str]) -> bool:
    return {"billedcost", "chargecategory"} <= columns


# The name of a format, and what is true of its columns in lower case; no file is of two formats.
LOOKS: dict[str, Callable[[frozenset[str]], bool]] = {"cbf": _cbf, "cur": _cur, "focus": _focus}


def looks_like(name: str, columns: Sequence[str]) -> bool:
    """Has a file with these columns the format of that name? Raises KeyError for a format that is not known."""
    return LOOKS[name](frozenset(column.lower() for column in columns))


def format_of(columns: Sequence[str]) -> str | None:
    """The name of the format, or None when the columns are of no known one."""
    return next((name for name in LOOKS if looks_like(name, columns)), None)
