"""`outlay demo`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from outlay.cli.options import Json
from outlay.cli.output import Column, money, print_json, say, table
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.demo import SampleBill

_MOST_MONTHS = 36


def demo(
    directory: Annotated[Path, Parameter(help="The folder to write to; it is made when it is not there.")],
    /,
    *,
    months: Annotated[
        int, Parameter("--months", help="How many months, the last of which is not over yet.", show_default=True)
    ] = 12,
    json: Json = False,
) -> None:
    """Write a year of sample bills of an invented company.

    AnyCost drops, a legacy CUR, a CUR 2.0 and a FOCUS export, with credits, refunds, commitments and taxes.

    For example:

    outlay demo bills
    """
    from outlay.cli.progress import working

    if not 1 <= months <= _MOST_MONTHS:
        raise UsageError(f"{months} months cannot be written.", next=f"Ask for 1 to {_MOST_MONTHS}.")
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is not a folder.", next="Name a folder, or one that is not there yet.")
    with working("writing sample bills"):
        from outlay.demo import write

        bills = write(directory, months=months)
    if json:
        print_json({"directory": str(directory.absolute()), "bills": [_as_dict(bill, directory) for bill in bills]})
        return
    columns = [Column("bill"), Column("kind"), Column("location"), Column("billed", True), Column("currency")]
    table(columns, [(bill.name, bill.kind, bill.location, money(_total(bill)), bill.currency) for bill in bills])
    say()
    say("next: Connect them and bring them in.")
    for bill in bills:
        say(f"  {shlex.join(_command(bill, directory))}")
    say("  outlay ingest")


def _total(bill: SampleBill) -> Any:
    return sum(totals[bill.currency] for totals in bill.billed.values())


def _location(bill: SampleBill, directory: Path) -> str:
    return f"file://{directory.absolute() / bill.location}"


def _command(bill: SampleBill, directory: Path) -> list[str]:
    words = ["outlay", "connections", "add", bill.kind, bill.name, "--location", _location(bill, directory)]
    for option, value in _options(bill).items():
        words += [option, value]
    return words


def _options(bill: SampleBill) -> dict[str, str]:
    named = {"--cloud-provider": bill.cloud_provider, "--export": bill.export, "--currency": bill.currency}
    return {name: value for name, value in named.items() if value and (name, value) != ("--currency", "USD")}


def _as_dict(bill: SampleBill, directory: Path) -> dict[str, Any]:
    from outlay.ingest.result import amount

    return {
        "kind": bill.kind,
        "name": bill.name,
        "location": _location(bill, directory),
        "export": bill.export,
        "cloud_provider": bill.cloud_provider,
        "currency": bill.currency,
        "billed": {
            month: {currency: amount(total) for currency, total in totals.items()}
            for month, totals in bill.billed.items()
        },
        "connect": _command(bill, directory),
    }
