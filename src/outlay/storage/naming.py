"""How Azure and Google Cloud name what bills lie in, and by which host it is reached. AWS's own rules are in `aws`.

Sources: "Naming and referencing containers, blobs, and metadata" of Azure Storage; "About Cloud Storage buckets" of
Google Cloud.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from outlay.errors import SetupError, UsageError
from outlay.storage.url import Location

Rules = Iterable[tuple[Callable[[str], object], str]]

# In the order in which they are told: whether a name breaks it, and the rule.
_CONTAINER: Rules = (
    (lambda name: not 3 <= len(name) <= 63, "A container name has 3 to 63 characters."),
    (lambda name: re.search(r"[^a-z0-9-]", name), "A container name has lower-case letters, digits and hyphens only."),
    (lambda name: name.startswith("-") or name.endswith("-"), "It begins and ends with a letter or digit."),
    (lambda name: "--" in name, "It has no two hyphens in a row."),
)
_GOOGLE_BUCKET: Rules = (
    (
        lambda name: not 3 <= len(name) <= 222 or any(len(part) > 63 for part in name.split(".")),
        "A bucket name has 3 to 63 characters, or with dots up to 222, of which 63 in a row.",
    ),
    (
        lambda name: re.search(r"[^a-z0-9._-]", name),
        "A bucket name has lower-case letters, digits, dots, hyphens and underscores only.",
    ),
    (lambda name: not (name[0].isalnum() and name[-1].isalnum()), "It begins and ends with a letter or digit."),
    (lambda name: re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name), "It is not written like an IP address."),
    (lambda name: name.startswith("goog") or "google" in name, "Google keeps names with goog at first or google in."),
)


def check_container(name: str) -> str:
    """A container of Azure's. Raises UsageError of the field `bucket`, with the rule."""
    return _checked(name, "container", "az://", _CONTAINER)


def check_google_bucket(name: str) -> str:
    """A bucket of Google Cloud's. Raises UsageError of the field `bucket`, with the rule."""
    return _checked(name, "bucket", "gs://", _GOOGLE_BUCKET)


def _checked(name: str, what: str, scheme: str, rules: Rules) -> str:
    if not name:
        raise UsageError(f"The {what} has no name.", next=f"Give its name alone, without {scheme}.", field="bucket")
    if "://" in name:
        raise UsageError(f"{name!r} is an address.", next=f"Give the {what}'s name alone.", field="bucket")
    for is_broken, rule in rules:
        if is_broken(name):
            raise UsageError(f"{name!r} is not a {what} name.", next=rule, field="bucket")
    return name


def host(location: Location, s3_endpoint: str | None = None) -> str | None:
    """The host that requests for it go to; None for a folder, and where its emulator is. Raises SetupError."""
    hosts: dict[str, Callable[[], str | None]] = {
        "s3": lambda: urlsplit(s3_endpoint).hostname if s3_endpoint else f"{location.bucket}.s3.amazonaws.com",
        "az": _azure_host,
        "gs": lambda: urlsplit(os.environ.get("GOOGLE_BASE_URL") or "https://storage.googleapis.com").hostname,
    }
    return hosts[location.scheme]() if location.scheme in hosts else None


def _azure_host() -> str | None:
    environ = os.environ.get
    if endpoint := environ("AZURE_STORAGE_ENDPOINT") or environ("AZURE_ENDPOINT"):
        return urlsplit(endpoint).hostname
    if environ("AZURE_STORAGE_USE_EMULATOR", "").lower() == "true":
        return None
    if account := environ("AZURE_STORAGE_ACCOUNT_NAME"):
        return f"{account}.blob.core.windows.net"
    raise SetupError(
        "No storage account of Azure is named on this server.",
        next="Whoever runs Outlay names it in AZURE_STORAGE_ACCOUNT_NAME, with a key or an identity that may read it.",
    )
