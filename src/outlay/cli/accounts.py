"""`outlay accounts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import outlay
from outlay import accounting
from outlay.cli.options import Json
from outlay.cli.output import Column, money, print_json, say, table

if TYPE_CHECKING:
    from outlay.costs.accounts import Account

_COLUMNS = [
    Column("payer"),
    Column("account"),
    Column("name"),
    Column("unit"),
    Column("connected"),
    Column("this month", True),
    Column("first seen"),
    Column("last seen"),
]
Month = Annotated[str, Parameter("--month", help="The month of the costs, such as 2026-05.  [default: this month]")]
Metric = Annotated[str, Parameter("--metric", help="The cost metric.", show_default=True)]


def accounts(*, month: Month = "", metric: Metric = "effective", json: Json = False) -> None:
    """List every account in the bills.

    For each: who pays for it, whether it is connected, what it cost in the month, and the first and last month in
    which it was billed.

    For example:

    outlay accounts
    outlay accounts --month 2026-05 --json
    """
    with outlay.open() as o:
        found = accounting.accounts(o, month=month, metric=metric)
    if json:
        print_json(found.as_dict())
    elif found.rows:
        titled = [Column(found.month, True) if each.title == "this month" else each for each in _COLUMNS]
        table(titled, [_line(each) for each in found.rows])
    else:
        say("No bill has come in yet, so no account is known.")
        say("next: Add a connection with outlay connections add, then run outlay ingest.")
    for currency, amount in found.beyond.items() if not json else ():
        say(f"{money(amount)} {currency} are of accounts beyond the most that one answer names.")


def _line(each: Account) -> tuple[object, ...]:
    unit = "not visible" if each.unit is None else each.unit or "(root)"
    costs = "\n".join(f"{money(amount)} {currency}" for currency, amount in each.costs.items()) or None
    return (each.payer, each.account, each.name or None, unit, each.is_connected, costs, each.first, each.last)
