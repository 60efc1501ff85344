"""What is in one delivery, and what changed between two: sums of files of the lake, be they live or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any

import ibis

from outlay.costs.answer import EXACT, plain, text_of
from outlay.engine import Session
from outlay.focus.columns import COLUMNS

SERVICE = "ServiceName"
_CHARGES = ibis.schema({column.name: column.type for column in COLUMNS})
_ZERO = Decimal(0)
_DAY = 24 * 60 * 60

Sums = Mapping[tuple[str | None, str], Decimal]


def sums_by(session: Session, files: Sequence[str], column: str) -> dict[tuple[str | None, str], Decimal]:
    """BilledCost by the column's value and the currency; a text that is empty counts as none."""
    if not files:
        return {}
    table = session.files(files, _CHARGES)
    grouped = table.group_by(value=table[column].nullif(""), unit=table.BillingCurrency.fill_null(""))
    rows = session.rows(grouped.aggregate(amount=table.BilledCost.sum()))
    return {(text_of(row["value"]), row["unit"]): row["amount"] or _ZERO for row in rows}


def invoice_sums_by(
    session: Session, files: Sequence[str], column: str
) -> dict[tuple[str | None, str | None, str], Decimal]:
    """BilledCost by invoice id, the column's value and the currency."""
    if not files:
        return {}
    table = session.files(files, _CHARGES)
    grouped = table.group_by(
        invoice=table.InvoiceId.nullif(""), value=table[column].nullif(""), unit=table.BillingCurrency.fill_null("")
    )
    rows = session.rows(grouped.aggregate(amount=table.BilledCost.sum()))
    return {(row["invoice"], text_of(row["value"]), row["unit"]): row["amount"] or _ZERO for row in rows}


def has_tags(session: Session, files: Sequence[str]) -> bool:
    """Whether any charge has a tag."""
    table = session.files(files, _CHARGES)
    (row,) = session.rows(table.aggregate(seen=(table.Tags.length() > 0).any()))
    return bool(row["seen"])


def first_usage(session: Session, files: Sequence[str]) -> date | None:
    """The day on which the first usage by the hour or day begins; without any, the first charge. None: no charge.

    Fees, taxes, credits and what of a commitment is not used are of whole months: they say nothing about the day on
    which an export was begun.
    """
    table = session.files(files, _CHARGES)
    begins = table.ChargePeriodStart
    is_short = table.ChargePeriodEnd.epoch_seconds() - begins.epoch_seconds() <= _DAY
    is_use = (table.ChargeCategory == "Usage") & (table.CommitmentDiscountStatus.fill_null("") != "Unused")
    (row,) = session.rows(table.aggregate(usage=begins.min(where=is_use & is_short), any=begins.min()))
    first: datetime | None = row["usage"] or row["any"]
    return first.astimezone(UTC).date() if first else None


@dataclass(frozen=True)
class Change:
    """`name` is None for charges without one."""

    name: str | None
    currency: str
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        with localcontext(EXACT):
            return self.after - self.before

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "currency": self.currency,
            "before": plain(self.before),
            "after": plain(self.after),
            "change": plain(self.change),
        }


@dataclass(frozen=True)
class Comparison:
    """`services` are those that changed, the greatest change first; `totals` has one line a currency."""

    before: str
    after: str
    services: tuple[Change, ...]
    totals: tuple[Change, ...]
    unchanged: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "before": self.before,
            "after": self.after,
            "totals": [each.as_dict() for each in self.totals],
            "services": [each.as_dict() for each in self.services],
            "unchanged_services": self.unchanged,
        }


def compared(names: tuple[str, str], before: Sums, after: Sums) -> Comparison:
    """`names` are those of the deliveries."""
    every = [
        Change(name, currency, before.get((name, currency), _ZERO), after.get((name, currency), _ZERO))
        for name, currency in before.keys() | after.keys()
    ]
    changed = sorted(
        (each for each in every if each.change), key=lambda each: (each.currency, -abs(each.change), each.name or "")
    )
    return Comparison(*names, tuple(changed), tuple(_totals(every)), len(every) - len(changed))


def _totals(changes: Iterable[Change]) -> list[Change]:
    totals: dict[str, tuple[Decimal, Decimal]] = {}
    with localcontext(EXACT):
        for each in changes:
            before, after = totals.get(each.currency, (_ZERO, _ZERO))
            totals[each.currency] = (before + each.before, after + each.after)
    return [Change(None, currency, *pair) for currency, pair in sorted(totals.items())]
