"""`outlay ingest`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import outlay
from outlay.cli.findings import tell_findings
from outlay.cli.options import Json
from outlay.cli.output import count, err, money, out, print_json, say, text

if TYPE_CHECKING:
    from outlay.app import Outlay, Rejected
    from outlay.ingest.result import RunResult

_STYLES = {"committed": "green", "rejected": "bold red", "failed": "bold red"}


def ingest(
    names: Annotated[
        tuple[str, ...], Parameter(help="The connections to check; all that are not paused without it.")
    ] = (),
    /,
    *,
    accept_empty: Annotated[
        bool,
        Parameter("--accept-empty", help="Let a manifest that names a drop of which nothing exists empty its period."),
    ] = False,
    json: Json = False,
) -> int:
    """Check connections now, and bring in what changed.

    Exit code 1 when a delivery was rejected or a check failed.

    For example:

    outlay ingest
    outlay ingest simple-cloud --json
    """
    from outlay.cli.progress import watching

    began = time.monotonic()
    results: list[RunResult] = []
    with outlay.open() as o:
        checked = [
            view.row.name for view in o.connections() if view.row.name in names or not (names or view.row.paused_at)
        ]
        with watching(is_quiet=json) as (observer, pausing):
            for result in o.ingest(names, observer=observer, accept_empty=accept_empty, waiting=_Waiting()):
                results.append(result)
                if not json and (result.findings or result.outcome != "unchanged"):
                    with pausing():
                        _tell(result)
        rejected = [] if json else _older(o, checked, results)
    if json:
        print_json({"runs": [result.as_dict() for result in results]})
    else:
        _close(results, rejected, checked, time.monotonic() - began)
    return int(any(result.is_bad for result in results))


class _Waiting:
    """Says once of each connection who else checks it."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, name: str, other: str) -> None:
        if name not in self._told:
            self._told.add(name)
            err().print(text(f"{name} is being checked by {other}; waiting for that to end. Ctrl-C gives up."))


def _tell(result: RunResult) -> None:
    sums = result.reconciliation.sums if result.reconciliation else {}
    billed = ", ".join(
        f"{money(pairs['BilledCost'][1])} {currency}" for currency, pairs in sums.items() if "BilledCost" in pairs
    )
    seconds = sum(seconds for _, seconds in result.steps)
    parts = [
        (result.connection, "bold"),
        (result.period.month if result.period else "", ""),
        (result.outcome if result.period or result.is_bad else "", _STYLES.get(result.outcome, "")),
        (count(result.reconciliation.rows_out, "row") if result.reconciliation else "", ""),
        (billed, ""),
        (f"{seconds:.1f} s" if seconds else "", "dim"),
    ]
    line = text("  ").join(text(part, style) for part, style in parts if part)
    out().print(line, soft_wrap=True)
    tell_findings(result.findings, result.counts)


def _older(o: Outlay, checked: Sequence[str], results: Sequence[RunResult]) -> list[Rejected]:
    """Deliveries that were rejected before and have not changed: their periods are told again."""
    told = {(result.connection, result.period) for result in results if result.is_bad}
    return [each for name in checked for each in o.rejected(name) if (each.connection, each.period) not in told]


def _close(results: Sequence[RunResult], rejected: Sequence[Rejected], checked: Sequence[str], seconds: float) -> None:
    for each in rejected:
        line = (
            text(each.connection, "bold")
            + text(f"  {each.period.month}  ")
            + text("still rejected", _STYLES["rejected"])
        )
        out().print(line + text(f"  {each.delivery}"), soft_wrap=True)
        tell_findings(each.findings, each.counts)
    if not checked:
        say("There is no connection to check: none is registered, or all are paused.")
        say("next: See outlay connections list, or add one with outlay connections add.")
        return
    periods = [result for result in results if result.period is not None]
    tallies = [
        (sum(result.outcome == "committed" for result in periods), "committed"),
        (sum(result.outcome == "unchanged" for result in periods) - len(rejected), "unchanged"),
        (len(rejected), "still rejected"),
        (sum(result.outcome == "rejected" for result in results), "rejected"),
        (sum(result.outcome == "failed" for result in results), "failed"),
    ]
    said = ", ".join(f"{number:,} {what}" for number, what in tallies if number > 0) or "no billing periods found"
    say(f"{count(len(checked), 'connection')} checked in {seconds:.1f} s: {said}.")
