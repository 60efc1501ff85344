"""What changes something, or asks AWS: for tokens of administrators that may write. Who did it is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from outlay import accounting, connecting, exporting
from outlay.state.changing import Settings
from outlay.state.models import Connection
from outlay.state.new import NewConnection
from outlay.storage import Location
from outlay.storage.roots import allowed
from outlay.web.api.access import WRITE, who
from outlay.web.api.answers import WRITE_ERRORS as ERRORS
from outlay.web.api.connections import Name, Period, router
from outlay.web.api.shapes import (
    AccountExports,
    BackIn,
    ConnectionChange,
    ConnectionShown,
    ConnectionTold,
    ForwardIn,
    InvoiceIn,
    InvoiceTold,
    MadeLive,
    MovedTold,
    MoveIn,
    MoveMonth,
    NewConnectionIn,
    PeriodTold,
    Removed,
    Stopping,
    Tested,
)
from outlay.web.core import installation, outlay

__all__ = ["router"]

_ACCESS = ("profile", "role_arn", "external_id", "access_key_id", "secret_access_key", "access_of")


@router.post("connections", response={201: ConnectionTold, **ERRORS}, auth=WRITE, summary="Add a connection")
def add(request: HttpRequest, response: HttpResponse, new: NewConnectionIn) -> Any:
    """Its first check follows as soon as a worker is free. A secret that is sent is sealed, and never told again."""
    view = connecting.add(outlay(), _new(new), by=who(request))
    response.headers["Location"] = f"{request.path}/{view.row.name}"
    return 201, view.as_dict()


@router.post("test", response={200: Tested, **ERRORS}, auth=WRITE, summary="Test a connection before it is added")
def test(request: HttpRequest, new: NewConnectionIn) -> Any:
    """Looks at the place step by step, until one fails. Nothing is saved."""
    return connecting.test(outlay(), _new(new)).as_dict()


@router.patch(
    "connections/{name}", response={200: ConnectionShown, **ERRORS}, auth=WRITE, summary="Change a connection"
)
def change(request: HttpRequest, name: Name, wanted: ConnectionChange) -> Any:
    """All that is given, or nothing where one of it is wrong. Its name, kind and location cannot be changed.

    Another access is tested first: where it fails the old one stays, unless `untested` is true.
    """
    row = outlay().connection(name).row
    given = wanted.dict(exclude_unset=True)
    is_untested = bool(given.pop("untested", False))
    settings = _settings(row, given)
    if not is_untested:
        # Outside: while the transaction goes on, nobody else may write.
        connecting.check_change(outlay(), name, settings)
    counted = {field: given.get(field) or "" for field in ("count_from", "count_to") if field in given}
    with transaction.atomic():
        if given.get("only_connected") is not None:
            accounting.count_only_connected(outlay(), name, is_on=given["only_connected"], by=who(request))
        if set(given) - set(counted) - {"only_connected"}:
            connecting.change(outlay(), name, settings, untested=True, by=who(request))
        if counted:
            first, last = counted.get("count_from", row.count_from), counted.get("count_to", row.count_to)
            connecting.count(outlay(), name, first, last, by=who(request))
    return outlay().shown(name)


@router.delete("connections/{name}", response={200: Removed, **ERRORS}, auth=WRITE, summary="Remove a connection")
def remove(request: HttpRequest, name: Name, purge: bool = False) -> Any:
    """Its access, its runs and the way back to earlier deliveries go; its charges stay unless `purge` is true."""
    gone = connecting.remove(outlay(), name, purge=purge, by=who(request))
    return {"name": name, "removed": True, "charges_removed": gone}


@router.post(
    "connections/{name}/pause", response={200: ConnectionTold, **ERRORS}, auth=WRITE, summary="Pause a connection"
)
def pause(request: HttpRequest, name: Name) -> Any:
    """It is checked no more. Its charges stay."""
    return connecting.pause(outlay(), name, by=who(request)).as_dict()


@router.post(
    "connections/{name}/resume", response={200: ConnectionTold, **ERRORS}, auth=WRITE, summary="Resume a connection"
)
def resume(request: HttpRequest, name: Name) -> Any:
    return connecting.resume(outlay(), name, by=who(request)).as_dict()


@router.post(
    "connections/{name}/check", response={202: ConnectionTold, **ERRORS}, auth=WRITE, summary="Check a connection now"
)
def check(request: HttpRequest, name: Name) -> Any:
    """As soon as a worker is free; `progress` then tells how far it is."""
    return 202, connecting.check_now(outlay(), name, by=who(request)).as_dict()


@router.post(
    "connections/{name}/stop", response={202: Stopping, **ERRORS}, auth=WRITE, summary="Stop the check under way"
)
def stop(request: HttpRequest, name: Name) -> Any:
    """Months never brought in then wait until somebody asks for a check."""
    return 202, {"name": name, "stopping": connecting.stop(outlay(), name, by=who(request))}


@router.post(
    "connections/{name}/test", response={200: Tested, **ERRORS}, auth=WRITE, summary="Test a connection that there is"
)
def test_again(request: HttpRequest, name: Name) -> Any:
    """With the access that it has. Nothing is changed."""
    return connecting.test_again(outlay(), name).as_dict()


@router.post(
    "connections/{name}/periods/{period}/live",
    response={200: PeriodTold, **ERRORS},
    auth=WRITE,
    by_alias=True,
    summary="Make an earlier delivery live",
)
def make_live(request: HttpRequest, name: Name, period: Period, wanted: MadeLive) -> Any:
    """It stays until the source changes. `earlier` of the billing period names those that can be."""
    return connecting.make_live(outlay(), name, period, wanted.delivery, by=who(request)).as_dict()


@router.put(
    "connections/{name}/periods/{period}/invoices",
    response={200: list[InvoiceTold], **ERRORS},
    auth=WRITE,
    summary="Enter the amount on a paper invoice",
)
def enter_invoice(request: HttpRequest, name: Name, period: Period, wanted: InvoiceIn) -> Any:
    """Answers with all invoices of the billing period."""
    connecting.enter_invoice(outlay(), name, period, **wanted.dict(), by=who(request))
    view = connecting.period(outlay(), name, period)
    return [each.as_dict() for each in connecting.invoices(outlay(), name, view)]


@router.post(
    "connections/{name}/move",
    response={201: ConnectionTold, **ERRORS},
    auth=WRITE,
    summary="Go on with it in another place",
)
def move(request: HttpRequest, response: HttpResponse, name: Name, wanted: MoveIn) -> Any:
    """Tests the new place, then adds the new connection; the old one counts up to the month before. All or nothing.

    Until the new one has the month of the change the old one counts it, and is checked; then it is paused.
    """
    old = outlay().connection(name).row
    access = wanted.dict(include=set(_ACCESS))
    new = NewConnection(
        **access,
        name=wanted.name,
        kind=old.kind,
        location=_allowed(wanted.location),
        cloud_provider=old.cloud_provider,
        export=old.export if wanted.export is None else wanted.export,
        currency=old.currency,
        expect_every=old.expect_every_hours,
        check_every=old.check_every_minutes,
    )
    view = connecting.move(
        outlay(),
        name,
        new,
        wanted.month or "",
        keeps_access=not any(access.values()),
        keeps_old=wanted.keeps_old,
        untested=wanted.untested,
        by=who(request),
    )
    response.headers["Location"] = request.path.removesuffix(f"{name}/move") + wanted.name
    return 201, view.as_dict()


@router.patch(
    "connections/{name}/moves",
    response={200: list[MovedTold], **ERRORS},
    auth=WRITE,
    summary="Change the month from which on it counts",
)
def change_month(request: HttpRequest, name: Name, wanted: MoveMonth) -> Any:
    """Of a connection that goes on with another, which then counts up to the month before."""
    connecting.change_month(outlay(), name, wanted.month, by=who(request))
    return [each.as_dict() for each in connecting.moves(outlay(), name)]


@router.post(
    "connections/{name}/back",
    response={200: ConnectionTold, **ERRORS},
    auth=WRITE,
    summary="Go back from it to the connection before",
)
def go_back(request: HttpRequest, name: Name, wanted: BackIn) -> Any:
    """The one before counts everything again and is checked: it is what is answered. This one counts nothing."""
    return connecting.go_back(outlay(), name, then=wanted.then, by=who(request)).as_dict()


@router.post(
    "connections/{name}/forward",
    response={200: list[MovedTold], **ERRORS},
    auth=WRITE,
    summary="Go on with it again after going back",
)
def go_on(request: HttpRequest, name: Name, wanted: ForwardIn) -> Any:
    """It counts from the month on; without one, from the first that it holds in full."""
    connecting.go_on(outlay(), name, wanted.month or "", by=who(request))
    return [each.as_dict() for each in connecting.moves(outlay(), name)]


@router.get(
    "connections/{name}/exports",
    response={200: AccountExports, **ERRORS},
    auth=WRITE,
    summary="The reports and exports of its AWS account",
)
def exports(request: HttpRequest, name: Name) -> Any:
    """AWS is asked now, with the access of the connection. It takes a token that may write: it tells of buckets that
    no connection reads.
    """
    return exporting.exports(outlay(), exporting.Access(access_of=name)).as_dict()


def _new(new: NewConnectionIn) -> NewConnection:
    """Raises UsageError for a folder that the installation does not allow."""
    told = NewConnection(**new.dict())
    return replace(told, location=_allowed(told.location))


def _allowed(location: str) -> str:
    """Raises UsageError for a folder that the installation does not allow."""
    if not location or not Location.parse(location).is_folder:
        return location
    return str(allowed(location, installation().folders))


def _settings(row: Connection, given: dict[str, Any]) -> Settings:
    """As the connection has them, with what was given in their place."""
    now: dict[str, Any] = {
        "cloud_provider": row.cloud_provider,
        "expect_every": row.expect_every_hours,
        "check_every": row.check_every_minutes,
        "bring_from": row.bring_from,
        "export": row.export,
    }
    access = {field: given.get(field) or "" for field in _ACCESS if field in given}
    told = {name: given.get(name, value) for name, value in now.items()}
    texts = {name: "" if value is None else str(value) for name, value in told.items()}
    return Settings(**texts, keeps_access=not access, **access)
