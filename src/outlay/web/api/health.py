"""How the installation is, for programs that have a token; `/healthz` asks for none."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import Router

import outlay
from outlay.web import health as site
from outlay.web.api.answers import ERRORS
from outlay.web.api.shapes import Health

router = Router(tags=["health"])


@router.get("health", response={200: Health, **ERRORS}, summary="How the installation is")
def health(request: HttpRequest) -> Any:
    """`worker` is `none` when none runs, `behind` when a check has been due for five minutes and nobody does it."""
    found = site.healthz(request)
    return JsonResponse({**json.loads(found.content), "version": outlay.__version__}, status=found.status_code)
