"""`/healthz`: is the site up, does its database answer, does a worker work? It asks for no question slot."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

# How long a due check may wait before nobody seems to do it.
_PATIENCE = timedelta(minutes=5)


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the site can answer; 503 when its database cannot. That a worker is away is told, with 200."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found = worker(timezone.now())
    except DatabaseError:
        return JsonResponse({"status": "failing", "database": "failing", "worker": "unknown"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok", **found})


def worker(now: datetime) -> dict[str, Any]:
    """How many run; `none`, `working` under a lease, `idle` with nothing due, `waiting`, or `behind`; since when."""
    from outlay.state import workers

    found = _work(now)
    running = len(workers.running(now))
    return {**found, "worker": found["worker"] if running else "none", "workers": running}


def _work(now: datetime) -> dict[str, Any]:
    from outlay.state.models import Connection

    if Connection.objects.filter(lease_until__gt=now).exists():
        return {"worker": "working", "overdue_seconds": 0}
    due = Connection.objects.filter(paused_at=None).filter(Q(next_check_at=None) | Q(next_check_at__lt=now))
    since = min((row.next_check_at or row.created_at for row in due), default=None)
    if since is None:
        return {"worker": "idle", "overdue_seconds": 0}
    state = "behind" if now - since > _PATIENCE else "waiting"
    return {"worker": state, "overdue_seconds": int((now - since).total_seconds())}


def no_worker() -> dict[str, str] | None:
    """What a page says when something waits for a worker and none is there."""
    from outlay.state import workers

    return {"said": workers.NONE_RUNS, "next": workers.START_ONE} if workers.is_missing(timezone.now()) else None
