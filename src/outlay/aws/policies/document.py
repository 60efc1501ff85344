"""What a policy is made of, whom it is for, and the document that comes of the two."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from outlay.aws import naming
from outlay.aws.naming import role_parts
from outlay.errors import UsageError

# identity: attached to a role or user. bucket: the bucket's own. trust: says who may assume a role.
Kind = Literal["identity", "bucket", "trust"]

# What AWS takes, without blanks. Source: the IAM user guide, "IAM and AWS STS quotas"; S3, "Bucket policies".
INLINE_ROLE, INLINE_USER, BUCKET_POLICY = 10_240, 2_048, 20_480


@dataclass(frozen=True)
class Target:
    """What a policy is for. What is not known stays blank.

    `role_arn` or `user` is what it is attached to, `account` the payer's, `principal` who assumes the role.
    """

    bucket: str = ""
    role_arn: str = ""
    is_user: bool = False
    account: str = ""
    external_id: str = ""
    principal: str = ""
    user: str = ""

    @property
    def partition(self) -> str:
        return naming.partition_of(self.role_arn or self.principal)

    @property
    def role(self) -> str:
        """The role's name; blank when it is not known."""
        parts = role_parts(self.role_arn)
        return parts[2] if parts else ""

    @property
    def caller(self) -> Target:
        """Whoever assumes the role, as what a policy is attached to."""
        kind, _, name = self.principal.rpartition(":")[2].rpartition("/")
        is_user = kind.startswith("user")
        role = self.principal if kind.startswith("role") else ""
        return replace(self, role_arn=role, is_user=is_user, user=name if is_user else "")

    @property
    def holder(self) -> tuple[str, str]:
        """`role` or `user`, and its name, which is blank when it is not known."""
        return ("user", self.user) if self.is_user or self.user else ("role", self.role)

    @property
    def attached_to(self) -> str:
        """In words."""
        kind, name = self.holder
        if name:
            return f"the {kind} {name}"
        return "the user whose access key you give here" if kind == "user" else "the role or user that Outlay runs as"

    def values(self) -> dict[str, str]:
        """What the statements of the table are filled in with."""
        bucket = f"arn:{self.partition}:s3:::{self.bucket}"
        return {
            "bucket": bucket,
            "objects": f"{bucket}/*",
            "account": self.account,
            "principal": self.principal,
            "external_id": self.external_id,
            "role_arn": self.role_arn,
        }


# By field of Target: the rule of what is filled in.
CHECKS: Mapping[str, Callable[[Target], object]] = MappingProxyType(
    {
        "bucket": lambda target: naming.check_bucket(target.bucket),
        "account": lambda target: naming.check_account(target.account),
        "role_arn": lambda target: naming.check_role(target.role_arn, account=target.account),
        "user": lambda target: naming.check_user(target.user),
        "principal": lambda target: naming.check_principal(target.principal),
        "external_id": lambda target: naming.check_external_id(target.external_id),
    }
)


def check(target: Target, needs: Iterable[str]) -> None:
    """Raises UsageError for what is given and is no good, or is needed and not there."""
    wanted = set(needs)
    for name, rule in CHECKS.items():
        if name in wanted or getattr(target, name):
            rule(target)
    if target.role_arn and (target.user or target.is_user):
        raise UsageError("A policy is attached to a role or to a user.", next="Give one of the two.", field="user")


@dataclass(frozen=True)
class Grant:
    """An action that is allowed, and why. The reason stands in comments: it holds no quote, dollar or line's end."""

    action: str
    why: str


@dataclass(frozen=True)
class Condition:
    test: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """Texts in braces are filled in from a target: `{bucket}`, `{objects}`, `{account}`, …"""

    sid: str
    grants: tuple[Grant, ...]
    resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, tuple[str, ...]], ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(each.action for each in self.grants)

    def filled(self, values: Mapping[str, str]) -> Statement:
        def fill(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(text.format_map(values) for text in texts)

        return Statement(
            self.sid,
            self.grants,
            fill(self.resources),
            tuple((kind, fill(names)) for kind, names in self.principals),
            tuple(Condition(each.test, each.key, fill(each.values)) for each in self.conditions),
        )

    def as_dict(self) -> dict[str, Any]:
        conditions: dict[str, dict[str, list[str]]] = {}
        for each in self.conditions:
            conditions.setdefault(each.test, {})[each.key] = list(each.values)
        parts = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": {kind: list(names) for kind, names in self.principals},
            "Action": list(self.actions),
            "Resource": list(self.resources),
            "Condition": conditions,
        }
        return {name: part for name, part in parts.items() if part}


@dataclass(frozen=True)
class Policy:
    """`name` fits IAM; `about` says what it allows; `kept` is what else stands in a document that is extended."""

    name: str
    about: str
    statements: tuple[Statement, ...]
    target: Target
    kind: Kind = "identity"
    kept: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        statements = [*self.kept.get("Statement", ()), *(each.as_dict() for each in self.statements)]
        return {"Version": "2012-10-17", **self.kept, "Statement": statements}

    def reasons(self) -> list[tuple[str, str, str]]:
        """Statement, action and why, for a table beside the JSON, which has no comments."""
        return [(each.sid, grant.action, grant.why) for each in self.statements for grant in each.grants]

    def check_size(self) -> Policy:
        """Raises UsageError for one that AWS would refuse for its size."""
        size, (most, remedy) = len(json.dumps(self.document(), separators=(",", ":"))), self._bounds()
        if size > most:
            raise UsageError(f"The policy has {size:,} characters, and AWS takes {most:,} there.", next=remedy)
        return self

    def _bounds(self) -> tuple[int, str]:
        if self.kind == "bucket":
            return BUCKET_POLICY, "Take statements out of the bucket's policy, or use another bucket."
        if self.kind == "identity" and self.target.holder[0] == "user":
            return INLINE_USER, "Make a role in its place, or a policy for each purpose that is managed on its own."
        return INLINE_ROLE, "Ask for fewer purposes at once."


_FORBIDDEN = re.compile(r"[^\t\n\r\u0020-\u00ff]")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts(each))
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])


def extended(policy: Policy, existing: str) -> Policy:
    """The policy with all that stands in `existing`, the JSON of the one that is there; one's own statement of an
    earlier time is replaced, so that doing it twice changes nothing. Raises UsageError for what is no policy.
    """
    try:
        document = json.loads(existing)
    except ValueError as error:
        raise UsageError(
            f"The policy to extend is not JSON: {error}.",
            next="Give the file that aws s3api get-bucket-policy --query Policy --output text wrote.",
        ) from error
    statements = document.get("Statement") if isinstance(document, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not all(isinstance(each, dict) for each in statements):
        raise UsageError("The policy to extend has no statements.", next="Give the whole document, with its Statement.")
    if any(_FORBIDDEN.search(text) for text in _texts(document)):
        raise UsageError(
            "The policy to extend holds characters that IAM does not take.", next="Give it as AWS printed it."
        )
    own = {each.sid for each in policy.statements}
    kept = {**document, "Statement": [each for each in statements if each.get("Sid") not in own]}
    return Policy(policy.name, policy.about, policy.statements, policy.target, policy.kind, kept).check_size()
