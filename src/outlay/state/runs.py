"""Runs as lists show them: those that brought something in, were rejected, or failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outlay.errors import UnknownName
from outlay.findings import Finding
from outlay.ingest.result import Outcome, PeriodState, Reconciliation, RunResult
from outlay.period import BillingPeriod
from outlay.state.models import Run

_FINDING = ("code", "severity", "message", "next", "file", "row", "column", "value")


@dataclass(frozen=True)
class KeptRun:
    """A run that is over, with the number it goes by."""

    number: int
    result: RunResult
    started: datetime
    finished: datetime

    def as_dict(self) -> dict[str, Any]:
        """The shape of `outlay ingest --json`, with its number, its times, and the seconds of each step."""
        return {
            "id": self.number,
            **self.result.as_dict(),
            "state": self.result.state,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "steps": [{"step": step, "seconds": seconds} for step, seconds in self.result.steps],
        }


def page(wanted: Mapping[str, str], offset: int, limit: int) -> tuple[list[KeptRun], int]:
    """The newest first, and how many there are in all. `wanted` may name connection, period and outcome."""
    fields = {"connection": "connection_id", "period": "period", "outcome": "outcome"}
    rows = Run.objects.filter(**{fields[name]: value for name, value in wanted.items()})
    found = rows.order_by("-id").prefetch_related("findings")[offset : offset + limit]
    return [_kept(row) for row in found], rows.count()


def numbered(number: int) -> KeptRun:
    """Raises UnknownName."""
    row = Run.objects.filter(pk=number).prefetch_related("findings").first()
    if row is None:
        raise UnknownName(f"There is no run {number}.", next="See the runs of its connection.")
    return _kept(row)


def _kept(row: Run) -> KeptRun:
    outcome: Outcome = row.outcome  # type: ignore[assignment]
    state: PeriodState = row.state  # type: ignore[assignment]
    findings = [Finding(**{name: getattr(each, name) for name in _FINDING}) for each in row.findings.all()]
    result = RunResult(
        row.connection_id,
        outcome,
        BillingPeriod.parse(row.period) if row.period else None,
        row.delivery or None,
        findings=tuple(findings),
        counts=row.counts,
        reconciliation=Reconciliation.from_dict(row.reconciliation) if row.reconciliation else None,
        state=state,
        steps=tuple((step, seconds) for step, seconds in row.steps),
    )
    return KeptRun(row.pk, result, row.started_at, row.finished_at)
