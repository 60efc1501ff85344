"""`outlay doctor`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from outlay.cli.options import Json
from outlay.cli.output import Column, count, out, print_json, say, table, text


def doctor(
    *,
    sweep: Annotated[
        bool, Parameter("--sweep", help="Remove what runs that were killed have left in the spool.")
    ] = False,
    json: Json = False,
) -> int:
    """Check everything that can be wrong with this installation.

    Exit code 1 when something is. Warnings leave it at 0.

    For example:

    outlay doctor
    outlay doctor --sweep
    """
    from outlay.cli.checks import examine
    from outlay.cli.progress import working

    with working("looking"):
        found = examine(sweep=sweep)
    wrong = sum(check.verdict == "wrong" for check in found)
    if json:
        print_json({"healthy": not wrong, "checks": [check.as_dict() for check in found]})
        return int(wrong > 0)
    table(
        [Column("check"), Column("verdict"), Column("found")], [(each.name, each.verdict, each.found) for each in found]
    )
    for each in found:
        if each.next:
            out().print()
            out().print(text(f"next for {each.name}: ", "bold") + text(each.next), soft_wrap=True)
    out().print()
    say("Everything is in order." if not wrong else f"{count(wrong, 'check')} found something wrong.")
    return int(wrong > 0)
