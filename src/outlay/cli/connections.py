"""`outlay connections list|show|pause|resume|remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import outlay
from outlay import connecting
from outlay.cli.asking import ask_name
from outlay.cli.options import Json, Name
from outlay.cli.output import Column, count, facts, money, print_json, say, table
from outlay.cli.who import who

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from outlay.accounting import Ignored
    from outlay.app import ConnectionView, Outlay
    from outlay.state.changes import Change

_CHANGES = 20


def list_(*, json: Json = False) -> None:
    """List the connections and how each is doing.

    For example:

    outlay connections list
    """
    with outlay.open() as o:
        views = o.connections()
    if json:
        print_json([view.as_dict() for view in views])
    elif views:
        columns = [Column("name"), Column("kind"), Column("status"), Column("reason")]
        table(columns, [(v.row.name, v.row.kind, v.status.status, v.status.reason) for v in views])
        _next_actions(views)
    else:
        say("There are no connections yet.")
        say("next: Add one with outlay connections add, or write sample bills with outlay demo DIR.")


def show(name: Name, /, *, json: Json = False) -> None:
    """Show one connection: where it reads, how, and how it is doing.

    For example:

    outlay connections show simple-cloud
    """
    with outlay.open() as o:
        if json:
            told = o.shown(name)
            print_json(told | {"ignored": _ignored(o).of(name)} if told["only_connected"] else told)
            return
        view, progress, timeline = o.connection(name), o.progress(name), o.timeline(name)
        overlaps = o.overlapping_with(name)
        told = view.as_dict() | view.details()
        told["last check"] = progress.said() if progress else None
        facts([(label.replace("_", " "), value) for label, value in told.items() if value is not None])
        for each in overlaps:
            other = each.newer if each.older == name else each.older
            say(f"{other} holds bills of the same payer, {each.payer}: see outlay overlaps {each.older} {each.newer}.")
        _show_timeline(timeline)
        if view.row.only_connected:
            # Last, for it asks the charges: what is known without them has been told.
            _show_ignored(name, _ignored(o))


def _ignored(o: Outlay) -> Ignored:
    from outlay import accounting

    return accounting.ignored(o)


def _show_ignored(name: str, ignored: Ignored) -> None:
    say()
    say(
        f"Charges of accounts that are not connected are ignored: {_amounts(ignored.month[name])} in {ignored.name}, "
        f"{_amounts(ignored.all[name])} in all months. outlay accounts shows whose they are."
    )


def _amounts(found: Mapping[str, Decimal]) -> str:
    return " and ".join(f"{money(amount)} {currency}" for currency, amount in found.items()) or "nothing"


def _show_timeline(timeline: list[Change]) -> None:
    say()
    columns = [Column("since"), Column("status"), Column("reason")]
    table(columns, [(f"{each.at:%Y-%m-%d %H:%M} UTC", each.after, each.reason) for each in timeline[:_CHANGES]])
    if len(timeline) > _CHANGES:
        say(f"… and {count(len(timeline) - _CHANGES, 'earlier change')}; --json has all of them.")


def pause(name: Name, /, *, json: Json = False) -> None:
    """Stop checking a connection. Its charges stay as they are.

    For example:

    outlay connections pause simple-cloud
    """
    with outlay.open() as o:
        _tell(connecting.pause(o, name, by=who()), json)


def resume(name: Name, /, *, json: Json = False) -> None:
    """Check a paused connection again.

    For example:

    outlay connections resume simple-cloud
    """
    with outlay.open() as o:
        _tell(connecting.resume(o, name, by=who()), json)


def remove(
    name: Name,
    /,
    *,
    yes: Annotated[bool, Parameter("--yes", help="Do not ask for the name.")] = False,
    purge: Annotated[bool, Parameter("--purge", help="Remove the connection's charges from the lake, too.")] = False,
    json: Json = False,
) -> None:
    """Forget a connection.

    Its runs, findings and the way back to earlier deliveries go; its charges stay in the lake unless --purge is given.

    For example:

    outlay connections remove simple-cloud
    outlay connections remove simple-cloud --purge --yes
    """
    with outlay.open() as o:
        o.connection(name)
        if not yes:
            ask_name(name, is_silent=json, tell=lambda: _tell_removing(o, name, purge=purge))
        gone = connecting.remove(o, name, purge=purge, by=who())
    if json:
        print_json({"name": name, "removed": True, "charges_removed": gone})
        return
    went = f" {count(gone, 'charge')} went with it." if purge else " Its charges are still in the lake."
    say(f"{name} is removed.{went}")


def _tell_removing(o: Outlay, name: str, *, purge: bool) -> None:
    periods = o.periods(name)
    rows = count(sum(period.rows for period in periods), "charge")
    say(
        f"Removing {name} forgets its access, its runs and findings, and which earlier deliveries could be reverted to."
    )
    what = "are removed from the lake" if purge else "stay in the lake and in every answer (--purge removes them)"
    say(f"Its {rows} of {count(len(periods), 'billing period')} {what}. The bills themselves are not touched.")


def _tell(view: ConnectionView, json: bool) -> None:
    if json:
        print_json(view.as_dict())
        return
    say(f"{view.row.name} is {view.status.status}. {view.status.reason}")
    say(f"next: {view.status.next}")


def _next_actions(views: list[ConnectionView]) -> None:
    actions = [view for view in views if view.status.status != "healthy"]
    if actions:
        say()
    for view in actions:
        say(f"next for {view.row.name}: {view.status.next}")
