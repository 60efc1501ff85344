"""What runs in the connected AWS accounts."""

from __future__ import annotations

import io
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from outlay import stocktaking
from outlay.aws.inventory.kinds import NAMES
from outlay.costs.answer import harmless
from outlay.inventory.asking import Wanted, write_csv
from outlay.web.api.answers import ERRORS
from outlay.web.api.paging import FARTHEST, MOST, Page, tell
from outlay.web.api.shapes import Line, Long, Told
from outlay.web.core import outlay

router = Router(tags=["inventory"])


class AskedResources(Schema):
    kind: str = Field("", json_schema_extra={"enum": ["", *NAMES]})
    account: Line = ""
    region: Line = ""
    state: Line = Field("", description="Such as stopped, or gone, or moved to another account.")
    tag: Long = Field("", description="A key, or key=value.")
    text: Long = Field("", description="A part of the id, the name or the ARN.")
    gone: bool = Field(False, description="With what is gone or has moved.")
    costs: bool = Field(False, description="With what each cost; of 1,000 at most.")
    format: Literal["json", "csv"] = "json"
    limit: int = Field(50, ge=1, le=MOST, description="How many at most; CSV has all.")
    offset: int = Field(0, ge=0, le=FARTHEST, description="How many are passed over first.")


class ResourceTold(Told):
    """As `outlay inventory list --json`."""

    kind: str
    id: str
    name: str | None
    state: str | None
    region: str | None = Field(description="Null for what lies in none.")
    account: str
    arn: str
    created: str | None
    since: str = Field(description="When it was first seen to be as it is.")
    found: str = Field(description="When it was seen first.")
    tags: dict[str, str]
    details: dict[str, Any] = Field(description="The kind's own fields.")


class ResourceListed(ResourceTold):
    cost_30_days: dict[str, str] | None = Field(
        None, description="Effective, of the last 30 complete days, by currency; null where costs were not asked for."
    )
    cost_this_month: dict[str, str] | None = Field(None, description="Effective, of this month, by currency.")


class BeforeAndAfter(Told):
    before: Any
    after: Any


class ResourceChange(Told):
    at: str
    change: Literal["found", "changed", "gone"]
    account: str
    region: str | None
    fields: dict[str, BeforeAndAfter]


class ResourceShown(ResourceTold):
    changes: list[ResourceChange] = Field(description="The newest first.")


class UnseenTold(Told):
    kind: str
    regions: list[str]
    action: str | None = Field(description="The permission that is missing.")
    message: str
    next: str
    part: bool = Field(description="Only a part of each resource was not seen.")


class LookTold(Told):
    """As `outlay inventory accounts --json`."""

    account: str
    connected: bool
    connection: str | None = Field(description="By whose access it was looked through.")
    looked: str | None
    next_look: str | None
    resources: int
    kinds: dict[str, int]
    failure: str | None
    next: str | None
    unseen: list[UnseenTold]


_FILE = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "resources",
    response={200: list[ResourceListed], **ERRORS},
    exclude_unset=True,
    summary="What runs in the connected AWS accounts",
    openapi_extra={"responses": {200: {"content": {"text/csv": _FILE}}}},
)
def resources(request: HttpRequest, response: HttpResponse, asked: Query[AskedResources]) -> Any:
    """As it was seen last, ordered by kind, account, region, name and id."""
    page = Page(limit=asked.limit, offset=asked.offset)
    cut = {} if asked.format == "csv" else {"limit": page.limit, "offset": page.offset}
    wanted = Wanted(asked.kind, asked.account, asked.region, asked.state, asked.tag, asked.text, asked.gone, **cut)
    total, found = stocktaking.resources(outlay(), wanted)
    told = stocktaking.with_costs(outlay(), found) if asked.costs else [each.as_dict() for each in found]
    if asked.format == "csv":
        out = io.StringIO(newline="")
        write_csv(told, out, harmless)
        headers = {"Content-Disposition": 'attachment; filename="resources.csv"'}
        return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
    tell(request, response, page, total)
    return told


class AskedResource(Schema):
    id: Annotated[Long, Field(min_length=1, description="Its id or ARN.")]


@router.get("resource", response={200: list[ResourceShown], **ERRORS}, summary="One resource with its changes")
def resource(request: HttpRequest, asked: Query[AskedResource]) -> Any:
    """More than one where accounts or regions share the id, or where it has moved."""
    found = stocktaking.resource(outlay(), asked.id)
    return [{**each.as_dict(), "changes": [one.as_dict() for one in changes]} for each, changes in found]


@router.get("inventory", response={200: list[LookTold], **ERRORS}, summary="When each account was looked through")
def inventory(request: HttpRequest) -> Any:
    """What each has, and what was not seen, with the permission that is missing."""
    return [each.as_dict() for each in stocktaking.accounts(outlay())]
