"""Adding a connection: tiles, a form that is checked as one types, a test, and the IAM policy."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from outlay import connecting
from outlay.errors import OutlayError, UsageError
from outlay.ingest.probe import Probe
from outlay.web.connections import policies
from outlay.web.connections.forms import ACCESS_FIELDS, BY_NAME, STORAGES, TILES, AnyForm, ConnectionForm, Tile, told
from outlay.web.core import outlay
from outlay.web.roles import who

_secret = sensitive_post_parameters("secret_access_key")


def tiles(request: HttpRequest) -> HttpResponse:
    return render(request, "connections/tiles.html", {"tiles": TILES, "folders": outlay().settings.folders})


@_secret
def add(request: HttpRequest, tile: str) -> HttpResponse:
    chosen, o = tile_of(tile), outlay()
    form = ConnectionForm(o, chosen, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            view = connecting.add(o, form.new, by=who(request))
        except UsageError as error:
            told(form, {error.field: error})
        else:
            messages.success(request, f"{view.row.name} is connected. Its bills are looked for now.")
            return redirect("connection", view.row.name)
    return render(request, "connections/add.html", _context(form, chosen), status=422 if form.errors else 200)


@_secret
@require_POST
def field(request: HttpRequest, tile: str) -> HttpResponse:
    """What is wrong with one field, as it is typed."""
    return faults_of_field(request, ConnectionForm(outlay(), tile_of(tile), request.POST))


def faults_of_field(request: HttpRequest, form: AnyForm) -> HttpResponse:
    name = request.GET.get("field", "")
    if name not in form.fields:
        raise Http404
    return render(request, "connections/said.html", {"errors": form.errors.get(name, [])})


@_secret
@require_POST
def test(request: HttpRequest, tile: str) -> HttpResponse:
    """Each step that was tried, before anything is saved."""
    o = outlay()
    return tried(request, ConnectionForm(o, tile_of(tile), request.POST))


def tried(request: HttpRequest, form: ConnectionForm, access_like: str = "") -> HttpResponse:
    # A name that is not chosen yet, or taken, does not matter for looking.
    errors = {name: errors for name, errors in form.errors.items() if name not in ("name", "cloud_provider", "month")}
    if errors:
        wrong = [(form.fields[name].label if name in form.fields else "", each) for name, each in errors.items()]
        return render(request, "connections/test.html", {"wrong": wrong})
    try:
        found = connecting.try_out(outlay(), _with_name(form), access_like=access_like)
    except OutlayError as error:
        return render(request, "connections/test.html", {"wrong": [("", [f"{error.message} {error.next}"])]})
    return render(request, "connections/test.html", {**tried_context(found), "test_url": request.path})


def tried_context(found: Probe) -> dict[str, Any]:
    return {"probe": found, "offered_path": found.offer.partition("://")[2].partition("/")[2]}


def _with_name(form: ConnectionForm) -> Any:
    """As it is typed, with a name and a provider that will do where these are not well yet."""
    from dataclasses import replace

    new = form.new
    if "name" in form.errors:
        new = replace(new, name="test")
    return replace(new, cloud_provider=new.cloud_provider or "test") if new.kind == "anycost" else new


@_secret
@require_POST
def iam_policy(request: HttpRequest, tile: str) -> HttpResponse:
    return policies.part(request, ConnectionForm(outlay(), tile_of(tile), request.POST))


def tile_of(name: str) -> Tile:
    if name not in BY_NAME:
        raise Http404
    return BY_NAME[name]


def _context(form: ConnectionForm, tile: Tile) -> dict[str, Any]:
    return {
        "form": form,
        "tile": tile,
        "sections": sections(form, tile),
        "access_fields": access_fields(form),
        "folders": outlay().settings.folders or (),
        "storages": STORAGES,
        "policies": policies.offered(form),
    }


def sections(form: AnyForm, tile: Tile) -> list[dict[str, Any]]:
    return [
        {
            "title": section.title,
            "is_folded": section.is_folded and not any(name in form.errors for name in section.fields),
            "fields": [form[name] for name in section.fields if name in form.fields],
        }
        for section in tile.sections
    ]


def access_fields(form: AnyForm) -> list[dict[str, Any]]:
    """Of each access that is offered: its fields, to be shown while it is chosen."""
    if "access" not in form.fields:
        return []
    offered = [name for name, _ in form.fields["access"].choices]  # type: ignore[attr-defined]
    return [
        {"access": name, "fields": [form[field] for field in ACCESS_FIELDS.get(name, ())], "chosen": _chosen(form)}
        for name in offered
        if ACCESS_FIELDS.get(name)
    ]


def _chosen(form: AnyForm) -> str:
    return form.said("access")
