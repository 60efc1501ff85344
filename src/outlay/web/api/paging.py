"""A page of a list. The body is the list alone, as the command prints it; where it lies stands in the headers.

`X-Total-Count` says how many there are, `Link` where the pages before and after are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

T = TypeVar("T")

MOST = 200
FARTHEST = 1_000_000


class Page(Schema):
    limit: int = Field(50, ge=1, le=MOST, description="How many at most.")
    offset: int = Field(0, ge=0, le=FARTHEST, description="How many are passed over first.")


def cut(request: HttpRequest, response: HttpResponse, page: Page, rows: Sequence[T]) -> list[T]:
    """The rows of the page, out of all of them."""
    tell(request, response, page, len(rows))
    return list(rows[page.offset : page.offset + page.limit])


def tell(request: HttpRequest, response: HttpResponse, page: Page, total: int) -> None:
    response.headers["X-Total-Count"] = str(total)
    around = {"prev": page.offset - page.limit, "next": page.offset + page.limit}
    links = [
        f'<{_address(request, page, offset)}>; rel="{name}"'
        for name, offset in around.items()
        if -page.limit < offset < total and (name == "next" or page.offset > 0)
    ]
    if links:
        response.headers["Link"] = ", ".join(links)


def _address(request: HttpRequest, page: Page, offset: int) -> str:
    kept = [
        (name, value) for name, values in request.GET.lists() for value in values if name not in ("limit", "offset")
    ]
    return f"{request.path}?{urlencode([*kept, ('limit', page.limit), ('offset', max(0, offset))])}"
