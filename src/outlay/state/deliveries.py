"""Every delivery ever seen of a billing period, with the runs that dealt with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from outlay.findings import Finding
from outlay.ingest.result import Reconciliation
from outlay.period import BillingPeriod
from outlay.state.memory import findings_of, reconciliation_of
from outlay.state.models import Run

MOST_RUNS = 200


@dataclass(frozen=True)
class Attempt:
    """One run: `steps` are names with seconds, `counts` how many findings there were of each code."""

    number: int
    outcome: str
    state: str
    started: datetime
    finished: datetime
    steps: tuple[tuple[str, float], ...]
    reconciliation: Reconciliation | None
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.steps)

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.number,
            "outcome": self.outcome,
            "state": self.state,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "steps": [{"step": name, "seconds": seconds} for name, seconds in self.steps],
            "reconciliation": self.reconciliation.as_dict() if self.reconciliation else None,
            "findings": [each.as_dict() for each in self.findings],
            "finding_counts": dict(self.counts),
        }


@dataclass(frozen=True)
class Delivered:
    """A delivery with its attempts, the newest first. `is_kept`: its charges still lie in the lake."""

    delivery: str
    attempts: tuple[Attempt, ...]
    is_live: bool
    is_kept: bool

    @property
    def last(self) -> Attempt:
        return self.attempts[0]

    @property
    def seen_at(self) -> datetime:
        return self.attempts[-1].started

    @property
    def committed(self) -> Attempt | None:
        return next((each for each in self.attempts if each.outcome == "committed"), None)

    @property
    def can_be_live(self) -> bool:
        return self.is_kept and not self.is_live and self.committed is not None

    @property
    def rows(self) -> int | None:
        proof = self.committed.reconciliation if self.committed else None
        return proof.rows_out if proof else None

    def as_dict(self) -> dict[str, Any]:
        return {
            "delivery": self.delivery,
            "live": self.is_live,
            "kept": self.is_kept,
            "attempts": [each.as_dict() for each in self.attempts],
        }


def ever_seen(
    connection: str, period: BillingPeriod, *, live: str | None, kept: Collection[str]
) -> tuple[Delivered, ...]:
    """The newest first, of the newest runs and of all deliveries that are kept.

    A run that failed before its delivery was known has the delivery `""`.
    """
    attempts: dict[str, list[Attempt]] = {}
    runs = Run.objects.filter(connection_id=connection, period=period.id).order_by("-id")
    newest = list(runs.values_list("pk", flat=True)[:MOST_RUNS])
    shown = runs.filter(Q(pk__in=newest) | Q(delivery__in=kept, outcome="committed"))
    for run in shown.prefetch_related("findings"):
        attempts.setdefault(run.delivery, []).append(_attempt(run))
    return tuple(
        Delivered(delivery, tuple(its), delivery == live, delivery in kept) for delivery, its in attempts.items()
    )


def trouble_of(connection: str) -> Attempt | None:
    """The last run that looked for deliveries and could not, or None."""
    run = Run.objects.filter(connection_id=connection, period="").order_by("-id").first()
    return _attempt(run) if run else None


def _attempt(run: Run) -> Attempt:
    return Attempt(
        run.pk,
        run.outcome,
        run.state,
        run.started_at,
        run.finished_at,
        tuple((name, float(seconds)) for name, seconds in run.steps),
        reconciliation_of(run),
        findings_of(run),
        run.counts,
    )
