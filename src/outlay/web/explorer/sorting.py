"""The table's order: by any of its columns, up or down. What has no value stands after what has, the remainder last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from outlay.costs.answer import text_of
from outlay.costs.question import Question
from outlay.costs.table import Line
from outlay.errors import UsageError

UP, DOWN = "up", "down"
_ARIA = {UP: "ascending", DOWN: "descending"}


@dataclass(frozen=True)
class Column:
    """`key` gives None where a line has no value. `first` is the order that a first click asks for."""

    key: Callable[[Line], Any]
    first: str = DOWN
    is_compared: bool = False


def _name(place: int) -> Callable[[Line], Any]:
    def key(line: Line) -> str | None:
        text = text_of(line.values[place])
        return text.casefold() if text else None

    return key


USUAL = "amount"
# By the word in the address.
COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        "name": Column(_name(0), UP),
        "second": Column(_name(1), UP),
        USUAL: Column(lambda line: line.amount),
        "share": Column(lambda line: line.share),
        "before": Column(lambda line: line.before, is_compared=True),
        "change": Column(lambda line: line.change, is_compared=True),
        "percent": Column(lambda line: line.change_percent, is_compared=True),
    }
)


@dataclass(frozen=True)
class Order:
    by: str = USUAL
    way: str = DOWN

    @classmethod
    def read(cls, by: str | None, way: str | None) -> Order:
        """Raises UsageError naming the parameter."""
        by = by or USUAL
        if by not in COLUMNS:
            raise UsageError(f"A table has no column {by!r}.", next=f"Use one of {', '.join(COLUMNS)}.", field="sort")
        way = way or COLUMNS[by].first
        if way not in _ARIA:
            raise UsageError(f"There is no order {way!r}.", next=f"Use {UP} or {DOWN}.", field="order")
        return cls(by, way)

    @property
    def pairs(self) -> dict[str, str]:
        """As the address says it; what is as usual is left out."""
        return {
            "sort": self.by if self.by != USUAL else "",
            "order": self.way if self.way != COLUMNS[self.by].first else "",
        }

    @property
    def is_usual(self) -> bool:
        return self == USUAL_ORDER

    def of(self, question: Question) -> Order:
        """As it can be with that question: a column that its table has not leaves the usual order."""
        return self if self.by in shown(question) else USUAL_ORDER

    def pressed(self, by: str) -> Order:
        """After a click on a column: the other way round where it is by that already."""
        if by != self.by:
            return Order(by, COLUMNS[by].first)
        return Order(by, UP if self.way == DOWN else DOWN)

    def aria(self, by: str) -> str:
        return _ARIA[self.way] if by == self.by else "none"

    def sorted(self, lines: Iterable[Line]) -> list[Line]:
        """Lines that are equal stay as they were."""
        lines, key = list(lines), COLUMNS[self.by].key
        own = [line for line in lines if not line.is_remainder]
        has = sorted((line for line in own if key(line) is not None), key=key, reverse=self.way == DOWN)
        return [*has, *(line for line in own if key(line) is None), *(line for line in lines if line.is_remainder)]


USUAL_ORDER = Order()


def shown(question: Question) -> tuple[str, ...]:
    """The columns of the question's table, from the left."""
    names = ("name", "second")[: len(question.by)]
    others = [name for name, column in COLUMNS.items() if question.compare or not column.is_compared]
    return (*names, *(name for name in others if name not in ("name", "second")))
