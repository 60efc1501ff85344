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
    """`first` is the month of the change, such as `2026-05`. The old one is paused; months counted stay within."""
    before = BillingPeriod.parse(first).previous().month
    row = Connection.objects.get(name=old)
    if row.count_from and row.count_from > before:
        raise UsageError(
            f"{old} counts from {row.count_from} on only.", next="Choose a later month for the change.", field="month"
        )
    Connection.objects.filter(name=old).update(count_to=before, paused_at=row.paused_at or timezone.now())
    Connection.objects.filter(name=new).update(moved_from=old, count_from=first)


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
    link(row.moved_from.name, new, first)


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
