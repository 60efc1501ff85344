"""Who did what to a connection: recorded when it is done, and kept when the connection is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from outlay.state.models import Act

COMMAND = "the command line"
_MOST = 200


@dataclass(frozen=True)
class Did:
    """`what` is a word of `WORDS`; `period` and `delivery` are blank where they do not matter."""

    at: datetime
    who: str
    what: str
    period: str
    delivery: str
    said: str

    @property
    def sentence(self) -> str:
        return " ".join(filter(None, (WORDS.get(self.what, self.what), self.said)))

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "who": self.who,
            "what": self.what,
            "period": self.period or None,
            "delivery": self.delivery or None,
            "said": self.said,
        }


WORDS = {
    "added": "added the connection",
    "paused": "paused it",
    "resumed": "resumed it",
    "checked": "asked for a check",
    "stopped": "stopped the check",
    "changed": "changed its settings:",
    "moved": "moved it to another bucket:",
    "counted": "changed which months count:",
    "reverted": "made an earlier delivery live:",
    "removed": "removed the connection",
    "invoice": "entered an invoice's amount:",
}


def note(connection: str, by: str, what: str, *, period: str = "", delivery: str = "", said: str = "") -> Act:
    return Act.objects.create(
        connection=connection,
        at=timezone.now(),
        who=by or COMMAND,
        what=what,
        period=period,
        delivery=delivery,
        said=said,
    )


def done_to(connection: str, *, since: datetime | None = None, period: str = "") -> list[Did]:
    """Newest first. `since` leaves out what was done to an earlier connection of that name."""
    rows = Act.objects.filter(connection=connection)
    rows = rows.filter(at__gte=since) if since else rows
    rows = rows.filter(period=period) if period else rows
    return [Did(row.at, row.who, row.what, row.period, row.delivery, row.said) for row in rows[:_MOST]]
