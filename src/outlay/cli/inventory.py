"""`outlay inventory …`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import outlay
from outlay.cli.options import HowToPrint, Json, chosen
from outlay.cli.output import Column, count, err, facts, money, print_json, say, table, text

if TYPE_CHECKING:
    from outlay.inventory.asking import Change, Seen
    from outlay.stocktaking import Looked

_COLUMNS = [Column(title) for title in ("kind", "id", "name", "state", "region", "account", "since")]
_COSTS = [Column("30 days", True), Column("this month", True)]
_MOST = 1_000


def list_(
    *,
    kind: Annotated[str, Parameter("--kind", help="Only this kind, such as ec2-volume.")] = "",
    account: Annotated[str, Parameter("--account", help="Only of this account.")] = "",
    region: Annotated[str, Parameter("--region", help="Only in this region.")] = "",
    state: Annotated[str, Parameter("--state", help="Only in this state, such as stopped or gone.")] = "",
    tag: Annotated[str, Parameter("--tag", help="Only with this tag: KEY, or KEY=VALUE.")] = "",
    text: Annotated[str, Parameter("--text", help="Only with this in the id, the name or the ARN.")] = "",
    gone: Annotated[bool, Parameter("--gone", help="With what is gone, or has moved to another account.")] = False,
    costs: Annotated[
        bool, Parameter("--costs", help="With what each cost in the last 30 complete days and this month.")
    ] = False,
    format: HowToPrint = None,
    json: Json = False,
) -> None:
    """List what runs in the connected AWS accounts, as it was seen last.

    A table shows the first 1,000; JSON and CSV have them all, or with costs 1,000 at most. Costs are effective.

    For example:

    outlay inventory list --kind ec2-volume --state available
    outlay inventory list --account 123456789012 --costs
    outlay inventory list --tag team=web --region eu-west-1 --format csv > web.csv
    """
    how = chosen(format, json)
    from outlay import stocktaking
    from outlay.inventory.asking import Wanted

    more = {"limit": _MOST} if how == "table" else {}
    wanted = Wanted(kind, account, region, state, tag, text, gone, **more)
    with outlay.open() as o:
        total, found = stocktaking.resources(o, wanted)
        told = stocktaking.with_costs(o, found) if costs else [each.as_dict() for each in found]
        is_empty = how == "table" and not total and not stocktaking.accounts(o)
    if how == "json":
        print_json(told)
    elif how == "csv":
        from outlay.costs.answer import harmless
        from outlay.inventory.asking import write_csv

        write_csv(told, sys.stdout, harmless)
    elif found:
        titles = [*_COLUMNS, *(_COSTS if costs else ())]
        table(titles, [(*_line(each), *_amounts(row)) for each, row in zip(found, told, strict=True)])
        say(f"{count(total, 'resource')}.")
        if total > len(found):
            say("next: Narrow it, or take all of them with --format csv.")
    elif is_empty:
        say("No AWS account is connected whose resources may be looked for.")
        say("next: Connect one with outlay connections add linked, or aws, with the policy discover-resources.")
    else:
        say("No resource fits.")
        say("next: See outlay inventory accounts for when each account was looked through, and what was not seen.")


def _line(each: Seen) -> tuple[object, ...]:
    since = f"{each.since:%Y-%m-%d %H:%M}"
    return (each.kind, each.id, each.name or None, each.state or None, each.region or None, each.account, since)


def _amounts(row: Mapping[str, Any]) -> list[str | None]:
    from decimal import Decimal

    from outlay.inventory.asking import COSTS

    told = [row[name] for name in COSTS if name in row]
    return ["\n".join(f"{money(Decimal(each))} {unit}" for unit, each in its.items()) or None for its in told]


def show(
    id: Annotated[str, Parameter(help="The resource's id or ARN, as outlay inventory list prints it.")],
    /,
    *,
    json: Json = False,
) -> None:
    """Show one resource: what it is, and what changed when.

    For example:

    outlay inventory show i-0abc12de34f567890
    """
    from outlay import stocktaking

    with outlay.open() as o:
        found = stocktaking.resource(o, id)
    if json:
        print_json([{**each.as_dict(), "changes": [one.as_dict() for one in changes]} for each, changes in found])
        return
    for number, (each, changes) in enumerate(found):
        if number:
            say()
        _show(each, changes)


def _show(each: Seen, changes: list[Change]) -> None:
    told = [(name, value) for name, value in each.as_dict().items() if name not in ("tags", "details")]
    tags = [(f"tag {name}", value) for name, value in sorted(each.tags.items())]
    details = [(name.replace("_", " "), _plain(value)) for name, value in each.details.items()]
    facts([*told, *tags, *details])
    say()
    lines = [(f"{one.at:%Y-%m-%d %H:%M}", one.change, one.account, _fields(one)) for one in changes]
    table([Column("at"), Column("change"), Column("account"), Column("what")], lines)


def _fields(change: Change) -> str | None:
    told = (f"{name}: {_plain(before)} → {_plain(after)}" for name, (before, after) in change.fields.items())
    return "\n".join(told) or None


def _plain(value: Any) -> object:
    if isinstance(value, list):
        return ", ".join(str(_plain(each)) for each in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={_plain(each)}" for name, each in value.items() if each is not None)
    return "–" if value is None else value


def accounts(*, json: Json = False) -> None:
    """List the accounts that are looked through: when, what they have, and what was not seen.

    For what was not seen, the permission that is missing is named.

    For example:

    outlay inventory accounts
    """
    from outlay import stocktaking

    with outlay.open() as o:
        found = stocktaking.accounts(o)
        is_off = not o.settings.inventory_hours
    if json:
        print_json([each.as_dict() for each in found])
        return
    if not found:
        say("No AWS account is connected whose resources may be looked for.")
        say("next: Connect one with outlay connections add linked, or aws, with the policy discover-resources.")
        return
    columns = [Column("account"), Column("by"), Column("resources", True), Column("looked"), Column("next")]
    table(columns, [_account(each) for each in found])
    for each in found:
        _unseen(each)
    if is_off:
        say("No worker looks by itself: OUTLAY_INVENTORY_HOURS is 0.")


def _account(each: Looked) -> tuple[object, ...]:
    row, told = each.row, each.as_dict()
    looked = f"{row.looked_at:%Y-%m-%d %H:%M}" if row.looked_at else "not yet"
    next = f"{row.next_at:%Y-%m-%d %H:%M}" if row.next_at else "soon"
    return (
        row.account,
        row.connection or None,
        told["resources"],
        looked,
        next if each.is_connected else "not connected",
    )


def _unseen(each: Looked) -> None:
    if each.row.said:
        say(f"{each.row.account}: {each.row.said}")
        say(f"next: {each.row.next}")
    for trouble in each.row.troubles:
        where = f" in {', '.join(trouble['regions'])}" if trouble["regions"] else ""
        what = "not seen as a whole" if trouble["part"] else "not seen"
        say(f"{each.row.account}: {trouble['kind']} {what}{where}. {trouble['message']}")
        say(f"next: {trouble['next']}")


def look(account: Annotated[str, Parameter(help="The account's id; without it every connected one.")] = "", /) -> None:
    """Look through an account now, or through all of them, one after the other.

    A worker does so by itself, every 6 hours or as often as OUTLAY_INVENTORY_HOURS says.

    For example:

    outlay inventory look
    outlay inventory look 123456789012
    """
    from outlay import stocktaking

    with outlay.open() as o:
        wanted = [account] if account else stocktaking.connected(o)
        for each in wanted:
            say(stocktaking.look_at(o, each))
    if not wanted:
        err().print(text("No AWS account is connected whose resources may be looked for."))
