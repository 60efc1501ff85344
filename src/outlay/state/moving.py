"""A connection's bills go on in another place: the old connection counts up to a month, the new one from it on.

A move has a state: it waits for the month of the change to be found; or has it, and the old one is paused when it is
needed no more; or is done; or went back, and can go on again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from outlay.costs.counting import NOTHING, Line
from outlay.errors import UsageError
from outlay.period import BillingPeriod
from outlay.state.faults import translated
from outlay.state.models import Connection

WAITING, HANDING, DONE, BACK = "waiting", "handing", "", "back"
# The new one counts nothing, whatever its bounds.
_SILENT = (WAITING, BACK)
STATES = {WAITING: "waiting", HANDING: "counting", DONE: "counting", BACK: "back"}


@dataclass(frozen=True)
class Move:
    """`month` is the first that the new one counts; blank while that is not known, and when it went back.

    The new one can count no month before or of `after`. `state` is a value of `STATES`.
    """

    old: str
    new: str
    month: str
    state: str = "counting"
    after: str = ""

    @classmethod
    def of(cls, new: Connection) -> Move:
        old, first = new.moved_from, "" if new.move_state in _SILENT else new.count_from
        after = old.count_from if old else ""
        return cls(str(new.moved_from_id), new.name, first, STATES[new.move_state], after)


def together() -> AbstractContextManager[None]:
    """All that is done within, or nothing."""
    made: AbstractContextManager[None] = transaction.atomic()
    return made


@transaction.atomic
def link(old: str, new: str, first: str, *, keeps_old: bool = False) -> None:
    """`first` is the month of the change, such as `2026-05`; blank: the first that the new one holds in full.

    The old one is checked until the new one has that month, or for good. Raises UsageError when another goes on with
    the old one already, or its last month is set.
    """
    row = _locked(old)
    check(row, first)
    changes = {"moved_from": row, "keeps_old": keeps_old, "only_connected": row.only_connected}
    Connection.objects.filter(name=new).update(**changes, move_state=WAITING)
    if first:
        _split(row, _locked(new), first)


def check(old: Connection, first: str) -> None:
    """Raises UsageError when nothing can go on with it from that month on."""
    check_free(old)
    if counts_nothing(old):
        raise UsageError(
            f"{old.name} counts nothing yet, so nothing can go on with it: {old.moved_from_id} counts its months.",
            next=f"Move {old.moved_from_id} instead after going back, or say the month: outlay connections go-on "
            f"{old.name} --month MONTH.",
        )
    if old.count_to:
        raise UsageError(
            f"{old.name} counts up to {old.count_to}, and another may count what comes after.",
            next=f'If none does, lift that first: outlay connections set {old.name} --count-to "".',
        )
    if first:
        _check_from(old, first)


def check_free(old: Connection) -> None:
    """Raises UsageError when another goes on with it."""
    others = old.moved_to.exclude(move_state=BACK)
    if goes_on := list(others.values_list("name", flat=True)):
        raise UsageError(
            f"{old.name} goes on in {', '.join(goes_on)} already.",
            next=f"Move {goes_on[0]} instead, or change the month from which it counts, or go back from it first.",
        )


def _split(old: Connection, new: Connection, first: str) -> None:
    """The old one counts up to the month before `first`, the new one from it on; each month counts once."""
    before = _check_from(old, first)
    if new.count_to and new.count_to < first:
        raise UsageError(
            f"{new.name} counts up to {new.count_to} only.",
            next="Choose an earlier month for the change.",
            field="month",
        )
    changes = {"count_from": first}
    if new.move_state in _SILENT:
        changes |= {"count_to": old.count_to, "move_state": DONE if new.keeps_old else HANDING}
    Connection.objects.filter(name=old.name).update(count_to=before)
    Connection.objects.filter(name=new.name).update(**changes)


def _check_from(old: Connection, first: str) -> str:
    """The month before, which the old one may count."""
    before = BillingPeriod.parse(first).previous().month
    if old.count_from and old.count_from > before:
        raise UsageError(
            f"{old.name} counts from {old.count_from} on only.",
            next="Choose a later month for the change.",
            field="month",
        )
    return before


@transaction.atomic
def go_back(new: str, *, pauses: bool) -> str:
    """The old one counts everything again and is checked; the new one counts nothing. Returns the old one's name.

    `pauses` the new one; else it is checked on. Raises UsageError when it goes on with none, or another with it.
    """
    row = _moved(new)
    if row.move_state == BACK:
        raise UsageError(f"{new} went back to {row.moved_from_id} before.", next="It counts nothing as it is.")
    if goes_on := list(row.moved_to.exclude(move_state=BACK).values_list("name", flat=True)):
        raise UsageError(f"{', '.join(goes_on)} goes on with {new}.", next=f"Go back from {goes_on[0]} first.")
    changes = {"paused_at": timezone.now()} if pauses else {}
    old = _locked(str(row.moved_from_id))
    given = {"count_to": row.count_to} if row.move_state not in _SILENT else {}
    Connection.objects.filter(name=old.name).update(paused_at=None, next_check_at=None, **given)
    Connection.objects.filter(name=new).update(move_state=BACK, count_from="", count_to="", **changes)
    return old.name


@transaction.atomic
def go_forward(new: str, first: str) -> None:
    """After it went back it counts again from `first` on, found out where blank, and is checked. Raises UsageError."""
    row = _moved(new)
    old = _locked(str(row.moved_from_id))
    if row.move_state != BACK:
        raise UsageError(f"{new} did not go back.", next="Change the month from which it counts.")
    check_free(old)
    Connection.objects.filter(name=new).update(move_state=WAITING, paused_at=None, next_check_at=None)
    if first:
        _split(old, _locked(new), first)


def _moved(new: str) -> Connection:
    row = _locked(new)
    if row.moved_from_id is None:
        raise UsageError(f"{new} does not go on with another connection.", next="Choose one that does.")
    return row


@translated
def under_way(name: str) -> list[Move]:
    """Those with that connection as old or new one that wait for something."""
    rows = Connection.objects.filter(move_state__in=(WAITING, HANDING)).exclude(moved_from=None)
    return [Move.of(row) for row in rows.select_related("moved_from") if name in (row.name, row.moved_from_id)]


@translated
def end(new: str) -> bool:
    """False when somebody else did, or it went back meanwhile."""
    return Connection.objects.filter(name=new, move_state=HANDING).update(move_state=DONE) == 1


@transaction.atomic
def set_month(new: str, first: str) -> None:
    """The month that was found; nothing when it is not waited for any more."""
    row = Connection.objects.filter(name=new, move_state=WAITING).first()
    if row is not None and row.moved_from_id:
        _split(_locked(row.moved_from_id), _locked(new), first)


@translated
def lines() -> tuple[Line, ...]:
    """Connections that go on with one another. Bounds that somebody has set otherwise since part them."""
    rows = {row.name: row for row in Connection.objects.only("name", *_LINKED)}
    after: dict[str, list[Connection]] = {}
    for row in rows.values():
        if row.moved_from_id in rows and _joins(rows[row.moved_from_id], row):
            after.setdefault(row.moved_from_id, []).append(row)
    later = {row.name for each in after.values() for row in each}
    return tuple(Line(tuple(_members(rows[name], after))) for name in sorted(after.keys() - later))


_LINKED = ("moved_from", "move_state", "count_from", "count_to")


def _joins(old: Connection, new: Connection) -> bool:
    if new.move_state in _SILENT:
        return True
    return bool(new.count_from) and old.count_to == BillingPeriod.parse(new.count_from).previous().month


def _members(row: Connection, after: dict[str, list[Connection]]) -> Iterable[tuple[str, str, str]]:
    """Those that count nothing come last."""
    bounds = NOTHING if row.move_state in _SILENT else (row.count_from, row.count_to)
    yield (row.name, *bounds)
    for each in sorted(after.get(row.name, ()), key=lambda each: each.move_state in _SILENT):
        yield from _members(each, after)


def counts_nothing(row: Connection) -> bool:
    return row.moved_from_id is not None and row.move_state in _SILENT


@translated
def check_not_needed(row: Connection) -> None:
    """Raises UsageError for one that counts the months of another, which itself counts nothing yet, or no more."""
    if silent := list(row.moved_to.filter(move_state__in=_SILENT).values_list("name", flat=True)):
        raise UsageError(
            f"{row.name} counts the months that {', '.join(silent)} has, too.",
            next=f"Say first from which month on {silent[0]} counts, or remove that one.",
        )


def give_back(gone: Connection) -> None:
    """What a connection counted that goes with its charges falls to the one that it went on with.

    Or, where there is none, to the one that goes on with it. A bound that somebody has set since stays.
    """
    old = gone.moved_from
    if old is None:
        for new in gone.moved_to.exclude(move_state__in=_SILENT):
            if _joins(gone, new):
                Connection.objects.filter(name=new.name).update(count_from=gone.count_from)
        return
    gone.moved_to.update(moved_from=old)
    if gone.move_state in _SILENT:
        return
    if gone.count_from and old.count_to == BillingPeriod.parse(gone.count_from).previous().month:
        Connection.objects.filter(name=old.name).update(count_to=gone.count_to)


def _locked(name: str) -> Connection:
    return Connection.objects.select_for_update().get(name=name)


def lend(old: str, new: str) -> None:
    """The new one gets the old one's access, its sealed key included."""
    row = Connection.objects.get(name=old)
    access = ("profile", "role_arn", "external_id", "access_of", "access_key_id")
    Connection.objects.filter(name=new).update(**{each: getattr(row, each) for each in access}, secret=row.secret)


@transaction.atomic
def change_month(new: str, first: str) -> None:
    """Count from another month on. Raises UsageError when it was not moved from anywhere."""
    row = _moved(new)
    if row.move_state == BACK:
        raise UsageError(
            f"{new} went back to {row.moved_from_id} and counts nothing.",
            next=f"Go on with it again: outlay connections go-on {new} --month {first}.",
        )
    _split(_locked(str(row.moved_from_id)), row, first)


def of(row: Connection) -> tuple[Move, ...]:
    """Those that it is part of, the one it came by first."""
    moves = [Move.of(row)] if row.moved_from_id else []
    return (*moves, *(Move.of(each) for each in row.moved_to.all()))


def check_month(text: str) -> str:
    """Raises UsageError of the field `month`."""
    try:
        return BillingPeriod.parse(text).month
    except ValueError as error:
        raise UsageError(
            "The month of the change is missing." if not text else f"{text!r} is not a month.",
            next="Choose the first month that the new connection counts, such as 2026-05.",
            field="month",
        ) from error


def both(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """Months that both hold, newest first."""
    return sorted(set(first) & set(second), reverse=True)
