"""What the API says when something is wrong: always JSON, always with what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from django.http import HttpRequest, JsonResponse

ROOT = "/api/"
# The address of CloudZero's API that adaptors know.
STREAMS = "/v2/"

# What an error of the site is called, by its status, where Outlay has no code for it.
CODES = MappingProxyType(
    {
        400: "bad-request",
        401: "no-token",
        403: "forbidden",
        404: "not-found",
        405: "wrong-method",
        409: "changed",
        413: "too-large",
        422: "invalid",
        500: "failed",
        502: "access",
        503: "unavailable",
    }
)


@dataclass
class Problem(Exception):
    """`where` names the parameter or field that is wrong, such as `query.limit`; or else the address asked for."""

    status: int
    message: str
    next: str
    code: str = ""
    where: str = ""
    retry_after: int | None = None


def is_for_programs(request: HttpRequest) -> bool:
    return request.path.startswith((ROOT, STREAMS))


def answer(request: HttpRequest, problem: Problem) -> JsonResponse:
    told = {
        "code": problem.code or CODES[problem.status],
        "message": problem.message,
        "next": problem.next,
        "where": problem.where or f"{request.method} {request.path}",
    }
    response = JsonResponse(told, status=problem.status)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
