"""`outlay accounts` and `outlay account-report`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import outlay
from outlay.cli.options import Json
from outlay.cli.output import Column, money, print_json, say, table
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.costs.account_report import Report
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
    from outlay import accounting

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


_LINES = [Column("service"), Column("region"), Column("category"), Column("currency")]
_AMOUNTS = [Column("billed", True), Column("effective", True)]


def report(
    account: Annotated[str, Parameter(help="The account's id, as outlay accounts lists it.")],
    /,
    *,
    month: Month = "",
    payer: Annotated[str, Parameter("--payer", help="Whose bill, where several payers' bills hold the account.")] = "",
    format: Annotated[
        Literal["table", "json", "csv", "html"], Parameter("--format", help="How to print it.", show_default=True)
    ] = "table",
    json: Json = False,
) -> None:
    """Write what one account cost in a month, to hand it on.

    By service, region and charge category. CSV is safe to open in a spreadsheet; HTML is a page to print.

    For example:

    outlay account-report 123456789012 --month 2026-05
    outlay account-report 123456789012 --month 2026-05 --format csv > report.csv
    outlay account-report 123456789012 --month 2026-05 --format html > report.html
    """
    if json and format not in ("table", "json"):
        raise UsageError(f"--json and --format {format} contradict each other.", next="Give one of them.")
    from outlay import accounting

    with outlay.open() as o:
        found = accounting.report(o, account, month=month, payer=payer)
    _PRINTED["json" if json else format](found)


def _show(found: Report) -> None:
    from outlay.costs.account_report import NOT_COUNTED

    of = found.account
    say(f"{of.account}{f' {of.name}' if of.name else ''}, paid by {of.payer}, {found.month}")
    if not of.is_counted:
        say(NOT_COUNTED)
    if not found.lines:
        say("It has no charges in that month.")
        return
    lines = [(*line.values, line.currency, money(line.billed), money(line.effective)) for line in found.lines]
    totals = [("total", "", "", unit, *map(money, amounts)) for unit, amounts in found.totals.items()]
    table([*_LINES, *_AMOUNTS], [*lines, *totals], total=len(totals))


_PRINTED: dict[str, Callable[[Report], object]] = {
    "table": _show,
    "json": lambda found: print_json(found.as_dict()),
    "csv": lambda found: found.write_csv(sys.stdout),
    "html": lambda found: sys.stdout.write(found.as_html()),
}
