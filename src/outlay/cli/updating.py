"""`outlay connections update|moves|go-back|go-on`: other credentials, or another export behind a connection."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import outlay
from outlay import connecting
from outlay.cli.adding import ExternalId, Profile, RoleArn
from outlay.cli.options import Json, Name
from outlay.cli.output import Column, money, print_json, say, table
from outlay.cli.who import who
from outlay.errors import UsageError
from outlay.state.new import NewConnection

if TYPE_CHECKING:
    from outlay.app import ConnectionView, Outlay
    from outlay.connecting import Moved
    from outlay.state.models import Connection

_NONE = Decimal(0)
From = Annotated[
    str,
    Parameter("--month", metavar="MONTH", help="The first month that it counts. [default: the first it has in full]"),
]


def update(
    name: Name,
    /,
    *,
    location: Annotated[str, Parameter("--location", help="Where the bills lie from now on.")] = "",
    export: Annotated[str | None, Parameter("--export", help="The export or report there. [default: as it is]")] = None,
    new_name: Annotated[
        str, Parameter("--as", metavar="NAME", help="Name of the new connection. [default: such as NAME-cur2]")
    ] = "",
    month: From = "",
    keep_old: Annotated[
        bool, Parameter("--keep-old", help="Go on checking the old connection when the new one counts.")
    ] = False,
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    untested: Annotated[bool, Parameter("--untested", help="Save it even when the test of it fails.")] = False,
    json: Json = False,
) -> None:
    """Give a connection other credentials, or another export: another bucket, prefix or kind of export.

    Both are tested first, and nothing is changed when that fails. For another export a connection is added that goes
    on with this one from a month on; earlier months keep the data that they have. Until the new one has that month
    the old one counts it; then the old one is paused. Credentials that are not given stay as they are.

    For example:

    outlay connections update payer --role-arn arn:aws:iam::123456789012:role/outlay --external-id outlay-0f1e2d3c
    outlay connections update payer --location s3://acme-billing/exports --export cur2 --as payer-cur2
    outlay connections update payer --location s3://acme-billing/exports --export focus --month 2026-10
    """
    given = {"profile": profile, "role_arn": role_arn, "external_id": external_id}
    access = given if any(given.values()) else {}
    with outlay.open() as o:
        row = o.connection(name).row
        if location or (export is not None and export != row.export and row.export):
            new = _new(o, row, new_name, location, export, access)
            view = connecting.move(
                o, name, new, month, keeps_access=not access, keeps_old=keep_old, untested=untested, by=who()
            )
            _tell_moved(o, view, json)
            return
        if not access:
            raise UsageError("Nothing is said of what to update.", next="See outlay connections update --help.")
        _change_access(o, row, access, untested=untested)
        view = o.connection(name)
    if json:
        print_json(view.as_dict() | view.details())
        return
    say(f"{name} has another access now{', which was not tested' if untested else ', and can read with it'}.")
    say(f"next: outlay ingest {name}")


def _new(
    o: Outlay, row: Connection, name: str, location: str, export: str | None, access: dict[str, str]
) -> NewConnection:
    return NewConnection(
        name or connecting.name_for(o, row),
        row.kind,
        location or row.location,
        row.cloud_provider,
        row.export if export is None else export,
        row.currency,
        row.expect_every_hours,
        check_every=row.check_every_minutes,
        **access,
    )


def _change_access(o: Outlay, row: Connection, access: dict[str, str], *, untested: bool) -> None:
    from outlay.state.changing import Settings

    hours = "" if row.expect_every_hours is None else str(row.expect_every_hours)
    wanted = Settings(
        row.location, row.cloud_provider, hours, str(row.check_every_minutes), row.bring_from, False, **access
    )
    connecting.change(o, row.name, wanted, untested=untested, by=who())


def _tell_moved(o: Outlay, view: ConnectionView, json: bool) -> None:
    (move, *_) = connecting.moves(o, view.row.name)
    if json:
        print_json({**view.as_dict(), **move.as_dict()})
        return
    say(f"{move.new} goes on with {move.old}. {_counts(move)}")
    say(f"next: outlay ingest {move.new}, then outlay connections moves {move.new}")


def moves(name: Name, /, *, json: Json = False) -> None:
    """Show with which connections one goes on, with both sums of every month that both hold.

    For example:

    outlay connections moves payer
    """
    with outlay.open() as o:
        found = connecting.moves(o, name)
    if json:
        print_json([each.as_dict() for each in found])
        return
    if not found:
        say(f"{name} goes on with no other connection, and none with it.")
    for each in found:
        say(_counts(each))
        _show_months(each)


def _show_months(move: Moved) -> None:
    for month, by in move.stand_ins:
        say(f"{month} is counted from {by}: the other one does not hold it.")
    if not move.overlaps:
        say("No month is held by both.")
        return
    columns = [Column("month"), Column("currency"), Column(move.old), Column(move.new)]
    table(
        [*columns, Column("difference"), Column("counted")],
        [
            (
                each.month,
                currency,
                money(each.old.get(currency, _NONE)),
                money(each.new.get(currency, _NONE)),
                money(each.difference[currency]),
                move.new if each.new_counts else move.old,
            )
            for each in move.overlaps
            for currency in each.currencies
        ],
    )


def go_back(
    name: Name,
    /,
    *,
    then: Annotated[
        Literal["pause", "check", "remove"],
        Parameter("--then", show_default=True, help="What becomes of it. Removed, its charges go, too."),
    ] = "pause",
    yes: Annotated[bool, Parameter("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Go back from a connection to the one that it goes on with, which counts everything again and is checked.

    For example:

    outlay connections go-back payer-cur2
    outlay connections go-back payer-cur2 --then remove --yes
    """
    with outlay.open() as o:
        row = o.connection(name).row
        if not yes:
            _ask(row, then, is_silent=json)
        view = connecting.go_back(o, name, then=then, by=who())
    if json:
        print_json(view.as_dict())
        return
    say(f"{view.row.name} counts everything again, and is checked. {name} counts nothing. {connecting.THEN[then]}")
    say(f"next: outlay ingest {view.row.name}")


def _ask(row: Connection, then: str, *, is_silent: bool) -> None:
    """Raises UsageError unless the user agrees."""
    if is_silent or not sys.stdin.isatty():
        raise UsageError(f"Going back from {row.name} wants a confirmation.", next="Add --yes when you are sure.")
    say(f"{row.moved_from_id or 'The one before'} counts everything again, {row.name} nothing. {connecting.THEN[then]}")
    try:
        typed = input("Type yes to go on: ")
    except EOFError:
        typed = ""
    if typed.strip() != "yes":
        raise UsageError("That is not yes: nothing was changed.", next="Run the command again.")


def go_on(name: Name, /, *, month: From = "", json: Json = False) -> None:
    """Go forward again to a connection from which one went back, or change the month from which on it counts.

    For example:

    outlay connections go-on payer-cur2
    outlay connections go-on payer-cur2 --month 2026-10
    """
    with outlay.open() as o:
        move = next((each for each in connecting.moves(o, name) if each.new == name), None)
        if move is not None and move.state != "back" and month:
            connecting.change_month(o, name, month, by=who())
        else:
            connecting.go_on(o, name, month, by=who())
        (move, *_) = connecting.moves(o, name)
    if json:
        print_json(move.as_dict())
        return
    say(_counts(move))


def _counts(move: Moved) -> str:
    return {
        "waiting": f"{move.old} counts, until {move.new} holds a month in full.",
        "counting": f"{move.old} counts up to the month before {move.month}, {move.new} from {move.month} on.",
        "back": f"{move.old} counts everything, {move.new} nothing: one went back.",
    }[move.state]
