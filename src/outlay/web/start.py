"""The first page, until the overview has more to say: how each connection is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from outlay.web.core import outlay


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "start.html", {"connections": outlay().connections()})
