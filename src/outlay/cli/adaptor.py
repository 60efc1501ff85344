"""`outlay adaptor run`: an adaptor by configuration alone."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from outlay.cli.drops import Profile, RoleArn, say_published
from outlay.cli.options import Json
from outlay.cli.output import Column, count, err, money, print_json, say, table, text
from outlay.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlay.adaptor import Outcome, Rehearsal
    from outlay.adaptor.mapping import Access

_SERVICES = 20
_TOLD = 100


def run(
    file: Annotated[str, Parameter(help="The mapping, in YAML; docs/adaptors.md says what it may hold.")],
    /,
    *,
    dry_run: Annotated[bool, Parameter("--dry-run", help="Publish nothing: show the first rows and the sums.")] = False,
    source: Annotated[
        str, Parameter("--from", metavar="LOCATION", help="Read this file, folder or bucket instead.")
    ] = "",
    to: Annotated[str, Parameter("--to", metavar="LOCATION", help="Publish to this place instead.")] = "",
    period: Annotated[
        str | None, Parameter("--period", metavar="MONTH", help="Take the rows of this month alone.")
    ] = None,
    again: Annotated[bool, Parameter("--again", help="Publish although nothing has changed.")] = False,
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """Turn a vendor's invoice into AnyCost drops, as a mapping says.

    Every row is mapped and checked before anything is published. When a row cannot be mapped, nothing is published,
    and what was current stays current. Without anything new, nothing is done.

    For example:

    outlay adaptor run oci.yaml --dry-run
    outlay adaptor run oci.yaml
    outlay adaptor run oci.yaml --from october.csv --period 2026-10
    """
    from outlay.adaptor import open_run
    from outlay.cli.progress import watching_publish, working
    from outlay.drops.shelf import period_of

    made = open_run(
        file,
        source=source,
        to=to,
        access=_access(profile, role_arn),
        period=None if period is None else period_of(period),
        again=again,
    )
    with _faults_told(), _tries_told():
        if dry_run:
            with working("reading and mapping rows"):
                outcome = made.rehearse()
        else:
            with watching_publish() as observer:
                outcome = made.publish(observer)
    if json:
        print_json({"adaptor": made.mapping.name, **outcome.as_dict()})
    else:
        _show(outcome)


def _access(profile: str, role_arn: str) -> Access:
    from outlay.adaptor.mapping import Access as Reached

    return Reached(profile, role_arn)


@contextmanager
def _faults_told() -> Iterator[None]:
    """All faults of rows that were kept, before the error that counts them."""
    try:
        yield
    except DeliveryError as error:
        errors = [each for each in error.findings if each.is_error]
        for each in errors[:_TOLD] if len(errors) > 1 else ():
            err().print(text(each.message), soft_wrap=True)
        raise


class _Aloud(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        err().print(text(record.getMessage()), soft_wrap=True)


@contextmanager
def _tries_told() -> Iterator[None]:
    """That something is tried again, as it takes a while then."""
    log, aloud = logging.getLogger("outlay.adaptor"), _Aloud(logging.WARNING)
    log.addHandler(aloud)
    try:
        yield
    finally:
        log.removeHandler(aloud)


def _show(outcome: Outcome) -> None:
    for warning in (outcome.publication or outcome.rehearsal or _Nothing).findings:
        say(f"warning: {warning.message}")
    if outcome.status == "unchanged":
        say("Nothing is new: invoice and mapping are those of the last run.")
        say("next: Add --again to publish all the same.")
    if outcome.rehearsal:
        _show_rehearsal(outcome.rehearsal)
    for drop in outcome.publication.drops if outcome.publication else ():
        say_published(drop)
    if outcome.left_out:
        say(f"{count(outcome.left_out, 'row')} left out by where:.")
    if outcome.other_months:
        say(f"{count(outcome.other_months, 'row')} of other months left out.")


class _Nothing:
    findings = ()


def _show_rehearsal(found: Rehearsal) -> None:
    columns = list(dict.fromkeys(name for row in found.first for name, value in row.items() if value is not None))
    table([Column(name) for name in columns], [[row.get(name) for name in columns] for row in found.first])
    say()
    names = list(dict.fromkeys(name for each in found.periods.values() for name in each.sums))
    lines = [
        [period.month, each.rows, *(money(each.sums[name]) if name in each.sums else None for name in names)]
        for period, each in found.periods.items()
    ]
    table([Column("month"), Column("rows", True), *(Column(name, True) for name in names)], lines)
    services = [
        [period.month, name or "(none)", rows, money(cost)]
        for period, each in found.periods.items()
        for name, (rows, cost) in each.services.items()
    ]
    say()
    table([Column("month"), Column("service"), Column("rows", True), Column("cost/cost", True)], services[:_SERVICES])
    if len(services) > _SERVICES:
        say(f"… and {count(len(services) - _SERVICES, 'more service')}; --json has all of them.")
    say("This was a dry run: nothing was published.")
