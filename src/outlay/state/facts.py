"""What is known of connections, gathered for `health.status`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from django.db.models import Max, Min

from outlay.health import Facts
from outlay.ingest.result import Outcome
from outlay.state import accounts
from outlay.state.faults import translated
from outlay.state.models import Connection, DecidedPeriod, Run, RunFinding


@translated
def facts_of(row: Connection) -> Facts:
    """A bad delivery counts until its period is decided anew, a failed check until one succeeds."""
    return facts_by_name([row])[row.name]


@translated
def facts_by_name(rows: Sequence[Connection]) -> dict[str, Facts]:
    """Of each of them, as `facts_of`: by five questions, however many they are."""
    names = [row.name for row in rows]
    commits, rejected = _commits(names), _rejected(names)
    runs = {row.name: row.trouble_id or rejected.get(row.name, 0) for row in rows}
    numbers = [number for number in runs.values() if number]
    ends = Run.objects.filter(pk__in=numbers).values_list("pk", "outcome", "finished_at")
    outcomes = {number: (outcome, finished) for number, outcome, finished in ends}
    told, lacking = _first_errors(numbers), _lacking(last for _, _, last in commits.values())
    return {
        row.name: _facts(
            row, commits.get(row.name), outcomes.get(runs[row.name]), told.get(runs[row.name]), lacking.get(row.name)
        )
        for row in rows
    }


def _facts(
    row: Connection,
    commits: tuple[datetime, datetime, int] | None,
    ended: tuple[str, datetime] | None,
    told: tuple[str, str, str] | None,
    lacking: tuple[str, str] | None,
) -> Facts:
    first, last, _ = commits or (None, None, 0)
    outcome, finished = ended or (None, None)
    code, problem, problem_next = told or ("", "", "")
    is_refused = code == "permission-missing"
    return Facts(
        name=row.name,
        kind=row.kind,
        paused_at=row.paused_at,
        last_checked_at=row.checked_at,
        first_commit_at=first,
        last_delivery_at=last,
        last_outcome=cast(Outcome, outcome) if outcome else None,
        problem=problem,
        problem_next=problem_next,
        expect_every_hours=row.expect_every_hours,
        export_made_at=row.export_made_at,
        export_said=row.export_said,
        lacking=lacking,
        access_at=row.access_at if is_refused else None,
        refused_at=finished if is_refused else None,
        **(accounts.facts_of_linked(row) if row.kind == "linked" else {}),
    )


def _commits(names: Iterable[str]) -> dict[str, tuple[datetime, datetime, int]]:
    """When the first and the last run that committed ended, and the number of the last one."""
    runs = Run.objects.filter(connection_id__in=names, outcome="committed").order_by().values("connection_id")
    ends = runs.annotate(first=Min("finished_at"), last=Max("finished_at"), newest=Max("pk"))
    told = ends.values_list("connection_id", "first", "last", "newest")
    return {name: (first, last, newest) for name, first, last, newest in told}


def _lacking(runs: Iterable[int]) -> dict[str, tuple[str, str]]:
    """By connection: what its last bill came without that a setting of its export would give, and what to do."""
    found = RunFinding.objects.filter(run_id__in=list(runs), code="resource-ids-off")
    return {name: (message, then) for name, message, then in found.values_list("run__connection_id", "message", "next")}


def _rejected(names: Iterable[str]) -> dict[str, int]:
    """The run of the newest period that stands rejected."""
    decided = DecidedPeriod.objects.filter(connection_id__in=names, outcome="rejected", run__isnull=False)
    return dict(decided.order_by("period").values_list("connection_id", "run_id"))


def _first_errors(runs: Iterable[int]) -> Mapping[int, tuple[str, str, str]]:
    """By run: the code, the message and the next action of its first error."""
    errors = RunFinding.objects.filter(run_id__in=runs, severity="error").order_by().values("run_id")
    first = RunFinding.objects.filter(pk__in=errors.annotate(first=Min("pk")).values("first"))
    told = first.values_list("run_id", "code", "message", "next")
    return {run: (code, message, then) for run, code, message, then in told}
