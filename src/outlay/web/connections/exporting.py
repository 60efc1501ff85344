"""The billing exports of an AWS account: found for a form, made by one, and the checklist of a connection's own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from outlay import connecting, exporting
from outlay.aws.exports import KINDS, FoundExport
from outlay.aws.making import FIRST_DELIVERY, Step
from outlay.aws.sessions import STANDINGS
from outlay.errors import AccessError, OutlayError, UsageError
from outlay.state.models import Connection
from outlay.web.connections import adding, policies
from outlay.web.connections.forms import OWN_ACCESS, AnyForm, ConnectionForm, MakeForm, MoveForm, told
from outlay.web.core import outlay
from outlay.web.roles import who

_secret = sensitive_post_parameters("secret_access_key")


@_secret
@require_POST
def find(request: HttpRequest, tile: str) -> HttpResponse:
    """The exports that the access in the form sees. None is chosen."""
    return _found(request, ConnectionForm(outlay(), adding.tile_of(tile), request.POST), access_of="")


@_secret
@require_POST
def move_find(request: HttpRequest, name: str) -> HttpResponse:
    o = outlay()
    row = o.connection(name).row
    form = MoveForm(o, row, request.POST)
    return _found(request, form, access_of=name if form.keeps_access else "", old=row)


def _found(
    request: HttpRequest, form: ConnectionForm, *, access_of: str, old: Connection | None = None
) -> HttpResponse:
    """`old` is the connection in whose place another export is to be."""
    wrong = [] if access_of else _wrong_access(form)
    if wrong:
        return render(request, "connections/exports.html", {"wrong": wrong})
    access = exporting.Access(access_of) if access_of else form.own_access
    try:
        account = exporting.exports(outlay(), access)
    except OutlayError as error:
        return render(request, "connections/exports.html", {"wrong": [f"{error.message} {error.next}"]})
    context = {
        "identity": account.identity,
        "standing": STANDINGS[account.identity.standing],
        "denied": account.found.denied,
        "hidden": account.found.hidden,
        "exports": [{"each": each, "kind": KINDS[each.kind], **_beside(old, each)} for each in account.found.exports],
    }
    return render(request, "connections/exports.html", context)


def _beside(old: Connection | None, export: FoundExport) -> dict[str, Any]:
    """Is it what `old` reads now, and how could a connection of it be called?"""
    if old is None:
        return {}
    is_read = exporting.is_read(old.location, old.export, export)
    return {"is_read": is_read, "name": connecting.name_for(outlay(), old, export.kind)}


def _wrong_access(form: AnyForm) -> list[str]:
    return [
        f"{form.fields[name].label}: {' '.join(map(str, errors))}"
        for name, errors in form.errors.items()
        if name in ("access", *OWN_ACCESS)
    ]


@_secret
def make(request: HttpRequest) -> HttpResponse:
    """The form; and, with the mark of the plan that was shown, what is in that plan is made."""
    form = MakeForm(outlay(), request.POST or None)
    if request.method != "POST":
        return _page(request, form, {})
    if not form.is_valid():
        return _page(request, form, {}, status=422)
    try:
        made = exporting.making(outlay(), form.own_access, form.wish)
    except OutlayError as error:
        return _refused(request, form, error)
    if made.plan.mark != request.POST.get("mark", ""):
        return _page(request, form, {"plan": made.plan, "is_new": True}, status=422)
    return _carried_out(request, form, made)


def _carried_out(request: HttpRequest, form: MakeForm, made: exporting.Making) -> HttpResponse:
    done: list[Step] = []
    o = outlay()
    try:
        for step in made.carry_out():
            done.append(step)  # noqa: PERF402 what is done before one fails is told
        view = connecting.add(o, made.connection(form.said("name"), arn=done[-1].arn), by=who(request))
    except OutlayError as error:
        return _page(request, form, {"error": error, "done": done}, status=422)
    messages.success(request, f"{made.plan.wish.name} is made, and {view.row.name} waits for it. {FIRST_DELIVERY}")
    return redirect("connection", view.row.name)


def _refused(request: HttpRequest, form: MakeForm, error: OutlayError) -> HttpResponse:
    if isinstance(error, UsageError) and error.field:
        told(form, {form.field_of(error.field): error})
        return _page(request, form, {}, status=422)
    return _page(request, form, {"error": error}, status=422)


def _page(request: HttpRequest, form: MakeForm, more: dict[str, Any], *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "sections": adding.sections(form, form.tile),
        "access_fields": adding.access_fields(form),
        "policies": policies.offered(form),
        **more,
    }
    return render(request, "connections/make.html", context, status=status)


@_secret
@require_POST
def make_policy(request: HttpRequest) -> HttpResponse:
    return policies.part(request, MakeForm(outlay(), request.POST))


@_secret
@require_POST
def make_field(request: HttpRequest) -> HttpResponse:
    return adding.faults_of_field(request, MakeForm(outlay(), request.POST))


@_secret
@require_POST
def make_plan(request: HttpRequest) -> HttpResponse:
    """What would be made, word for word."""
    form = MakeForm(outlay(), request.POST)
    if not form.is_valid():
        wrong = [
            f"{form.fields[name].label if name in form.fields else ''}: {' '.join(map(str, errors))}".lstrip(": ")
            for name, errors in form.errors.items()
        ]
        return render(request, "connections/plan.html", {"wrong": wrong})
    try:
        made = exporting.making(outlay(), form.own_access, form.wish)
    except OutlayError as error:
        return render(request, "connections/plan.html", {"wrong": [f"{error.message} {error.next}"]})
    return render(request, "connections/plan.html", {"plan": made.plan})


def checklist(request: HttpRequest, name: str) -> HttpResponse:
    """What AWS says now of the export that a connection reads."""
    try:
        export = exporting.export_of(outlay(), name)
    except AccessError as error:
        return render(request, "connections/checklist.html", {"error": error})
    return render(request, "connections/checklist.html", {"export": export, "kind": KINDS[export.kind]})
