"""Which workers run: each has a row, which says every few seconds that it is there, and goes with a clean end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from outlay.state import claims
from outlay.state.models import Connection, Notice, WorkerBeat

BEAT = timedelta(seconds=10)
# Some beats may be missed: a database that is busy, a machine that is.
_ALIVE = timedelta(seconds=45)
# Rows of workers that were killed on machines that nobody asks any more.
_KEPT = timedelta(days=1)

NONE_RUNS = "No worker is running: bills come in by outlay ingest alone, and no notice is told."
START_ONE = "Start one with outlay up or outlay worker, with the same settings."
# How long something may wait before it is told that nobody is there to do it.
_PATIENCE = timedelta(seconds=20)


@dataclass(frozen=True)
class Running:
    """`said` is such as `process 4242 on host`."""

    name: str
    began: datetime
    seen: datetime

    @property
    def said(self) -> str:
        return claims.said(self.name)


def beat(name: str, at: datetime) -> None:
    """It is there. One statement, but for the first time."""
    if not WorkerBeat.objects.filter(name=name).update(seen_at=at):
        WorkerBeat.objects.filter(seen_at__lt=at - _KEPT).delete()
        WorkerBeat.objects.update_or_create(name=name, defaults={"seen_at": at}, create_defaults=_new(at))


def _new(at: datetime) -> dict[str, datetime]:
    return {"began_at": at, "seen_at": at}


def leave(name: str) -> None:
    """It has come to its end."""
    WorkerBeat.objects.filter(name=name).delete()


def running(at: datetime) -> list[Running]:
    """Those that are there, the oldest first. One that was killed on this machine is known to be gone at once."""
    rows = WorkerBeat.objects.filter(seen_at__gt=at - _ALIVE).order_by("began_at", "name")
    return [Running(row.name, row.began_at, row.seen_at) for row in rows if not claims.is_dead(row.name)]


def due(at: datetime) -> Q:
    """Connections whose check is due at that time, and those that somebody asked to be checked."""
    is_due = Q(wanted_at__lt=at) | Q(next_check_at__lt=at) | Q(next_check_at=None, created_at__lt=at)
    return Q(paused_at=None) & is_due


def is_missing(at: datetime) -> bool:
    """Does no worker run although a check or a notice waits for one?"""
    since = at - _PATIENCE
    waits = Connection.objects.filter(due(since)).exclude(claims.held(at)).exists()
    return (waits or Notice.objects.filter(due_at__lt=since, channel__is_on=True).exists()) and not running(at)
