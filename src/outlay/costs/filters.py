"""Which charges count: `RegionId=us-east-1`, `Tags.team!=web`, `ServiceName~compute`.

- `=` the value is the same; several on one column: any of them
- `!=` the value is another, or there is none
- `~` the value contains the text, in capitals or not

Every filter must hold, but for several `=` on one column. `RegionId=` asks for charges without a region (nothing or
an empty text), `RegionId!=` for those with one. One filter by `~` may name several texts, any of which will do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from outlay.costs.names import Name, is_text
from outlay.errors import UsageError
from outlay.focus.columns import DECIMAL, INTEGER, TEXT, TIME

OPERATORS = ("=", "!=", "~")
_FILTER = re.compile(r"(?P<name>.*?)(?P<operator>!=|=|~)(?P<value>.*)", re.DOTALL)
# Of a DECIMAL(38, 18), before the point and behind it.
_DIGITS, _PLACES = 20, 18
# Letters of a wrong value that its error repeats.
_SAID = 200


@dataclass(frozen=True)
class Filter:
    """Raises UsageError, or UnknownName for the column, when it cannot be asked of a charge.

    `more` are further texts for `~`, any of which will do.
    """

    column: str
    operator: str
    value: str
    more: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        name = Name.parse(self.column)
        object.__setattr__(self, "column", str(name))
        if self.operator not in OPERATORS:
            raise UsageError(f"{self.operator!r} compares nothing.", next=f"Use one of {' '.join(OPERATORS)}.")
        if self.operator == "~" and name.type != TEXT:
            raise UsageError(f"{name} is no text, so {self} cannot hold.", next=f"Write {name}=value or {name}!=value.")
        if self.more and self.operator != "~":
            raise UsageError(f"{self} compares with several values.", next="Write one filter for each value.")
        for value in (self.value, *self.more):
            if not is_text(value):
                raise UsageError(f"The value {value!r} for {name} is no text in UTF-8.", next="Write it in UTF-8.")
        self.read()

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read one `--where`. The first `=`, `!=` or `~` divides, so a value may hold more of them."""
        found = _FILTER.fullmatch(text)
        if found is None or not found["name"].strip():
            raise UsageError(
                f"The filter {text!r} does not say what to compare.",
                next="Write Column=value, Column!=value or Column~part, such as RegionId=us-east-1.",
            )
        return cls(found["name"], found["operator"], found["value"])

    @property
    def is_blank(self) -> bool:
        return self.value == ""

    def read(self) -> Any:
        """The value in the column's type; None when it is blank. Raises UsageError."""
        name = Name.parse(self.column)
        parse, expected = _READERS[name.type]
        try:
            return None if self.is_blank else parse(self.value)
        except (ValueError, ArithmeticError) as error:
            raise UsageError(
                f"{name} holds {expected}, not {self.value[:_SAID]!r}.", next=f"Write {name}={expected}."
            ) from error

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{' or '.join((self.value, *self.more))}"


def _number(text: str) -> Decimal:
    """Judged by its exponent: written out, a short text may be a number of a hundred million digits."""
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not -_PLACES <= exponent <= _DIGITS or number.adjusted() >= _DIGITS:
        raise ValueError(text)
    return number


def _integer(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    TEXT: (str, "text"),
    DECIMAL: (_number, "a number such as 12.5"),
    INTEGER: (_integer, "a whole number such as 7"),
    TIME: (_time, "a time such as 2026-05-01T00:00:00Z"),
}
