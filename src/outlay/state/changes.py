"""The timeline: each change of a connection's status, recorded when it is noticed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from outlay.health import Status, status
from outlay.state import noticing
from outlay.state.facts import facts_by_name, facts_of
from outlay.state.models import Connection, StatusChange


@dataclass(frozen=True)
class Change:
    """`before` is blank in a connection's first one."""

    at: datetime
    before: str
    after: str
    reason: str
    next: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "before": self.before or None,
            "after": self.after,
            "reason": self.reason,
            "next": self.next,
        }


def note(name: str, at: datetime) -> Change | None:
    """Record the status if it is another than the last one recorded; None when it is not, or the connection is gone."""
    row = Connection.objects.filter(name=name).first()
    if row is None or status(facts_of(row), at).status == _last(name):
        return None
    return _note(name, at)


@transaction.atomic
def _note(name: str, at: datetime) -> Change | None:
    """Under the row's lock: of several that notice a change, one records it."""
    row = Connection.objects.select_for_update().filter(name=name).first()
    if row is None:
        return None
    now: Status = status(facts_of(row), at)
    before = _last(name)
    if now.status == before:
        return None
    made = StatusChange.objects.create(
        connection=row, at=at, before=before, after=now.status, reason=now.reason, next=now.next
    )
    noticing.of_change(made)
    return _change(made)


def note_all(at: datetime) -> list[tuple[str, Change]]:
    """Record what has changed by the passing of time alone; returns it by connection."""
    rows = list(Connection.objects.all())
    facts, last = facts_by_name(rows), _last_ones()
    names = [row.name for row in rows if status(facts[row.name], at).status != last.get(row.name, "")]
    return [(name, change) for name in names if (change := _note(name, at)) is not None]


def timeline(name: str) -> list[Change]:
    """Every change of a connection's status, newest first."""
    return [_change(row) for row in StatusChange.objects.filter(connection_id=name).order_by("-id")]


def _last(name: str) -> str:
    last = StatusChange.objects.filter(connection_id=name).order_by("-id").first()
    return last.after if last else ""


def _last_ones() -> dict[str, str]:
    """As `_last`, by connection."""
    newest = StatusChange.objects.order_by().values("connection_id").annotate(newest=Max("pk")).values("newest")
    return dict(StatusChange.objects.filter(pk__in=newest).values_list("connection_id", "after"))


def _change(row: StatusChange) -> Change:
    return Change(row.at, row.before, row.after, row.reason, row.next)
