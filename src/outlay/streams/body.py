"""What an adaptor sends: a JSON object with a month, an operation, and rows whose values are all text.

Source: CloudZero's public API reference, "Create AnyCost Stream Connection Billing Drop".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from outlay.errors import UsageError
from outlay.period import BillingPeriod

Operation = Literal["replace_drop", "replace_hourly", "sum"]
OPERATIONS: tuple[Operation, ...] = ("replace_drop", "replace_hourly", "sum")
_KEYS = frozenset(("month", "operation", "data"))
_MONTH = re.compile(r"\d{4}-\d{2}")
_START = "time/usage_start"
# A text of a row that is shown, at most.
_SHOWN = 100


@dataclass(frozen=True)
class Body:
    period: BillingPeriod
    operation: Operation
    rows: Sequence[Mapping[str, str]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Of all rows, in the order in which they come up."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))


class BadBody(UsageError):
    """`row` counts from 1; `field` is a key of the row, or of the body where there is no row."""

    def __init__(
        self, message: str, *, next: str, field: str = "", row: int | None = None, value: str | None = None
    ) -> None:
        place = f"Row {row}, {field}: " if row and field else f"Row {row}: " if row else f"{field}: " if field else ""
        super().__init__(f"{place}{message}", next=next, field=field)
        self.reason = message
        self.row = row
        self.value = value


def read_body(content: bytes, *, most_rows: int | None = None) -> Body:
    """Raises BadBody."""
    told = _object(content)
    rows = _rows(told.get("data"), most_rows)
    _check_letters(rows)
    return Body(_period(told.get("month"), rows), _operation(told.get("operation")), rows)


class _Number(str):
    """A JSON number as it was written: not a text, as CBF wants one."""


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return made


def _object(content: bytes) -> dict[str, Any]:
    wanted = 'Send {"month": "2026-05", "operation": "replace_drop", "data": [ … ]}.'
    try:
        told = json.loads(
            content.decode("utf-8-sig"),
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_Number,
            object_pairs_hook=_once,
        )
    except UnicodeDecodeError as error:
        raise BadBody(f"The body is not UTF-8: byte {error.start}.", next=wanted) from error
    except _Twice as error:
        raise BadBody(f"{str(error)[:_SHOWN]!r} stands twice in one object.", next="Send each name once.") from error
    except json.JSONDecodeError as error:
        raise BadBody(f"The body is not JSON: line {error.lineno}, column {error.colno}.", next=wanted) from error
    except (ValueError, RecursionError) as error:
        raise BadBody("The body nests too deep.", next=wanted) from error
    if not isinstance(told, dict):
        raise BadBody("The body is not a JSON object.", next=wanted)
    if unknown := sorted(set(told) - _KEYS):
        raise BadBody(f"{unknown[0][:_SHOWN]!r} is not a key of a body.", next=wanted, field=unknown[0][:_SHOWN])
    return told


def _rows(data: object, most: int | None) -> list[dict[str, str]]:
    if not isinstance(data, list):
        raise BadBody("The rows are missing." if data is None else "It is not a list.", next=_LIST, field="data")
    if most is not None and len(data) > most:
        raise TooMany(f"The body has {len(data)} rows; {most} are allowed.", next="Send fewer in a body.", field="data")
    for number, row in enumerate(data, start=1):
        if not isinstance(row, dict):
            raise BadBody("It is not an object.", next=_LIST, row=number)
        for name, value in row.items():
            if type(value) is not str:
                raise BadBody(_no_text(value), next=_TEXT, row=number, field=name, value=str(value)[:_SHOWN])
            if not name.strip():
                raise BadBody("A column has no name.", next=_LIST, row=number)
    return data


def _check_letters(rows: Sequence[Mapping[str, str]]) -> None:
    """JSON can hold half a letter, which no file in UTF-8 can. Few bodies do, so rows are looked at only then."""
    try:
        "".join(text for row in rows for pair in row.items() for text in pair).encode()
    except UnicodeEncodeError:
        for number, row in enumerate(rows, start=1):
            for name, value in row.items():
                if not _is_whole(name + value):
                    field = name if _is_whole(name) else ""
                    raise BadBody("It holds half a letter.", next="Send UTF-8.", row=number, field=field) from None


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


class TooMany(BadBody):
    """More rows than the installation takes in one body."""


_LIST = 'Send the rows as a list of objects, such as [{"time/usage_start": "2026-05-01", "cost/cost": "1.5"}].'
_TEXT = 'Write every value as a text, such as "12.50", and leave out what has none.'
_KINDS: dict[type, str] = {list: "an array", dict: "an object", type(None): "null", bool: "a truth value"}


def _no_text(value: object) -> str:
    told = f"the number {value}"[:_SHOWN] if isinstance(value, _Number) else _KINDS[type(value)]
    return f"It is {told}, not a text."


def _operation(told: object) -> Operation:
    if told is None:
        return "replace_drop"
    found = next((each for each in OPERATIONS if each == told), None)
    if found is None:
        raise BadBody(
            f"{str(told)[:_SHOWN]!r} is not an operation.", next=f"Send {', '.join(OPERATIONS)}.", field="operation"
        )
    return found


def _period(told: object, rows: Sequence[Mapping[str, str]]) -> BillingPeriod:
    """`2026-05`, or a time in the month; left out, it is that of the first row."""
    if told is None:
        return _month_of_rows(rows)
    try:
        return period_of(told if type(told) is str else "")
    except ValueError as error:
        raise BadBody(
            f"{str(told)[:_SHOWN]!r} is not a month.", next="Send one such as 2026-05.", field="month"
        ) from error


def _month_of_rows(rows: Sequence[Mapping[str, str]]) -> BillingPeriod:
    if not rows:
        raise BadBody("It is left out, and there is no row to tell it.", next="Send the month.", field="month")
    try:
        return period_of(rows[0].get(_START, ""))
    except ValueError as error:
        value = rows[0].get(_START, "")[:_SHOWN]
        said = f"{value!r} is not a time." if value else "The time is missing."
        raise BadBody(said, next="Write one such as 2026-05-01T13:00:00Z.", field=_START, row=1, value=value) from error


def period_of(text: str) -> BillingPeriod:
    """Raises ValueError."""
    if _MONTH.fullmatch(text):
        return BillingPeriod.parse(text)
    moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    try:
        return BillingPeriod.of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError as error:
        raise ValueError(f"{text} is no time of UTC") from error
