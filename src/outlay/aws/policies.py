"""IAM policies that Outlay needs, as a table, and the ways in which one can be written down.

A new purpose is an entry of `POLICIES`, a new way of writing one of `WAYS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from outlay.aws.naming import check_bucket
from outlay.errors import UsageError

_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::\d{12}:role/(?:[\w+=,.@/-]*/)?([\w+=,.@-]+)")


@dataclass(frozen=True)
class Target:
    """What a policy is for: the bucket, and the role or user that it is attached to, where one knows it."""

    bucket: str
    role_arn: str = ""
    is_user: bool = False

    @property
    def partition(self) -> str:
        found = _ROLE.fullmatch(self.role_arn)
        return found[1] if found else "aws"

    @property
    def role(self) -> str:
        """The role's name; blank when it is not known."""
        found = _ROLE.fullmatch(self.role_arn)
        return found[2] if found else ""

    @property
    def attached_to(self) -> str:
        """In words."""
        if self.role:
            return f"the role {self.role}"
        return "the user whose access key you give here" if self.is_user else "the role or user that Outlay runs as"


@dataclass(frozen=True)
class Statement:
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }


@dataclass(frozen=True)
class Policy:
    """`name` fits IAM; `about` says what it allows."""

    name: str
    about: str
    statements: tuple[Statement, ...]
    target: Target

    def document(self) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": [each.as_dict() for each in self.statements]}


def _bucket_reader(target: Target) -> Policy:
    arn = f"arn:{target.partition}:s3:::{check_bucket(target.bucket)}"
    return Policy(
        f"outlay-reads-{target.bucket}"[:128],
        f"Reads the bucket {target.bucket}, and nothing else.",
        (Statement("OutlayReadsBills", ("s3:Get*", "s3:List*"), (arn, f"{arn}/*")),),
        target,
    )


# By purpose.
POLICIES: Mapping[str, Callable[[Target], Policy]] = MappingProxyType({"bucket-reader": _bucket_reader})


@dataclass(frozen=True)
class Way:
    """One way to write a policy down."""

    label: str
    file_name: str
    write: Callable[[Policy], str]


def _json(policy: Policy) -> str:
    return json.dumps(policy.document(), indent=2) + "\n"


def _terraform(policy: Policy) -> str:
    statements = "\n".join(_terraform_statement(each) for each in policy.statements)
    kind, argument = ("user", "user") if policy.target.is_user else ("role", "role")
    label = re.sub(r"[^a-z0-9_]", "_", policy.name)
    held = json.dumps(policy.target.role) if policy.target.role else f"var.outlay_{kind}"
    variable = "" if policy.target.role else f'variable "outlay_{kind}" {{\n  type = string\n}}\n\n'
    return (
        f'{variable}data "aws_iam_policy_document" "{label}" {{\n{statements}\n}}\n\n'
        f'resource "aws_iam_{kind}_policy" "{label}" {{\n'
        f"  name   = {json.dumps(policy.name)}\n"
        f"  {argument}   = {held}\n"
        f"  policy = data.aws_iam_policy_document.{label}.json\n}}\n"
    )


def _terraform_statement(statement: Statement) -> str:
    return (
        f"  statement {{\n    sid       = {json.dumps(statement.sid)}\n"
        f"    actions   = {json.dumps(list(statement.actions))}\n"
        f"    resources = {json.dumps(list(statement.resources))}\n  }}"
    )


def _cloudformation(policy: Policy) -> str:
    """JSON is a form of it, too; but people paste YAML."""
    kind = "User" if policy.target.is_user else "Role"
    known = policy.target.role
    lines = ["AWSTemplateFormatVersion: '2010-09-09'", f"Description: {policy.about}"]
    if not known:
        lines += ["Parameters:", f"  {kind}Name:", "    Type: String"]
    lines += [
        "Resources:",
        "  OutlayPolicy:",
        f"    Type: AWS::IAM::{kind}Policy",
        "    Properties:",
        f"      {kind}Name: {known or f'!Ref {kind}Name'}",
        f"      PolicyName: {policy.name}",
        "      PolicyDocument:",
        "        Version: '2012-10-17'",
        "        Statement:",
    ]
    for each in policy.statements:
        lines += [f"          - Sid: {each.sid}", "            Effect: Allow", "            Action:"]
        lines += [f"              - '{action}'" for action in each.actions]
        lines += ["            Resource:", *(f"              - '{resource}'" for resource in each.resources)]
    return "\n".join(lines) + "\n"


def _cli(policy: Policy) -> str:
    kind = "user" if policy.target.is_user else "role"
    document = json.dumps(policy.document())
    return (
        f"aws iam put-{kind}-policy \\\n"
        f"  --{kind}-name {policy.target.role or f'{kind.upper()}-NAME'} \\\n"
        f"  --policy-name {policy.name} \\\n"
        f"  --policy-document '{document}'\n"
    )


WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "json": Way("JSON", "policy.json", _json),
        "terraform": Way("Terraform", "policy.tf", _terraform),
        "cloudformation": Way("CloudFormation", "policy.yaml", _cloudformation),
        "cli": Way("AWS CLI", "policy.sh", _cli),
    }
)


def policy(purpose: str, target: Target) -> Policy:
    """Raises UsageError for a purpose that is none, or a bucket that is none."""
    if purpose not in POLICIES:
        raise UsageError(f"There is no policy {purpose!r}.", next=f"Ask for one of {', '.join(POLICIES)}.")
    return POLICIES[purpose](target)


def written(policy: Policy, way: str) -> str:
    """Raises UsageError for a way that is none."""
    if way not in WAYS:
        raise UsageError(f"A policy cannot be written as {way!r}.", next=f"Ask for one of {', '.join(WAYS)}.")
    return WAYS[way].write(policy)
