"""Questions: what was spent, by what a question may be grouped, and the charges themselves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from ninja import Field, Path, Query, Router, Schema

from outlay.costs.answer import Answer
from outlay.costs.names import KEYED
from outlay.costs.question import Question
from outlay.errors import UsageError
from outlay.focus.columns import COLUMNS
from outlay.web.api import paging
from outlay.web.api.answers import ERRORS
from outlay.web.api.paging import Page
from outlay.web.api.shapes import Asked, Charges, Costs, CostTable, Dimension, Keys, Values
from outlay.web.core import outlay
from outlay.web.sending import sent

router = Router(tags=["costs"])

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILES = {CSV: _FILE, PARQUET: _FILE}

Column = Annotated[str, Path(min_length=1, max_length=300, description="A FOCUS column, or `Tags.<key>`.")]


class AskedCosts(Asked):
    format: Literal["json", "csv", "parquet"] = "json"


class AskedTable(Asked):
    compare: Literal["before"] | None = Field(
        None, description="Beside the period before, for days of a first and last."
    )


class AskedCharges(Asked):
    columns: list[str] = Field([], max_length=200, description="Columns to show; `*` is every one.")
    limit: int = Field(50, ge=1, le=200)
    offset: int = Field(0, ge=0, le=9_999)


class AskedFile(Asked):
    columns: list[str] = Field([], max_length=200, description="Columns to write; `*` is every one.")
    format: Literal["csv", "parquet"] = "csv"


class AskedValues(Asked):
    search: str = Field("", max_length=300, description="Only values that hold this text.")
    limit: int = Field(50, ge=1, le=500)


class AskedKeys(Schema):
    search: str = Field("", max_length=300)
    limit: int = Field(50, ge=1, le=500)


@router.get(
    "costs",
    response={200: Costs, **ERRORS},
    by_alias=True,
    summary="What was spent, on what, by whom",
    openapi_extra={"responses": {200: {"content": _FILES}}},
)
def costs(request: HttpRequest, asked: Query[AskedCosts]) -> Any:
    """As `outlay costs --format json`, or as CSV or Parquet. Currencies are never added: each has its own total."""
    return _FORMATS[asked.format](outlay().ask(_question(request, ("format",))))


@router.get(
    "costs/table",
    response={200: CostTable, **ERRORS},
    by_alias=True,
    summary="Each group over the whole range, with its share and what changed",
)
def table(request: HttpRequest, asked: Query[AskedTable]) -> Any:
    """With `compare=before` each row has `before`, `change` and `change_percent`. Every group is named."""
    return JsonResponse(outlay().desk.table(_question(request, ())).as_dict())


@router.get(
    "charges",
    response={200: Charges, **ERRORS},
    summary="Single charges, a page at a time",
)
def charges(request: HttpRequest, asked: Query[AskedCharges]) -> Any:
    """Those that count in the answer, of each currency the dearest first; `more` says whether there are others.

    The first 10,000 can be paged through; all of them come as a file, by export.
    """
    question = _question(request, ("columns", "limit", "offset"))
    page = outlay().desk.charges(question, columns=asked.columns, offset=asked.offset, limit=asked.limit)
    return JsonResponse(page.as_dict())


@router.get(
    "export",
    response={200: None, **ERRORS},
    summary="Single charges as a file",
    openapi_extra={"responses": {200: {"content": _FILES}}},
)
def export(request: HttpRequest, asked: Query[AskedFile]) -> Any:
    """All that count in the answer: up to 1,000,000 as CSV, 10,000,000 as Parquet."""
    question = _question(request, ("columns", "format"))
    return sent(
        lambda path: outlay().desk.export(question, path, format=asked.format, columns=asked.columns),
        as_attachment=True,
        filename=f"charges.{asked.format}",
        content_type=_TYPES[asked.format],
    )


@router.get("dimensions", response={200: list[Dimension], **ERRORS}, summary="What a question may be grouped by")
def dimensions(request: HttpRequest, response: HttpResponse, page: Query[Page]) -> Any:
    """Columns of charges; those with keys are named with one, such as `Tags.team`."""
    rows = paging.cut(request, response, page, COLUMNS)
    return [
        {"name": each.name, "type": each.type, "about": each.about, "has_keys": each.name in KEYED} for each in rows
    ]


@router.get("dimensions/{column}/values", response={200: Values, **ERRORS}, summary="The values of a dimension")
def values(request: HttpRequest, column: Column, asked: Query[AskedValues]) -> Any:
    """With what each costs within the question, the dearest first; null is what charges without one cost."""
    within = _question(request, ("search", "limit"))
    found = outlay().desk.values(column, search=asked.search, within=within, limit=asked.limit)
    return {"column": column, "values": [each.as_dict() for each in found]}


@router.get("dimensions/{column}/keys", response={200: Keys, **ERRORS}, summary="The keys of Tags and its like")
def keys(request: HttpRequest, column: Column, asked: Query[AskedKeys]) -> Any:
    """Those on most charges first."""
    return {"column": column, "keys": list(outlay().desk.keys(column, search=asked.search, limit=asked.limit))}


def _question(request: HttpRequest, besides: Iterable[str]) -> Question:
    given = [(name, value) for name, its in request.GET.lists() for value in its]
    question = Question.from_query(given, today=datetime.now(UTC).date(), besides=besides)
    if question.compare and besides:
        raise UsageError("Nothing is compared here.", next="Ask costs/table, or leave compare out.", field="compare")
    return question


def _json(answer: Answer) -> HttpResponseBase:
    return HttpResponse(json.dumps(answer.as_dict(), ensure_ascii=False), content_type="application/json")


def _csv(answer: Answer) -> HttpResponseBase:
    out = io.StringIO()
    answer.write_csv(out)
    return _attached(out.getvalue(), "csv")


def _parquet(answer: Answer) -> HttpResponseBase:
    out = io.BytesIO()
    answer.write_parquet(out)
    return _attached(out.getvalue(), "parquet")


def _attached(content: str | bytes, format: str) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="costs.{format}"'}
    return HttpResponse(content, content_type=_TYPES[format], headers=headers)


_TYPES = {"csv": f"{CSV}; charset=utf-8", "parquet": PARQUET}
_FORMATS: dict[str, Callable[[Answer], HttpResponseBase]] = {"json": _json, "csv": _csv, "parquet": _parquet}
