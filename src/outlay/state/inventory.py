"""When each account is looked through for what runs in it, by whom, and what was not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from outlay.errors import Changed, OutlayError
from outlay.state import accounts, claims
from outlay.state.faults import translated
from outlay.state.models import Connection, InventoryLook

LEASE = timedelta(minutes=2)
_RENEW = timedelta(seconds=20)


@dataclass
class Lease:
    """Who looks through an account: nobody else does meanwhile."""

    account: str
    holder: str
    failures: int
    renewed: datetime

    def still(self) -> None:
        """Raises Changed when it was lost."""
        now = timezone.now()
        if abs(now - self.renewed) < _RENEW:
            return
        if not _mine(self).update(lease_until=now + LEASE):
            raise Changed(f"Another process looks through {self.account} by now.", next="It keeps what it sees.")
        self.renewed = now


@translated
def behind() -> dict[str, list[Connection]]:
    """The connections by whose access each account can be looked through, those for nothing else first."""
    rows = {row.name: row for row in Connection.objects.filter(paused_at=None).select_related("access_of")}
    found = {account: [rows[name] for name in names if name in rows] for account, names in accounts.connected().items()}
    return {
        account: sorted(its, key=lambda row: (row.kind != "linked", row.name)) for account, its in found.items() if its
    }


@translated
def claim_due(among: Iterable[str], at: datetime) -> Lease | None:
    """The account whose look has been due the longest; None when none is."""
    wanted = set(among)
    known = set(InventoryLook.objects.filter(account__in=wanted).values_list("account", flat=True))
    new = [InventoryLook(account=account) for account in sorted(wanted - known)]
    InventoryLook.objects.bulk_create(new, ignore_conflicts=True)
    _free_the_dead(at)
    due = InventoryLook.objects.filter(_due(at), _free(at), account__in=wanted)
    for account in due.order_by(F("next_at").asc(nulls_first=True), "account").values_list("account", flat=True):
        if lease := _take(account, at, _due(at)):
            return lease
    return None


@translated
def claim(account: str, at: datetime) -> Lease | None:
    """This one, due or not; None while another looks through it."""
    InventoryLook.objects.get_or_create(account=account)
    _free_the_dead(at)
    return _take(account, at, Q())


def _take(account: str, at: datetime, condition: Q) -> Lease | None:
    by = claims.holder()
    # One statement: of two workers that come at once, the second finds its condition no longer true.
    taken = InventoryLook.objects.filter(condition, _free(at), account=account)
    if not taken.update(lease_holder=by, lease_until=at + LEASE):
        return None
    return Lease(account, by, InventoryLook.objects.get(account=account).failures, at)


def _due(at: datetime) -> Q:
    return Q(next_at=None) | Q(next_at__lte=at)


def _free(at: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=at)


def _free_the_dead(at: datetime) -> None:
    for by in InventoryLook.objects.filter(lease_until__gt=at).values_list("lease_holder", flat=True):
        if claims.is_dead(by):
            InventoryLook.objects.filter(lease_holder=by).update(lease_holder="", lease_until=None)


def _mine(lease: Lease) -> Any:
    return InventoryLook.objects.filter(account=lease.account, lease_holder=lease.holder)


_LET_GO: Mapping[str, Any] = {"lease_holder": "", "lease_until": None}


@translated
def finish(lease: Lease, at: datetime, every: timedelta, *, connection: str, seen: int, troubles: list[Any]) -> None:
    """It was looked through."""
    fields = {"connection": connection, "seen": seen, "troubles": troubles, "said": "", "next": "", "failures": 0}
    _mine(lease).update(**_LET_GO, **fields, looked_at=at, next_at=at + every)


@translated
def fail(lease: Lease, at: datetime, every: timedelta, error: OutlayError) -> None:
    """Nothing was seen: it is tried again sooner, after 1, 2, 4 … minutes. What was seen before stays."""
    failures = lease.failures + 1
    fields = {"said": error.message, "next": error.next, "failures": failures}
    _mine(lease).update(**_LET_GO, **fields, next_at=at + claims.wait_after(failures, every))


@translated
def release(lease: Lease) -> None:
    """It was not looked through to the end, and stays due."""
    _mine(lease).update(**_LET_GO)


@translated
def looks() -> list[InventoryLook]:
    """By account."""
    return list(InventoryLook.objects.order_by("account"))
