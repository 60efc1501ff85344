"""`outlay drop publish|list|show|diff|revert|empty|prune`: the side of an adaptor."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from outlay.cli.options import Json
from outlay.cli.output import Column, clean, count, facts, money, print_json, say, table
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.drops.drops import Drops, Listed
    from outlay.drops.publishing import Published
    from outlay.drops.shelf import Drop

Where = Annotated[str, Parameter(help="Where the drops lie: s3://bucket/path, az://…, gs://… or a folder.")]
Month = Annotated[str, Parameter(help="The billing period: 2026-05 or 20260501-20260601.")]
DropId = Annotated[str, Parameter("DROP_ID", help="The id of a drop, as outlay drop list names it.")]
Profile = Annotated[str, Parameter("--profile", help="The AWS profile to use; else as the AWS tools do.")]
RoleArn = Annotated[str, Parameter("--role-arn", help="The AWS role to assume.")]
Yes = Annotated[bool, Parameter("--yes", help="Do not ask.")]

_SERVICES = 20


def publish(
    files: Annotated[
        tuple[str, ...], Parameter(help="CSV (plain, .gz, .zip) and Parquet files, or folders of them.")
    ] = (),
    /,
    *,
    to: Annotated[str, Parameter("--to", metavar="LOCATION", help="Where to: s3://bucket/path, or a folder.")],
    sql: Annotated[str, Parameter("--sql", metavar="SELECT", help="A query that gives the rows, run by DuckDB.")] = "",
    period: Annotated[
        str | None, Parameter("--period", metavar="MONTH", help="Their month; without it each row goes to its own.")
    ] = None,
    drop_id: Annotated[str | None, Parameter("--drop-id", help="The id of the new drop; else the time of now.")] = None,
    append: Annotated[
        bool, Parameter("--append", help="Carry the rows of the current drop over, but for those that come again.")
    ] = False,
    key: Annotated[
        tuple[str, ...],
        Parameter(
            "--key",
            metavar="COLUMN",
            help="By what a row that comes again is known; may be repeated. [default: day and lineitem/id]",
        ),
    ] = (),
    floats: Annotated[
        bool, Parameter("--floats", help="Take floats in number columns, by their shortest decimal text.")
    ] = False,
    unknown: Annotated[
        Literal["refuse", "drop", "keep"],
        Parameter("--unknown", help="What to do with columns that CBF does not know.", show_default=True),
    ] = "refuse",
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """Publish rows in CBF as a drop: checked, split, compressed, uploaded, verified, and then made current.

    Whatever stops it, the former drop stays current. When somebody else publishes the month meanwhile, it says so.

    For example:

    outlay drop publish may.csv --to s3://bucket/simple-cloud --period 2026-05
    outlay drop publish today.parquet --to s3://bucket/simple-cloud --append --key day
    outlay drop publish --sql "select * from 'usage/*.parquet'" --to drops
    """
    from outlay.cli.progress import watching_publish
    from outlay.drops import Sql
    from outlay.drops.carrying import DAY_AND_ITEM

    if bool(files) == bool(sql):
        raise UsageError("Give files, or a query with --sql.", next="See outlay drop publish --help.")
    if key and not append:
        raise UsageError("--key is for --append.", next="Add --append, or leave --key out.")
    drops = _drops(to, profile, role_arn, create=True)
    with watching_publish() as observer:
        done = drops.publish(
            Sql(sql) if sql else list(files),
            period,
            drop_id=drop_id,
            mode="append" if append else "replace",
            key=key or DAY_AND_ITEM,
            floats=floats,
            unknown=unknown,
            observer=observer,
        )
    if json:
        print_json(done.as_dict())
        return
    for warning in done.findings:
        say(f"warning: {warning.message}")
    for each in done.drops:
        say_published(each)


def list_(
    where: Where,
    period: Annotated[str | None, Parameter(help="The billing period; without it the periods are listed.")] = None,
    /,
    *,
    quick: Annotated[bool, Parameter("--quick", help="Do not read the drops for their rows and sums.")] = False,
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """List the drops of a billing period with their times, rows and sums.

    The current drop is the one that readers take. One that is unfinished was cut off and counts nowhere.

    For example:

    outlay drop list s3://bucket/simple-cloud
    outlay drop list s3://bucket/simple-cloud 2026-05
    """
    drops = _drops(where, profile, role_arn)
    if period is None:
        _list_periods(drops, json)
        return
    from outlay.cli.progress import working

    with working("reading drops"):
        found = drops.of(period, read=not quick)
    if json:
        print_json([each.as_dict() for each in found])
        return
    if not found:
        say(f"There are no drops of {period} at {where}.")
        say(f"next: Publish one with outlay drop publish FILE --to {where} --period {period}.")
        return
    columns = [Column("drop"), Column("state"), Column("written (UTC)"), Column("files", True)]
    table(
        [*columns, Column("bytes", True), Column("rows", True), Column("cost", True)], [_line(each) for each in found]
    )
    _tell_faults(found)


def show(
    where: Where,
    period: Month,
    drop_id: Annotated[str | None, Parameter("DROP_ID", help="The drop; without it the current one.")] = None,
    /,
    *,
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """Show one drop: its files, rows, sums and services.

    For example:

    outlay drop show s3://bucket/simple-cloud 2026-05
    """
    from outlay.cli.progress import working

    with working("reading the drop"):
        found = _drops(where, profile, role_arn).show(period, drop_id)
    contents, drop = found.contents, found.drop
    assert contents is not None  # noqa: S101 - it was read
    if json:
        print_json(found.as_dict())
        return
    pairs: list[tuple[str, object]] = [("drop", drop.id), ("period", drop.period.month), ("state", drop.state)]
    pairs += [("written", f"{drop.at:%Y-%m-%d %H:%M:%S} UTC"), ("files", len(drop.files)), ("bytes", drop.size)]
    pairs += [("rows", contents.rows), *((name, money(amount)) for name, amount in contents.sums.items())]
    facts([*pairs, ("columns", ", ".join(contents.columns))])
    if contents.services:
        say()
        lines = [[name or "(none)", rows, money(cost)] for name, (rows, cost) in contents.services.items()]
        table([Column("service"), Column("rows", True), Column("cost/cost", True)], lines[:_SERVICES])
        _more(len(lines), "service")
    _tell_faults([found])


def diff(
    where: Where,
    period: Month,
    first: Annotated[str, Parameter(help="The id of the first drop.")],
    second: Annotated[str | None, Parameter(help="The id of the second; without it the current drop.")] = None,
    /,
    *,
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """Compare two drops of a billing period: rows, and sums by service.

    For example:

    outlay drop diff s3://bucket/simple-cloud 2026-05 20260518T154516Z
    outlay drop diff s3://bucket/simple-cloud 2026-05 20260518T154516Z 20260519T154516Z
    """
    from outlay.cli.progress import working

    with working("comparing"):
        found = _drops(where, profile, role_arn).diff(period, first, second)
    if json:
        print_json(found.as_dict())
        return
    one, other = found.contents
    columns = [Column("drop"), Column("rows", True), Column("cost", True)]
    table(columns, [[found.first.id, one.rows, money(one.cost)], [found.second.id, other.rows, money(other.cost)]])
    say()
    items = count(found.changed, "line item")
    say(f"{count(found.same, 'row')} in both, {found.gone:,} only in the first, {found.new:,} only in the second.")
    say(f"{items} {'is' if found.changed == 1 else 'are'} in both with other values.")
    lines = [
        [each.service or "(none)", *each.rows, money(each.cost[0]), money(each.cost[1]), money(each.change)]
        for each in found.services()
    ]
    if lines:
        say()
        titles = ("rows before", "rows after", "cost before", "cost after", "change")
        table([Column("service"), *(Column(title, True) for title in titles)], lines[:_SERVICES])
        _more(len(lines), "service")


def revert(
    where: Where,
    period: Month,
    drop_id: DropId,
    /,
    *,
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """Point the manifest back to an earlier drop.

    The drop is read first: one that a reader would reject does not become current.

    For example:

    outlay drop revert s3://bucket/simple-cloud 2026-05 20260518T154516Z
    """
    from outlay.cli.progress import working

    with working("reading the drop"):
        done = _drops(where, profile, role_arn).revert(period, drop_id)
    drop, read = done.drop, done.contents
    if json:
        print_json(done.as_dict())
        return
    say(f"{drop.id} is the current drop of {drop.period.month}: {count(read.rows, 'row')}, cost {money(read.cost)}.")
    if done.before and done.before != drop.id:
        say(f"Before it was {done.before}, which stays.")


def empty(
    where: Where,
    period: Month,
    /,
    *,
    yes: Yes = False,
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """Take all rows of a billing period away, by a drop that has a header alone.

    Readers then remove what they hold of that period. The drops before it stay, and can be reverted to.

    For example:

    outlay drop empty s3://bucket/simple-cloud 2026-05
    """
    from outlay.drops.shelf import period_of

    month = period_of(period).month
    drops = _drops(where, profile, role_arn)
    if not yes:
        if not json:
            say(f"Readers of {drops.place.location} will remove all that they hold of {month}.")
        _confirm(f"Emptying {month}", month, is_silent=json, done="nothing was emptied")
    done = drops.empty(period)
    if json:
        print_json(done.as_dict())
        return
    say(f"{month} is empty: its current drop is {done.drop_id}.")
    if done.before:
        say(f"next: To undo it, run outlay drop revert {clean(where)} {month} {done.before}.")


def prune(
    where: Where,
    period: Annotated[str | None, Parameter(help="The billing period; without it all of them.")] = None,
    /,
    *,
    keep: Annotated[
        int,
        Parameter("--keep", metavar="NUMBER", help="Of each period keep the newest earlier drops.", show_default=True),
    ] = 3,
    older_than: Annotated[
        float, Parameter("--older-than", metavar="HOURS", help="Leave alone what is younger.", show_default=True)
    ] = 24,
    yes: Yes = False,
    profile: Profile = "",
    role_arn: RoleArn = "",
    json: Json = False,
) -> None:
    """Remove old and unfinished drops; the current one never.

    What is young may be a drop that is being published.

    For example:

    outlay drop prune s3://bucket/simple-cloud
    outlay drop prune s3://bucket/simple-cloud 2026-05 --keep 0 --yes
    """
    if keep < 0 or not 0 <= older_than <= 1_000_000:
        raise UsageError("--keep and --older-than are numbers from 0 on.", next="Give such numbers.")
    drops = _drops(where, profile, role_arn)
    found = drops.prunable(period, keep=keep, older_than=timedelta(hours=older_than))
    if found and not yes:
        if not json:
            _tell_prunable(found)
        _confirm(f"Removing {count(len(found), 'drop')}", "yes", is_silent=json, done="nothing was removed")
    gone = list(drops.prune(found))
    if json:
        told = [
            {"period": each.period.id, "drop_id": each.id, "state": each.state, "bytes": each.size} for each in gone
        ]
        print_json({"removed": told})
        return
    say(f"{count(len(gone), 'drop')} and {count(sum(each.size for each in gone), 'byte')} removed.")


def _drops(where: str, profile: str, role_arn: str, *, create: bool = False) -> Drops:
    from outlay.drops.drops import open_drops
    from outlay.settings import Settings

    settings = Settings.read()
    given: Any = None
    if profile or role_arn:
        from outlay.aws.sessions import Credentials

        given = Credentials(profile=profile, role_arn=role_arn)
    return open_drops(where, settings=settings, credentials=given, create=create)


def say_published(done: Published) -> None:
    cost = money(done.sums.get("cost/cost", Decimal(0)))
    rows, files = count(done.rows, "row"), count(done.files, "file")
    say(f"{done.period.month}: {done.drop_id} is current, with {rows} in {files}, cost {cost}.")
    if done.carried or done.replaced:
        say(f"  {count(done.carried, 'row')} carried over from {done.before}, {done.replaced:,} replaced.")
    say(f"  {done.location}")


def _list_periods(drops: Drops, json: bool) -> None:
    found = drops.periods()
    if json:
        print_json([{"period": each.period.id, "current_drop_id": each.current} for each in found])
    elif found:
        table([Column("month"), Column("current drop")], [[each.period.month, each.current] for each in found])
    else:
        say(f"There are no drops at {drops.place.location}.")
        say("next: Publish one with outlay drop publish.")


def _line(listed: Listed) -> list[object]:
    drop, read = listed.drop, listed.contents
    start: list[object] = [drop.id, drop.state, f"{drop.at:%Y-%m-%d %H:%M:%S}", len(drop.files), drop.size]
    return [*start, read and read.rows, read and money(read.cost)]


def _tell_faults(found: Sequence[Listed]) -> None:
    for each in found:
        errors = [told for told in (each.contents.findings if each.contents else ()) if told.is_error]
        if errors:
            say()
            say(f"{each.drop.id} has {count(len(errors), 'fault')} for which it would be rejected. The first:")
            say(f"  {errors[0].message}")
            say(f"next: {errors[0].next}")


def _more(number: int, what: str) -> None:
    if number > _SERVICES:
        say(f"… and {count(number - _SERVICES, f'more {what}')}; --json has all of them.")


def _tell_prunable(found: Sequence[Drop]) -> None:
    columns = [Column("month"), Column("drop"), Column("state"), Column("written (UTC)"), Column("bytes", True)]
    table(columns, [[each.period.month, each.id, each.state, f"{each.at:%Y-%m-%d %H:%M}", each.size] for each in found])


def _confirm(what: str, word: str, *, is_silent: bool, done: str) -> None:
    """Raises UsageError unless the user types the word."""
    if is_silent or not sys.stdin.isatty():
        raise UsageError(f"{what} wants a confirmation.", next="Add --yes when you are sure.")
    try:
        typed = input(f"Type {word} to go on: ")
    except EOFError:
        typed = ""
    if typed.strip() != word:
        raise UsageError(f"{typed.strip()!r} is not {word}: {done}.", next="Run the command again.")
