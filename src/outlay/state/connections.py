"""The register of connections: adding one checks every rule that its name, kind and location have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from outlay.aws.naming import check_bucket, check_external_id, check_role
from outlay.costs.counting import NOTHING
from outlay.errors import UnknownName, UsageError
from outlay.ingest.result import Source
from outlay.layouts import check_location
from outlay.period import BillingPeriod
from outlay.state import moving
from outlay.state.faults import translated
from outlay.state.models import Connection, CountedBoth, CountedFirst, HeldBill, RemovedConnection, ToldOverlap
from outlay.state.new import NewConnection
from outlay.state.secrets import Keyring, Secret
from outlay.storage import Location

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_AWS_NAME = re.compile(r"[a-z0-9-]{1,100}")
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_KEY_SECRET = re.compile(r"[A-Za-z0-9/+=]{30,200}")
OFTEN, SELDOM = 5, 24 * 60


@translated
def add(new: NewConnection, seal: Callable[[Secret], str] | None = None) -> Connection:
    """Register a connection. Raises UsageError naming the field, its value and the rule.

    `seal` is for the secret of an access key; it is asked only when all of the rest is right.
    """
    for error in faults(new).values():
        raise error
    row, secret = draft(new), _access_key(new)
    if secret is not None and seal is not None:
        row.secret = seal(secret)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            RemovedConnection.objects.filter(name=new.name).delete()
    except IntegrityError as error:
        raise UsageError(
            f"There is a connection named {new.name} already.",
            next="Choose another name, or remove that one first.",
            field="name",
        ) from error
    return row


@translated
def draft(new: NewConnection) -> Connection:
    """The connection as `add` would save it, without the secret of an access key. Raises UsageError."""
    return Connection(
        name=check_name(new.kind, new.name),
        kind=new.kind,
        cloud_provider=_provider(new),
        location=_place(new),
        export=new.export,
        currency=_currency(new.currency),
        expect_every_hours=expected_hours(new.expect_every),
        profile=new.profile,
        role_arn=_role(new.role_arn),
        external_id=_external_id(new.external_id),
        access_of=_lender(new),
        access_key_id=new.access_key_id,
        check_every_minutes=check_every(new.check_every),
        bring_from=month(new.bring_from),
        created_at=timezone.now(),
        export_made_at=timezone.now() if new.made_export else None,
        export_arn=new.made_export if new.made_export.startswith("arn:") else "",
    )


def faults(new: NewConnection) -> dict[str, UsageError]:
    """Every rule that is broken, by the field that breaks it; each error names its field."""
    found: dict[str, UsageError] = {}
    for field, check in _RULES:
        try:
            check(new)
        except UsageError as error:
            error.field = error.field or field
            found.setdefault(error.field, error)
    return found


@translated
def check_free(name: str) -> None:
    """Raises UsageError when a connection has that name."""
    if Connection.objects.filter(name=name).exists():
        raise UsageError(
            f"There is a connection named {name} already.",
            next="Choose another name, or remove that one first.",
            field="name",
        )


def check_name(kind: str, name: str) -> str:
    """Raises UsageError. A name is a folder of the lake and an id in SQL, hence the few characters."""
    if kind in ("aws", "linked") and not _AWS_NAME.fullmatch(name):
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
        Connection.objects.filter(name=name).update(paused_at=timezone.now())
    return named(name)


@translated
def resume(name: str) -> Connection:
    named(name)
    Connection.objects.filter(name=name).update(paused_at=None)
    return named(name)


@translated
def want(name: str) -> Connection:
    """Make it due now, and let the months in that a stop left out. Raises UsageError while it is paused."""
    if named(name).paused_at is not None:
        raise UsageError(f"{name} is paused.", next=f"Resume it first: outlay connections resume {name}.")
    Connection.objects.filter(name=name).update(wanted_at=timezone.now(), stopped_before="")
    return named(name)


@translated
def want_soon(name: str, wait: timedelta) -> None:
    """Make it due after `wait`, with what else comes until then. One that is due by then already stays as it is."""
    now = timezone.now()
    # A wish of before the check that is under way is what that check sees to.
    is_seen_to = Q(lease_until__gt=now, wanted_at__lte=now)
    Connection.objects.filter(Q(wanted_at=None) | is_seen_to, name=name).update(wanted_at=now + wait)


@translated
def bring_in_all(name: str) -> None:
    """Months that a stop left out are wanted again."""
    Connection.objects.filter(name=name).exclude(stopped_before="").update(stopped_before="")


@translated
def request_stop(name: str) -> bool:
    """False when nobody checks it."""
    named(name)
    return (
        Connection.objects.filter(name=name, lease_until__gt=timezone.now()).update(stop_requested_at=timezone.now())
        == 1
    )


@translated
@transaction.atomic
def reseal(ring: Keyring) -> int:
    """Seal every secret under the first key of `ring`; returns how many there are. Raises SetupError, changing none."""
    rows = list(Connection.objects.select_for_update().exclude(secret=""))
    for row in rows:
        Connection.objects.filter(name=row.name).update(secret=ring.reseal(row.secret, row.name))
    return len(rows)


@translated
def set_check_every(name: str, minutes: str | int) -> Connection:
    """How often it is checked. The next check comes no later than that from now. Raises UsageError."""
    every_minutes = check_every(minutes)
    named(name)
    latest = timezone.now() + timedelta(minutes=every_minutes)
    found = Connection.objects.filter(name=name)
    found.update(check_every_minutes=every_minutes)
    found.filter(next_check_at__gt=latest).update(next_check_at=latest)
    return named(name)


@translated
def set_bring_from(name: str, first: str) -> Connection:
    """From which month on its bills are brought in; blank: all. Months that are in already stay, and are kept fresh."""
    first = month(first)
    named(name)
    Connection.objects.filter(name=name).update(bring_from=first)
    return named(name)


@translated
def set_counted(name: str, first: str, last: str) -> Connection:
    """Which months answers count, both included; blank: no bound. The bills outside stay in the lake."""
    first, last = month(first), month(last)
    if first and last and first > last:
        raise UsageError(f"{first} comes after {last}.", next="Give the earlier month first.")
    if moving.counts_nothing(row := named(name)):
        raise UsageError(
            f"{row.moved_from_id} counts the months of {name}.",
            next=f"Say from which month on {name} goes on with it.",
        )
    Connection.objects.filter(name=name).update(count_from=first, count_to=last)
    return named(name)


@translated
def set_export(name: str, export: str) -> Connection:
    """Which of the exports at its place it brings in; the next check comes at once. Raises UsageError."""
    row = named(name)
    check_export(row, export)
    if export != row.export:
        Connection.objects.filter(name=name).update(export=export, next_check_at=None)
    return named(name)


@translated
def check_export(row: Connection, export: str) -> None:
    """Raises UsageError where it has one already that is found: another's bills would replace those that are in."""
    if export != row.export and not may_name_export(row):
        raise UsageError(
            f"{row.name} brings in the export {row.export}; another's bills would replace those.",
            next="Add a connection for the other export.",
            field="export",
        )


@translated
def may_name_export(row: Connection) -> bool:
    """Has it none, or one that the last check did not find?"""
    if not row.export:
        return True
    return row.trouble is not None and row.trouble.findings.filter(code="export-not-found").exists()


@translated
def counted_months() -> dict[str, tuple[str, str]]:
    """Of each connection with a bound, removed ones included: the first and the last month that count."""
    found: dict[str, tuple[str, str]] = {}
    for rows in (RemovedConnection.objects.all(), Connection.objects.all()):
        bounded = rows.exclude(count_from="", count_to="")
        found |= {name: (first, last) for name, first, last in bounded.values_list("pk", "count_from", "count_to")}
    return found


@translated
def is_all_in(name: str) -> bool:
    """Did the last check look at every month there is?"""
    row = named(name)
    made: dict[str, object] = row.progress or {}
    return made.get("state") == "done" and not row.stopped_before


@translated
@transaction.atomic
def remove(name: str, *, keeps_charges: bool = True) -> None:
    """Without its charges, the connection that it went on with counts their months. Raises what `check_unused` does."""
    # Other commands do without what reads the lake.
    from outlay.state import overlaps

    row = check_unused(name)
    overlaps.hand_on(row)
    if not keeps_charges:
        overlaps.hand_on_first(row)
        moving.give_back(row)
        _forget_bills(name)
    else:
        first, last = NOTHING if moving.counts_nothing(row) else (row.count_from, row.count_to)
        RemovedConnection.objects.update_or_create(
            name=name,
            defaults={
                "removed_at": timezone.now(),
                "created_at": row.created_at,
                "count_from": first,
                "count_to": last,
                "only_connected": row.only_connected,
            },
        )
    row.delete()


def _forget_bills(name: str) -> None:
    """Its charges are gone, and so is what was said of them."""
    HeldBill.objects.filter(connection=name).delete()
    CountedFirst.objects.filter(connection=name).delete()
    for said in (CountedBoth, ToldOverlap):
        said.objects.filter(Q(one=name) | Q(other=name)).delete()


@translated
def check_unused(name: str) -> Connection:
    """Raises UsageError while another connection uses its access, and UnknownName."""
    row = named(name)
    if borrowers := list(row.lends_to.values_list("name", flat=True)):
        raise UsageError(
            f"{name} lends its access to {', '.join(borrowers)}.", next="Give those an access of their own first."
        )
    moving.check_not_needed(row)
    return row


def source(row: Connection) -> Source:
    return Source(
        row.name, row.kind, Location.parse(row.location), row.export or None, row.cloud_provider or None, row.currency
    )


def _place(new: NewConnection) -> str:
    """Blank for a linked account, whose charges lie in its payer's bill."""
    if new.kind == "stream" and not new.location:
        # It is told when it is added: beside the others that are sent to.
        return ""
    if new.kind != "linked":
        _check_s3(new.location)
        return str(check_location(new.kind, new.location))
    if new.location:
        raise UsageError(
            f"A linked account has no bill of its own, so there is nothing for it at {new.location!r}.",
            next="Leave the location out, or connect the payer's bill as a connection of the kind aws.",
        )
    return ""


def _check_s3(location: str) -> None:
    """By AWS's own rules, which name the mistake: the name of a report in place of its bucket, a blank, an address."""
    scheme, _, rest = location.partition("://")
    if scheme != "s3":
        return
    try:
        check_bucket(rest.partition("/")[0])
    except UsageError as error:
        raise UsageError(error.message, next=error.next, field="location") from error


def _provider(new: NewConnection) -> str:
    if new.kind in ("anycost", "stream") and not new.cloud_provider.strip():
        raise UsageError(
            "A connection for CBF needs the name of its cloud provider.",
            next="Give the name that it is shown by, such as Simple Cloud.",
        )
    return new.cloud_provider.strip()


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise UsageError(f"{text!r} is not a currency.", next="Give three capital letters, such as USD.")
    return text


def expected_hours(text: str | int | None) -> int | None:
    """Whole hours, None for blank. Raises UsageError."""
    if text is None or text == "":
        return None
    if not re.fullmatch(r"[0-9]{1,5}", str(text)) or int(text) < 1:
        raise UsageError(
            f"The expected frequency is {text!r}, which is not a whole number of hours.",
            next="Give a whole number such as 24, or leave it out.",
        )
    return int(text)


def check_every(text: str | int) -> int:
    """Raises UsageError."""
    if not re.fullmatch(r"[0-9]{1,4}", str(text)) or not OFTEN <= int(text) <= SELDOM:
        raise UsageError(
            f"A connection cannot be checked every {text!r} minutes.",
            next=f"Give a whole number from {OFTEN} to {SELDOM}, which is once a day.",
        )
    return int(text)


def month(text: str) -> str:
    """`2026-05`, or blank. Raises UsageError."""
    try:
        return BillingPeriod.parse(text).month if text else ""
    except ValueError as error:
        raise UsageError(f"{error}.", next="Write a month such as 2026-05.") from error


def _access_key(new: NewConnection) -> Secret | None:
    if not new.access_key_id and not new.secret_access_key:
        return None
    if not _KEY_ID.fullmatch(new.access_key_id) or not _KEY_SECRET.fullmatch(new.secret_access_key):
        # Neither is told: people paste one into the field of the other.
        raise UsageError(
            "That is no access key.",
            next="Give the id of 16 to 128 capital letters and digits, and its secret of about 40.",
        )
    if new.profile:
        raise UsageError("A profile and an access key are two accesses.", next="Give one of them.")
    return Secret(new.secret_access_key)


def _lender(new: NewConnection) -> Connection | None:
    if not new.access_of:
        return None
    if new.kind == "linked":
        raise UsageError(
            "The access of another connection is that of another account.", next="Give the linked account's own."
        )
    lender = named(new.access_of)
    if lender.kind != "aws" or lender.access_of_id:
        raise UsageError(f"{lender.name} has no AWS access of its own to lend.", next="Name another AWS connection.")
    if new.profile or new.role_arn or new.access_key_id:
        raise UsageError(f"The access of {lender.name} is used, so there can be no other.", next="Give one of the two.")
    return lender


def _role(text: str) -> str:
    return check_role(text) if text else ""


def _external_id(text: str) -> str:
    return check_external_id(text) if text else ""


# By the field of `NewConnection` that each is about.
_RULES: tuple[tuple[str, Callable[[NewConnection], object]], ...] = (
    ("location", _place),
    ("name", lambda new: check_name(new.kind, new.name)),
    ("cloud_provider", _provider),
    ("currency", lambda new: _currency(new.currency)),
    ("expect_every", lambda new: expected_hours(new.expect_every)),
    ("role_arn", lambda new: _role(new.role_arn)),
    ("external_id", lambda new: _external_id(new.external_id)),
    ("access_key_id", _access_key),
    ("access_of", _lender),
    ("check_every", lambda new: check_every(new.check_every)),
    ("bring_from", lambda new: month(new.bring_from)),
)
