"""AWS's own rules of names, checked before anything is asked of AWS.

Source: the S3 user guide, "General purpose bucket naming rules".
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


def new_external_id() -> str:
    """For one connection alone: a role that asks for it cannot be used through another's."""
    return f"outlay-{secrets.token_hex(12)}"


def check_bucket(name: str) -> str:
    """Raises UsageError of the field `bucket`, with the rule."""
    if not name:
        raise UsageError("The bucket has no name.", next="Give its name alone, without s3://.", field="bucket")
    if name.startswith(("s3://", "arn:", "http")):
        raise UsageError(f"{name!r} is an address.", next="Give the bucket's name alone.", field="bucket")
    for is_broken, rule in _BUCKET_RULES:
        if is_broken(name):
            raise UsageError(f"{name!r} is not a bucket name.", next=rule, field="bucket")
    return name


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


_ROLE_ARN = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:role/([\w+=,.@/-]*/)?[\w+=,.@-]{1,64}")
_ROLE_LOOKS = (
    "It looks like arn:aws:iam::123456789012:role/name; the IAM console shows it at the top of the role's page."
)

# What is given in place of a role's ARN, in the order in which it is told: what it begins with, and what it is.
_NOT_A_ROLE: tuple[tuple[str, str], ...] = (
    (r"arn:aws[a-z-]*:iam::\d*:user/", "the ARN of a user"),
    (r"arn:aws[a-z-]*:iam::\d*:root$", "the ARN of an account"),
    (r"arn:aws[a-z-]*:iam::\d*:policy/", "the ARN of a policy"),
    (r"arn:aws[a-z-]*:iam::\d*:instance-profile/", "the ARN of an instance profile"),
    (r"arn:aws[a-z-]*:sts::\d*:assumed-role/", "the ARN of a role's session"),
    (r"arn:aws[a-z-]*:s3:::", "the ARN of a bucket"),
    (r"arn:aws[a-z-]*:iam::(?!\d{12}:)", "an ARN whose account id has not 12 digits"),
    (r"https?://", "an address of the console"),
    (r"(AKIA|ASIA)[A-Z0-9]+$", "an access key id"),
    (r"[\d -]+$", "an account id"),
    (r"(?!arn:)[\w+=,.@/-]+$", "a role's name alone"),
)


def check_role_arn(text: str) -> str:
    """Raises UsageError of the field `role_arn`, which names what was given instead."""
    if _ROLE_ARN.fullmatch(text):
        return text
    if not text:
        raise UsageError("The role has no ARN.", next=_ROLE_LOOKS, field="role_arn")
    if re.search(r"\s", text):
        raise UsageError(f"{text!r} has spaces in it.", next="Copy the role's ARN alone.", field="role_arn")
    what = next((what for begins, what in _NOT_A_ROLE if re.match(begins, text)), "not the ARN of a role")
    raise UsageError(f"{text!r} is {what}.", next=f"Give the role's ARN. {_ROLE_LOOKS}", field="role_arn")


def check_account(text: str) -> str:
    """An account's number is text, as it may begin with zeros. Raises UsageError of the field `account`."""
    if re.fullmatch(r"[0-9]{12}", text):
        return text
    digits = re.sub(r"[\s-]", "", text)
    if re.fullmatch(r"[0-9]{12}", digits):
        raise UsageError(f"{text!r} is an account id with signs in it.", next=f"Write {digits}.", field="account")
    lost = " A spreadsheet may have taken zeros from its beginning." if digits.isdigit() and len(digits) < 12 else ""
    raise UsageError(f"{text!r} is no account id.", next=f"It has 12 digits.{lost}", field="account")
