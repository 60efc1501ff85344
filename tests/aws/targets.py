"""Policies to be tested: each purpose for one company, and what each way of writing says when it is read back."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import hcl2
from cfnlint.decode import decode_str

from outlay.aws.policies import PURPOSES, Target

ACCOUNT = "012345678901"
BUCKET = "acme-billing"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/finance/outlay-reader"
OUTLAY = "arn:aws:iam::111122223333:user/outlay"
EXTERNAL_ID = "outlay-0f1e2d3c"

FOR_ROLE = Target(BUCKET, ROLE, account=ACCOUNT, external_id=EXTERNAL_ID, principal=OUTLAY)
FOR_USER = Target(BUCKET, user="bill.reader", account=ACCOUNT, external_id=EXTERNAL_ID, principal=OUTLAY)
FOR_SOMEBODY = Target(BUCKET, account=ACCOUNT, external_id=EXTERNAL_ID, principal=OUTLAY)

NAMES = [purpose.name for purpose in PURPOSES]
IDENTITY = [each.name for each in PURPOSES if each.kind == "identity" and not each.is_callers]


def from_terraform(text: str) -> dict[str, Any]:
    """The document that Terraform would make of the one `aws_iam_policy_document` in it."""
    (block,) = hcl2.loads(text)["data"]
    ((_, labelled),) = block.items()
    ((_, data),) = labelled.items()
    return {"Version": "2012-10-17", "Statement": [_statement(each) for each in data["statement"]]}


def _statement(block: dict[str, Any]) -> dict[str, Any]:
    conditions: dict[str, dict[str, Any]] = {}
    for each in block.get("condition", ()):
        conditions.setdefault(_plain(each["test"]), {})[_plain(each["variable"])] = _plain(each["values"])
    parts = {
        "Sid": _plain(block["sid"]),
        "Effect": "Allow",
        "Principal": {_plain(each["type"]): _plain(each["identifiers"]) for each in block.get("principals", ())},
        "Action": _plain(block["actions"]),
        "Resource": _plain(block.get("resources", [])),
        "Condition": conditions,
    }
    return {name: part for name, part in parts.items() if part}


def _plain(value: Any) -> Any:
    """The parser leaves texts in their quotes."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return json.loads(value.replace("$${", "${").replace("%%{", "%{"))


def from_cloudformation(text: str) -> dict[str, Any]:
    template, problems = decode_str(text)
    assert not problems
    properties = template["Resources"]["OutlayPolicy"]["Properties"]
    found = properties.get("PolicyDocument") or properties["AssumeRolePolicyDocument"]
    document: dict[str, Any] = json.loads(json.dumps(found))
    return document


def commands(text: str) -> list[list[str]]:
    """The words of each `aws` command, as a shell would split them."""
    found: list[list[str]] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words = shlex.split(line, comments=True)
        if "aws" in words:
            rest = words[words.index("aws") :]
            found.append(rest[: rest.index(";;") if ";;" in rest else None])
    return found


def from_commands(text: str) -> dict[str, Any]:
    words = commands(text)[-1]
    options = ("--policy-document", "--policy", "--assume-role-policy-document")
    document: dict[str, Any] = next(json.loads(words[words.index(each) + 1]) for each in options if each in words)
    return document


READ_BACK: dict[str, Callable[[str], dict[str, Any]]] = {
    "json": json.loads,
    "terraform": from_terraform,
    "cloudformation": from_cloudformation,
    "cli": from_commands,
}
