"""`outlay periods` and `outlay revert`."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import outlay
from outlay import connecting
from outlay.cli.options import Json, Name
from outlay.cli.output import Column, money, print_json, say, table
from outlay.cli.who import who

if TYPE_CHECKING:
    from outlay.app import PeriodView

_COLUMNS = [
    Column("month"),
    Column("delivery"),
    Column("rows", True),
    Column("state"),
    Column("reconciled"),
    Column("billed in", True),
    Column("billed out", True),
    Column("currency"),
]


def periods(name: Name, /, *, json: Json = False) -> None:
    """Show the billing periods of a connection.

    For each: what is live, whether its charges equal the bill, and what it could be reverted to.

    For example:

    outlay periods simple-cloud
    """
    with outlay.open() as o:
        views = o.periods(name)
    if json:
        print_json([view.as_dict() for view in views])
    elif views:
        table(_COLUMNS, [line for view in views for line in _lines(view)])
        _earlier(name, views)
    else:
        say(f"Nothing was brought in for {name} yet.")
        say(f"next: Run outlay ingest {name}.")


def revert(
    name: Name,
    period: Annotated[str, Parameter(help="The billing period: 2026-05 or 20260501-20260601.")],
    delivery: Annotated[str, Parameter(help="The earlier delivery, as outlay periods names it.")],
    /,
    *,
    json: Json = False,
) -> None:
    """Make an earlier delivery of a billing period live again.

    It stays until the source changes.

    For example:

    outlay revert simple-cloud 2026-05 drop-1-0f3a9c
    """
    with outlay.open() as o:
        view = connecting.make_live(o, name, period, delivery, by=who())
    if json:
        print_json(view.as_dict())
        return
    say(f"{name} {view.period.month} is {view.delivery} now.")
    table(_COLUMNS, _lines(view))


def _lines(view: PeriodView) -> list[list[object]]:
    """A line for each currency; what is said of the period as a whole stands in the first."""
    proof = view.reconciliation
    sums = [
        (currency, pairs["BilledCost"])
        for currency, pairs in (proof.sums if proof else {}).items()
        if "BilledCost" in pairs
    ]
    is_equal = "unproved" if proof is None else "yes" if proof.holds else "NO"
    head = [view.period.month, view.delivery or "nothing live", view.rows, view.state, is_equal]
    lines = [[*_billed(pair), currency] for currency, pair in sums] or [[None, None, None]]
    return [[*(head if number == 0 else [""] * len(head)), *line] for number, line in enumerate(lines)]


def _billed(pair: tuple[Decimal, Decimal]) -> list[object]:
    return [money(amount) for amount in pair]


def _earlier(name: str, views: list[PeriodView]) -> None:
    with_earlier = [view for view in views if view.earlier]
    if not with_earlier:
        return
    say()
    say("Earlier deliveries that can be made live again:")
    for view in with_earlier:
        for delivery in view.earlier:
            say(f"  outlay revert {name} {view.period.month} {delivery}")
