"""A question to the lake, checked before anything is read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from outlay.costs import metrics, ranges
from outlay.costs.filters import Filter
from outlay.costs.metrics import METRICS, Metric
from outlay.costs.names import Name
from outlay.errors import UsageError
from outlay.focus.columns import CHARGE_CATEGORIES
from outlay.period import BillingPeriod

if TYPE_CHECKING:
    from outlay.costs.address import Params

MONTHS, CLOCK, WHOLE = "months", "clock", "whole"
_DAY_SECONDS, _LONGEST_MONTH = 86400, 31
_MONDAY = 3 * _DAY_SECONDS  # the Unix epoch was a Thursday


@dataclass(frozen=True)
class Granularity:
    """How long a period of the answer is.

    `months` are counted in billing periods; on the clock a period has `seconds` and starts `offset` seconds before a
    multiple of them; `whole` has one period. See docs/decisions/0010-which-date-decides.md.
    """

    name: str
    kind: str
    months: int = 0
    seconds: int = 0
    offset: int = 0

    def number(self, moment: datetime) -> int:
        """Which period on the clock holds `moment`."""
        return (int(moment.timestamp()) + self.offset) // self.seconds

    def start(self, number: int) -> datetime:
        return datetime.fromtimestamp(number * self.seconds - self.offset, UTC)


_GRANULARITIES = (
    Granularity("none", WHOLE),
    Granularity("hour", CLOCK, seconds=3600),
    Granularity("day", CLOCK, seconds=86400),
    Granularity("week", CLOCK, seconds=7 * 86400, offset=_MONDAY),
    Granularity("month", MONTHS, months=1),
    Granularity("quarter", MONTHS, months=3),
)
GRANULARITIES: dict[str, Granularity] = {each.name: each for each in _GRANULARITIES}
DEFAULT_GRANULARITY = "month"
# An answer names so many groups of each unit at most; those of lesser cost are its remainder.
MAX_VALUES = 10_000
# Amounts of one unit that an answer may have, groups by periods: past it, it names fewer groups.
MAX_AMOUNTS = 100_000

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")


@dataclass(frozen=True)
class Question:
    """What was spent, on what, by whom.

    `by` are column names, `Tags.<key>` or `connection`. `start` and `end` are the first and the last day, both
    included; without them it is all there is. `top` keeps so many groups of highest cost, each currency for itself, and
    puts the rest into one remainder. `categories` are the charge categories that count; none means every one.

    `range` is the name that the days were chosen by, such as `last-month`, and `compare` says whether the period before
    is wanted beside them: both are for the address, and change no sum. Raises UsageError, or UnknownName for a column.
    """

    metric: str = metrics.DEFAULT
    by: tuple[str, ...] = ()
    granularity: str = DEFAULT_GRANULARITY
    start: date | None = None
    end: date | None = None
    filters: tuple[Filter, ...] = ()
    top: int | None = None
    categories: tuple[str, ...] = ()
    range: str | None = None
    compare: bool = False

    def __post_init__(self) -> None:
        _one_of("metric", self.metric, METRICS)
        _one_of("granularity", self.granularity, GRANULARITIES)
        for category in self.categories:
            _one_of("charge category", category, CHARGE_CATEGORIES)
        wanted = tuple(each for each in CHARGE_CATEGORIES if each in self.categories)
        object.__setattr__(self, "categories", () if wanted == CHARGE_CATEGORIES else wanted)
        object.__setattr__(self, "by", tuple(dict.fromkeys(str(Name.parse(name)) for name in self.by)))
        ranges.check_day(self.start)
        ranges.check_day(self.end)
        if self.start and self.end and self.start > self.end:
            raise UsageError(f"The start {self.start} is after the end {self.end}.", next="Exchange them.")
        if self.top is not None and self.top < 1:
            raise UsageError(f"The top {self.top} is nothing.", next="Ask for 1 or more.")
        if self.top is not None and not self.by:
            raise UsageError(f"The top {self.top} of what?", next="Say by which column, such as ServiceName.")

    @classmethod
    def parse(
        cls,
        *,
        metric: str = metrics.DEFAULT,
        by: Iterable[str] = (),
        granularity: str = DEFAULT_GRANULARITY,
        start: str | date | None = None,
        end: str | date | None = None,
        where: Iterable[str | Filter] = (),
        top: int | None = None,
        categories: Iterable[str] = (),
    ) -> Question:
        """From the texts of a command or an address. `2026-05` is a whole month: from its first day, to its last."""
        return cls(
            metric=metric,
            by=tuple(by),
            granularity=granularity,
            start=None if start is None else first_day(start),
            end=None if end is None else last_day(end),
            filters=tuple(each if isinstance(each, Filter) else Filter.parse(each) for each in where),
            top=top,
            categories=tuple(categories),
        )

    @classmethod
    def from_query(cls, params: Params, *, today: date, besides: Iterable[str] = ()) -> Question:
        """From an address's query string, as `to_query` writes it. `besides` are parameters of the page's own.

        Raises UsageError whose `field` names the parameter. See `outlay.costs.address`.
        """
        from outlay.costs.address import read

        return read(params, today=today, besides=besides)

    def to_query(self) -> str:
        """The whole question as a query string, without `?`; equal questions have the same one."""
        from outlay.costs.address import write

        return write(self)

    def before(self) -> Question:
        """The same of the period before: see `ranges.before`. Raises UsageError where the range has no start or end."""
        if self.start is None or self.end is None:
            raise UsageError(
                "Without a first and a last day there is no period before.",
                next="Choose a range, such as last-month.",
                field="compare",
            )
        start, end = ranges.before(self.start, self.end)
        return replace(self, start=start, end=end, range=None, compare=False)

    @property
    def measure(self) -> Metric:
        return METRICS[self.metric]

    @property
    def steps(self) -> Granularity:
        return GRANULARITIES[self.granularity]

    @property
    def names(self) -> tuple[Name, ...]:
        return tuple(Name.parse(name) for name in self.by)

    def groups_within(self, months: Iterable[BillingPeriod]) -> int:
        """How many groups of each unit the answer names at most, when there are charges of these billing periods."""
        return max(1, min(self.top or MAX_VALUES, MAX_AMOUNTS // max(1, self._periods(months))))

    def _periods(self, months: Iterable[BillingPeriod]) -> int:
        """About how many periods an answer has whose charges are of these months."""
        first, last = self.first_period, self.last_period
        count = sum((first is None or first <= each) and (last is None or each <= last) for each in set(months))
        if self.steps.kind != CLOCK:
            return count if self.steps.kind == MONTHS else 1
        days = _LONGEST_MONTH * count
        if self.start and self.end:
            days = min(days, (self.end - self.start).days + 1)
        return days * _DAY_SECONDS // self.steps.seconds

    @property
    def first_period(self) -> BillingPeriod | None:
        """No charge of an earlier billing period is in the answer; None when there is no bound."""
        return BillingPeriod.of(self.start) if self.start else None

    @property
    def last_period(self) -> BillingPeriod | None:
        """No charge of a later billing period is in the answer; None when there is no bound."""
        return BillingPeriod.of(self.end) if self.end else None


def _one_of(what: str, value: str, allowed: Iterable[str]) -> None:
    if value in allowed:
        return
    near = difflib.get_close_matches(value.lower(), list(allowed), n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"There is no {what} {value!r}.", next=f"{hint}Use one of {', '.join(allowed)}.")


def first_day(value: str | date) -> date:
    """`2026-05` as 2026-05-01. Raises UsageError."""
    return _day("start", value)[0]


def last_day(value: str | date) -> date:
    """`2026-05` as 2026-05-31. Raises UsageError."""
    return _day("end", value)[1]


def _day(what: str, value: str | date) -> tuple[date, date]:
    """The first and the last day that `value` names."""
    text = _iso(value)
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        month = BillingPeriod.of(date.fromisoformat(f"{text[:7]}-01"))
        if len(text) == len("2026-05"):
            ranges.check_day(month.start.date())
            return month.start.date(), (month.end - timedelta(days=1)).date()
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"The {what} {text!r} is no date.", next="Write it as 2026-05 or 2026-05-31.") from error
    ranges.check_day(day)
    return day, day


def _iso(value: Any) -> str:
    """A date as text; of a time only its day."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).date() if value.tzinfo else value.date()
    return value.isoformat() if isinstance(value, date) else str(value)
