"""The values that a column or key has, to choose from: with what each costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from outlay.costs.answer import Answer, plain, text_of
from outlay.costs.filters import Filter
from outlay.costs.names import Name
from outlay.costs.question import Question
from outlay.errors import UsageError
from outlay.focus.columns import TEXT

MOST = 500


@dataclass(frozen=True)
class Value:
    """One value as text, None when charges have none, and what it costs in one unit."""

    value: str | None
    unit: str
    amount: Decimal

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit, "amount": plain(self.amount)}


def question_of(column: str, search: str, within: Question, limit: int) -> Question:
    """The question whose groups are the values. Raises UsageError."""
    if not 1 <= limit <= MOST:
        raise UsageError(f"{limit} values cannot be listed.", next=f"Ask for 1 to {MOST}.", field="limit")
    name = Name.parse(column)
    filters = [each for each in within.filters if each.column != str(name)]
    # Only texts can be searched by the engine; the few values of other columns are searched here.
    is_searched = bool(search) and name.type == TEXT
    return replace(
        within,
        by=(column,),
        granularity="none",
        filters=(*filters, Filter(column, "~", search)) if is_searched else tuple(filters),
        top=limit if is_searched or not search else None,
        range=None,
        compare=False,
    )


def listed(answer: Answer) -> Iterable[Value]:
    return (Value(text_of(row.values[0]), row.unit, row.amount) for row in answer.rows if not row.is_remainder)


def searched(values: Iterable[Value], name: Name, search: str, limit: int) -> tuple[Value, ...]:
    """At most `limit` of each unit, the dearest first."""
    found = [each for each in values if name.type == TEXT or search in (each.value or "")]
    by_unit: dict[str, list[Value]] = {}
    for each in sorted(found, key=lambda each: (each.unit, -each.amount)):
        by_unit.setdefault(each.unit, []).append(each)
    return tuple(each for its in by_unit.values() for each in its[:limit])
