"""Errors of each kind as problems: Outlay's own, those of input that does not fit, and those that nobody meant."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db.utils import Error as DatabaseFault
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from outlay.errors import AccessError, Busy, OutlayError, SetupError, TooSlow, UnknownName, UsageError
from outlay.web.api.problems import Problem, answer
from outlay.web.errors import OF_THE_SERVER, UNSAID, status_of

_log = logging.getLogger("outlay.web")

# Seconds after which a question that was stopped, or a database that did not answer, may be tried again.
_AGAIN = 5
_REPORT = "Try it again. If it stays, whoever runs the site finds the place in its log."


def handle_errors(api: NinjaAPI) -> None:
    for kind, handler in _HANDLERS:
        api.add_exception_handler(kind, handler)


def only_json(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view of the API, whose refusal of a method is plain text otherwise."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        allowed = response.headers["Allow"]
        problem = Problem(405, f"{request.method} is not a method of this address.", f"Use {allowed}.")
        refused = answer(request, problem)
        refused.headers["Allow"] = allowed
        return refused

    return told


def problem_of(error: OutlayError) -> Problem:
    """With the status that the pages have for it; but a name in a question is a wrong question, not a missing page."""
    field = error.field if isinstance(error, UsageError) else ""
    status = 400 if isinstance(error, UnknownName) and field else status_of(error)
    retry_after = error.retry_after if isinstance(error, Busy) else _AGAIN if isinstance(error, TooSlow) else None
    return Problem(status, error.message, error.next, error.code, field, retry_after)


def _own(request: HttpRequest, error: OutlayError) -> HttpResponse:
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, Busy | TooSlow | AccessError):
        _log.error("%s %s: %s", request.method, request.path, error.message)
    if isinstance(error, OF_THE_SERVER):
        problem = Problem(problem.status, *UNSAID, "setup" if isinstance(error, SetupError) else error.code)
    return answer(request, problem)


def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return answer(request, problem)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Of several faults the first is told; the input itself is not, for it may hold a secret."""
    first = error.errors[0]
    where = _place(first["loc"])
    message = f"{where}: {first['msg']}."
    return answer(request, Problem(422, message, "Correct it; /api/v1/docs tells what fits.", "invalid", where))


def _place(parts: Iterable[Any]) -> str:
    """`("query", "question", "limit")` is `query.limit`: the name of the function's own parameter says nothing."""
    source, *inner = map(str, parts)
    return ".".join((source, *(inner[1:] or inner)))


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return answer(request, Problem(400, "The body is not JSON.", "Send a JSON object, in UTF-8.", where="body"))


def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return answer(request, Problem(413, "The body is larger than 2.5 MB.", "Send less.", where="body"))


def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
    return answer(request, Problem(400, "The request could not be understood.", "See /api/v1/docs for what fits."))


def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return answer(request, Problem(404, "Nothing goes by this address.", "See /api/v1/docs for what there is."))


def _database(request: HttpRequest, error: DatabaseFault) -> HttpResponse:
    _log.error("%s %s: the database failed: %s", request.method, request.path, type(error).__name__)
    return answer(request, Problem(503, "The database does not answer.", "Try again in a moment.", retry_after=_AGAIN))


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """The error itself may hold a secret, so only its kind and its place are told, and only in the log."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    _log.error("%s %s failed: %s%s", request.method, request.path, type(error).__name__, where)
    return answer(request, Problem(500, "Something happened that nobody meant to happen.", _REPORT))


_HANDLERS: tuple[tuple[type[Exception], Callable[..., HttpResponse]], ...] = (
    (OutlayError, _own),
    (Problem, _problem),
    (ValidationError, _invalid),
    (HttpError, _http),
    (RequestDataTooBig, _too_big),
    (SuspiciousOperation, _suspicious),
    (Http404, _missing),
    (DatabaseFault, _database),
    (Exception, _failed),
)
