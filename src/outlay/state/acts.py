"""Who did what to a connection, to users or to channels: recorded when it is done, and kept when those are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from outlay.state.models import Act

COMMAND = "the command line"
BY_ITSELF = "Outlay"
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
        return " ".join(filter(None, (_EVERY.get(self.what, self.what), self.said)))

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
    "moved": "moved it to another place:",
    "back": "went back:",
    "forward": "went on with it again:",
    "counted": "changed which months count:",
    "accounts": "changed which accounts count:",
    "overlap": "said which of two bills counts:",
    "reverted": "made an earlier delivery live:",
    "removed": "removed the connection",
    "invoice": "entered an invoice's amount:",
}
# Done to no connection: what they are about stands in what is said.
USERS = {
    "user-added": "added the user",
    "user-role": "said what a user may do:",
    "user-link": "made a new link for",
    "user-removed": "removed the user",
}
CHANNELS = {
    "channel-added": "added the channel",
    "channel-tested": "asked for a test of",
    "channel-switched": "switched the channel",
    "channel-removed": "removed the channel",
}
_EVERY = {**WORDS, **USERS, **CHANNELS}


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


def done(whats: Iterable[str], limit: int) -> list[Did]:
    """Of these kinds, to no connection; newest first."""
    return _told(Act.objects.filter(connection="", what__in=list(whats))[:limit])


def done_to(connection: str, *, since: datetime | None = None, period: str = "") -> list[Did]:
    """Newest first. `since` leaves out what was done to an earlier connection of that name."""
    rows = Act.objects.filter(connection=connection)
    rows = rows.filter(at__gte=since) if since else rows
    rows = rows.filter(period=period) if period else rows
    return _told(rows[:_MOST])


def _told(rows: Iterable[Act]) -> list[Did]:
    return [Did(row.at, row.who, row.what, row.period, row.delivery, row.said) for row in rows]
