"""Whether files of CBF would come in, and what is to be said of them: the ingest's own reading, and nothing is kept.

What is left out is what follows the reading: charges are neither written nor reconciled, as that proves Outlay's own
work and not the bill's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.engine import Engine, Input, Shape, Told
from outlay.findings import Finding, finding, in_order
from outlay.focus.columns import COSTS
from outlay.formats import FORMATS, Audit, Context, Format
from outlay.formats.cbf_lint import ID, CbfLint, MergingIds, by_two_segments
from outlay.formats.raw import Raw
from outlay.ingest import fetch
from outlay.ingest.reading import Plan, Reading
from outlay.ingest.result import amount
from outlay.ingest.steps import Quiet, Steps
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage.spool import spool

_START = "time/usage_start"
_ANY = BillingPeriod(2000, 1)
_LAST_YEAR = 9999


@dataclass(frozen=True)
class CheckResult:
    """What was found in the files of one drop, or about a place.

    `findings` are in the order of files and rows: the first hundred of each code, while `counts` has all of them.
    `rows` and `sums`, by currency and cost column, are of the rows that could be read; sums are exact.
    """

    name: str
    period: BillingPeriod | None = None
    drop: str | None = None
    files: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    sums: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    @property
    def is_bad(self) -> bool:
        """Would the ingest reject it?"""
        return any(each.is_error for each in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "period": self.period.id if self.period else None,
            "drop": self.drop,
            "files": list(self.files),
            "rows": self.rows,
            "sums": {
                currency: {column: amount(total) for column, total in sums.items()}
                for currency, sums in self.sums.items()
            },
            "findings": [each.as_dict() for each in self.findings],
            "finding_counts": dict(self.counts),
        }


def check_files(
    engine: Engine,
    settings: Settings,
    inputs: Sequence[Input],
    period: BillingPeriod | None = None,
    *,
    currency: str = "USD",
    name: str = "check",
    steps: Steps | None = None,
    told: Told | None = None,
    lint: bool = True,
) -> CheckResult:
    """Check local files of CBF as one delivery of `period`: its errors are those of an ingest, by construction.

    `inputs` are CSV, plain or packed as their names say; findings call them by `Input.name`. Without a period it is the
    month that most of the first rows are of. `lint` adds the warnings for who writes the files. `told` holds what is
    known already. Only one delivery at a time can be read with an engine. Raises DiskFull and SetupError.
    """
    told = told or Told()
    steps = steps or Steps(Quiet(), name, period.id if period else "")
    format_ = CbfLint() if lint else FORMATS["cbf"]
    with spool(settings.spool, "check") as folder:
        limits = fetch.limits(settings)
        if period is None:
            with steps.step("plan"):
                period = _period_of(engine, settings, inputs)
        # Of no month: then no row has a time that could be read, and the month does not matter.
        context = Context(name, period or _ANY, "check", currency=currency)
        reading = _Checking(engine, steps, format_, context, told)
        reading.read(inputs, limits, folder)
        reading.tell()
    return CheckResult(
        name,
        period,
        None,
        tuple(each.name for each in inputs),
        in_order(told.findings),
        dict(told.counts),
        reading.audit.rows,
        _sums(reading.audit),
    )


class _Checking(Reading):
    """Reads, and looks for ids that merge; nothing is made of the rows."""

    def __init__(self, engine: Engine, steps: Steps, format_: Format, context: Context, told: Told) -> None:
        super().__init__(engine, steps, format_, context, told)
        self._ids = MergingIds()

    def look(self, plan: Plan) -> None:
        if isinstance(self._format, CbfLint) and plan.bill.has(ID) and not self._ids.is_full:
            self._ids.take(self._asked(plan, ID, lambda: by_two_segments(plan.bill)))

    def tell(self) -> None:
        """What is told of a bill, be it good or not, when all of it was read."""
        self._ids.tell(self._told)
        if not self.audit.rows and not self._told.is_bad():
            self._told.add(finding("drop-empty"))


def _period_of(engine: Engine, settings: Settings, inputs: Sequence[Input]) -> BillingPeriod | None:
    """The month of most rows of the first batch that has any with a time; None when no batch has."""
    shape = Shape(header=lambda file, columns: [], wanted=_start, json=lambda _: ())
    with spool(settings.spool, "look") as folder:
        batches = engine.batches(inputs, shape, fetch.limits(settings), folder, Told(), _quietly)
        try:
            for table in batches:
                for row in engine.rows(engine.prepare(_months(table))):
                    return BillingPeriod(row["year"], row["month"])
        finally:
            batches.close()
    return None


def _start(columns: Sequence[str]) -> list[str]:
    return [column for column in columns if column == _START]


def _months(table: ir.Table) -> ir.Table:
    """The month that most rows are of; none where no row has a time."""
    time = Raw.of(table).time(_START)
    rows = table.select(year=time.year(), month=time.month())
    rows = rows.filter(rows.year < _LAST_YEAR)
    counted = rows.group_by(["year", "month"]).aggregate(rows=rows.count())
    return counted.order_by(ibis.desc("rows"), "year", "month").limit(1)


def _sums(audit: Audit) -> dict[str, dict[str, Decimal]]:
    currencies = sorted({currency for currency, _ in audit.sums if currency})
    return {currency: {column: audit.total(column, currency) for column in COSTS} for currency in currencies}


def _quietly(done: int, total: int) -> None:
    """It is over before anybody could watch."""
