"""Who checks which connection: claimed by one conditional UPDATE, under a lease that runs out.

A lease is renewed while the check goes on. A holder that is killed stops renewing it: on another machine its work is
taken over when the lease has run out, on the same machine at once. Times are the machine's own, so the clocks of
workers on several machines have to agree to some seconds.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from outlay.errors import Changed
from outlay.health import NEW_PERMISSIONS
from outlay.state.models import Connection

LEASE = timedelta(seconds=60)
_FIRST_WAIT = timedelta(minutes=1)


@dataclass(frozen=True)
class Claim:
    """A lease that was given: on which connection, to whom, when, and how much had failed before."""

    connection: str
    holder: str
    at: datetime
    failures: int


def holder() -> str:
    """A new name for who holds a lease: the machine, the process, and what makes it unlike any other."""
    return f"{_machine()}:{os.getpid()}:{secrets.token_hex(6)}"


def claim_due(by: str, at: datetime) -> Claim | None:
    """The connection that is due and has waited longest, those that somebody asked for first; None when none is."""
    free_the_dead(at)
    due = Connection.objects.filter(_due(at), _free(at))
    order = (F("wanted_at").asc(nulls_last=True), F("next_check_at").asc(nulls_first=True), "name")
    for name in due.order_by(*order).values_list("name", flat=True):
        if claim := _take(name, by, at, _due(at)):
            return claim
    return None


def claim(name: str, by: str, at: datetime) -> Claim | None:
    """This connection, due or not, paused or not; None while another holds it."""
    free_the_dead(at)
    return _take(name, by, at, Q())


def _take(name: str, by: str, at: datetime, condition: Q) -> Claim | None:
    # One statement: of two workers that come at once, the second finds its condition no longer true.
    taken = Connection.objects.filter(condition, _free(at), name=name).update(
        lease_holder=by, lease_until=at + LEASE, heartbeat_at=at, stop_requested_at=None
    )
    if not taken:
        return None
    failures = Connection.objects.values_list("failures", flat=True).get(name=name)
    return Claim(name, by, at, failures)


def _due(at: datetime) -> Q:
    return Q(paused_at=None) & (Q(wanted_at__lte=at) | Q(next_check_at=None) | Q(next_check_at__lte=at))


def _free(at: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=at)


def held(at: datetime) -> Q:
    """Connections that somebody checks at the moment."""
    return Q(lease_until__gt=at)


def renew(claim: Claim, at: datetime, **fields: Any) -> bool:
    """Push the lease's end, and keep `fields` of the row. False: the lease is lost, and nothing may be committed."""
    mine = Connection.objects.filter(name=claim.connection, lease_holder=claim.holder)
    return mine.update(lease_until=at + LEASE, heartbeat_at=at, **fields) == 1


def release(claim: Claim, **fields: Any) -> bool:
    """Give the lease back. What was due stays due. False when it was lost."""
    mine = Connection.objects.filter(name=claim.connection, lease_holder=claim.holder)
    return mine.update(**_LET_GO, **fields) == 1


@contextmanager
def held_by(claim: Claim) -> Iterator[Callable[[], None]]:
    """What is done within has the connection for itself, and gives it back. It calls what it gets every few seconds.

    That renews the lease, and raises Changed when it was lost.
    """

    def still() -> None:
        if not renew(claim, timezone.now()):
            raise Changed(f"Another process has taken {claim.connection} meanwhile.", next="Do it again.")

    try:
        yield still
    finally:
        release(claim)


@transaction.atomic
def finish(claim: Claim, at: datetime, *, is_well: bool, fields: Mapping[str, Any]) -> bool:
    """Give the lease back after a check: the next one comes as often as is set, or sooner after a failure.

    A wish that came while the check went on stays. False when the lease was lost.
    """
    row = Connection.objects.filter(name=claim.connection, lease_holder=claim.holder).first()
    if row is None:
        return False
    failures = 0 if is_well else _failed_again(row, claim, at)
    wait = wait_after(failures, timedelta(minutes=row.check_every_minutes))
    if not release(claim, failures=failures, next_check_at=at + wait, **fields):
        return False
    Connection.objects.filter(name=claim.connection, wanted_at__lte=claim.at).update(wanted_at=None)
    return True


def _failed_again(row: Connection, claim: Claim, at: datetime) -> int:
    """While its access is new, each failure is as the first one: what is being set up is tried every minute."""
    return 1 if abs(at - row.access_at) <= NEW_PERMISSIONS else claim.failures + 1


def put_off(claim: Claim, at: datetime) -> None:
    """For a check that broke off after its lease was given back: it failed, and is due later like any that did."""
    row = Connection.objects.filter(_free(at), name=claim.connection).first()
    if row is not None:
        failures = _failed_again(row, claim, at)
        wait = wait_after(failures, timedelta(minutes=row.check_every_minutes))
        Connection.objects.filter(_free(at), name=row.name).update(failures=failures, next_check_at=at + wait)


def wait_after(failures: int, every: timedelta) -> timedelta:
    """One, two, four … minutes after failures, never longer than usual. With jitter: what failed together parts."""
    if not failures:
        return every
    doubled: int = 2 ** min(failures - 1, 12)
    return min(every, _FIRST_WAIT * doubled) * random.uniform(0.75, 1)  # noqa: S311 - jitter, not a secret


def free_the_dead(at: datetime) -> int:
    """Take the leases of processes of this machine that are gone; returns how many those were."""
    freed = 0
    for by in Connection.objects.filter(held(at)).values_list("lease_holder", flat=True):
        if is_dead(by):
            freed += Connection.objects.filter(lease_holder=by).update(**_LET_GO)
    return freed


def is_dead(by: str) -> bool:
    """Is it known to be gone? Of processes of other machines nothing is known."""
    machine, _, rest = by.partition(":")
    process = rest.partition(":")[0]
    if machine != _machine() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # A process that was killed is still there until its parent has looked.
    return _first_line(f"/proc/{process}/stat").rpartition(")")[2].strip().startswith("Z")


@cache
def _machine() -> str:
    """The host's name, and a mark of its boot and its space of process ids.

    Containers may share a name, but a process id means something in its own space only.
    """
    parts = [socket.gethostname(), _first_line("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")]
    mark = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
    return f"{parts[0][:80].replace(':', '-')}/{mark}"


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def said(by: str) -> str:
    """A holder as people read it: `process 4242 on host`."""
    machine, _, rest = by.partition(":")
    return f"process {rest.partition(':')[0]} on {machine.partition('/')[0]}"


_LET_GO: dict[str, Any] = {"lease_holder": "", "lease_until": None, "heartbeat_at": None}
