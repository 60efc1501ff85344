"""CBF over HTTP, at the address and in the shapes of CloudZero's API, so that its adaptors work with another host."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from outlay import streaming
from outlay.errors import Busy, OutlayError
from outlay.state.answering import Answer
from outlay.web.accounts import tokens
from outlay.web.api.handling import problem_of
from outlay.web.core import installation, outlay
from outlay.web.errors import OF_THE_SERVER, UNSAID

_log = logging.getLogger("outlay.web")
_KEY = "cloudzero-idempotency-key"
View = Callable[..., HttpResponseBase]


def _for(*methods: str) -> Callable[[View], View]:
    """A view for those methods, for whom may send; what is raised is told in the shapes of this API."""

    def made(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods:
                allowed = ", ".join(methods)
                return _message(405, f"{request.method} is not a method of this address.", Allow=allowed)
            if not _may_send(request):
                return _message(403, _REFUSED)
            try:
                return view(request, *args, **kwargs)
            except OutlayError as error:
                return _told(request, error)

        return guarded

    return made


_REFUSED = (
    "This wants an API token that may send CBF. Make one on the page API tokens of an administrator's account, and "
    "send it as “Authorization: …”, with or without Bearer."
)


def _may_send(request: HttpRequest) -> bool:
    text = request.headers.get("Authorization", "").strip()
    kind, _, rest = text.partition(" ")
    token = tokens.find(rest.strip() if kind.lower() == "bearer" else text)
    return token is not None and tokens.may_send(token)


@_for("GET", "POST")
def drops(request: HttpRequest, name: str) -> HttpResponseBase:
    """POST keeps a body, GET lists the months."""
    if request.method == "GET":
        return _answer(streaming.drops(outlay(), name))
    content = _content(request)
    if isinstance(content, HttpResponseBase):
        return content
    return _answer(streaming.take(outlay(), name, content, key=request.headers.get(_KEY, "")))


@_for("POST")
def validate(request: HttpRequest, name: str) -> HttpResponseBase:
    content = _content(request)
    if isinstance(content, HttpResponseBase):
        return content
    return _answer(streaming.validate(outlay(), name, content))


@_for("GET")
def drop(request: HttpRequest, name: str, month: str) -> HttpResponseBase:
    rows = streaming.drop(outlay(), name, month)
    return StreamingHttpResponse(_written(rows), content_type="application/json")


def _written(rows: Iterable[Mapping[str, str]]) -> Iterator[bytes]:
    yield b'{"billing_drop": ['
    for number, row in enumerate(rows):
        yield (b", " if number else b"") + json.dumps(row, ensure_ascii=False).encode()
    yield b"]}"


def _content(request: HttpRequest) -> bytes | HttpResponse:
    """The body, or the answer that it is too large: of that no more is read than has to be."""
    limit = installation().stream_body
    content = request.read(limit + 1)
    if len(content) <= limit:
        return content
    return _message(413, f"The body is larger than {limit:,} bytes. Send its rows in several, as the operation sum.")


def _answer(answer: Answer) -> JsonResponse:
    return JsonResponse(answer.told, status=answer.status)


def _message(status: int, message: str, **headers: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=status, headers=headers)


def _told(request: HttpRequest, error: OutlayError) -> JsonResponse:
    problem = problem_of(error)
    if isinstance(error, OF_THE_SERVER):
        _log.error("%s %s: %s", request.method, request.path, error.message)
        return _message(problem.status, " ".join(UNSAID))
    after = {"Retry-After": str(error.retry_after)} if isinstance(error, Busy) else {}
    return _message(problem.status, f"{error.message} {error.next}".strip(), **after)
