"""`outlay policy`."""

from __future__ import annotations

import json as json_
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from outlay.cli.options import Json
from outlay.cli.output import Column, print_json, say, table
from outlay.errors import UsageError

if TYPE_CHECKING:
    from outlay.aws.policies import Policy

As = Literal["json", "terraform", "cloudformation", "cli"]


def policy(
    *purposes: Annotated[str, Parameter(help="What it is for. Several become one document. None lists them.")],
    bucket: Annotated[str, Parameter("--bucket", help="The bucket where the bills lie, by its name alone.")] = "",
    account: Annotated[str, Parameter("--account", help="The payer's account id: 12 digits.")] = "",
    role_arn: Annotated[str, Parameter("--role-arn", help="The role that Outlay assumes, which gets the policy.")] = "",
    user: Annotated[str, Parameter("--user", help="The user who gets it, in place of a role.")] = "",
    principal: Annotated[
        str, Parameter("--principal", help="The ARN of the role or user that Outlay itself runs as.")
    ] = "",
    external_id: Annotated[
        str, Parameter("--external-id", help="For trust: the connection's external id. A new one, if none is given.")
    ] = "",
    as_: Annotated[As | None, Parameter("--as", help="Print that alone, to be put into a file.")] = None,
    extend: Annotated[
        str, Parameter("--extend", metavar="FILE", help="The bucket's policy that is there, to be kept.")
    ] = "",
    json: Json = False,
) -> None:
    """Write the IAM policy that a connection to AWS needs, with the reason for each action.

    Nothing is sent to AWS. docs/policies.md tells what each purpose allows.

    For example:

    outlay policy
    outlay policy bucket-reader --bucket acme-drops --role-arn arn:aws:iam::012345678901:role/outlay
    outlay policy payer-export organizations --bucket acme-billing --as terraform
    outlay policy billing-delivery --bucket acme-billing --account 012345678901 --as cli
    outlay policy trust --principal arn:aws:iam::111122223333:user/outlay --as cloudformation
    """
    if json and as_:
        raise UsageError(f"--json and --as {as_} contradict each other.", next="Give one of them.")
    if not purposes:
        _list(json)
        return
    from outlay.aws import policies
    from outlay.aws.naming import new_external_id

    is_trust = "trust" in purposes
    target = policies.Target(
        bucket,
        role_arn,
        account=account,
        external_id=external_id or (new_external_id() if is_trust else ""),
        principal=principal,
        user=user,
    )
    made = policies.policy(purposes, target)
    if extend:
        made = _extended(made, extend)
    if json:
        print_json(_as_dict(purposes, made))
    elif as_:
        sys.stdout.write(policies.written(made, as_))
    else:
        _show(made)
    if is_trust and not external_id:
        print(f"next: outlay connections add … --external-id {target.external_id}", file=sys.stderr)


def _extended(made: Policy, file: str) -> Policy:
    from outlay.aws.policies import extended

    if made.kind != "bucket":
        raise UsageError("Only a bucket's own policy is extended.", next="Leave --extend out, or ask for that one.")
    try:
        existing = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{file} cannot be read: {why}.", next="Give the file of the bucket's policy.") from error
    return extended(made, existing)


def _list(json: bool) -> None:
    from outlay.aws.policies import PURPOSES

    if json:
        print_json(
            [{"purpose": each.name, "title": each.title, "about": each.about, "needs": each.needs} for each in PURPOSES]
        )
        return
    rows = [(each.name, each.about, " ".join(map(_option, each.needs))) for each in PURPOSES]
    table([Column("purpose"), Column("what it allows"), Column("needs")], rows)
    say("next: outlay policy PURPOSE …")


def _option(field: str) -> str:
    """In brackets where a new one is made if none is given."""
    option = f"--{field.replace('_', '-')}"
    return f"[{option}]" if field == "external_id" else option


def _where(made: Policy) -> str:
    return {
        "identity": f"Attach it to {made.target.attached_to}.",
        "bucket": f"It is the own policy of the bucket {made.target.bucket}.",
        "trust": f"It is the trust policy of {made.target.attached_to if made.target.role else 'a role to be made'}.",
    }[made.kind]


def _as_dict(purposes: tuple[str, ...], made: Policy) -> dict[str, Any]:
    return {
        "purposes": list(purposes),
        "name": made.name,
        "about": made.about,
        "attach": _where(made),
        "document": made.document(),
        "reasons": [{"statement": sid, "action": action, "why": why} for sid, action, why in made.reasons()],
    }


def _show(made: Policy) -> None:
    say(f"{made.about} {_where(made)}")
    say()
    say(json_.dumps(made.document(), indent=2))
    say()
    table([Column("statement"), Column("action"), Column("why")], made.reasons())
    say("next: --as json, terraform, cloudformation or cli prints that alone.")
