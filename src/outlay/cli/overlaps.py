"""`outlay overlaps`: bills that several connections hold, and which of them counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import outlay
from outlay.cli.options import Json
from outlay.cli.output import Column, money, print_json, say, table
from outlay.cli.who import who
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.app import Outlay
    from outlay.costs.overlap import Line, Overlap
    from outlay.overlapping import Found


def overlaps(
    connections: Annotated[
        tuple[str, ...], Parameter(help="Only those that these connections are part of.", negative=())
    ] = (),
    /,
    *,
    payer: Annotated[str, Parameter("--payer", help="Only those of this payer.")] = "",
    count: Annotated[str, Parameter("--count", metavar="NAME", help="The connection whose bill counts.")] = "",
    both: Annotated[bool, Parameter("--both", help="Both count: they are different bills.")] = False,
    older: Annotated[bool, Parameter("--older", help="Take a choice back: the older connection counts.")] = False,
    json: Json = False,
) -> None:
    """Bills of one payer and month that several connections hold.

    One of each two counts, in every answer: the one that was chosen, or else that of the older connection. A choice
    takes effect at once, in all months; no bill is read again.

    For example:

    outlay overlaps
    outlay overlaps main-cur main-focus --count main-focus
    outlay overlaps main-cur pro-forma --both
    outlay overlaps main-cur main-focus --older
    """
    if (bool(count), both, older).count(True) > 1:
        raise UsageError("--count, --both and --older contradict each other.", next="Give one of them.")
    from outlay import overlapping

    with outlay.open() as o:
        if count or both or older:
            overlap = overlapping.chosen(o, connections, payer)
            overlapping.choose(o, overlap, overlapping.BOTH if both else count, by=who())
        found = overlapping.found(o, connections, payer)
        if json:
            print_json(found.as_dict())
        else:
            _show(o, found)


def _show(o: Outlay, found: Found) -> None:
    from outlay import overlapping

    if not found.overlaps:
        say("No bill of a payer and month is held by two connections.")
    for each in found.overlaps:
        say(f"{each.older} and {each.newer}, payer {each.payer}: {_said(each)}")
        for standing in overlapping.standing(o, each):
            say(standing)
        columns = [Column("month"), Column("currency"), *(Column(name, True) for name in each.connections)]
        lines = [
            (line.month, line.currency, money(line.older), money(line.newer), money(line.difference), _counted(line))
            for line in each.lines
        ]
        table([*columns, Column("difference", True), Column("counts")], lines)
        say()
    if any(not each.choice for each in found.overlaps):
        say("next: Choose with outlay overlaps CONNECTION CONNECTION --count CONNECTION, or --both.")


def _counted(line: Line) -> str:
    return ", ".join(line.counted)


def _said(overlap: Overlap) -> str:
    from outlay.overlapping import BOTH

    if overlap.choice == BOTH:
        return "both count, as different bills."
    amounts = " and ".join(f"{money(amount)} {currency}" for currency, amount in overlap.left_out.items())
    why = "as was chosen" if overlap.choice else "as it is the older"
    return f"{overlap.choice or overlap.older} counts, {why}; {amounts or 'nothing'} is left out."
