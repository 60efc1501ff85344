"""The table of connections: its rows, how they are sorted and searched. Knows nothing of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

from outlay.app import ConnectionView
from outlay.health.table import Value
from outlay.period import BillingPeriod
from outlay.state.summary import MONTHS, Summary

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "anycost": "AnyCost Bucket",
        "stream": "CBF over HTTP",
        "aws": "AWS",
        "focus": "FOCUS export",
        "linked": "AWS linked account",
    }
)
_PLACES = {"file": "in a folder", "az": "in Azure", "gs": "in Google Cloud"}
STATUSES: tuple[str, ...] = get_args(Value)
# What needs somebody stands first.
_URGENCY = ("failing", "late", "pending-data", "healthy", "paused")
_WIDE, _HIGH = 100, 24


def status_label(status: str) -> str:
    """`Pending Data` for `pending-data`."""
    return status.replace("-", " ").title()


@dataclass(frozen=True)
class Row:
    """`month` is this month, such as `2026-05`."""

    view: ConnectionView
    summary: Summary
    month: str

    @property
    def name(self) -> str:
        return self.view.row.name

    @property
    def provider(self) -> str:
        return self.view.row.cloud_provider or ("AWS" if self.view.row.kind in ("aws", "linked") else "")

    @property
    def kind(self) -> str:
        return KINDS[self.view.row.kind]

    @property
    def place(self) -> str:
        """Where its bills lie; blank for S3, where most do."""
        if self.view.row.kind == "stream":
            return ""
        return _PLACES.get(self.view.row.location.partition("://")[0], "")

    @property
    def status(self) -> str:
        return self.view.status.status

    @property
    def label(self) -> str:
        return status_label(self.status)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Without the connection's own name, which stands for the account where a bill names none."""
        found = tuple(each for each in self.summary.accounts if each != self.name)
        return found or tuple(filter(None, (_account(self.view.row.role_arn),)))

    @property
    def costs(self) -> list[tuple[str, Decimal]]:
        """Of this month, by currency."""
        return sorted(self.summary.cost_of(self.month).items())

    @property
    def spark(self) -> Spark | None:
        return spark(self.summary, self.month)


def _account(role_arn: str) -> str:
    parts = role_arn.split(":")
    return parts[4] if len(parts) > 4 else ""


@dataclass(frozen=True)
class Spark:
    """A line of `months` in one currency, for the eye; `said` is for who cannot see it."""

    points: str
    said: str
    last: tuple[str, str]


def spark(summary: Summary, month: str) -> Spark | None:
    """Of the currency with most; None with fewer than two months."""
    totals: dict[str, Decimal] = {}
    for its in summary.costs.values():
        for currency, amount in its.items():
            totals[currency] = totals.get(currency, Decimal(0)) + amount
    if not totals or len(summary.costs) < 2:
        return None
    currency = max(totals, key=lambda each: (totals[each], each))
    first = BillingPeriod.parse(min(summary.costs))
    months = [period.month for period in _from(first, BillingPeriod.parse(month))]
    amounts = [summary.cost_of(each).get(currency, Decimal(0)) for each in months]
    points = _points([float(amount) for amount in amounts])
    said = ", ".join(f"{each} {amount:,.0f}" for each, amount in zip(months, amounts, strict=True))
    return Spark(" ".join(f"{x},{y}" for x, y in points), f"Billed in {currency}: {said}", points[-1])


def _from(first: BillingPeriod, last: BillingPeriod) -> list[BillingPeriod]:
    periods = [first]
    while periods[-1] < last and len(periods) <= MONTHS:
        periods.append(periods[-1].next())
    return periods


def _points(amounts: Sequence[float]) -> list[tuple[str, str]]:
    """From 0 or the least to the most, with a margin for the line's own width."""
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    span = (high - low) or 1.0
    step = (_WIDE - 4) / max(1, len(amounts) - 1)
    return [
        (f"{2 + number * step:.1f}", f"{_HIGH - 2 - (amount - low) / span * (_HIGH - 4):.1f}")
        for number, amount in enumerate(amounts)
    ]


@dataclass(frozen=True)
class Column:
    """`key` is None where nothing can be sorted by."""

    name: str
    label: str
    key: Callable[[Row], Any] | None
    is_number: bool = False


def _least(row: Row) -> Decimal:
    return max((amount for _, amount in row.costs), default=Decimal("-Infinity"))


COLUMNS: tuple[Column, ...] = (
    Column("name", "Connection", lambda row: row.name.casefold()),
    Column("status", "Status", lambda row: (_URGENCY.index(row.status), row.name.casefold())),
    Column("provider", "Provider", lambda row: (row.provider.casefold(), row.name.casefold())),
    Column("kind", "Kind", lambda row: (row.kind, row.name.casefold())),
    Column(
        "delivery",
        "Last delivery",
        lambda row: (row.summary.delivered_at is not None, row.summary.delivered_at, row.name),
    ),
    Column("period", "Newest period", lambda row: (row.summary.newest is not None, row.summary.newest, row.name)),
    Column("rows", "Rows", lambda row: (row.summary.rows, row.name), is_number=True),
    Column("cost", "Billed this month", lambda row: (_least(row), row.name), is_number=True),
    Column("trend", "12 months", None),
)
DEFAULT = "name"


@dataclass(frozen=True)
class Wish:
    """What is to be shown, from an address; what it does not understand it leaves out."""

    search: str = ""
    status: str = ""
    sort: str = DEFAULT
    is_down: bool = False

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Wish:
        sort = params.get("sort", "")
        known = {column.name for column in COLUMNS if column.key}
        status = params.get("status", "")
        return cls(
            params.get("q", "").strip()[:200],
            status if status in STATUSES else "",
            sort if sort in known else DEFAULT,
            params.get("desc") == "1",
        )

    @property
    def is_all(self) -> bool:
        return not self.search and not self.status


def wanted(rows: Sequence[Row], wish: Wish) -> list[Row]:
    found = [row for row in rows if _fits(row, wish)]
    column = next(each for each in COLUMNS if each.name == wish.sort)
    assert column.key is not None  # noqa: S101 - Wish.read lets no other through
    try:
        return sorted(found, key=column.key, reverse=wish.is_down)
    except TypeError:
        # What some have and others do not cannot be compared; those that lack it stand last.
        return _with_gaps(found, column.key, wish.is_down)


def _with_gaps(rows: list[Row], key: Callable[[Row], Any], is_down: bool) -> list[Row]:
    has = [row for row in rows if key(row)[0]]
    lacks = [row for row in rows if not key(row)[0]]
    return [*sorted(has, key=key, reverse=is_down), *sorted(lacks, key=lambda row: row.name)]


def _fits(row: Row, wish: Wish) -> bool:
    if wish.status and row.status != wish.status:
        return False
    text = " ".join((row.name, row.provider, row.kind, row.view.row.location, row.view.status.reason, *row.accounts))
    return all(word in text.casefold() for word in wish.search.casefold().split())
