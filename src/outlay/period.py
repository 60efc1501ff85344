"""Billing periods: calendar months in UTC, the unit in which bills are replaced."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

_ID = re.compile(r"(\d{4})(\d{2})01-(\d{4})(\d{2})01")
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")


@dataclass(frozen=True, order=True)
class BillingPeriod:
    """One month. `end` is exclusive, as FOCUS defines BillingPeriodEnd."""

    year: int
    month_number: int

    def __post_init__(self) -> None:
        if not 1 <= self.month_number <= 12 or not 1 <= self.year <= 9998:
            raise ValueError(f"{self.year}-{self.month_number} is not a month")

    @classmethod
    def of(cls, moment: date | datetime) -> BillingPeriod:
        """The month that holds `moment`; an aware time is taken to UTC first."""
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def parse(cls, text: str) -> BillingPeriod:
        """Read `20260501-20260601`, `2026-05` or `2026-5`.

        Raises ValueError for anything else, two months in one id included.
        """
        if found := _ID.fullmatch(text):
            start = cls(int(found[1]), int(found[2]))
            if start.next() != cls(int(found[3]), int(found[4])):
                raise ValueError(f"{text!r} is not one month")
            return start
        if found := _MONTH.fullmatch(text):
            return cls(int(found[1]), int(found[2]))
        raise ValueError(f"{text!r} is not a billing period such as 20260501-20260601 or 2026-05")

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month_number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.next().start

    @property
    def id(self) -> str:
        """`20260501-20260601`, the billing data id of an AnyCost drop and the name used everywhere in Outlay."""
        return f"{self.start:%Y%m%d}-{self.end:%Y%m%d}"

    @property
    def month(self) -> str:
        return f"{self.year:04}-{self.month_number:02}"

    def is_within(self, first: str, last: str) -> bool:
        """Does it lie in these months, such as `2026-05`, both included? A blank one is no bound."""
        return first <= self.month and (not last or self.month <= last)

    def next(self) -> BillingPeriod:
        return self.shift(1)

    def previous(self) -> BillingPeriod:
        return self.shift(-1)

    def shift(self, months: int) -> BillingPeriod:
        years, month = divmod(self.year * 12 + self.month_number - 1 + months, 12)
        return BillingPeriod(years, month + 1)

    def __str__(self) -> str:
        return self.id
