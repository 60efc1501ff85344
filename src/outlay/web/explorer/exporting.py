"""Answers and charges as files. The chart as a picture is made in the browser, which drew it."""

from __future__ import annotations

import io
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from outlay.costs.answer import Answer
from outlay.web.core import outlay
from outlay.web.explorer.asking import Asked, pairs_of
from outlay.web.sending import sent

TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


@require_safe
def export(request: HttpRequest, what: str, format: str) -> HttpResponseBase:
    """The answer to a question, or the charges that it is made of."""
    if what not in _MADE or format not in TYPES:
        raise Http404
    asked = Asked.read(pairs_of(request))
    response = _MADE[what](asked, format)
    response["Content-Type"] = TYPES[format]
    response["Content-Disposition"] = f'attachment; filename="{name_of(asked, what)}.{format}"'
    return response


def name_of(asked: Asked, what: str) -> str:
    """`outlay-billed-2026-05-01-to-2026-05-31`."""
    question = asked.question
    days = f"{question.start or 'start'}-to-{question.end or 'end'}" if question.start or question.end else "all"
    return "-".join(("outlay", *(("charges",) if what == "charges" else ()), question.metric, days))


def _answer(asked: Asked, format: str) -> HttpResponseBase:
    return HttpResponse(_WRITTEN[format](outlay().desk.ask(asked.question)))


def _csv(answer: Answer) -> bytes:
    text = io.StringIO(newline="")
    answer.write_csv(text)
    return text.getvalue().encode()


def _parquet(answer: Answer) -> bytes:
    out = io.BytesIO()
    answer.write_parquet(out)
    return out.getvalue()


def _charges(asked: Asked, format: str) -> HttpResponseBase:
    return sent(lambda path: outlay().desk.export(asked.question, path, format=format, columns=("*",)))


_WRITTEN: dict[str, Callable[[Answer], bytes]] = {"csv": _csv, "parquet": _parquet}
_MADE: dict[str, Callable[[Asked, str], HttpResponseBase]] = {"answer": _answer, "charges": _charges}
