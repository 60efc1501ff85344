"""Accounts in the bills."""

from __future__ import annotations

import io
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router, Schema

from outlay import accounting
from outlay.accounting import COST_METRICS
from outlay.costs.account_report import Report
from outlay.costs.metrics import DEFAULT
from outlay.web.api.answers import ERRORS
from outlay.web.api.connections import Name
from outlay.web.api.shapes import Line, Month, Told
from outlay.web.core import outlay

router = Router(tags=["accounts"])


class AskedAccounts(Schema):
    month: Month = Field("", description="The month of the costs; this one without it.")
    metric: str = Field(DEFAULT, json_schema_extra={"enum": list(COST_METRICS)})
    connected: bool | None = Field(None, description="Only those that are connected, or are not.")


class AccountTold(Told):
    payer: str
    account: str
    name: str | None
    unit: str | None = Field(description="The path of its organisational unit; null when it is not visible.")
    connected: bool
    counted: bool = Field(description="False: its payer's connection counts only connected accounts, and it is none.")
    connected_by: list[str] = Field(description="The connections whose access is of the account itself.")
    connections: list[str] = Field(description="The connections whose bills hold its charges.")
    costs: dict[str, str] = Field(description="Of the month, by currency.")
    first_seen: str
    last_seen: str


class AccountsTold(Told):
    month: str
    metric: str
    accounts: list[AccountTold]
    beyond: dict[str, str] = Field(description="What accounts cost beyond the most that an answer names.")


class IgnoredTold(Told):
    connection: str
    only_connected: bool
    month: str
    ignored: dict[str, str] = Field(description="Of the month, by currency.")
    ignored_in_all: dict[str, str] = Field(description="Of every month that counts, by currency.")


class AskedIgnored(Schema):
    month: Month = Field("", description="This one without it.")


@router.get(
    "connections/{name}/ignored",
    response={200: IgnoredTold, **ERRORS},
    summary="What accounts cost that it leaves out",
    tags=["connections"],
)
def ignored(request: HttpRequest, name: Name, asked: Query[AskedIgnored]) -> Any:
    """Nothing while it counts every account. With `only_connected` those that are not connected are left out."""
    outlay().connection(name)
    return accounting.ignored(outlay(), month=asked.month).of(name)


@router.get("accounts", response={200: AccountsTold, **ERRORS}, summary="Every account in the bills")
def accounts(request: HttpRequest, asked: Query[AskedAccounts]) -> Any:
    """As `outlay accounts --json`."""
    told = accounting.accounts(outlay(), month=asked.month, metric=asked.metric).as_dict()
    if asked.connected is not None:
        told["accounts"] = [each for each in told["accounts"] if each["connected"] == asked.connected]
    return told


class AskedReport(Schema):
    month: Month = Field("", description="This one without it.")
    payer: Line = Field("", description="Whose bill, where several payers' bills hold the account.")
    format: Literal["json", "csv", "html"] = "json"


class ReportLine(Told):
    ServiceName: str
    RegionId: str
    ChargeCategory: str
    currency: str
    billed: str
    effective: str


class ReportTotal(Told):
    billed: str
    effective: str


class ReportTold(Told):
    month: str
    payer: str
    account: str
    name: str | None
    counted: bool
    totals: dict[str, ReportTotal] = Field(description="By currency.")
    lines: list[ReportLine]


_FILE = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "accounts/{account}/report",
    response={200: ReportTold, **ERRORS},
    summary="What one account cost in a month",
    openapi_extra={"responses": {200: {"content": {"text/csv": _FILE, "text/html": _FILE}}}},
)
def report(
    request: HttpRequest, account: Annotated[str, Path(min_length=1, max_length=200)], asked: Query[AskedReport]
) -> Any:
    """To be handed on, as `outlay account-report`: JSON, CSV that is safe in a spreadsheet, or a page to print."""
    found = accounting.report(outlay(), account, month=asked.month, payer=asked.payer)
    return found.as_dict() if asked.format == "json" else as_file(found, asked.format)


def as_file(found: Report, format: str) -> HttpResponse:
    """Saved, not shown: the page brings styles of its own."""
    out = io.StringIO(newline="")
    if format == "csv":
        found.write_csv(out)
    else:
        out.write(found.as_html())
    headers = {"Content-Disposition": f'attachment; filename="{found.file_name}.{format}"'}
    return HttpResponse(out.getvalue(), content_type=f"text/{format}; charset=utf-8", headers=headers)
