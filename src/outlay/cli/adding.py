"""`outlay connections add anycost|aws|focus|stream|linked`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import outlay
from outlay import connecting
from outlay.cli.options import Json, Name
from outlay.cli.output import print_json, say
from outlay.cli.who import who
from outlay.state.new import NewConnection
from outlay.streaming import SEND_TO

if TYPE_CHECKING:
    from outlay.app import Outlay
    from outlay.ingest.probe import Probe

Location = Annotated[
    str,
    Parameter("--location", help="Where the bills lie: s3://, az:// or gs://bucket/path, file:///path or a folder."),
]
Export = Annotated[str, Parameter("--export", help="The export or report, where several lie there.")]
Currency = Annotated[
    str, Parameter("--currency", help="The currency of bills that do not name theirs.", show_default=True)
]
ExpectEvery = Annotated[
    str | None, Parameter("--expect-every", metavar="HOURS", help="How often a delivery should come, in whole hours.")
]
Profile = Annotated[str, Parameter("--profile", help="The AWS profile to read with.")]
RoleArn = Annotated[str, Parameter("--role-arn", help="The AWS role to assume.")]
ExternalId = Annotated[str, Parameter("--external-id", help="The external id that the role's trust policy asks for.")]


def anycost(
    name: Name,
    /,
    *,
    cloud_provider: Annotated[str, Parameter("--cloud-provider", help="Whose bill it is, as it should be shown.")],
    location: Location,
    currency: Currency = "USD",
    expect_every: ExpectEvery = None,
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    json: Json = False,
) -> None:
    """Register the drops of an AnyCost adaptor.

    They lie in CBF, below a path that is not the root of its bucket.

    For example:

    outlay connections add anycost simple-cloud --cloud-provider "Simple Cloud" --location s3://drops/simple-cloud
    """
    _add(
        NewConnection(
            name, "anycost", location, cloud_provider, "", currency, expect_every, profile, role_arn, external_id
        ),
        json,
    )


def aws(
    name: Name,
    /,
    *,
    location: Location,
    export: Export = "",
    expect_every: ExpectEvery = None,
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    json: Json = False,
) -> None:
    """Register a bill of AWS.

    A Cost and Usage Report (legacy) or a data export (CUR 2.0 or FOCUS) is told by its manifest and columns.

    For example:

    outlay connections add aws main --location s3://billing/exports --export daily-cur
    outlay connections add aws main --location s3://billing/cur --role-arn arn:aws:iam::123456789012:role/outlay
    """
    _add(
        NewConnection(
            name,
            "aws",
            location,
            "",
            export,
            expect_every=expect_every,
            profile=profile,
            role_arn=role_arn,
            external_id=external_id,
        ),
        json,
    )


def focus(
    name: Name,
    /,
    *,
    location: Location,
    cloud_provider: Annotated[
        str, Parameter("--cloud-provider", help="Whose bill it is, where the rows do not say.")
    ] = "",
    export: Export = "",
    currency: Currency = "USD",
    expect_every: ExpectEvery = None,
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    json: Json = False,
) -> None:
    """Register FOCUS files of any provider.

    They lie in one folder a month, or loosely: then their rows tell the month.

    For example:

    outlay connections add focus nordlicht --location file:///bills/nordlicht
    """
    _add(
        NewConnection(
            name, "focus", location, cloud_provider, export, currency, expect_every, profile, role_arn, external_id
        ),
        json,
    )


def stream(
    name: Name,
    /,
    *,
    cloud_provider: Annotated[
        str, Parameter("--cloud-provider", help="The name by which it is shown, such as Simple Cloud.")
    ],
    currency: Currency = "USD",
    expect_every: ExpectEvery = None,
    json: Json = False,
) -> None:
    """Register a connection that CBF is sent to over HTTP.

    An adaptor posts JSON to the site, in the shapes of CloudZero's AnyCost Stream; nothing is read anywhere.

    For example:

    outlay connections add stream llm-gateway --cloud-provider "LLM Gateway"
    """
    _add(NewConnection(name, "stream", "", cloud_provider, "", currency, expect_every), json)


def linked(
    name: Name,
    /,
    *,
    profile: Profile = "",
    role_arn: RoleArn = "",
    external_id: ExternalId = "",
    json: Json = False,
) -> None:
    """Register the access to a linked account of AWS.

    It has no bill of its own: its charges come in through the connection of its payer. It makes the account a
    connected one, for outlay accounts and for payers that count only those.

    For example:

    outlay connections add linked web-prod --role-arn arn:aws:iam::123456789012:role/outlay --external-id 4f1c
    """
    _add(
        NewConnection(name, "linked", "", profile=profile, role_arn=role_arn, external_id=external_id),
        json,
    )


def _add(new: NewConnection, json: bool) -> None:
    with outlay.open() as o:
        view = connecting.add(o, new, by=who())
        tried = None if json else _tried(o, new)
    if json:
        print_json(view.as_dict())
        return
    if new.kind == "stream":
        say(f"{view.row.name} takes CBF at {SEND_TO.format(name=view.row.name)} of the site.")
        say("next: Make an API token that may send CBF, on the page API tokens, and post to that address.")
        return
    say(f"{view.row.name} is connected{f' to {view.row.location}' if view.row.location else ''}.")
    if tried and tried.offer and tried.is_well:
        say(f"All of its bills lie at {tried.offer}: with that location nothing else is listed.")
    elif tried and tried.offer:
        say(f"No bill lies there, but at {tried.offer} there is one.")
        say(f"next: outlay connections remove {view.row.name}, and add it with --location {tried.offer}")
        return
    if tried and tried.may_pass:
        from outlay.ingest.probe import AGAIN

        step = next(each for each in tried.steps if each.state == "failed")
        say(f"{step.said} {step.next.removesuffix(AGAIN)}".rstrip())
        say(f"next: outlay ingest {view.row.name}, in a minute; a worker does it by itself.")
        return
    say(f"next: {view.status.next}")


def _tried(o: Outlay, new: NewConnection) -> Probe | None:
    """What AWS denies still, or a path with a part too many, is told; neither is a reason not to connect."""
    if new.kind != "linked" and not (new.kind == "aws" and new.location.startswith("s3://")):
        return None
    return connecting.test_again(o, new.name)
