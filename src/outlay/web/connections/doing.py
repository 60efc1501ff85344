"""What administrators do to a connection: check it, stop, pause, change, move, remove, and make a delivery live."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from outlay import connecting
from outlay.errors import Busy, OutlayError, UsageError
from outlay.web.connections import adding, policies, views
from outlay.web.connections.adding import access_fields, sections
from outlay.web.connections.forms import OWN_ACCESS, STORAGES, MoveForm, SettingsForm, told
from outlay.web.core import outlay
from outlay.web.roles import who

_secret = sensitive_post_parameters("secret_access_key")


@require_POST
def check(request: HttpRequest, name: str) -> HttpResponse:
    connecting.check_now(outlay(), name, by=who(request))
    return redirect("connection", name)


@require_POST
def test(request: HttpRequest, name: str) -> HttpResponse:
    """Try its place with the access it has."""
    found = connecting.test_again(outlay(), name)
    return render(request, "connections/test.html", {"probe": found, "test_url": request.path})


@require_POST
def stop(request: HttpRequest, name: str) -> HttpResponse:
    if not connecting.stop(outlay(), name, by=who(request)):
        messages.info(request, "No check is under way.")
    return redirect("connection", name)


@require_POST
def pause(request: HttpRequest, name: str) -> HttpResponse:
    connecting.pause(outlay(), name, by=who(request))
    messages.success(request, f"{name} is paused. The charges there are stay.")
    return redirect("connection", name)


@require_POST
def resume(request: HttpRequest, name: str) -> HttpResponse:
    connecting.resume(outlay(), name, by=who(request))
    messages.success(request, f"{name} is checked again.")
    return redirect("connection", name)


@_secret
def edit(request: HttpRequest, name: str) -> HttpResponse:
    o, failed = outlay(), None
    view = o.connection(name)
    form = SettingsForm(o, view.row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            changed = connecting.change(o, name, form.wanted, untested=_insists(request), by=who(request))
        except UsageError as error:
            failed = error.probe if isinstance(error, connecting.Untried) else None
            told(form, {error.field: error})
        else:
            messages.success(request, f"Changed: {', '.join(changed)}." if changed else "Nothing was changed.")
            return redirect("connection", name)
    names = [each for each in form.fields if each not in ("location", "access", *OWN_ACCESS)]
    context = {
        **views.header(view),
        "form": form,
        "fields": [form[each] for each in names],
        "access_fields": access_fields(form),
        "probe": failed,
    }
    return render(request, "connections/edit.html", context, status=422 if form.errors else 200)


@_secret
@require_POST
def edit_field(request: HttpRequest, name: str) -> HttpResponse:
    o = outlay()
    return adding.faults_of_field(request, SettingsForm(o, o.connection(name).row, request.POST))


def _insists(request: HttpRequest) -> bool:
    """Is it to be saved although its test has failed?"""
    return request.POST.get("untested") == "yes"


@_secret
def move(request: HttpRequest, name: str) -> HttpResponse:
    o, failed = outlay(), None
    view = o.connection(name)
    form = MoveForm(o, view.row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            new = connecting.move(
                o,
                name,
                form.new,
                form.said("month"),
                keeps_access=form.keeps_access,
                keeps_old=form.said("keeps_old") == "yes",
                untested=_insists(request),
                by=who(request),
            )
        except UsageError as error:
            failed = error.probe if isinstance(error, connecting.Untried) else None
            told(form, {error.field: error})
        else:
            messages.success(
                request, f"{new.row.name} goes on with {name}, which counts until the new one has its first month."
            )
            return redirect("connection", new.row.name)
    context = {
        **views.header(view),
        "form": form,
        "sections": sections(form, form.tile),
        "access_fields": access_fields(form),
        "folders": o.settings.folders or (),
        "storages": STORAGES,
        "policies": policies.offered(form),
        **(adding.tried_context(failed) if failed else {}),
    }
    return render(request, "connections/move.html", context, status=422 if form.errors else 200)


@_secret
@require_POST
def move_field(request: HttpRequest, name: str) -> HttpResponse:
    o = outlay()
    return adding.faults_of_field(request, MoveForm(o, o.connection(name).row, request.POST))


@_secret
@require_POST
def move_test(request: HttpRequest, name: str) -> HttpResponse:
    o = outlay()
    form = MoveForm(o, o.connection(name).row, request.POST)
    return adding.tried(request, form, access_like=name if form.keeps_access else "")


@_secret
@require_POST
def move_policy(request: HttpRequest, name: str) -> HttpResponse:
    o = outlay()
    return policies.part(request, MoveForm(o, o.connection(name).row, request.POST))


@require_POST
def count(request: HttpRequest, name: str) -> HttpResponse:
    """From which month on a connection counts that goes on with another."""
    try:
        connecting.change_month(outlay(), name, request.POST.get("month", "").strip(), by=who(request))
    except UsageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The month of the change is set.")
    return redirect("connection", name)


def back(request: HttpRequest, name: str) -> HttpResponse:
    """Asks first."""
    o = outlay()
    view = o.connection(name)
    move = next((each for each in connecting.moves(o, name) if each.new == name), None)
    if move is None or move.state == "back":
        messages.error(request, f"There is nothing to go back from: {name} does not count for another connection.")
        return redirect("connection", name)
    if request.method == "POST":
        then = request.POST.get("then", "pause")
        try:
            old = connecting.go_back(o, name, then=then, by=who(request))
        except (UsageError, Busy) as error:
            messages.error(request, str(error))
            return redirect("connection", name)
        messages.success(request, f"{old.row.name} counts everything again. {connecting.THEN[then]}")
        return redirect("connection", old.row.name)
    held = {each.period.month for each in o.periods(move.old) if each.delivery}
    alone = [each.period.month for each in o.periods(name) if each.delivery and each.period.month not in held]
    return render(request, "connections/back.html", {**views.header(view), "move": move, "alone": alone})


@require_POST
def forward(request: HttpRequest, name: str) -> HttpResponse:
    """Again, after it went back."""
    try:
        connecting.go_on(outlay(), name, request.POST.get("month", "").strip(), by=who(request))
    except UsageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{name} counts again, as is shown here.")
    return redirect("connection", name)


def remove(request: HttpRequest, name: str) -> HttpResponse:
    o = outlay()
    view = o.connection(name)
    error = ""
    if request.method == "POST":
        error = _removed(request, name)
        if not error:
            return redirect("connections")
    periods = o.periods(name)
    context = {
        **views.header(view),
        "error": error,
        "months": len(periods),
        "rows": sum(each.rows for each in periods),
        "changes": len(o.timeline(name)),
        "borrowers": [each.name for each in o.rows() if each.access_of_id == name],
    }
    return render(request, "connections/remove.html", context, status=422 if error else 200)


def _removed(request: HttpRequest, name: str) -> str:
    """What is wrong; blank when it is done."""
    if request.POST.get("typed", "").strip() != name:
        return "That is not its name. Nothing was removed."
    purge = request.POST.get("purge") == "1"
    try:
        gone = connecting.remove(outlay(), name, purge=purge, by=who(request))
    except (UsageError, Busy) as error:
        return str(error)
    left = f"{gone:,} charges went with it." if purge else "Its charges stay, and count as before."
    messages.success(request, f"{name} is removed. {left}")
    return ""


@require_POST
def make_live(request: HttpRequest, name: str, month: str) -> HttpResponse:
    delivery = request.POST.get("delivery", "")
    try:
        view = connecting.make_live(outlay(), name, month, delivery, by=who(request))
    except OutlayError as error:
        messages.error(request, str(error))
        return redirect("connection-period", name, month)
    messages.success(request, f"{view.delivery} is live now. It stays until the source changes.")
    return redirect("connection-period", name, month)


@require_POST
def invoice(request: HttpRequest, name: str, month: str) -> HttpResponse:
    said = {field: request.POST.get(field, "").strip() for field in ("invoice", "currency", "amount")}
    try:
        connecting.enter_invoice(outlay(), name, month, **said, by=who(request))
    except UsageError as error:
        if not error.field:
            raise
        typed = {**said, "error": str(error)}
        return views.period_page(request, name, month, invoice=typed, status=422)
    return redirect("connection-period", name, month)
