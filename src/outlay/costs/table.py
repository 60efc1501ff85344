"""The table beneath a chart: a line a group with its total, its change and its share, each currency for itself."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, TextIO

from outlay.costs.answer import EXACT, REMAINDER, group_of, harmless, plain, sums, text_of
from outlay.costs.query import AMOUNT, BEFORE, OTHERS, UNIT
from outlay.costs.question import Question

COMPARED = ("before", "change", "change_percent")
_TENTH = Decimal("0.1")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Line:
    """`values` are those of the question's `by`. `before` is None when nothing is compared.

    `share` is the part of its unit's total in percent, `change_percent` what came or went of `before`; both have one
    place and are None where there is nothing to take a part of.
    """

    values: tuple[Any, ...]
    unit: str
    amount: Decimal
    before: Decimal | None = None
    is_remainder: bool = False
    share: Decimal | None = None

    @property
    def change(self) -> Decimal | None:
        with localcontext(EXACT):
            return None if self.before is None else self.amount - self.before

    @property
    def change_percent(self) -> Decimal | None:
        return None if self.change is None or self.before is None else percent(self.change, abs(self.before))


@dataclass(frozen=True)
class Table:
    """The lines of each unit by amount, the greatest first and the remainder last. `totals` has one line a unit."""

    question: Question
    lines: tuple[Line, ...]
    totals: tuple[Line, ...]

    def page(self, offset: int, limit: int) -> tuple[Line, ...]:
        return self.lines[offset : offset + limit]

    def movers(self, count: int) -> tuple[Line, ...]:
        """Of each unit the `count` groups that changed most, up or down; the remainder is no group."""
        moved = [line for line in self.lines if line.change and not line.is_remainder]
        by_change = sorted(moved, key=lambda line: (line.unit, -abs(line.change or _ZERO), _names(line)))
        taken: dict[str, int] = {}
        found = []
        for line in by_change:
            taken[line.unit] = taken.get(line.unit, 0) + 1
            if taken[line.unit] <= count:
                found.append(line)
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Amounts are decimal texts, a missing value is null; `before` and the change only where they are wanted."""
        return {
            "metric": self.question.metric,
            "from": self.question.start.isoformat() if self.question.start else None,
            "to": self.question.end.isoformat() if self.question.end else None,
            "totals": [self._line(line, ()) for line in self.totals],
            "rows": [self._line(line, self.question.by) for line in self.lines],
        }

    def write_csv(self, out: TextIO) -> None:
        """The rows of `as_dict`, as `Answer.write_csv` writes its own."""
        measure = self.question.measure
        columns = (*self.question.by, measure.unit_label, measure.amount_label, "share", *self._compared)
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([harmless(name) for name in columns])
        texts = len(self.question.by) + 1
        for line in self.lines:
            told = self._line(line, self.question.by)
            cells = [told[name] or "" for name in columns]
            # Amounts, which may begin with a minus, stay numbers.
            writer.writerow([*map(harmless, cells[:texts]), *cells[texts:]])

    @property
    def _compared(self) -> tuple[str, ...]:
        return COMPARED if self.question.compare else ()

    def _line(self, line: Line, names: Iterable[str]) -> dict[str, Any]:
        measure = self.question.measure
        told: dict[str, Any] = dict(zip(names, map(text_of, line.values), strict=False))
        told |= {measure.unit_label: line.unit, measure.amount_label: plain(line.amount), "share": _plain(line.share)}
        if line.before is not None:
            told |= {
                "before": plain(line.before),
                "change": _plain(line.change),
                "change_percent": _plain(line.change_percent),
            }
        return told | ({"remainder": True} if line.is_remainder else {})


def tabled(question: Question, found: Iterable[dict[str, Any]], *, has_before: bool) -> Table:
    """The table that the rows of `query.compared` make."""
    groups = [f"g{index}" for index in range(len(question.by))]
    types = [name.type for name in question.names]
    rows = [
        (
            group_of(row, groups, types),
            row[UNIT],
            row[AMOUNT] or _ZERO,
            (row[BEFORE] or _ZERO) if has_before else None,
            bool(row.get(OTHERS)),
        )
        for row in found
    ]
    now = sums((unit, amount) for _, unit, amount, _, _ in rows)
    then = sums((unit, before or _ZERO) for _, unit, _, before, _ in rows)
    lines = [
        Line(values, unit, amount, before, is_rest, percent(amount, now[unit]))
        for values, unit, amount, before, is_rest in rows
    ]
    totals = [
        Line((), unit, total, then[unit] if has_before else None, share=percent(total, total))
        for unit, total in sorted(now.items())
    ]
    return Table(question, tuple(sorted(lines, key=_order)), tuple(totals))


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """With one place; None of nothing."""
    if not whole:
        return None
    with localcontext(EXACT):
        return (part * 100 / whole).quantize(_TENTH)


def _order(line: Line) -> tuple[Any, ...]:
    return line.unit, line.is_remainder, line.amount.copy_negate(), _names(line)


def _names(line: Line) -> tuple[Any, ...]:
    return tuple((value is None, text_of(value) or "") for value in line.values)


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


__all__ = ["REMAINDER", "Line", "Table", "percent", "tabled"]
