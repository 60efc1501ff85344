"""The legacy reports and data exports of an account, each with what Outlay makes of it. Nothing is picked.

Sources: AWS Billing API reference (`DescribeReportDefinitions`, `ListExports`, `GetExport`, `ListExecutions`), the Data
Exports user guide on queries and table configurations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from outlay.aws.sessions import Identity, Session
from outlay.errors import Denied, NotFound

Kind = Literal["legacy-cur", "cur-2.0", "focus-1.0", "focus-1.2", "other"]
KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "legacy-cur": "legacy Cost and Usage Report",
        "cur-2.0": "CUR 2.0",
        "focus-1.0": "FOCUS 1.0",
        "focus-1.2": "FOCUS 1.2",
        "other": "something else than a bill",
    }
)
_TABLES: dict[str, Kind] = {
    "COST_AND_USAGE_REPORT": "cur-2.0",
    "FOCUS_1_0_AWS": "focus-1.0",
    "FOCUS_1_2_AWS": "focus-1.2",
}
# Columns without which Outlay makes no charges of the rows.
_CUR_COLUMNS = (
    *("bill_payer_account_id", "line_item_usage_account_id", "line_item_line_item_type"),
    *("line_item_usage_start_date", "line_item_product_code", "line_item_currency_code", "line_item_unblended_cost"),
)
_FOCUS_COLUMNS = (
    *("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency", "BillingPeriodStart"),
    *("ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory"),
)
NEEDED: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {"cur-2.0": _CUR_COLUMNS, "focus-1.0": _FOCUS_COLUMNS, "focus-1.2": _FOCUS_COLUMNS}
)
_RESOURCE_COLUMNS = ("line_item_resource_id", "ResourceId")
RECENT = timedelta(hours=36)
_EXECUTIONS = "bcm-data-exports:ListExecutions"

# What AWS says of an execution or a report, in words with the next action.
TROUBLES: Mapping[str, str] = MappingProxyType(
    {
        "ERROR_PERMISSIONS": "AWS may not write into the bucket. Put AWS's billing services back into its policy.",
        "ERROR_NO_BUCKET": "The bucket is gone. Make it again, or let the report write into another.",
        "INSUFFICIENT_PERMISSION": "AWS may not write into the bucket. Put AWS's billing services into its policy.",
        "BILL_OWNER_CHANGED": "The account has another payer since. Make an export in the new management account.",
        "INTERNAL_FAILURE": "AWS failed by itself, and tries again with the next refresh.",
        "DEPRECATED": "AWS has given up the table. Make an export of a newer one.",
        "QUERY_FAILURE": "The export's query failed. Open it in the Data Exports console and save it anew.",
        "DELIVERY_FAILURE": "AWS could not deliver. Check the bucket, its policy and its key.",
    }
)


@dataclass(frozen=True)
class Check:
    """One point of the checklist. `holds` is None where it cannot be seen; `otherwise` is what one loses without it."""

    code: str
    point: str
    holds: bool | None
    otherwise: str

    @property
    def said(self) -> str:
        return {True: "yes", False: "no", None: "not visible"}[self.holds]

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "point": self.point, "holds": self.holds, "otherwise": self.otherwise}


@dataclass(frozen=True)
class FoundExport:
    """`granularity` is hourly, daily, monthly, or blank where AWS does not say. `region` is the bucket's.

    `last_status` and `last_reason` are AWS's words for the last delivery. `limited` says how the rows are narrowed.
    `why_not` is blank when Outlay can use it.
    """

    name: str
    kind: Kind
    table: str
    granularity: str
    format: str
    compression: str
    resource_ids: bool
    split_cost: bool
    versioning: str
    refreshes_closed: bool
    bucket: str
    prefix: str
    region: str
    arn: str = ""
    last_delivery: datetime | None = None
    last_status: str = ""
    last_reason: str = ""
    limited: str = ""
    why_not: str = ""
    checklist: tuple[Check, ...] = ()

    @property
    def usable(self) -> bool:
        return not self.why_not

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def trouble(self) -> str:
        """Why the last delivery failed and what to do; blank when it did not."""
        return TROUBLES.get(self.last_reason) or TROUBLES.get(self.last_status, "")

    def as_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _TOLD}
        unknown_as_none = {name: getattr(self, name) or None for name in _TOLD_WHERE_KNOWN}
        return {
            **plain,
            **unknown_as_none,
            "last_delivery": self.last_delivery.astimezone(UTC).isoformat() if self.last_delivery else None,
            "usable": self.usable,
            "checklist": [check.as_dict() for check in self.checklist],
        }


_TOLD = (
    *("name", "kind", "format", "compression", "resource_ids", "split_cost", "refreshes_closed"),
    *("bucket", "prefix", "region", "location"),
)
_TOLD_WHERE_KNOWN = (
    *("table", "granularity", "versioning", "arn", "last_status", "last_reason", "trouble", "limited", "why_not"),
)


@dataclass(frozen=True)
class Found:
    """`denied` are the permissions that are missing, and with them lists or executions that may not be seen."""

    exports: tuple[FoundExport, ...]
    denied: tuple[Denied, ...] = ()

    @property
    def usable(self) -> tuple[FoundExport, ...]:
        return tuple(each for each in self.exports if each.usable)

    @property
    def hidden(self) -> tuple[Denied, ...]:
        """Those of `denied` without which there may be more exports."""
        return tuple(error for error in self.denied if error.action != _EXECUTIONS)

    @property
    def only(self) -> FoundExport | None:
        """The usable one, when there is one and no list is hidden. Of several the user chooses."""
        return self.usable[0] if len(self.usable) == 1 and not self.hidden else None

    def named(self, name: str) -> FoundExport:
        """Raises NotFound for one that is gone."""
        found = next((each for each in self.exports if each.name == name), None)
        if found is None:
            names = ", ".join(each.name for each in self.exports) or "none"
            unseen = f" {self.hidden[0].action} is not allowed, so not all can be seen." if self.hidden else ""
            raise NotFound(
                f"AWS has no report or export {name!r}; it has {names}.{unseen}",
                next="Choose one of these, or make it again; the charges that were brought in stay.",
            )
        return found


def exports_found(
    session: Session, identity: Identity, *, now: datetime | None = None, tags_seen: bool | None = None
) -> Found:
    """All legacy reports and data exports, with their checklists. `tags_seen`: whether a tag had a value in the data.

    Raises AccessError; a permission that is missing hides only what it would show, and is told in `denied`.
    """
    region = billing_region(identity.partition)
    facts = _Facts(now or datetime.now(UTC), identity.pays, tags_seen)
    exports: list[FoundExport] = []
    denied: list[Denied] = []
    for listed in (_reports, _exports):
        try:
            exports += [replace(each, checklist=_checked(each, facts)) for each in listed(session, region, denied)]
        except Denied as error:
            denied.append(_missing(error))
    return Found(tuple(exports), tuple(denied))


def run_said(session: Session, arn: str, report: str = "") -> str:
    """How the newest run of an export ended, in words, or the last delivery of a legacy report, which has no ARN.

    Blank where AWS does not say. Raises AccessError.
    """
    if not arn:
        return _report_said(session, report)
    statuses = _run_statuses(session, billing_region(arn.split(":")[1]), arn, "the export")
    if not statuses:
        return "AWS has not run it yet."
    code, reason = statuses[-1].get("StatusCode", ""), statuses[-1].get("StatusReason", "")
    trouble = TROUBLES.get(reason) or TROUBLES.get(code, "")
    return f"AWS says of its last run: {', '.join(filter(None, (code, reason)))}. {trouble}".strip()


def _report_said(session: Session, name: str) -> str:
    region = billing_region(session.credentials.partition)
    found = next((each for each in _reports(session, region, []) if each.name == name), None)
    if found is None or not found.last_status:
        return ""
    return f"AWS says of its last delivery: {found.last_status}. {found.trouble}".strip()


def billing_region(partition: str) -> str:
    """The only region in which AWS's billing APIs answer, wherever bucket and session are."""
    return {"aws-cn": "cn-northwest-1"}.get(partition, "us-east-1")


def _missing(error: Denied) -> Denied:
    if error.reason != "missing-permission":
        raise error
    return error


# Legacy reports

_LEGACY_FORMATS = {"GZIP": ("csv", "gzip"), "ZIP": ("csv", "zip"), "Parquet": ("parquet", "snappy")}
_VERSIONINGS = {"OVERWRITE_REPORT": "overwrite", "CREATE_NEW_REPORT": "new version"}


def _reports(session: Session, region: str, denied: list[Denied]) -> list[FoundExport]:
    return [
        _report(each) for each in session.pages("cur", "DescribeReportDefinitions", "ReportDefinitions", region=region)
    ]


def _report(said: Mapping[str, Any]) -> FoundExport:
    format, compression = _LEGACY_FORMATS.get(said["Compression"], (said["Format"], said["Compression"]))
    more, status = said.get("AdditionalSchemaElements", ()), said.get("ReportStatus", {})
    view = said.get("BillingViewArn", "")
    return FoundExport(
        name=said["ReportName"],
        kind="legacy-cur",
        table="",
        granularity=said["TimeUnit"].lower(),
        format=format,
        compression=compression,
        resource_ids="RESOURCES" in more,
        split_cost="SPLIT_COST_ALLOCATION_DATA" in more,
        versioning=_VERSIONINGS.get(said.get("ReportVersioning", ""), ""),
        refreshes_closed=bool(said.get("RefreshClosedReports")),
        bucket=said["S3Bucket"],
        prefix=said.get("S3Prefix", "").strip("/"),
        region=said["S3Region"],
        last_delivery=_delivered(status.get("lastDelivery", "")),
        last_status=status.get("lastStatus", ""),
        limited=_of_view(view),
    )


def _delivered(text: str) -> datetime | None:
    """`20260520T041209Z`, or with an offset."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S%z").astimezone(UTC) if text else None


def _of_view(arn: str) -> str:
    """The primary view is the whole bill."""
    return "" if not arn or arn.endswith("/primary") else f"It shows the billing view {arn} alone."


# Data exports

_FORMATS = {"TEXT_OR_CSV": "csv", "PARQUET": "parquet"}
_COMPRESSIONS = {"GZIP": "gzip", "ZIP": "zip", "PARQUET": "snappy"}
_QUERY = re.compile(r"\s*SELECT\s(?P<columns>.+?)\sFROM\s+(?P<table>\w+)\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)


def _exports(session: Session, region: str, denied: list[Denied]) -> list[FoundExport]:
    listed = list(session.pages("bcm-data-exports", "ListExports", "Exports", region=region))
    found = (_export(session, region, each, denied) for each in listed)
    return [each for each in found if each]


def _export(session: Session, region: str, listed: Mapping[str, Any], denied: list[Denied]) -> FoundExport | None:
    """None for one that was removed since it was listed."""
    arn, what = listed["ExportArn"], f"the export {listed['ExportName']}"
    try:
        answer = session.ask("bcm-data-exports", "GetExport", region=region, what=what, ExportArn=arn)
    except NotFound:
        return None
    status = answer.get("ExportStatus", {})
    executions = _executions(session, region, arn, what, denied)
    last = executions[-1] if executions else {}
    delivered = [each["CompletedAt"] for each in executions if _is_delivery(each) and "CompletedAt" in each]
    return replace(
        _described(answer["Export"]),
        arn=arn,
        # AWS does not promise that a refresh was a delivery, so an execution that was one goes before.
        last_delivery=max(delivered, default=status.get("LastRefreshedAt")),
        last_status=last.get("StatusCode", ""),
        last_reason=last.get("StatusReason") or ("" if _is_delivery(last) else status.get("StatusReason", "")),
    )


def _executions(session: Session, region: str, arn: str, what: str, denied: list[Denied]) -> list[Mapping[str, Any]]:
    """Their statuses, the newest last: AWS promises no order. None at all where they may not be seen."""
    if any(error.action == _EXECUTIONS for error in denied):
        return []
    try:
        return _run_statuses(session, region, arn, what)
    except Denied as error:
        denied.append(_missing(error))
        return []


def _run_statuses(session: Session, region: str, arn: str, what: str) -> list[Mapping[str, Any]]:
    pages = session.pages("bcm-data-exports", "ListExecutions", "Executions", region=region, what=what, ExportArn=arn)
    statuses = [each["ExecutionStatus"] for each in pages]
    return sorted(statuses, key=lambda status: status.get("CreatedAt", _NEVER))


_NEVER = datetime.min.replace(tzinfo=UTC)


def _is_delivery(status: Mapping[str, Any]) -> bool:
    return status.get("StatusCode") == "DELIVERY_SUCCESS"


def _described(said: Mapping[str, Any]) -> FoundExport:
    query = said["DataQuery"]
    table, columns, rest = _parsed(query["QueryStatement"])
    settings = query.get("TableConfigurations", {}).get(table, {})
    target = said["DestinationConfigurations"]["S3Destination"]
    output = target["S3OutputConfigurations"]
    kind = _TABLES.get(table, "other")
    return FoundExport(
        name=said["Name"],
        kind=kind,
        table=table,
        granularity=settings.get("TIME_GRANULARITY", "").lower(),
        format=_FORMATS.get(output["Format"], output["Format"]),
        compression=_COMPRESSIONS.get(output["Compression"], output["Compression"]),
        # A query that selects them while they are off is refused by AWS.
        resource_ids=any(column in columns for column in _RESOURCE_COLUMNS),
        split_cost=settings.get("INCLUDE_SPLIT_COST_ALLOCATION_DATA") == "TRUE",
        versioning=_VERSIONINGS.get(output["Overwrite"], ""),
        # Data exports always do.
        refreshes_closed=True,
        bucket=target["S3Bucket"],
        prefix=target["S3Prefix"].strip("/"),
        region=target["S3Region"],
        limited=f"Its query ends with {rest}." if rest else _of_view(settings.get("BILLING_VIEW_ARN", "")),
        why_not=_why_not(kind, table, columns),
    )


def _parsed(statement: str) -> tuple[str, frozenset[str], str]:
    """Table, columns by the names that the query gives them, and what comes after: WHERE or LIMIT."""
    found = _QUERY.fullmatch(statement)
    if not found:
        return "", frozenset(), ""
    names = (part.split()[-1] for part in found["columns"].split(",") if part.strip())
    return found["table"].upper(), frozenset(names), " ".join(found["rest"].rstrip("; \n").split())


def _why_not(kind: Kind, table: str, columns: Iterable[str]) -> str:
    if kind == "other":
        held = f"the table {table}" if table else "a query that Outlay cannot read"
        return f"It holds {held}, which is no bill. Choose a CUR or FOCUS export."
    missing = [column for column in NEEDED[kind] if column not in columns]
    if missing:
        return f"Its query leaves out {', '.join(missing)}. Add them to the export, or make another."
    return ""


# The checklist


@dataclass(frozen=True)
class _Facts:
    now: datetime
    pays: bool | None
    tags_seen: bool | None


def _is_recent(export: FoundExport, facts: _Facts) -> bool | None:
    return None if export.last_delivery is None else facts.now - export.last_delivery <= RECENT


def _is_daily(export: FoundExport, facts: _Facts) -> bool | None:
    return export.granularity in ("hourly", "daily") if export.granularity else None


@dataclass(frozen=True)
class Point:
    code: str
    point: str
    otherwise: str
    holds: Callable[[FoundExport, _Facts], bool | None]


POINTS: tuple[Point, ...] = (
    Point("resource-ids", "Resource ids are on", "no cost by resource", lambda export, facts: export.resource_ids),
    Point("granularity", "Rows are by the hour or the day", "no daily view", _is_daily),
    Point(
        "tags",
        "Cost allocation tags are activated in the payer's account",
        "no costs by tag",
        lambda export, facts: facts.tags_seen,
    ),
    Point(
        "recent",
        "Delivered within the last 36 hours",
        "the costs are old; AWS delivers at least daily, and a new export's first file within 24 hours",
        _is_recent,
    ),
    Point(
        "closed-periods",
        "Closed months are refreshed",
        "refunds, credits and corrections after the month's end are missing",
        lambda export, facts: export.refreshes_closed,
    ),
    Point(
        "payer",
        "It is the paying account's own",
        "an export of a linked account holds the charges of that account alone",
        lambda export, facts: facts.pays,
    ),
    Point(
        "whole-bill",
        "It holds the whole bill",
        "the rows that its query or billing view leaves out are in no cost",
        lambda export, facts: not export.limited,
    ),
    Point(
        "versions",
        "Each delivery is kept in the bucket",
        "any versioning will do; where AWS overwrites, earlier deliveries exist only in the lake",
        lambda export, facts: export.versioning == "new version" if export.versioning else None,
    ),
)


def _checked(export: FoundExport, facts: _Facts) -> tuple[Check, ...]:
    return tuple(Check(each.code, each.point, each.holds(export, facts), each.otherwise) for each in POINTS)
