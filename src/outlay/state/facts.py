"""What is known of a connection, gathered for `health.status`."""

from __future__ import annotations

from typing import cast

from django.db.models import Max, Min

from outlay.health import Facts
from outlay.ingest.result import Outcome
from outlay.state import accounts
from outlay.state.faults import translated
from outlay.state.models import Connection, Run, RunFinding


@translated
def facts_of(row: Connection) -> Facts:
    """A bad delivery counts until its period is decided anew, a failed check until one succeeds."""
    commits = Run.objects.filter(connection=row, outcome="committed").aggregate(
        first=Min("finished_at"), last=Max("finished_at")
    )
    run = _problem(row)
    told = RunFinding.objects.filter(run=run, severity="error").first() if run else None
    return Facts(
        name=row.name,
        kind=row.kind,
        paused_at=row.paused_at,
        last_checked_at=row.checked_at,
        first_commit_at=commits["first"],
        last_delivery_at=commits["last"],
        last_outcome=cast(Outcome, run.outcome) if run else None,
        problem=told.message if told else "",
        problem_next=told.next if told else "",
        expect_every_hours=row.expect_every_hours,
        **(accounts.facts_of_linked(row) if row.kind == "linked" else {}),
    )


def _problem(row: Connection) -> Run | None:
    if row.trouble is not None:
        return row.trouble
    rejected = row.decided.filter(outcome="rejected", run__isnull=False).order_by("-period").first()
    return rejected.run if rejected else None
