"""Settings of a connection that can be changed after it was added. Its name, kind and location cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from outlay.errors import UsageError
from outlay.state import connections
from outlay.state.models import Connection
from outlay.state.new import NewConnection
from outlay.state.secrets import Secret


@dataclass(frozen=True)
class Settings:
    """As they were typed. `location` is there to be refused when it is another. `export` is left as it is by None.

    `keeps_access` leaves the access as it is; else `access` says the whole of the new one.
    """

    location: str = ""
    cloud_provider: str = ""
    expect_every: str = ""
    check_every: str = "60"
    bring_from: str = ""
    keeps_access: bool = True
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    access_of: str = ""
    export: str | None = None


def faults(row: Connection, wanted: Settings) -> dict[str, UsageError]:
    """Every rule that is broken, by its field."""
    found = connections.faults(_as_new(row, wanted))
    if wanted.location and wanted.location != row.location:
        found["location"] = UsageError(
            f"The bills of {row.name} stay where they are: in another place other deliveries would replace them.",
            next="Move it: add a connection for the other place, from a month on, and pause this one.",
            field="location",
        )
    try:
        connections.check_export(row, _export(row, wanted))
    except UsageError as error:
        found["export"] = error
    if wanted.access_of == row.name and not wanted.keeps_access:
        found["access_of"] = UsageError(
            f"{row.name} cannot use its own access.", next="Choose another connection.", field="access_of"
        )
    if not wanted.keeps_access and wanted.access_of and row.lends_to.exists():
        found["access_of"] = UsageError(
            f"Other connections use the access of {row.name}.", next="Give it one of its own.", field="access_of"
        )
    return found


@transaction.atomic
def change(row: Connection, wanted: Settings, seal: Callable[[Secret], str]) -> list[str]:
    """Returns what was changed, in words. Raises UsageError naming the field."""
    for error in faults(row, wanted).values():
        raise error
    drafted = connections.draft(_as_new(row, wanted))
    changed = differences(row, drafted)
    Connection.objects.filter(name=row.name).update(
        cloud_provider=drafted.cloud_provider,
        expect_every_hours=drafted.expect_every_hours,
        bring_from=drafted.bring_from,
    )
    connections.set_check_every(row.name, drafted.check_every_minutes)
    connections.set_export(row.name, drafted.export)
    if not wanted.keeps_access:
        changed.append("access")
        secret = seal(Secret(wanted.secret_access_key)) if wanted.secret_access_key else ""
        Connection.objects.filter(name=row.name).update(
            **{name: getattr(drafted, name) for name in _ACCESS},
            secret=secret,
            access_changed_at=timezone.now(),
            # It is tried at once, and again soon.
            next_check_at=None,
            failures=0,
        )
    return changed


def differences(before: Connection, after: Connection) -> list[str]:
    """In words."""
    return [said for name, said in _SAID if getattr(before, name) != getattr(after, name)]


_SAID = (
    ("cloud_provider", "cloud provider"),
    ("expect_every_hours", "expected frequency"),
    ("check_every_minutes", "how often it is checked"),
    ("bring_from", "from which month on"),
    ("export", "export"),
)
_ACCESS = ("profile", "role_arn", "external_id", "access_of", "access_key_id")


def _export(row: Connection, wanted: Settings) -> str:
    return row.export if wanted.export is None else wanted.export


def drafted(row: Connection, wanted: Settings) -> Connection:
    """The connection as it would be, without its secret, for its place to be looked at. Nothing is saved."""
    return connections.draft(_as_new(row, wanted))


def _as_new(row: Connection, wanted: Settings) -> NewConnection:
    new = NewConnection(
        row.name,
        row.kind,
        row.location,
        wanted.cloud_provider,
        _export(row, wanted),
        row.currency,
        wanted.expect_every,
        check_every=wanted.check_every,
        bring_from=wanted.bring_from,
    )
    if wanted.keeps_access:
        return new
    return NewConnection(
        **{
            **{name: getattr(new, name) for name in NewConnection.__dataclass_fields__},
            "profile": wanted.profile,
            "role_arn": wanted.role_arn,
            "external_id": wanted.external_id,
            "access_key_id": wanted.access_key_id,
            "secret_access_key": wanted.secret_access_key,
            "access_of": wanted.access_of,
        }
    )
