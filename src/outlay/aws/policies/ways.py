"""How a policy is written down: JSON, Terraform, CloudFormation, commands of the AWS CLI.

Each says beside each action why it is there; JSON has no comments, so `Policy.reasons` is shown beside it. What is
filled in was checked, and is escaped here all the same: a policy that is extended holds what others wrote.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from outlay.aws.policies.document import Policy, Statement


@dataclass(frozen=True)
class Way:
    """One way to write a policy down."""

    label: str
    file_name: str
    write: Callable[[Policy], str]


NEW_ROLE = "outlay-reader"


def _json(policy: Policy) -> str:
    return json.dumps(policy.document(), indent=2) + "\n"


# Terraform


def _terraform(policy: Policy) -> str:
    label = re.sub(r"[^a-z0-9_]", "_", policy.name.lower())
    statements = "\n\n".join(_terraform_statement(each) for each in policy.statements)
    kept = _terraform_kept(policy) if policy.kept else ""
    document = f'data "aws_iam_policy_document" "{label}" {{\n{kept}{statements}\n}}\n'
    before, resource = _TERRAFORM[policy.kind](policy, label)
    return f"# {policy.about}\n{before}{document}\n{resource}"


def _terraform_kept(policy: Policy) -> str:
    """Terraform takes the statements of a source, and neither its version, which gives them their sense, nor its id."""
    head = {"version": policy.kept.get("Version"), "policy_id": policy.kept.get("Id")}
    lines = [f"  {name} = {_hcl(text)}\n" for name, text in head.items() if text]
    return "".join(lines) + f"  source_policy_documents = [jsonencode({_hcl(policy.kept)})]\n\n"


def _terraform_identity(policy: Policy, label: str) -> tuple[str, str]:
    kind, name = policy.target.holder
    variable = "" if name else f'variable "outlay_{kind}" {{\n  type = string\n}}\n\n'
    held = _hcl(name) if name else f"var.outlay_{kind}"
    return variable, (
        f'resource "aws_iam_{kind}_policy" "{label}" {{\n  name   = {_hcl(policy.name)}\n  {kind}   = {held}\n'
        f"  policy = data.aws_iam_policy_document.{label}.json\n}}\n"
    )


def _terraform_bucket(policy: Policy, label: str) -> tuple[str, str]:
    about = "" if policy.kept else _hash(_REPLACES)
    return about, (
        f'resource "aws_s3_bucket_policy" "{label}" {{\n  bucket = {_hcl(policy.target.bucket)}\n'
        f"  policy = data.aws_iam_policy_document.{label}.json\n}}\n"
    )


def _terraform_trust(policy: Policy, label: str) -> tuple[str, str]:
    return "", (
        f'resource "aws_iam_role" "{label}" {{\n  name               = {_hcl(policy.target.role or NEW_ROLE)}\n'
        f"  assume_role_policy = data.aws_iam_policy_document.{label}.json\n}}\n\n"
        f'output "{label}_arn" {{\n  value = aws_iam_role.{label}.arn\n}}\n'
    )


_TERRAFORM: Mapping[str, Callable[[Policy, str], tuple[str, str]]] = MappingProxyType(
    {"identity": _terraform_identity, "bucket": _terraform_bucket, "trust": _terraform_trust}
)


def _terraform_statement(statement: Statement) -> str:
    actions = "".join(f"      {_hcl(each.action)}, # {each.why}\n" for each in statement.grants)
    lines = [f"    sid = {_hcl(statement.sid)}", f"    actions = [\n{actions}    ]"]
    if statement.resources:
        lines.append(f"    resources = {_hcl(statement.resources)}")
    lines += [
        f"    principals {{\n      type        = {_hcl(kind)}\n      identifiers = {_hcl(names)}\n    }}"
        for kind, names in statement.principals
    ]
    lines += [
        f"    condition {{\n      test     = {_hcl(each.test)}\n      variable = {_hcl(each.key)}\n"
        f"      values   = {_hcl(each.values)}\n    }}"
        for each in statement.conditions
    ]
    return "  statement {\n" + "\n".join(lines) + "\n  }"


def _hcl(value: object) -> str:
    """JSON is an expression of HCL, but for what HCL fills in."""
    plain = dict(value) if isinstance(value, Mapping) else value
    return json.dumps(plain, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


# CloudFormation


def _cloudformation(policy: Policy) -> str:
    """JSON is a form of it, too; but JSON has no comments."""
    parameters, kind, properties, document = _CLOUDFORMATION[policy.kind](policy)
    lines = [
        "AWSTemplateFormatVersion: '2010-09-09'",
        f"Description: {json.dumps(policy.about)}",
        *parameters,
        "Resources:",
        "  OutlayPolicy:",
        f"    Type: {kind}",
        "    Properties:",
        *(f"      {line}" for line in properties),
        f"      {document}:",
        *(f"        {name}: {json.dumps(text)}" for name, text in _head(policy).items()),
        "        Statement:",
        *(f"          - {json.dumps(each)}" for each in policy.kept.get("Statement", ())),
    ]
    for each in policy.statements:
        lines += _cloudformation_statement(each)
    return "\n".join(lines) + "\n"


def _head(policy: Policy) -> dict[str, object]:
    return {name: part for name, part in policy.document().items() if name != "Statement"}


def _cloudformation_identity(policy: Policy) -> tuple[list[str], str, list[str], str]:
    kind, name = policy.target.holder
    title = kind.capitalize()
    parameters = [] if name else ["Parameters:", f"  {title}Name:", "    Type: String"]
    held = json.dumps(name) if name else f"!Ref {title}Name"
    properties = [f"{title}Name: {held}", f"PolicyName: {json.dumps(policy.name)}"]
    return parameters, f"AWS::IAM::{title}Policy", properties, "PolicyDocument"


def _cloudformation_bucket(policy: Policy) -> tuple[list[str], str, list[str], str]:
    about = [] if policy.kept else _hash(_REPLACES).splitlines()
    return about, "AWS::S3::BucketPolicy", [f"Bucket: {json.dumps(policy.target.bucket)}"], "PolicyDocument"


def _cloudformation_trust(policy: Policy) -> tuple[list[str], str, list[str], str]:
    about = _hash(("A role with a name asks for --capabilities CAPABILITY_NAMED_IAM.",)).splitlines()
    outputs = ["Outputs:", "  RoleArn:", "    Value: !GetAtt OutlayPolicy.Arn"]
    name = [f"RoleName: {json.dumps(policy.target.role or NEW_ROLE)}"]
    return [*about, *outputs], "AWS::IAM::Role", name, "AssumeRolePolicyDocument"


_CLOUDFORMATION: Mapping[str, Callable[[Policy], tuple[list[str], str, list[str], str]]] = MappingProxyType(
    {"identity": _cloudformation_identity, "bucket": _cloudformation_bucket, "trust": _cloudformation_trust}
)


def _cloudformation_statement(statement: Statement) -> list[str]:
    """Lists and texts in the form of JSON, which is a form of YAML that nothing can break out of."""
    lines = [f"          - Sid: {json.dumps(statement.sid)}", "            Effect: Allow", "            Action:"]
    lines += [f"              - {json.dumps(each.action)} # {each.why}" for each in statement.grants]
    others = {
        name: part for name, part in statement.as_dict().items() if name in ("Principal", "Resource", "Condition")
    }
    return lines + [f"            {name}: {json.dumps(part)}" for name, part in others.items()]


# AWS CLI


def _commands(policy: Policy) -> str:
    reasons = _hash((policy.about, *(f"{action}  {why}" for _, action, why in policy.reasons())))
    return reasons + _COMMANDS[policy.kind](policy, shlex.quote(json.dumps(policy.document())))


def _put(policy: Policy, document: str) -> str:
    kind, name = policy.target.holder
    return (
        f"aws iam put-{kind}-policy \\\n  --{kind}-name {name or f'{kind.upper()}-NAME'} \\\n"
        f"  --policy-name {policy.name} \\\n  --policy-document {document}\n"
    )


def _put_to_bucket(policy: Policy, document: str) -> str:
    """A policy that is there is never replaced unseen: AWS itself has to say that there is none."""
    bucket = policy.target.bucket
    put = f"aws s3api put-bucket-policy \\\n  --bucket {bucket} \\\n  --policy {document}"
    if policy.kept:
        return f"{put}\n"
    return (
        f'case "$(aws s3api get-bucket-policy --bucket {bucket} 2>&1)" in\n  *NoSuchBucketPolicy*)\n{put} ;;\n'
        "  *) echo 'Nothing was changed: the bucket has a policy already, or you may not read it.' >&2 ;;\nesac\n"
    )


def _make_role(policy: Policy, document: str) -> str:
    if policy.target.role:
        return (
            f"aws iam update-assume-role-policy \\\n  --role-name {policy.target.role} \\\n"
            f"  --policy-document {document}\n"
        )
    return f"aws iam create-role \\\n  --role-name {NEW_ROLE} \\\n  --assume-role-policy-document {document}\n"


_COMMANDS: Mapping[str, Callable[[Policy, str], str]] = MappingProxyType(
    {"identity": _put, "bucket": _put_to_bucket, "trust": _make_role}
)
_REPLACES = (
    "This replaces a policy that the bucket has already.",
    "To keep that one, give it to outlay policy by --extend and take what comes of it.",
)


def _hash(lines: Sequence[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "json": Way("JSON", "policy.json", _json),
        "terraform": Way("Terraform", "policy.tf", _terraform),
        "cloudformation": Way("CloudFormation", "policy.yaml", _cloudformation),
        "cli": Way("AWS CLI", "policy.sh", _commands),
    }
)
