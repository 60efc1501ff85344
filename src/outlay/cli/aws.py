"""`outlay aws exports|make-export`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import outlay
from outlay.cli.adding import ExternalId, Profile, RoleArn
from outlay.cli.asking import ask_yes
from outlay.cli.options import Json
from outlay.cli.output import Column, print_json, say, table
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.app import Outlay
    from outlay.aws.exports import FoundExport
    from outlay.exporting import Access, Account, Making

Lender = Annotated[str, Parameter(help="The connection whose access is used, in place of the options below.")]
Region = Annotated[
    str, Parameter("--region", help="Where STS is asked. The billing APIs answer in one region, which is known.")
]


def exports(
    name: Lender = "",
    /,
    *,
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    region: Region = "",
    json: Json = False,
) -> None:
    """List the Cost and Usage Reports and data exports of an AWS account.

    Each with what it holds, where it lies, whether Outlay can use it, and a checklist. Nothing is picked or changed.

    For example:

    outlay aws exports main
    outlay aws exports --profile payer
    outlay aws exports --role-arn arn:aws:iam::123456789012:role/outlay --external-id outlay-0f1e2d3c
    """
    from outlay.exporting import exports

    with outlay.open() as o:
        account = exports(o, _access(name, profile, role_arn, external_id, region))
    if json:
        print_json(account.as_dict())
    else:
        _show(account)


def make_export(
    export: Annotated[str, Parameter(help="What the export is to be called.")],
    /,
    *,
    bucket: Annotated[str, Parameter("--bucket", help="The bucket that AWS delivers into.")],
    prefix: Annotated[str, Parameter("--prefix", help="The folder in it.")],
    new_bucket: Annotated[
        bool, Parameter("--new-bucket", help="Make the bucket: private and encrypted. [default: one that exists]")
    ] = False,
    region: Annotated[str, Parameter("--region", help="Of a new bucket. [default: us-east-1]")] = "",
    kind: Annotated[
        Literal["cur-2.0", "legacy-cur", "focus-1.2"], Parameter("--kind", show_default=True, help="What it holds.")
    ] = "cur-2.0",
    file_format: Annotated[
        Literal["parquet", "csv"], Parameter("--file-format", show_default=True, help="Of its files.")
    ] = "parquet",
    granularity: Annotated[
        Literal["hourly", "daily"], Parameter("--granularity", show_default=True, help="Of its rows.")
    ] = "hourly",
    split_cost: Annotated[
        bool, Parameter("--split-cost", help="With split cost allocation data of containers. Not in FOCUS.")
    ] = False,
    versions: Annotated[
        Literal["overwrite", "new"],
        Parameter("--versions", show_default=True, help="Whether a delivery replaces the one before it."),
    ] = "overwrite",
    access_of: Annotated[str, Parameter("--access-of", help="The connection whose access is used.")] = "",
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    connect: Annotated[
        str, Parameter("--connect", metavar="NAME", help="Add a connection of this name, which waits for its bills.")
    ] = "",
    yes: Annotated[bool, Parameter("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Make a billing export in the account that pays, with its bucket where that is wanted.

    It shows each request to AWS word for word, then asks. A bucket that exists keeps its policy, which is extended.
    Run it again after a failure: what is there is left alone. Nothing is ever deleted. With --json and without --yes
    the plan is printed, and nothing is made.

    For example:

    outlay aws make-export bill --bucket acme-billing --new-bucket --region eu-central-1 --prefix outlay --connect main
    outlay aws make-export bill --bucket acme-billing --prefix outlay --kind focus-1.2 --access-of main
    """
    from outlay.aws.making import Wish
    from outlay.exporting import making

    versioning = "new version" if versions == "new" else versions
    wish = Wish(export, bucket, prefix, kind, new_bucket, region, file_format, granularity, split_cost, versioning)
    with outlay.open() as o:
        made = making(o, _access(access_of, profile, role_arn, external_id, ""), wish)
        _check_connection(o, made, connect)
        if json and not yes:
            print_json({**made.plan.as_dict(), "made": False, "connection": None})
            return
        if not json:
            _show_plan(made)
        if not yes and not made.plan.is_done:
            ask_yes("Making this in AWS", "Type yes to make it: ", left="Nothing was made")
        arn = ""
        for step in made.carry_out():
            arn = step.arn
            if not json:
                say(f"done: {step.title}.")
        if connect:
            o.add(made.connection(connect, arn=arn))
    if json:
        print_json({**made.plan.as_dict(), "made": True, "connection": connect or None})
        return
    _tell_made(made, connect)


def _check_connection(o: Outlay, made: Making, name: str) -> None:
    """Before anything is made. Raises UsageError."""
    from outlay import connecting

    for error in connecting.faults(o, made.connection(name)).values() if name else ():
        raise error


def _show_plan(made: Making) -> None:
    plan = made.plan
    say(f"In the account {plan.account}:")
    for note in plan.notes:
        say(note)
    for number, step in enumerate(plan.steps, start=1):
        say()
        say(f"{number}. {step.title}{': it is there already.' if step.is_there else '.'}", style="bold")
        if not step.is_there:
            say(step.as_text)
    say()


def _tell_made(made: Making, connect: str) -> None:
    from outlay.aws.making import FIRST_DELIVERY

    plan = made.plan
    say(f"{plan.wish.name} is there, and delivers into {plan.location}. {FIRST_DELIVERY}")
    if connect:
        say(f"next: Wait; outlay connections show {connect} tells how it is.")
        return
    say(f"next: outlay connections add aws NAME --location {plan.location} --export {plan.wish.name}")


def _access(name: str, profile: str, role_arn: str, external_id: str, region: str) -> Access:
    from outlay.exporting import Access

    if name and (profile or role_arn or external_id or region):
        raise UsageError(
            f"Both {name} and an access of its own are given.",
            next="Give the connection's name, or --profile, --role-arn and --external-id.",
        )
    return Access(name, profile, role_arn, external_id, region=region)


_COLUMNS = tuple(
    Column(title)
    for title in ("name", "type", "rows", "resource ids", "versions", "location", "last delivery", "usable")
)


def _show(account: Account) -> None:
    from outlay.aws.sessions import STANDINGS

    identity, found = account.identity, account.found
    say(f"{identity.account}{f' ({identity.name})' if identity.name else ''}: {STANDINGS[identity.standing]}.")
    for error in found.denied:
        say(f"{error.message} {error.next}")
    say()
    if not found.exports:
        say("No report and no export was seen." if found.hidden else "It has no report and no export.")
        say("next: outlay aws make-export makes one, as does AWS's console under Data Exports.")
        return
    table(_COLUMNS, [_row(each) for each in found.exports])
    for each in found.exports:
        _show_checks(each)
    say("next: outlay connections add aws NAME --location LOCATION --export EXPORT, with the same access.")


def _row(each: FoundExport) -> tuple[object, ...]:
    from outlay.aws.exports import KINDS

    return (
        each.name,
        KINDS[each.kind],
        f"{each.granularity} {each.format}".strip(),
        each.resource_ids,
        each.versioning or None,
        each.location,
        f"{each.last_delivery:%Y-%m-%d %H:%M} UTC" if each.last_delivery else "none yet",
        each.usable,
    )


def _show_checks(each: FoundExport) -> None:
    say()
    say(each.name, style="bold")
    for said in (each.why_not, each.limited, each.trouble):
        if said:
            say(said)
    columns = [Column("point"), Column("holds"), Column("without it")]
    table(columns, [(check.point, check.said, check.otherwise) for check in each.checklist])
