"""`outlay demo`: a year of bills of the invented company, in every layout that Outlay reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from outlay.demo.anycost import PROVIDER, anycost_month, anycost_total, drop_id, write_drop
from outlay.demo.aws_bill import aws_month
from outlay.demo.company import FERNWICK, LOFTLINE
from outlay.demo.data_export import write_cur2
from outlay.demo.files import Row
from outlay.demo.focus_bill import NORDLICHT, focus_month, focus_total
from outlay.demo.focus_folder import write_focus_folder
from outlay.demo.ledger import invoice_total
from outlay.demo.legacy_cur import write_legacy_cur
from outlay.demo.story import Story
from outlay.period import BillingPeriod

Totals = dict[str, Decimal]


@dataclass(frozen=True)
class SampleBill:
    """A bill that was written: how to connect to it, and what its invoices say.

    `location` is relative to the directory that `write` was given. `billed` is by month (`2026-05`) and currency: the
    sums of the generator's own rows, before they were written.
    """

    kind: str
    name: str
    location: str
    export: str | None
    cloud_provider: str | None
    currency: str
    billed: dict[str, Totals]


def write(directory: Path, *, months: int = 12, last: date | None = None, seed: int = 1) -> list[SampleBill]:
    """Write `months` months of four bills below `directory`; `last` (today, UTC) is the last day with charges.

    The month of `last` is open, the ones before are closed. The same arguments give the same bytes.
    """
    story = Story(last or datetime.now(UTC).date(), seed)
    periods = [story.back(ago) for ago in reversed(range(months))]
    return [bill(directory, periods, story) for bill in (_simple_cloud, _aws_legacy, _aws_cur2, _nordlicht)]


def _simple_cloud(directory: Path, periods: list[BillingPeriod], story: Story) -> SampleBill:
    location = "anycost/simple-cloud"

    def month(period: BillingPeriod) -> Totals:
        rows = anycost_month(period, story)
        if story.months_ago(period) == 1:
            half = Story(period.start.date() + timedelta(days=13), story.seed)
            early = anycost_month(period, half)
            write_drop(directory / location, early, period=period, drop_id=drop_id(period, half))
        write_drop(directory / location, rows, period=period, drop_id=drop_id(period, story))
        return {"USD": anycost_total(rows)}

    return SampleBill("anycost", "simple-cloud", location, None, PROVIDER, "USD", _billed(periods, month))


def _aws_legacy(directory: Path, periods: list[BillingPeriod], story: Story) -> SampleBill:
    report, prefix = "fernwick-daily", "cur"

    def month(period: BillingPeriod) -> Totals:
        rows = aws_month(FERNWICK, period, story)
        if story.months_ago(period) <= 1:
            _legacy(directory, rows[: len(rows) * 2 // 3], report, prefix, period, parts=3)
        _legacy(directory, rows, report, prefix, period, parts=2 if period.month_number % 3 == 0 else 1)
        return invoice_total(rows)

    return SampleBill("aws", "fernwick-aws", f"aws-legacy/{prefix}", report, None, "USD", _billed(periods, month))


def _legacy(directory: Path, rows: list[Row], report: str, prefix: str, period: BillingPeriod, *, parts: int) -> None:
    where = directory / "aws-legacy"
    write_legacy_cur(where, rows, report=report, prefix=prefix, period=period, parts=parts, bucket="fernwick-billing")


def _aws_cur2(directory: Path, periods: list[BillingPeriod], story: Story) -> SampleBill:
    export, prefix = "loftline-cur2", "exports"

    def month(period: BillingPeriod) -> Totals:
        rows = aws_month(LOFTLINE, period, story)
        where = directory / "aws-cur2"
        write_cur2(where, rows, export=export, prefix=prefix, period=period, bucket="loftline-billing")
        return invoice_total(rows)

    return SampleBill("aws", "loftline-aws", f"aws-cur2/{prefix}", export, None, "USD", _billed(periods, month))


def _nordlicht(directory: Path, periods: list[BillingPeriod], story: Story) -> SampleBill:
    location = "focus/nordlicht"

    def month(period: BillingPeriod) -> Totals:
        rows = focus_month(NORDLICHT, period, story)
        write_focus_folder(directory / location, rows, name="nordlicht-focus", period=period)
        return focus_total(rows)

    provider = NORDLICHT.name
    return SampleBill("focus", "nordlicht", location, None, provider, NORDLICHT.currency, _billed(periods, month))


def _billed(periods: Iterable[BillingPeriod], month: Callable[[BillingPeriod], Totals]) -> dict[str, Totals]:
    return {period.month: month(period) for period in periods}
