"""Accounts of AWS: whose a connection's access is, and what Organizations calls the others.

All of it is a help: nothing that is counted depends on a name, and where AWS does not show one, that is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from outlay.errors import AccessError, UsageError
from outlay.state import connections
from outlay.state.faults import translated
from outlay.state.models import AccountBehind, Connection, NamedAccount, RemovedConnection

if TYPE_CHECKING:
    # Every command asks for statuses, few ask AWS or the lake.
    from outlay.aws.sessions import Credentials, Identity, Session
    from outlay.costs.answer import Answer
    from outlay.costs.only import Only
    from outlay.costs.question import Question

KINDS = ("aws", "linked")
_LOOK_EVERY, _LOOK_AGAIN = timedelta(days=1), timedelta(minutes=50)
# Organizations answers there for all regions.
_REGION = "us-east-1"
_TEXT, _UNIT = 200, 2_000


@dataclass(frozen=True)
class Named:
    """`unit` is the path of its organisational unit, blank in the root; None when it may not be seen."""

    account: str
    payer: str
    name: str
    unit: str | None = None


@translated
def names() -> dict[str, Named]:
    """By account."""
    return {row.account: Named(row.account, row.payer, row.name, row.unit) for row in NamedAccount.objects.all()}


@translated
def connected() -> dict[str, tuple[str, ...]]:
    """Each account that a connection's access is of, with the names of those connections."""
    behind = {row.connection_id: row.account for row in AccountBehind.objects.exclude(account="")}
    found: dict[str, tuple[str, ...]] = {}
    for row in Connection.objects.filter(kind__in=KINDS):
        account = behind.get(row.name) or account_of(row.role_arn)
        if account:
            found[account] = (*found.get(account, ()), row.name)
    return found


def account_of(role_arn: str) -> str:
    """Blank for no role."""
    parts = role_arn.split(":")
    return parts[4] if len(parts) > 4 else ""


@translated
def look_behind(row: Connection, credentials: Credentials, now: datetime) -> None:
    """Ask AWS whose access it is, and Organizations for names, unless that was done within a day. Refusals are kept.

    What was refused is asked again by the next checks, and another access at once.
    """
    from outlay.aws.sessions import Session, who_am_i

    known = AccountBehind.objects.filter(connection=row).first()
    if known and known.looked_at > row.access_at and now - known.looked_at < _look_every(known):
        return
    session = Session(credentials)
    fields: dict[str, str] = {}
    found: list[Named] | None = None
    try:
        who = who_am_i(session)
        fields = {"account": who.account, "payer": who.payer, "standing": who.standing}
        found = organisation(session, who.payer) if who.standing == "payer" else None
        said = "" if found or who.standing in ("linked", "alone") else NOT_VISIBLE
    except AccessError as error:
        said = str(error)
    with transaction.atomic():
        AccountBehind.objects.update_or_create(connection=row, defaults={**fields, "said": said, "looked_at": now})
        for each in found or ():
            _keep(each, now)


def _look_every(known: AccountBehind) -> timedelta:
    return _LOOK_AGAIN if known.said or not known.account else _LOOK_EVERY


NOT_VISIBLE = "The access may not list the organisation's accounts: that takes organizations:ListAccounts."


def _keep(named: Named, now: datetime) -> None:
    """A unit that was seen once stays when it may not be seen any more."""
    fields = {"payer": named.payer, "name": named.name[:_TEXT], "seen_at": now}
    if named.unit is not None:
        fields["unit"] = named.unit[:_UNIT]
    NamedAccount.objects.update_or_create(account=named.account, defaults=fields)


def organisation(session: Session, payer: str) -> list[Named] | None:
    """Every account of the payer's organisation; None where they may not be listed. Raises AccessError."""
    from outlay.aws.sessions import unless_denied

    def listed() -> list[Mapping[str, str]]:
        return list(session.pages("organizations", "ListAccounts", "Accounts", region=_REGION))

    accounts = unless_denied(listed)
    if accounts is None:
        return None
    units = unless_denied(lambda: dict(_units(session))) or {}
    return [Named(each["Id"], payer, each.get("Name", ""), units.get(each["Id"])) for each in accounts]


def _units(session: Session) -> Iterator[tuple[str, str]]:
    """Each account with the path of its unit."""
    roots = session.pages("organizations", "ListRoots", "Roots", region=_REGION)
    waiting = [(str(root["Id"]), "") for root in roots]
    while waiting:
        parent, path = waiting.pop()
        inside = {"region": _REGION, "ParentId": parent}
        for each in session.pages("organizations", "ListAccountsForParent", "Accounts", **inside):
            yield str(each["Id"]), path
        key = "OrganizationalUnits"
        within = session.pages("organizations", "ListOrganizationalUnitsForParent", key, **inside)
        waiting += [(str(unit["Id"]), f"{path} / {unit['Name']}" if path else str(unit["Name"])) for unit in within]


@translated
def unseen() -> dict[str, str]:
    """The connections whose access does not show names, each with why."""
    rows = AccountBehind.objects.exclude(said="").order_by("connection_id")
    return {row.connection_id: row.said for row in rows}


# Linked accounts


@translated
def look_at_linked(row: Connection, credentials: Credentials, now: datetime) -> None:
    """Raises AccessError for an access that is wrong, and UsageError for one of an account that pays for itself."""
    from outlay.aws.sessions import Session, who_am_i

    who = who_am_i(Session(credentials))
    fields = {"account": who.account, "payer": who.payer, "standing": who.standing, "said": "", "looked_at": now}
    AccountBehind.objects.update_or_create(connection=row, defaults=fields)
    check_is_linked(who)


def check_is_linked(who: Identity) -> None:
    """Raises UsageError for an account that pays for itself."""
    from outlay.aws.sessions import STANDINGS

    if who.pays:
        raise UsageError(
            f"The account {who.account} is no linked one: it is {STANDINGS[who.standing]}.",
            next="Connect its bill in place of it, as a connection of the kind aws.",
        )


@translated
def linked() -> dict[str, str]:
    """The account of each linked connection that was looked at, by name."""
    rows = AccountBehind.objects.filter(connection__kind="linked").exclude(account="")
    return dict(rows.values_list("connection_id", "account"))


def through_question(accounts: Mapping[str, str]) -> Question:
    """Which connections' bills hold charges of these accounts."""
    from outlay.costs.filters import Filter
    from outlay.costs.question import Question

    column = "SubAccountId"
    wanted = tuple(Filter(column, "=", account) for account in sorted(set(accounts.values())))
    return Question(by=("x_Connection", column), granularity="none", filters=wanted)


@translated
def keep_through(answer: Answer) -> None:
    """Of the answer to `through_question`."""
    found: dict[str, list[str]] = {}
    for row in answer.rows:
        if not row.is_remainder:
            connection, account = row.values
            found.setdefault(account, []).append(connection)
    for name, account in linked().items():
        through = sorted(set(found.get(account, ())) - {name})
        AccountBehind.objects.filter(connection_id=name).exclude(through=through).update(through=through)


@translated
def facts_of_linked(row: Connection) -> dict[str, Any]:
    """What `health.Facts` has of a linked account. Connections that were removed since are left out."""
    behind = AccountBehind.objects.filter(connection=row).first()
    if behind is None:
        return {"account": account_of(row.role_arn)}
    through = Connection.objects.filter(name__in=behind.through).values_list("name", flat=True)
    payers = connected().get(behind.payer, ()) if behind.payer else ()
    return {
        "account": behind.account or account_of(row.role_arn),
        "payer": behind.payer,
        "payers": payers,
        "through": tuple(through),
    }


# Counting only connected accounts


@translated
def only() -> Only:
    """Whose charges count; of connections that were removed while their charges stay, as they were set then."""
    from outlay.costs.only import Only

    rows, removed = (
        each.objects.filter(only_connected=True).order_by().values_list("pk")
        for each in (Connection, RemovedConnection)
    )
    switched = [name for (name,) in rows.union(removed)]
    return Only(frozenset(switched), frozenset(connected())) if switched else Only()


@translated
def count_only_connected(name: str, *, is_on: bool) -> bool:
    """Was that a change? Raises UnknownName, and UsageError for what is no payer's bill."""
    row = connections.named(name)
    if row.kind != "aws" and is_on:
        raise UsageError(
            f"{name} brings in no bill of an AWS payer, so all of its accounts count.",
            next="Choose the connection of a payer's bill.",
            field="only_connected",
        )
    found = Connection.objects.filter(name=name).exclude(only_connected=is_on)
    return found.update(only_connected=is_on) == 1
