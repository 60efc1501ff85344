"""`outlay aws exports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import outlay
from outlay.cli.adding import ExternalId, Profile, RoleArn
from outlay.cli.options import Json
from outlay.cli.output import Column, print_json, say, table
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.aws.exports import FoundExport
    from outlay.exporting import Access, Account

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


def _access(name: str, profile: str, role_arn: str, external_id: str, region: str) -> Access:
    from outlay.exporting import Access

    if name and (profile or role_arn or external_id or region):
        raise UsageError(
            f"Both {name} and an access of its own are given.",
            next="Give the connection's name, or --profile, --role-arn, --external-id and --region.",
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
        say("next: Make one in the console of AWS, under Data Exports; AWS delivers its first file within 24 hours.")
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
