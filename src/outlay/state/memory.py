"""The memory that `ingest` works with, kept in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from outlay.findings import Finding
from outlay.ingest.result import Decided, Reconciliation, RunResult
from outlay.period import BillingPeriod
from outlay.state import noticing
from outlay.state.faults import translated
from outlay.state.models import Connection, DecidedPeriod, Run, RunFinding, SeenFile
from outlay.storage import StoredFile


class Commit(NamedTuple):
    """The number of a run that committed, and how many charges that were."""

    run: int
    rows: int


class DatabaseMemory:
    """See `ingest.result.Memory`. Each method is one transaction, and raises what `state.faults` says."""

    @translated
    def decided(self, connection: str) -> Mapping[BillingPeriod, Decided]:
        return {
            BillingPeriod.parse(row.period): Decided(row.delivery, row.fingerprint, row.outcome, row.rows_out)
            for row in DecidedPeriod.objects.filter(connection_id=connection)
        }

    @translated
    @transaction.atomic
    def record(self, result: RunResult) -> None:
        """Keep the run, with its notices. A look that is rejected for the same as before only renews that run."""
        if _stands(result):
            return
        run = Run.objects.create(
            connection_id=result.connection,
            period=result.period.id if result.period else "",
            delivery=result.delivery or "",
            outcome=result.outcome,
            state=result.state,
            started_at=result.started or timezone.now(),
            finished_at=result.finished or timezone.now(),
            steps=[list(step) for step in result.steps],
            reconciliation=result.reconciliation.as_dict() if result.reconciliation else None,
            counts=dict(result.counts),
        )
        RunFinding.objects.bulk_create(RunFinding(run=run, **finding.as_dict()) for finding in result.findings)
        noticing.of_run(run, result)
        if result.outcome == "failed" or (result.outcome == "rejected" and not result.period):
            Connection.objects.filter(name=result.connection).update(trouble=run)
        if result.outcome in ("committed", "rejected") and result.period and result.delivery:
            DecidedPeriod.objects.update_or_create(
                connection_id=result.connection,
                period=result.period.id,
                defaults={
                    "delivery": result.delivery,
                    "fingerprint": result.fingerprint,
                    "outcome": result.outcome,
                    "rows_out": result.reconciliation.rows_out if result.reconciliation else 0,
                    "run": run,
                },
            )

    @translated
    def saw(self, connection: str, period: BillingPeriod, fingerprint: str) -> None:
        DecidedPeriod.objects.filter(connection_id=connection, period=period.id).update(fingerprint=fingerprint)

    @translated
    def periods_of(self, connection: str, file: StoredFile) -> frozenset[BillingPeriod] | None:
        row = SeenFile.objects.filter(connection_id=connection, path=file.path, etag=file.etag).first()
        return frozenset(BillingPeriod.parse(period) for period in row.periods) if row else None

    @translated
    def remember_periods(self, connection: str, file: StoredFile, periods: frozenset[BillingPeriod]) -> None:
        SeenFile.objects.update_or_create(
            connection_id=connection,
            path=file.path,
            defaults={"etag": file.etag, "periods": sorted(period.id for period in periods)},
        )

    @translated
    def checked(self, connection: str, *, is_well: bool) -> None:
        """A check has come to its end; when all of it could be done, earlier trouble is over."""
        Connection.objects.filter(name=connection).update(
            checked_at=timezone.now(), **({"trouble": None} if is_well else {})
        )

    @translated
    def rejected(self, connection: str) -> list[DecidedPeriod]:
        """The periods whose last decided delivery was rejected, newest first, with its run."""
        rows = DecidedPeriod.objects.filter(connection_id=connection, outcome="rejected")
        return list(rows.select_related("run").order_by("-period"))

    @translated
    @transaction.atomic
    def set_aside(self, connection: str, period: BillingPeriod, live: str) -> None:
        """A user made the delivery `live` live: the decided one stays decided until the source changes.

        One that was rejected stays rejected, and told.
        """
        decided = DecidedPeriod.objects.filter(connection_id=connection, period=period.id).exclude(outcome="rejected")
        is_decided_again = decided.filter(delivery=live).exists()
        decided.update(outcome="committed" if is_decided_again else "set-aside")

    @translated
    def newest_run(self) -> datetime | None:
        """When the newest run ended."""
        newest: datetime | None = Run.objects.aggregate(newest=Max("finished_at"))["newest"]
        return newest

    @translated
    def runs(self, numbers: Iterable[int]) -> dict[int, Run]:
        """By their numbers."""
        return Run.objects.in_bulk(list(numbers))

    @translated
    def last_delivered(self) -> dict[str, datetime]:
        """When the last run that committed ended, by connection."""
        runs = Run.objects.filter(outcome="committed").order_by().values("connection_id")
        return dict(runs.annotate(last=Max("finished_at")).values_list("connection_id", "last"))

    @translated
    def states(self, deliveries: Iterable[str]) -> dict[tuple[str, BillingPeriod, str], str]:
        """Of these deliveries: what their last commits said of their periods, by connection, period and delivery."""
        runs = Run.objects.filter(outcome="committed", delivery__in=set(deliveries)).order_by("id")
        told = runs.values_list("connection_id", "period", "delivery", "state")
        return {(name, BillingPeriod.parse(period), delivery): state for name, period, delivery, state in told}

    @translated
    def delivered(
        self, first: BillingPeriod | None, last: BillingPeriod | None
    ) -> dict[tuple[str, BillingPeriod, str], tuple[str, datetime]]:
        """Of each delivery that was committed for these months: its state, and when its last run ended."""
        runs = Run.objects.filter(outcome="committed").order_by("id")
        runs = runs.filter(period__gte=first.id) if first else runs
        runs = runs.filter(period__lte=last.id) if last else runs
        told = runs.values_list("connection_id", "period", "delivery", "state", "finished_at")
        return {
            (connection, BillingPeriod.parse(period), delivery): (state, finished)
            for connection, period, delivery, state, finished in told
        }

    @translated
    def committed(self, connection: str, period: BillingPeriod | None = None) -> dict[BillingPeriod, dict[str, Commit]]:
        """By period, of that one alone or of all: the last run that committed each delivery, the newest first."""
        runs = Run.objects.filter(connection_id=connection, outcome="committed").order_by("-id")
        runs = runs.filter(period=period.id) if period else runs
        found: dict[BillingPeriod, dict[str, Commit]] = {}
        for number, its, delivery, rows in runs.values_list("pk", "period", "delivery", "reconciliation__rows_out"):
            found.setdefault(BillingPeriod.parse(its), {}).setdefault(delivery, Commit(number, rows or 0))
        return found


def _stands(result: RunResult) -> bool:
    """Is it the trouble that the connection has already, of no delivery and so looked at anew by each check?"""
    if result.outcome != "rejected" or result.period is not None:
        return False
    run = Run.objects.filter(connection_id=result.connection, outcome="rejected", period="")
    run = run.filter(pk__in=Connection.objects.filter(name=result.connection).values("trouble_id"))
    before = run.first()
    if before is None or findings_of(before) != result.findings:
        return False
    return run.update(finished_at=result.finished or timezone.now()) == 1


@translated
def findings_of(run: Run) -> tuple[Finding, ...]:
    fields = ("code", "severity", "message", "next", "file", "row", "column", "value")
    return tuple(Finding(**{field: getattr(row, field) for field in fields}) for row in run.findings.all())


def reconciliation_of(run: Run) -> Reconciliation | None:
    return Reconciliation.from_dict(run.reconciliation) if run.reconciliation else None
