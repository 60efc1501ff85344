"""The months of one connection that is sent to: what a body changes in them, and what they hold.

A body's rows lie in the place, durably, before the list of a month's parts names them; and the list is swapped as a
whole against the one that was read. So a kill between the two leaves the month as it was, and of two bodies at once the
second is applied to what the first one made.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from outlay.errors import Changed
from outlay.layouts.cbf_stream import MONTH, PARTS, Month, Part, month_path
from outlay.period import BillingPeriod
from outlay.storage import Place, Version
from outlay.streams import hours
from outlay.streams.body import Body
from outlay.streams.parts import MOST_ROWS, packed, unpacked

# Of requests with a key: how many of a month's last ones are remembered beside what they changed.
_KEYS = 1_000
# As long as the state remembers answers: a key that comes after that is a new one.
_REMEMBERED = timedelta(days=30)
# Parts that no longer count stay so long, for those who read them.
_GRACE = timedelta(hours=1)
_TRIES = 50
_START = "time/usage_start"


@dataclass(frozen=True)
class Kept:
    """A month as it is after a body, or at any time."""

    period: BillingPeriod
    drop_id: str
    rows: int

    def as_dict(self) -> dict[str, Any]:
        return {"drop_id": self.drop_id, "month": self.period.month, "row_count": self.rows}


class Months:
    """All of a connection. `now` gives the time in UTC."""

    def __init__(self, place: Place, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._place = place
        self._now = now

    def every(self) -> list[Kept]:
        """The newest first."""
        paths = [file.path for file in self._place.list() if file.name == MONTH]
        periods = sorted((BillingPeriod.parse(path.partition("/")[0]) for path in paths), reverse=True)
        return [_kept(period, month) for period in periods if (month := self._read(period)[0])]

    def rows(self, period: BillingPeriod) -> Iterator[dict[str, str]] | None:
        """As they were sent; None where nothing ever was."""
        month, _ = self._read(period)
        return None if month is None else (row for part in month.parts for row in self._rows(period, part))

    def answered(self, period: BillingPeriod, key: str) -> Kept | None:
        """What the request with that key came to, where it has changed the month already."""
        month, _ = self._read(period)
        return self._told(period, month, key) if month else None

    def _told(self, period: BillingPeriod, month: Month, key: str) -> Kept | None:
        told = month.keys.get(key)
        if told is None or datetime.fromisoformat(told["at"]) < self._now() - _REMEMBERED:
            return None
        return Kept(period, told["drop_id"], told["row_count"])

    def apply(self, body: Body, *, key: str = "") -> Kept:
        """Raises Changed when others are quicker again and again, AccessError, and DiskFull."""
        period = body.period
        parts = self._write(period, body.columns, body.rows)
        for _ in range(_TRIES):
            month, version = self._read(period)
            if month and (before := self._told(period, month, key)):
                return before
            if month and not set(parts).isdisjoint(month.parts):
                # The answer of its own write was lost: it was tried again then, and found itself.
                return _kept(period, month)
            after = self._after(body, month, parts)
            if key:
                told = {"drop_id": after.drop_id, "row_count": after.rows, "at": self._now().isoformat()}
                keys = {**{name: each for name, each in after.keys.items() if name != key}, key: told}
                after = replace(after, keys=dict(islice(keys.items(), max(0, len(keys) - _KEYS), None)))
            if self._place.swap(month_path(period), after.as_json(), version):
                if body.operation != "sum":
                    self._sweep(period, after)
                return _kept(period, after)
        raise Changed(f"{period.month} is being changed by others all the time.", next="Send the body again.")

    def _after(self, body: Body, month: Month | None, parts: Sequence[Part]) -> Month:
        if month is None or body.operation == "replace_drop":
            number, keys = (month.number, month.keys) if month else (0, {})
            return Month(self._drop_id(month), number + 1, tuple(parts), keys)
        kept = month.parts
        if body.operation == "replace_hourly":
            gone = frozenset(hour for part in parts for hour in hours.read(part.hours))
            kept = tuple(left for part in kept for left in self._without(body.period, part, gone))
        return replace(month, number=month.number + 1, parts=(*kept, *parts))

    def _without(self, period: BillingPeriod, part: Part, gone: frozenset[int]) -> Sequence[Part]:
        """The part, or what is left of it."""
        own = hours.read(part.hours)
        if not own & gone:
            return (part,)
        if own <= gone:
            return ()
        rows = [row for row in self._rows(period, part) if hours.hour_of(row[_START], period) not in gone]
        return self._write(period, tuple(dict.fromkeys(name for row in rows for name in row)), rows)

    def _write(
        self, period: BillingPeriod, columns: Sequence[str], rows: Sequence[Mapping[str, str]]
    ) -> tuple[Part, ...]:
        return tuple(
            self._write_part(period, columns, rows[first : first + MOST_ROWS])
            for first in range(0, len(rows), MOST_ROWS)
        )

    def _write_part(self, period: BillingPeriod, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Part:
        name = f"{self._now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(8)}.csv.gz"
        part = Part(name, len(rows), hours.written(hours.hour_of(row[_START], period) for row in rows))
        self._place.create(part.path(period), packed(columns, rows))
        return part

    def _rows(self, period: BillingPeriod, part: Part) -> Iterator[dict[str, str]]:
        yield from unpacked(self._place.read(part.path(period)))

    def _read(self, period: BillingPeriod) -> tuple[Month | None, Version | None]:
        found = self._place.versioned(month_path(period))
        return (None, None) if found is None else (Month.of(json.loads(found[0])), found[1])

    def _drop_id(self, before: Month | None) -> str:
        made = f"{self._now():%Y%m%dT%H%M%SZ}"
        if before is None or before.drop_id.partition("-")[0] != made:
            return made
        return f"{made}-{before.number + 1}"

    def _sweep(self, period: BillingPeriod, month: Month) -> None:
        """Take away what counts no more, or was never counted, and nobody can be reading now."""
        counted = {part.name for part in month.parts}
        old = self._now() - _GRACE
        files = self._place.list(f"{period.id}/{PARTS}")
        self._place.delete(file.path for file in files if file.name not in counted and file.modified < old)


def _kept(period: BillingPeriod, month: Month) -> Kept:
    return Kept(period, month.drop_id, month.rows)
