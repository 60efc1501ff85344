"""What pages, commands and the API tell of bills that several connections hold, and how one is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from outlay.app import Outlay
from outlay.costs.answer import plain, sums
from outlay.costs.overlap import BOTH, Overlap, left_out
from outlay.errors import UnknownName, UsageError
from outlay.period import BillingPeriod

__all__ = ["BOTH", "Found", "choose", "chosen", "found"]


@dataclass(frozen=True)
class Found:
    """Every overlap. `month` is this one; `left_out` is of it and `left_out_in_all` of all months, by connection."""

    month: str
    overlaps: tuple[Overlap, ...]
    left_out: Mapping[str, Mapping[str, Decimal]]
    left_out_in_all: Mapping[str, Mapping[str, Decimal]]

    @property
    def totals(self) -> dict[str, Decimal]:
        """Of the month, by currency."""
        return _added(self.left_out)

    @property
    def totals_in_all(self) -> dict[str, Decimal]:
        return _added(self.left_out_in_all)

    @property
    def unchosen(self) -> tuple[Overlap, ...]:
        """Those of which nobody has said yet which one counts."""
        return tuple(each for each in self.overlaps if not each.choice)

    def as_dict(self) -> dict[str, Any]:
        return {
            "month": self.month,
            "left_out": {unit: plain(amount) for unit, amount in self.totals.items()},
            "left_out_in_all": {unit: plain(amount) for unit, amount in self.totals_in_all.items()},
            "overlaps": [each.as_dict() for each in self.overlaps],
        }


def _added(costs: Mapping[str, Mapping[str, Decimal]]) -> dict[str, Decimal]:
    return dict(sorted(sums(each for its in costs.values() for each in its.items()).items()))


def found(o: Outlay, connections: Sequence[str] = (), payer: str = "") -> Found:
    """Of all, or of those that each of `connections` is part of. Raises UnknownName, Busy and TooSlow."""
    _ = o.memory
    every = o.overlapping()
    known = {row.name for row in o.rows()} | {name for each in every for name in each.connections}
    for name in connections:
        if name not in known:
            o.connection(name)
    wanted = tuple(each for each in every if set(connections) <= set(each.connections) and payer in ("", each.payer))
    month = BillingPeriod.of(datetime.now(UTC)).month
    return Found(month, wanted, left_out(wanted, month=month), left_out(wanted))


def chosen(o: Outlay, connections: Sequence[str] = (), payer: str = "") -> Overlap:
    """The one that is meant. Raises UnknownName when there is none, and UsageError when there are several."""
    fitting = found(o, connections, payer).overlaps
    if not fitting:
        said = " and ".join(connections) or "connections"
        raise UnknownName(
            f"No month of {f'the payer {payer}' if payer else 'any payer'} is held twice by {said}.",
            next="See outlay overlaps for those there are.",
        )
    if len(fitting) > 1:
        several = "; ".join(f"{each.older} and {each.newer} of payer {each.payer}" for each in fitting)
        raise UsageError(
            f"Several overlaps are meant: {several}.",
            next="Name both connections, and the payer with --payer where they hold several.",
        )
    return fitting[0]


def choose(o: Outlay, overlap: Overlap, choice: str, *, by: str = "") -> bool:
    """Which of the two bills counts: a connection, `BOTH` where they are different ones, or blank for the older.

    Takes effect at once, in all months; nothing is read again. False: it was so before. Raises UsageError.
    """
    _ = o.memory
    from outlay.state import acts, overlaps

    if not overlaps.count(overlap.payer, overlap.connections, choice):
        return False
    what = {BOTH: "both, as different bills", "": f"{overlap.older}, as it is the older"}.get(choice, choice)
    for name in overlap.connections:
        acts.note(name, by, "overlap", said=f"of payer {overlap.payer} in {' and '.join(overlap.connections)}: {what}.")
    return True


_STALLED = {"paused": "is paused", "failing": "is failing", "late": "is late"}


def standing(o: Outlay, overlap: Overlap) -> tuple[str, ...]:
    """Why what counts may not be what is wanted: a sentence for each of those that bring in nothing new."""
    statuses = {view.row.name: view.status.status for view in o.connections()}
    counted = {name for month in overlap.months for name in month.counted if name in overlap.connections}
    found = []
    for name in sorted(counted if overlap.choice != BOTH else ()):
        if name not in statuses:
            found.append(f"{name} was removed, and its charges stay as they were then.")
        elif said := _STALLED.get(statuses[name]):
            found.append(f"{name}, which counts, {said}.")
    return tuple(found)
