"""Accounts in the bills."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from outlay import accounting
from outlay.accounting import COST_METRICS
from outlay.costs.metrics import DEFAULT
from outlay.web.api.answers import ERRORS
from outlay.web.api.connections import Name
from outlay.web.api.shapes import Month, Told
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
