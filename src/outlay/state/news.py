"""What has happened to connections, told by a mark that changes with it. A few short queries: pages ask often."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from outlay.state.checking import progress_of
from outlay.state.faults import translated
from outlay.state.models import Connection, Run, StatusChange
from outlay.state.progress import Progress


@dataclass(frozen=True)
class News:
    """`under_way` are checks that go on, by connection; None: one that waits for a worker.

    `mark` is another one after each run, each change of a status, and each pause. How far a check is does not matter
    to it.
    """

    mark: str
    under_way: Mapping[str, Progress | None]


@translated
def of_all(at: datetime) -> News:
    rows = list(Connection.objects.all())
    newest = (Run.objects.aggregate(id=Max("id")), StatusChange.objects.aggregate(id=Max("id")))
    return News(_mark(*newest, *((row.name, row.paused_at) for row in rows)), _under_way(rows, at))


@translated
def of(row: Connection, at: datetime) -> News:
    """Of one; its mark changes with every check, too."""
    mine = {"connection_id": row.name}
    newest = (
        Run.objects.filter(**mine).aggregate(id=Max("id")),
        StatusChange.objects.filter(**mine).aggregate(id=Max("id")),
    )
    under_way = _under_way([row], at)
    made = progress_of(row, at)
    ended = made.ended if made and not under_way else None
    return News(_mark(*newest, row.checked_at, row.paused_at, row.count_from, row.count_to, ended), under_way)


def _under_way(rows: Iterable[Connection], at: datetime) -> dict[str, Progress | None]:
    found: dict[str, Progress | None] = {}
    for row in rows:
        made = progress_of(row, at)
        if made is not None and made.is_working:
            found[row.name] = made
        elif row.wanted_at is not None and row.paused_at is None:
            found[row.name] = None
    return found


def _mark(*told: Any) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
