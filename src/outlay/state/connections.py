"""The register of connections: adding one checks every rule that its name, kind and location have."""

from __future__ import annotations

import difflib
import re

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from outlay.errors import UnknownName, UsageError
from outlay.ingest.result import Source
from outlay.layouts import check_location
from outlay.state.faults import translated
from outlay.state.models import Connection
from outlay.state.new import NewConnection
from outlay.storage import Location

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_AWS_NAME = re.compile(r"[a-z0-9-]{1,100}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")


@translated
def add(new: NewConnection) -> Connection:
    """Register a connection. Raises UsageError naming the field, its value and the rule."""
    location = check_location(new.kind, new.location)
    row = Connection(
        name=check_name(new.kind, new.name),
        kind=new.kind,
        cloud_provider=_provider(new),
        location=str(location),
        export=new.export,
        currency=_currency(new.currency),
        expect_every_hours=_hours(new.expect_every),
        profile=new.profile,
        role_arn=_role(new.role_arn),
        external_id=_external_id(new.external_id),
        created_at=now(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise UsageError(
            f"There is a connection named {new.name} already.", next="Choose another name, or remove that one first."
        ) from error
    return row


def check_name(kind: str, name: str) -> str:
    """Raises UsageError. A name is a folder of the lake and an id in SQL, hence the few characters."""
    if kind == "aws" and not _AWS_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of an AWS connection.",
            next="Use lower-case letters, digits and hyphens only, without spaces and periods.",
        )
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a connection.",
            next="Use letters, digits, hyphens and underscores only, without spaces and periods.",
        )
    return name


@translated
def every() -> list[Connection]:
    return list(Connection.objects.all())


@translated
def named(name: str) -> Connection:
    """Raises UnknownName with the nearest names."""
    row = Connection.objects.filter(name=name).first()
    if row is None:
        names = list(Connection.objects.values_list("name", flat=True))
        near = difflib.get_close_matches(name, names, n=3) or names[:5]
        raise UnknownName(
            f"There is no connection named {name!r}.",
            next=f"Did you mean {', '.join(near)}?" if near else "Add one with outlay connections add.",
        )
    return row


@translated
def pause(name: str) -> Connection:
    row = named(name)
    if row.paused_at is None:
        Connection.objects.filter(name=name).update(paused_at=now())
    return named(name)


@translated
def resume(name: str) -> Connection:
    named(name)
    Connection.objects.filter(name=name).update(paused_at=None)
    return named(name)


@translated
def remove(name: str) -> None:
    named(name).delete()


def source(row: Connection) -> Source:
    return Source(
        row.name, row.kind, Location.parse(row.location), row.export or None, row.cloud_provider or None, row.currency
    )


def _provider(new: NewConnection) -> str:
    if new.kind == "anycost" and not new.cloud_provider.strip():
        raise UsageError(
            "An AnyCost connection needs the name of its cloud provider.",
            next='Give one with --cloud-provider "Simple Cloud".',
        )
    return new.cloud_provider.strip()


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise UsageError(f"{text!r} is not a currency.", next="Give three capital letters, such as USD.")
    return text


def _hours(text: str | int | None) -> int | None:
    if text is None or text == "":
        return None
    if not re.fullmatch(r"[0-9]{1,5}", str(text)) or int(text) < 1:
        raise UsageError(
            f"The expected frequency is {text!r}, which is not a whole number of hours.",
            next="Give a whole number such as 24, or leave it out.",
        )
    return int(text)


def _role(text: str) -> str:
    if text and not _ROLE.fullmatch(text):
        raise UsageError(
            f"{text!r} is not the ARN of a role.", next="It looks like arn:aws:iam::123456789012:role/name."
        )
    return text


def _external_id(text: str) -> str:
    if text and not 2 <= len(text) <= 1224:
        raise UsageError("An external id has 2 to 1,224 characters.", next="Use the one in the role's trust policy.")
    return text
