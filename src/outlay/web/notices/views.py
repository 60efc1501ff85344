"""Channels of notices, and the log of what they told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from outlay.errors import SetupError, UsageError
from outlay.notices.event import KINDS, Event
from outlay.notices.message import message
from outlay.state import acts, noticing
from outlay.state.models import Notice, NoticeChannel
from outlay.web.core import outlay
from outlay.web.notices.forms import FORMS, ChannelForm
from outlay.web.roles import who

LABELS = {"email": "E-mail", "webhook": "Webhook", "slack": "Slack or compatible"}
ABOUT = {
    "email": "By an SMTP server, to up to 50 addresses.",
    "webhook": "JSON to an address of yours, signed so that you know who sent it.",
    "slack": "Text to an incoming webhook of Slack, Mattermost, Rocket.Chat or Discord (/slack).",
}
_LOGGED, _DONE = 100, 20


@dataclass(frozen=True)
class Shown:
    """A channel as the page shows it."""

    row: NoticeChannel
    kind: str
    where: str
    events: tuple[str, ...]


def notices(request: HttpRequest) -> HttpResponse:
    return _page(request)


def log(request: HttpRequest) -> HttpResponse:
    """The part of the page that looks again while something waits."""
    if "HX-Request" not in request.headers:
        return redirect("notices")
    return render(request, "notices/log.html", _logged())


@sensitive_post_parameters()
def add(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](request.POST or None)
    if request.method == "POST" and form.is_valid():
        new = form.new()
        try:
            noticing.add(new, outlay().keyring, by=who(request))
        except UsageError as error:
            form.add_error(error.field or None, f"{error.message} {error.next}")
        else:
            secret = new.secrets.get("secret")
            if secret:
                return _page(request, {"name": new.name, "secret": secret})
            messages.success(request, f"{new.name} is added. Send a test to see that it works.")
            return redirect("notices")
    return _form(request, form)


@require_POST
def test(request: HttpRequest, number: int) -> HttpResponse:
    noticing.test(number, outlay().keyring, by=who(request))
    messages.success(request, "A test is on its way; the log tells what came of it.")
    return redirect("notices")


@require_POST
def switch(request: HttpRequest, number: int) -> HttpResponse:
    row = noticing.switch(number, on=request.POST.get("on") == "yes", by=who(request))
    messages.success(request, f"{row.name} is {'on' if row.is_on else 'off'}.")
    return redirect("notices")


@require_POST
def remove(request: HttpRequest, number: int) -> HttpResponse:
    messages.success(request, f"{noticing.remove(number, by=who(request))} is removed, with its log.")
    return redirect("notices")


def _page(request: HttpRequest, shown: dict[str, str] | None = None) -> HttpResponse:
    kinds = [{"kind": kind, "label": LABELS[kind], "about": ABOUT[kind]} for kind in FORMS]
    channels = [_shown(row) for row in noticing.channels()]
    context = {"channels": channels, "kinds": kinds, "shown": shown, "acts": acts.done(acts.CHANNELS, _DONE)}
    return render(request, "notices/notices.html", {**context, **_logged()})


def _form(request: HttpRequest, form: ChannelForm) -> HttpResponse:
    context = {"form": form, "label": LABELS[form.kind], "about": ABOUT[form.kind]}
    return render(request, "notices/add.html", context, status=422 if form.errors else 200)


def _shown(row: NoticeChannel) -> Shown:
    try:
        where = noticing.where(row, outlay().keyring)
    except SetupError as error:
        return Shown(row, LABELS[row.kind], error.message, ())
    return Shown(row, LABELS[row.kind], where, tuple(KINDS[kind] for kind in row.events if kind in KINDS))


def _logged() -> dict[str, Any]:
    rows = noticing.log(_LOGGED)
    return {"log": [_line(row) for row in rows], "is_waiting": any(row.due_at and row.channel.is_on for row in rows)}


def _line(row: Notice) -> dict[str, Any]:
    said = message(str(row.pk), Event.from_dict(row.event), None, None)
    return {"row": row, "subject": said.subject, "error": row.tries[-1]["error"] if row.tries else ""}
