"""Exports that Outlay made and that have delivered nothing yet."""

from __future__ import annotations

from outlay.state.faults import translated
from outlay.state.models import Connection, Run


@translated
def awaited(name: str) -> Connection | None:
    """The connection, while it waits for the first delivery of an export that Outlay made."""
    row = Connection.objects.filter(name=name, export_made_at__isnull=False).select_related("access_of").first()
    if row is None or Run.objects.filter(connection=row, outcome="committed").exists():
        return None
    return row


@translated
def note(name: str, said: str) -> None:
    Connection.objects.filter(name=name).update(export_said=said)
