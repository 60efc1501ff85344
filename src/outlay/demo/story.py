"""What happens to the invented company over time: growth, seasons, one anomaly, one migration.

Everything is a function of (seed, last day, day, key), so that a month can be made alone and always looks the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cached_property, lru_cache

from outlay.period import BillingPeriod

# A parcel company: quiet summers, a rush before Christmas. January to December.
SEASON = tuple(Decimal(n).scaleb(-2) for n in (97, 95, 98, 99, 100, 97, 92, 93, 100, 105, 122, 128))

# Monday to Sunday.
WEEK = {
    "steady": (Decimal(1),) * 7,
    "busy": tuple(Decimal(n).scaleb(-2) for n in (108, 106, 105, 104, 105, 86, 80)),
}

ANOMALY_MONTHS_AGO = 2
ANOMALY_DAYS = range(9, 15)
ANOMALY_FACTOR = Decimal("7.5")
MIGRATION_MONTHS_AGO = 5
GROWTH_PER_DAY = Decimal("0.0025")

_SIX_DIGITS = Context(prec=6, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Story:
    """`last` is the last day with charges; its month is the one still open."""

    last: date
    seed: int = 1

    @cached_property
    def current(self) -> BillingPeriod:
        return BillingPeriod.of(self.last)

    def closed(self, period: BillingPeriod) -> bool:
        return period < self.current

    def months_ago(self, period: BillingPeriod) -> int:
        return (self.current.year - period.year) * 12 + self.current.month_number - period.month_number

    def back(self, months: int) -> BillingPeriod:
        return self.current.shift(-months)

    def days(self, period: BillingPeriod) -> list[date]:
        """The days of the period that have charges."""
        return _days(period, self.last)

    def jitter(self, *key: object) -> Decimal:
        """An even spread from -1 to 1 in steps of 0.001, the same for the same seed and key."""
        text = "|".join(map(str, (self.seed, *key)))
        return Decimal(int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 2001 - 1000).scaleb(-3)

    def growth(self, day: date) -> Decimal:
        return 1 / (1 + GROWTH_PER_DAY * (self.last - day).days)

    def level(self, day: date, key: str, shape: str, *, spikes: bool = False) -> Decimal:
        """How busy a resource is on a day; 1 is a usual day of the newest month."""
        level = WEEK[shape][day.weekday()] * (1 + self.jitter(day, key) / 20)
        level *= self.growth(day) * SEASON[day.month - 1]
        return level * ANOMALY_FACTOR if spikes and self.is_anomaly(day) else level

    def is_anomaly(self, day: date) -> bool:
        return self.months_ago(BillingPeriod.of(day)) == ANOMALY_MONTHS_AGO and day.day in ANOMALY_DAYS

    def code(self, *key: object, length: int = 32) -> str:
        """A name like those that clouds make up: hexadecimal, the same for the same seed and key."""
        return hashlib.sha256("|".join(map(str, (self.seed, *key))).encode()).hexdigest()[:length]

    def uuid(self, *key: object) -> str:
        code = self.code(*key)
        return "-".join((code[:8], code[8:12], code[12:16], code[16:20], code[20:]))


def six_digits(value: Decimal) -> Decimal:
    """Rounded to what a double carries with ease, even when it is multiplied by a price and a discount."""
    return _SIX_DIGITS.plus(value)


@lru_cache
def _days(period: BillingPeriod, last: date) -> list[date]:
    first = period.start.date()
    stop = min(period.end.date(), last + timedelta(days=1))
    return [first + timedelta(days=n) for n in range((stop - first).days)]
