"""AWS's own rules of names, checked before anything is asked of AWS.

None of the alphabets below holds a quote, a dollar, a brace, a backslash, a blank or a line's end: what passes can end
no string of JSON, HCL, YAML or a shell. Sources: the S3 user guide, "General purpose bucket naming rules"; the IAM
user guide, "IAM and AWS STS quotas"; the API references of IAM and STS.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from outlay.errors import UsageError

# What a bucket's name must not be, in the order in which it is told: whether it is so, and the rule.
_BUCKET_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda name: not 3 <= len(name) <= 63, "A bucket name has 3 to 63 characters."),
    (
        lambda name: re.search(r"[^a-z0-9.-]", name),
        "A bucket name has lower-case letters, digits, dots and hyphens only.",
    ),
    (lambda name: re.match(r"[.-]", name) or re.search(r"[.-]$", name), "It begins and ends with a letter or digit."),
    (lambda name: ".." in name, "It has no two dots in a row."),
    (lambda name: re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name), "It is not written like an IP address."),
    (
        lambda name: name.startswith(("xn--", "sthree-", "amzn-s3-demo-")),
        "AWS keeps names that begin with xn--, sthree- or amzn-s3-demo- to itself.",
    ),
    (
        lambda name: name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")),
        "AWS keeps names that end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3 to itself.",
    ),
)


_NOT_THE_REPORT = (
    "If it is the name of a report or export: the bucket is another field, shown beside it in AWS's Data Exports."
)


def check_bucket(name: str) -> str:
    """Raises UsageError of the field `bucket`, with the rule."""
    if not name:
        raise UsageError("The bucket has no name.", next="Give its name alone, without s3://.", field="bucket")
    if name.startswith(("s3://", "arn:", "http")):
        raise UsageError(f"{name!r} is an address.", next="Give the bucket's name alone.", field="bucket")
    if "/" in name:
        raise UsageError(
            f"{name!r} is a bucket with a path.", next="Give the bucket's name, up to the first slash.", field="bucket"
        )
    for is_broken, rule in _BUCKET_RULES:
        if is_broken(name):
            said = f"{rule} {_NOT_THE_REPORT}" if _REPORT.fullmatch(name) else rule
            raise UsageError(f"{name!r} is not a bucket name.", next=said, field="bucket")
    return name


# What legacy reports and data exports may be called, and no bucket may.
_REPORT = re.compile(r"(?=.*[A-Z_ ])[\w!.*'() -]{1,256}", re.ASCII)


def check_path(path: str, *, required: bool = True) -> str:
    """A folder of a bucket. Raises UsageError of the field `path`, with the rule."""
    said = next((rule for is_broken, rule in _PATH_RULES if is_broken(path)), None)
    if said and (path or required):
        raise UsageError(*said[:1], next=said[1], field="path")
    return path


_PATH_RULES: tuple[tuple[Callable[[str], object], tuple[str, str]], ...] = (
    (
        lambda path: path in ("", "/"),
        ("The bills cannot lie in the root of the bucket.", "Make a folder in it, and give its path."),
    ),
    (
        lambda path: path.startswith("/") or path.endswith("/"),
        ("The path begins or ends with a slash.", "Write it as my/file/path."),
    ),
    (
        lambda path: any(part in ("", ".", "..") for part in path.split("/")),
        ("The path has an empty part, '.' or '..'.", "Write the plain path, such as my/file/path."),
    ),
    (
        lambda path: any(ord(character) < 32 for character in path) or len(path.encode()) > 1024,
        ("The path holds control characters, or is longer than 1,024 bytes.", "Write the plain path."),
    ),
)


# Accounts


def check_account(text: str, *, field: str = "account") -> str:
    """Twelve digits, as text: zeros in front are part of it. Raises UsageError."""
    said = next((said for is_so, said in _ACCOUNT_MISTAKES if is_so(text)), None)
    if said:
        raise UsageError(said[0].format(text=text), next=said[1], field=field)
    return text


_ACCOUNT_MISTAKES: tuple[tuple[Callable[[str], object], tuple[str, str]], ...] = (
    (lambda text: not text, ("The account id is missing.", "Give its 12 digits, such as 012345678901.")),
    (
        lambda text: re.fullmatch(r"[\d\s-]+", text, re.ASCII) and re.search(r"[\s-]", text),
        ("{text!r} holds hyphens or blanks.", "Write the 12 digits alone, such as 012345678901."),
    ),
    (
        lambda text: re.fullmatch(r"\d{1,11}", text, re.ASCII),
        (
            "{text!r} has fewer digits than an account id.",
            "It has 12. If a spreadsheet took zeros from its front, put them back.",
        ),
    ),
    (
        lambda text: re.fullmatch(r"\d{13,}", text, re.ASCII),
        ("{text!r} has more digits than an account id.", "It has 12, such as 012345678901."),
    ),
    (
        lambda text: not re.fullmatch(r"\d{12}", text, re.ASCII),
        ("{text!r} is not an account id.", "Give its 12 digits, not its name or alias."),
    ),
)


# Principals

_ARN_OF = re.compile(r"arn:(aws[a-z-]*):(?:iam|sts)::(\d*):([a-z-]+)(?:/.*)?", re.ASCII | re.DOTALL)
_PATH = r"(?:[\w+=,.@/-]{1,511}/)?"
_ROLE = re.compile(rf"arn:(aws[a-z-]*):iam::(\d{{12}}):role/{_PATH}([\w+=,.@-]{{1,64}})", re.ASCII)
_PRINCIPAL = re.compile(rf"arn:(aws[a-z-]*):iam::(\d{{12}}):(?:root|(?:role|user)/{_PATH}[\w+=,.@-]{{1,64}})", re.ASCII)
_KINDS = {
    "user": ("it is that of a user", "Make a role that the user may assume, and give the role's ARN."),
    "assumed-role": (
        "it is that of a session",
        "Give the role's own, which begins with arn:aws:iam: arn:aws:iam::123456789012:role/outlay.",
    ),
    "group": ("it is that of a group", "Nobody can assume a group. Give the ARN of a role."),
    "policy": ("it is that of a policy", "Give the ARN of the role that the policy is attached to."),
    "instance-profile": ("it is that of an instance profile", "Give the ARN of the role in it."),
    "root": ("it is that of a whole account", "Give the ARN of a role in it."),
}
_LIKE = "It looks like arn:aws:iam::123456789012:role/outlay."
# What else is given in place of a role's ARN: what it begins with, and what it is.
_TAKEN_FOR_A_ROLE = (
    (r"arn:aws[a-z-]*:s3:::", "it is that of a bucket"),
    (r"https?://", "it is an address"),
    (r"(AKIA|ASIA)[A-Z0-9]+$", "it is an access key id"),
    (r"\d{12}$", "it is an account id"),
    (r"(?!arn:)[\w+=,.@/-]+$", "it is a role's name alone"),
)


def role_parts(arn: str) -> tuple[str, str, str] | None:
    """Partition, account and name of a role; None for what is no role's ARN."""
    found = _ROLE.fullmatch(arn)
    return (found[1], found[2], found[3]) if found else None


def check_role(arn: str, *, account: str = "", field: str = "role_arn") -> str:
    """The ARN of a role, in `account` where one is given. Raises UsageError that names the mistake."""
    parts = role_parts(arn)
    if parts is None:
        why, remedy = _why_no_role(arn)
        raise UsageError(f"{arn!r} is not the ARN of a role{why}.", next=remedy, field=field)
    if account and parts[1] != account:
        raise UsageError(
            f"The role {arn} is of the account {parts[1]}, not of {account}.",
            next="Make the role in that account, or correct the account id.",
            field=field,
        )
    return arn


def _why_no_role(arn: str) -> tuple[str, str]:
    if re.search(r"\s", arn):
        return ": it holds blanks", f"Paste the ARN alone. {_LIKE}"
    found = _ARN_OF.fullmatch(arn)
    if found and found[3] in _KINDS:
        said, remedy = _KINDS[found[3]]
        return f": {said}", remedy
    if found and len(found[2]) != 12:
        return ": its account id does not have 12 digits", f"Zeros in front are part of the account id. {_LIKE}"
    looks = next((said for pattern, said in _TAKEN_FOR_A_ROLE if re.match(pattern, arn, re.ASCII)), "")
    return (f": {looks}", f"The IAM console shows it at the top of the role's page. {_LIKE}") if looks else ("", _LIKE)


def check_principal(arn: str, *, field: str = "principal") -> str:
    """The ARN of a role, a user or a whole account (`:root`): who may assume a role. Raises UsageError."""
    if _PRINCIPAL.fullmatch(arn):
        return arn
    if not arn:
        raise UsageError(
            "Who assumes the role is not said.",
            next="Give the ARN of the role or user that Outlay runs as; aws sts get-caller-identity tells it.",
            field=field,
        )
    found = _ARN_OF.fullmatch(arn)
    said, remedy = _KINDS["assumed-role"] if found and found[3] == "assumed-role" else ("", _LIKE)
    raise UsageError(
        f"{arn!r} is not the ARN of a role, a user or an account{': ' + said if said else ''}.",
        next=remedy,
        field=field,
    )


def principal_of(arn: str) -> str:
    """Of a caller, as STS tells it: the role of a session, without its path, which is not told; else the ARN itself."""
    found = re.fullmatch(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([\w+=,.@-]+)/.+", arn, re.ASCII)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else arn


def partition_of(arn: str) -> str:
    """`aws`, `aws-cn`, … of an ARN; `aws` where there is none."""
    found = _PRINCIPAL.fullmatch(arn)
    return found[1] if found else "aws"


def check_user(name: str, *, field: str = "user") -> str:
    """The name of an IAM user. Raises UsageError."""
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII):
        raise UsageError(
            f"{name!r} is not the name of a user.",
            next="Give the name alone: up to 64 letters, digits and any of + = , . @ _ -",
            field=field,
        )
    return name


# External ids


def check_external_id(text: str, *, field: str = "external_id") -> str:
    """Raises UsageError with the rule that is broken. Source: the STS API reference, AssumeRole, ExternalId."""
    if not 2 <= len(text) <= 1224:
        raise UsageError(
            "An external id has 2 to 1,224 characters.", next="Use the one in the role's trust policy.", field=field
        )
    if not re.fullmatch(r"[\w+=,.@:/-]+", text, re.ASCII):
        raise UsageError(
            "An external id has letters, digits and any of + = , . @ : / - _ only.",
            next="Use the one in the role's trust policy, without blanks or quotes.",
            field=field,
        )
    return text


def new_external_id() -> str:
    """One that nobody can guess and no other connection has: 128 random bits."""
    return f"outlay-{secrets.token_hex(16)}"
