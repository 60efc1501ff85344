"""A connection's bills go on in another bucket: the old connection counts up to a month, the new one from it on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from outlay.errors import UsageError
from outlay.period import BillingPeriod
from outlay.state.models import Connection


@dataclass(frozen=True)
class Move:
    """`month` is the first that the new one counts."""

    old: str
    new: str
    month: str


def together() -> AbstractContextManager[None]:
    """All that is done within, or nothing."""
    made: AbstractContextManager[None] = transaction.atomic()
    return made


@transaction.atomic
def link(old: str, new: str, first: str) -> None:
    """`first` is the month of the change, such as `2026-05`. The old one is paused; months counted stay within.

    Raises UsageError when another goes on with the old one already, or its last month is set.
    """
    row = _locked(old)
    if goes_on := list(row.moved_to.values_list("name", flat=True)):
        raise UsageError(
            f"{old} goes on in {', '.join(goes_on)} already.",
            next=f"Move {goes_on[0]} instead, or change the month from which it counts.",
        )
    if row.count_to:
        raise UsageError(
            f"{old} counts up to {row.count_to}, and another may count what comes after.",
            next=f'If none does, lift that first: outlay connections set {old} --count-to "".',
        )
    _split(row, _locked(new), first)
    Connection.objects.filter(name=old).update(paused_at=row.paused_at or timezone.now())


def _split(old: Connection, new: Connection, first: str) -> None:
    """The old one counts up to the month before `first`, the new one from it on; each month counts once."""
    before = BillingPeriod.parse(first).previous().month
    if old.count_from and old.count_from > before:
        raise UsageError(
            f"{old.name} counts from {old.count_from} on only.",
            next="Choose a later month for the change.",
            field="month",
        )
    if new.count_to and new.count_to < first:
        raise UsageError(
            f"{new.name} counts up to {new.count_to} only.",
            next="Choose an earlier month for the change.",
            field="month",
        )
    Connection.objects.filter(name=old.name).update(count_to=before)
    Connection.objects.filter(name=new.name).update(moved_from=old.name, count_from=first)


def give_back(gone: Connection) -> None:
    """What a connection counted that goes with its charges falls to the one that it went on with.

    A bound that somebody has set since stays.
    """
    old = gone.moved_from
    if old is None:
        return
    gone.moved_to.update(moved_from=old)
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
    row = Connection.objects.get(name=new)
    if row.moved_from is None:
        raise UsageError(f"{new} does not go on with another connection.", next="Choose one that does.")
    _split(_locked(row.moved_from.name), _locked(new), first)


def of(row: Connection) -> tuple[Move, ...]:
    """Those that it is part of, the one it came by first."""
    moves = [Move(row.moved_from_id, row.name, row.count_from)] if row.moved_from_id else []
    return (*moves, *(Move(row.name, each.name, each.count_from) for each in row.moved_to.all()))


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
