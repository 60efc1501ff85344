"""`outlay check`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from outlay.cli.adding import ExternalId, Profile, RoleArn
from outlay.cli.findings import as_annotations, tell_findings
from outlay.cli.options import Json
from outlay.cli.output import clean, count, money, out, print_json, say, text
from outlay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outlay.ingest.checking import CheckResult
    from outlay.ingest.lint import Wish
    from outlay.ingest.steps import Observer
    from outlay.settings import Settings
    from outlay.storage import Location, Place

Format = Literal["text", "json", "github"]
_SEVERITIES = ("error", "warning")


def check(
    path: Annotated[
        str,
        Parameter(help="A CBF file, the folder of a drop, or the folder or s3://, az:// or gs:// path of its months."),
    ],
    /,
    *,
    period: Annotated[
        str | None,
        Parameter("--period", metavar="MONTH", help="The month, such as 2026-05. [default: all, or the rows']"),
    ] = None,
    drop: Annotated[
        str | None, Parameter("--drop", metavar="ID", help="A drop that is not, or not yet, the current one.")
    ] = None,
    currency: Annotated[
        str, Parameter("--currency", help="The currency of the amounts, which CBF does not name.", show_default=True)
    ] = "USD",
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    strict: Annotated[bool, Parameter("--strict", help="Let warnings, too, end with exit code 1.")] = False,
    format: Annotated[
        Format | None, Parameter("--format", help="How to tell what was found; github: as annotations. [default: text]")
    ] = None,
    json: Json = False,
) -> int:
    """Check CBF before it is sent: everything that an ingest rejects, and what it or another reader may take amiss.

    Nothing is written, and no connection is needed. Exit code 1 when there are errors.

    For example:

    outlay check data_export-0001.csv.gz
    outlay check out/20260501-20260601/20260519T154516Z
    outlay check s3://drops/simple-cloud --period 2026-05 --drop 20260519T154516Z
    outlay check out --strict --format github
    """
    from outlay.cli.progress import watching

    chosen, wish = _format(format, json), _wish(path, period, drop, currency)
    began = time.monotonic()
    results: list[CheckResult] = []
    with watching(is_quiet=chosen != "text") as (observer, pausing):
        for result in _checked(wish, _opener(profile, role_arn, external_id), observer):
            results.append(result)
            with pausing():
                _TELL[chosen](wish, result)
    numbers = _numbers(results)
    if chosen == "json":
        print_json(_document(wish, results, numbers))
    else:
        _close(results, numbers, time.monotonic() - began)
    return int(bool(numbers["error"] or (strict and numbers["warning"])))


def _format(format: Format | None, json: bool) -> Format:
    if json and format not in (None, "json"):
        raise UsageError(f"--json and --format {format} contradict each other.", next="Give one of them.")
    return "json" if json else format or "text"


def _wish(path: str, period: str | None, drop: str | None, currency: str) -> Wish:
    from outlay.ingest.lint import Wish
    from outlay.period import BillingPeriod

    try:
        month = BillingPeriod.parse(period) if period else None
    except ValueError as error:
        raise UsageError(f"{error}.", next="Write 2026-05 or 20260501-20260601.") from error
    return Wish(path, month, drop, currency)


def _checked(wish: Wish, open_at: Callable[[Settings, Location], Place], observer: Observer) -> Iterator[CheckResult]:
    """Needs neither a database nor a lake; the engine only reads."""
    from dataclasses import replace

    from outlay.engine import open_engine
    from outlay.ingest import lint
    from outlay.settings import Settings

    settings = replace(Settings.read(), engine="duckdb")
    engine = open_engine(settings, writes=False)
    try:
        yield from lint.check(engine, settings, wish, lambda location: open_at(settings, location), observer)
    finally:
        engine.close()


def _opener(profile: str, role_arn: str, external_id: str) -> Callable[[Settings, Location], Place]:
    """Opens places with the access that is given; Azure's and Google's is the environment's."""

    def open_at(settings: Settings, location: Location) -> Place:
        from outlay.storage import open_place

        if location.scheme != "s3":
            return open_place(location)
        from outlay.aws.sessions import Credentials

        credentials = Credentials(profile=profile, role_arn=role_arn, external_id=external_id)
        return open_place(location, credentials=credentials, endpoint=settings.s3_endpoint, region=settings.s3_region)

    return open_at


def _numbers(results: Sequence[CheckResult]) -> Counter[str]:
    """How many findings of each severity, those that are not shown included."""
    from outlay.findings import CODES

    numbers: Counter[str] = Counter()
    for result in results:
        for code, number in result.counts.items():
            numbers[CODES[code].severity] += number
    return numbers


def _document(wish: Wish, results: Sequence[CheckResult], numbers: Counter[str]) -> dict[str, Any]:
    return {
        "path": wish.path,
        "ok": not numbers["error"],
        "errors": numbers["error"],
        "warnings": numbers["warning"],
        "checked": [each.as_dict() for each in results],
    }


# As they come


def _show(wish: Wish, result: CheckResult) -> None:
    sums = (f"{money(columns['BilledCost'])} {currency}" for currency, columns in result.sums.items())
    is_read = bool(result.files)
    parts = [
        (result.name, "bold"),
        (result.period.month if result.period else "", ""),
        (count(len(result.files), "file") if is_read else "", ""),
        (count(result.rows, "row") if is_read else "", ""),
        (", ".join(sums), ""),
        ("" if result.findings else "good", "green"),
    ]
    out().print(text("  ").join(text(part, style) for part, style in parts if part), soft_wrap=True)
    tell_findings(result.findings, result.counts)


def _annotate(wish: Wish, result: CheckResult) -> None:
    from outlay.cli.lines import Lines

    lines = Lines(result.folder, result.findings)
    for line in as_annotations(result.findings, result.counts, lines.place):
        print(clean(line))


def _keep(wish: Wish, result: CheckResult) -> None:
    """One document is printed in the end."""


_TELL: dict[Format, Callable[[Wish, CheckResult], None]] = {"text": _show, "github": _annotate, "json": _keep}


def _close(results: Sequence[CheckResult], numbers: Counter[str], seconds: float) -> None:
    files, rows = sum(len(each.files) for each in results), sum(each.rows for each in results)
    said = " and ".join(count(numbers[kind], kind) for kind in _SEVERITIES if numbers[kind]) or "nothing amiss"
    say(f"{count(files, 'file')} with {count(rows, 'row')} checked in {seconds:.1f} s: {said}.")
