"""Holds up who guesses passwords, per account and per address, in the database that all processes share.

An attempt is counted before its password is looked at, so that many at once gain nothing, and taken back when it was
right. After some failures each one more doubles the wait; an hour without one forgets them. Accounts that do not exist
are counted alike.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from outlay.web.accounts.models import Guessing

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)
_FORGET = timedelta(hours=1)


@dataclass(frozen=True)
class Subject:
    """Who is counted. `free`: how many failures there are before one has to wait."""

    key: str
    free: int


class Blocked(Exception):
    """Too many failures; `wait` is what is left to wait."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(str(wait))
        self.wait = wait


def account(name: str) -> Subject:
    """Any text that somebody typed, so its digest."""
    return Subject(f"account:{hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:40]}", 5)


def address(text: str) -> Subject:
    """Many people may share one."""
    return Subject(f"address:{text[:100]}", 20)


def begin(subjects: tuple[Subject, ...], now: datetime) -> None:
    """Count an attempt. Raises Blocked, and then counts nothing."""
    with transaction.atomic():
        Guessing.objects.filter(last_at__lt=now - _FORGET).delete()
        rows = [_row(subject, now) for subject in subjects]
        waits = [row.blocked_until - now for row in rows if row.blocked_until and row.blocked_until > now]
        if waits:
            raise Blocked(max(waits))
        for subject, row in zip(subjects, rows, strict=True):
            row.failures += 1
            row.last_at = now
            row.blocked_until = _until(row.failures - subject.free, now)
            row.save()


def succeeded(named: Subject, other: Subject) -> None:
    """The account begins anew; the address takes back this attempt alone, or signing in would wash a guesser clean."""
    Guessing.objects.filter(subject=named.key).delete()
    Guessing.objects.filter(subject=other.key).update(failures=Greatest(F("failures") - 1, 0), blocked_until=None)


def forget(named: Subject) -> None:
    """For an account whose password was set anew by a link."""
    Guessing.objects.filter(subject=named.key).delete()


def _row(subject: Subject, now: datetime) -> Guessing:
    Guessing.objects.get_or_create(subject=subject.key, defaults={"last_at": now})
    return Guessing.objects.select_for_update().get(subject=subject.key)


def _until(beyond: int, now: datetime) -> datetime | None:
    """`beyond` counts the failures after the free ones."""
    if beyond < 0:
        return None
    return now + min(_FIRST_WAIT * (1 << min(beyond, 10)), _LONGEST_WAIT)
