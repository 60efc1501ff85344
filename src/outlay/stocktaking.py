"""What runs in the connected AWS accounts: looking for it, and what pages, commands and the API tell of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outlay.app import Outlay
from outlay.costs.answer import sums
from outlay.errors import AccessError, Bug, Busy, OutlayError, UnknownName, UsageError

if TYPE_CHECKING:
    from outlay.aws.inventory.collecting import Home, Trouble
    from outlay.aws.sessions import Session
    from outlay.inventory.asking import Change, Seen, Wanted
    from outlay.state.inventory import Lease
    from outlay.state.models import Connection, InventoryLook

_ASK_AGAIN = 30
# Hours, where only commands look.
_USUALLY = 6
MOST_WITH_COSTS = 1_000
_ID, _IDS_AT_ONCE = "ResourceId", 500


# Looking


def look_at_next(o: Outlay, *, is_over: Callable[[], bool] = lambda: False) -> str | None:
    """Look through the account that has been due the longest; None when none is, else what came of it, in words."""
    if not o.settings.inventory_hours:
        return None
    _ = o.memory
    from outlay.state import inventory

    behind = _behind(o)
    lease = inventory.claim_due(behind, datetime.now(UTC))
    return None if lease is None else _looked(o, lease, behind[lease.account], is_over)


def look_at(o: Outlay, account: str) -> str:
    """Now. Raises UnknownName for an account that is not connected, and Busy while another process looks through it."""
    _ = o.memory
    from outlay.state import inventory

    behind = _behind(o)
    if account not in behind:
        raise _unknown(account, behind)
    lease = inventory.claim(account, datetime.now(UTC))
    if lease is None:
        raise Busy(
            f"Another process looks through {account} at the moment.",
            next="Wait for it to end: outlay inventory accounts tells when.",
            retry_after=_ASK_AGAIN,
        )
    return _looked(o, lease, behind[account], lambda: False)


def connected(o: Outlay) -> list[str]:
    """The accounts that can be looked through."""
    return sorted(_behind(o))


def _behind(o: Outlay) -> dict[str, list[Connection]]:
    _ = o.memory
    from outlay.state import inventory

    asked = {account: [row for row in rows if _is_aws(o, row)] for account, rows in inventory.behind().items()}
    return {account: rows for account, rows in asked.items() if rows}


def _is_aws(o: Outlay, row: Connection) -> bool:
    """Another S3 service than AWS's has no such thing, unless it is said whose access of AWS it is."""
    lender = row.access_of or row
    says_whose = bool(lender.role_arn or lender.access_key_id or lender.profile)
    is_there = row.kind == "linked" or row.location.startswith("s3://")
    return is_there and (not o.settings.s3_endpoint or says_whose)


def _looked(o: Outlay, lease: Lease, rows: list[Connection], is_over: Callable[[], bool]) -> str:
    from outlay.aws.inventory.collecting import collect
    from outlay.inventory.keeping import keep
    from outlay.lake.resources import Resources
    from outlay.state import inventory

    every = timedelta(hours=o.settings.inventory_hours or _USUALLY)
    try:
        sessions, home, by = _sessions(o, lease.account, rows)
        pieces = collect(sessions, home, is_over=is_over, still=lease.still)
        now = datetime.now(UTC)
        outcome = keep(Resources(o.lake), lease.account, pieces, now, still=lease.still, is_over=is_over)
        if not is_over():
            troubles = [each.as_dict() for each in grouped(outcome.troubles)]
            inventory.finish(lease, datetime.now(UTC), every, connection=by, seen=outcome.seen, troubles=troubles)
    except OutlayError as error:
        inventory.fail(lease, datetime.now(UTC), every, error)
        return f"The resources of {lease.account} were not seen: {error.message}"
    except Exception as error:
        # It would be due first again, and keep all others waiting.
        said = f"Outlay failed unexpectedly: {type(error).__name__}."
        inventory.fail(lease, datetime.now(UTC), every, Bug(said, next="It is tried again. If it stays, report it."))
        raise
    finally:
        # What was ended is left to others; otherwise it is given back already.
        inventory.release(lease)
    changes = "".join(f", {count:,} {change}" for change, count in sorted(outcome.changes.items()))
    unseen = f"; {len(outcome.troubles)} looks were refused or failed" if outcome.troubles else ""
    return f"{lease.account}: {outcome.seen:,} resources{changes}{unseen}."


def _sessions(o: Outlay, account: str, rows: Iterable[Connection]) -> tuple[list[Session], Home, str]:
    """Of every access that works and still is of the account, and the first connection of these.

    Two connections of one access are one. Raises AccessError where none is.
    """
    from outlay.aws.inventory.collecting import ATTEMPTS, home
    from outlay.aws.sessions import Credentials, Session

    sessions, names, asked = [], [], set()
    at: Home | None = None
    said: AccessError | None = None
    for row in rows:
        lender = row.access_of_id or row.name
        given = o.credentials(row) if lender not in asked else None
        asked.add(lender)
        if not isinstance(given, Credentials):
            continue
        session = Session(given, attempts=ATTEMPTS)
        try:
            found = home(session)
        except AccessError as error:
            said = said or error
            continue
        if found.account == account:
            at = found
            sessions.append(session)
            names.append(row.name)
    if at is None:
        raise said or AccessError(
            f"No connection's access is of the account {account} any more.",
            next="Check the connections: outlay connections list.",
        )
    return sessions, at, names[0]


# Telling


@dataclass(frozen=True)
class Unseen:
    """What was not seen of a kind, in which regions, and what to do. `is_part`: a part of each resource only."""

    kind: str
    regions: tuple[str, ...]
    action: str
    message: str
    next: str
    is_part: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "regions": list(self.regions),
            "action": self.action or None,
            "message": self.message,
            "next": self.next,
            "part": self.is_part,
        }


def grouped(troubles: Iterable[Trouble]) -> list[Unseen]:
    """Those of the same kind and permission are one, with all their regions; the first one's words stand for it."""
    found: dict[tuple[str, str, bool], list[Trouble]] = {}
    for each in troubles:
        found.setdefault((each.kind, each.action, each.is_part), []).append(each)
    return [
        Unseen(
            kind, tuple(sorted({each.region for each in its if each.region})), action, its[0].message, its[0].next, part
        )
        for (kind, action, part), its in sorted(found.items())
    ]


@dataclass(frozen=True)
class Looked:
    """How it stands with an account. `is_connected`: is there still an access by which to look?"""

    row: InventoryLook
    counts: dict[str, int]
    is_connected: bool

    def as_dict(self) -> dict[str, Any]:
        row = self.row
        return {
            "account": row.account,
            "connected": self.is_connected,
            "connection": row.connection or None,
            "looked": row.looked_at.isoformat() if row.looked_at else None,
            "next_look": row.next_at.isoformat() if row.next_at and self.is_connected else None,
            "resources": sum(self.counts.values()),
            "kinds": self.counts,
            "failure": row.said or None,
            "next": row.next or None,
            "unseen": row.troubles,
        }


def accounts(o: Outlay) -> list[Looked]:
    """Every account that was looked through or may be, with how many resources of each kind it has."""
    behind = _behind(o)
    from outlay.inventory.asking import counts
    from outlay.lake.resources import Resources
    from outlay.state import inventory
    from outlay.state.models import InventoryLook

    files = Resources(o.lake).files()
    counted = o.desk.look(lambda session: counts(session, files))
    known = {account for account, _ in counted}
    rows = {account: InventoryLook(account=account) for account in known | behind.keys()} | {
        row.account: row for row in inventory.looks()
    }
    return [
        Looked(row, {kind: number for (its, kind), number in counted.items() if its == account}, account in behind)
        for account, row in sorted(rows.items())
    ]


def resources(o: Outlay, wanted: Wanted) -> tuple[int, list[Seen]]:
    """How many fit, and those of the page. Raises UsageError, Busy and TooSlow."""
    from outlay.inventory.asking import count_and_list
    from outlay.lake.resources import Resources

    wanted.check()
    files = Resources(o.lake).files()
    return o.desk.look(lambda session: count_and_list(session, files, wanted))


def resource(o: Outlay, id: str) -> list[tuple[Seen, list[Change]]]:
    """Every resource of that id or ARN, each with its changes, the newest first. Raises UnknownName."""
    from outlay.inventory.asking import history, key_of
    from outlay.lake.resources import Resources

    files = Resources(o.lake).files()
    found, changes = o.desk.look(lambda session: history(session, files, id))
    if not found:
        raise UnknownName(
            f"No resource {id!r} was ever seen.", next="See outlay inventory list, or search there by --text."
        )
    return [(each, changes[key_of(each)]) for each in found]


def with_costs(o: Outlay, found: Sequence[Seen]) -> list[dict[str, Any]]:
    """As `as_dict`, and beside each what it cost, effective, by currency: the charges that name it by id or ARN.

    Raises UsageError for more than 1,000 at once, Busy and TooSlow.
    """
    from outlay.costs.answer import plain
    from outlay.inventory.asking import COSTS

    if len(found) > MOST_WITH_COSTS:
        raise UsageError(
            f"{len(found):,} resources are too many to be told with their costs: {MOST_WITH_COSTS:,} are the most.",
            next="Narrow it, such as by account, region or kind.",
            field="costs",
        )
    rows = [each.as_dict() for each in found]
    for name, days in zip(COSTS, ("last-30-days", "this-month"), strict=True):
        costs = _costs(o, found, days)
        for row, each in zip(rows, found, strict=True):
            amounts = sums(pair for id in each.billed_as for pair in costs.get(id, ()))
            row[name] = {unit: plain(amount) for unit, amount in sorted(amounts.items())}
    return rows


def _costs(o: Outlay, found: Sequence[Seen], days: str) -> dict[str, list[tuple[str, Decimal]]]:
    """By the resource id that charges have."""
    from outlay.costs.filters import Filter
    from outlay.costs.question import Question
    from outlay.costs.ranges import RANGES

    within = RANGES[days].days
    start, end = within(datetime.now(UTC).date()) if within else (None, None)
    ids = [id for each in found for id in each.billed_as]
    costs: dict[str, list[tuple[str, Decimal]]] = {}
    for first in range(0, len(ids), _IDS_AT_ONCE):
        filters = tuple(Filter(_ID, "=", id) for id in ids[first : first + _IDS_AT_ONCE])
        asked = Question(by=(_ID,), granularity="none", start=start, end=end, filters=filters)
        for row in o.ask(asked).rows:
            costs.setdefault(row.values[0], []).append((row.unit, row.amount))
    return costs


def _unknown(account: str, known: Iterable[str]) -> UnknownName:
    names = sorted(known)
    near = difflib.get_close_matches(account, names, n=3) or names[:5]
    return UnknownName(
        f"No connection's access is of an account {account!r}.",
        next=f"Did you mean {', '.join(near)}?" if near else "Connect it: outlay connections add linked.",
    )
