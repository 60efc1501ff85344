"""The Billing and Cost Management Data Exports API: exports, their executions, and the tables they query.

Sources: the AWS Billing API reference, the Data Exports user guide on queries and table configurations, and botocore's
model of the service.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID

from outlay.demo.data_export import cur2_columns
from outlay.demo.focus_columns import focus_columns
from tests.aws_standin.buckets import DATA_EXPORTS, lets_in, owner_of
from tests.aws_standin.json_api import Answer, JsonApi, Refused, page

PAGE = 100
FORMATS = {("TEXT_OR_CSV", "GZIP"), ("TEXT_OR_CSV", "ZIP"), ("PARQUET", "PARQUET")}
CUR2 = "COST_AND_USAGE_REPORT"
_YES_NO = ("TRUE", "FALSE")
_GRANULARITY = ("TIME_GRANULARITY", ("HOURLY", "DAILY", "MONTHLY"), "HOURLY")
# table: its properties, each with the values it can have and the one it has when nothing is said
PROPERTIES: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    CUR2: (
        _GRANULARITY,
        ("INCLUDE_RESOURCES", _YES_NO, "FALSE"),
        ("INCLUDE_SPLIT_COST_ALLOCATION_DATA", _YES_NO, "FALSE"),
        ("INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY", _YES_NO, "FALSE"),
        ("INCLUDE_CAPACITY_RESERVATION_DATA", _YES_NO, "FALSE"),
        ("BILLING_VIEW_ARN", (), ""),
    ),
    "FOCUS_1_0_AWS": (),
    "FOCUS_1_2_AWS": (_GRANULARITY,),
    "COST_OPTIMIZATION_RECOMMENDATIONS": (("INCLUDE_ALL_RECOMMENDATIONS", _YES_NO, "FALSE"),),
    "CARBON_EMISSIONS": (),
}
OTHER_COLUMNS = ("account_id", "region", "recommendation_id")
_TYPES = {"s": "string", "n": "double", "t": "timestamp_milliseconds", "m": "map", "d": "map"}
_QUERY = re.compile(
    r"\s*SELECT\s+(?P<columns>.+?)\s+FROM\s+(?P<table>\w+)\s*(?P<rest>(WHERE|LIMIT)\b.*)?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Query:
    """`columns` are the table's, by the names that the export gives them."""

    table: str
    columns: dict[str, str]
    rest: str = ""


def read_query(statement: str) -> Query:
    """Raises Refused for what Data Exports does not take."""
    found = _QUERY.fullmatch(statement)
    if not found or found["table"].upper() not in PROPERTIES:
        raise Refused("ValidationException", "The query statement is invalid, or its table is unknown")
    columns = dict(_named(part) for part in found["columns"].split(","))
    return Query(found["table"].upper(), columns, found["rest"] or "")


def _named(part: str) -> tuple[str, str]:
    column, _, name = re.sub(r"\s+AS\s+", " ", part.strip(), flags=re.IGNORECASE).partition(" ")
    return name.strip() or column, column


@dataclass
class Execution:
    id: str
    status: Answer

    def as_answer(self) -> Answer:
        return {"ExecutionId": self.id, "ExecutionStatus": self.status}


@dataclass
class Export:
    definition: Answer
    status: Answer
    executions: list[Execution] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.definition["Name"])

    @property
    def arn(self) -> str:
        return str(self.definition["ExportArn"])

    @property
    def destination(self) -> Answer:
        found: Answer = self.definition["DestinationConfigurations"]["S3Destination"]
        return found

    @property
    def settings(self) -> dict[str, str]:
        """What is set of the table's properties, and what the others have when nothing is said."""
        given = self.definition["DataQuery"].get("TableConfigurations", {})
        return _set(self.query.table, given.get(self.query.table, {}))

    @cached_property
    def query(self) -> Query:
        return read_query(self.definition["DataQuery"]["QueryStatement"])


class DataExportsApi(JsonApi):
    service = "bcm-data-exports"

    def __init__(self, now: Any) -> None:
        super().__init__()
        self._now = now
        # account: ARN: export
        self.exports: defaultdict[str, dict[str, Export]] = defaultdict(dict)

    def named(self, account: str, name: str) -> Export | None:
        return next((each for each in self.exports[account].values() if each.name == name), None)

    def list_exports(self, account: str, parameters: Answer) -> Answer:
        shown, more = page(list(self.exports[account].values()), parameters, PAGE)
        refs = [{"ExportArn": each.arn, "ExportName": each.name, "ExportStatus": each.status} for each in shown]
        return {"Exports": refs, **more}

    def get_export(self, account: str, parameters: Answer) -> Answer:
        export = self._export(account, parameters)
        return {"Export": export.definition, "ExportStatus": export.status}

    def create_export(self, account: str, parameters: Answer) -> Answer:
        definition = dict(parameters["Export"])
        if self.named(account, definition["Name"]):
            raise Refused("ValidationException", f"An export with the name {definition['Name']} already exists")
        export_id = _uuid(f"{account}/{definition['Name']}")
        arn = f"arn:aws:bcm-data-exports:us-east-1:{account}:export/{definition['Name']}-{export_id}"
        now: datetime = self._now()
        status = {"StatusCode": "HEALTHY", "CreatedAt": now, "LastUpdatedAt": now}
        self._save(account, Export(definition | {"ExportArn": arn}, status))
        return {"ExportArn": arn}

    def update_export(self, account: str, parameters: Answer) -> Answer:
        old = self._export(account, parameters)
        definition = parameters["Export"] | {"ExportArn": old.arn}
        if definition["Name"] != old.name:
            raise Refused("ValidationException", "The name of an export cannot be changed")
        self._save(account, Export(definition, old.status | {"LastUpdatedAt": self._now()}, old.executions))
        return {"ExportArn": old.arn}

    def delete_export(self, account: str, parameters: Answer) -> Answer:
        export = self._export(account, parameters)
        del self.exports[account][export.arn]
        return {"ExportArn": export.arn}

    def list_executions(self, account: str, parameters: Answer) -> Answer:
        shown, more = page(self._export(account, parameters).executions, parameters, PAGE)
        return {"Executions": [each.as_answer() for each in shown], **more}

    def get_execution(self, account: str, parameters: Answer) -> Answer:
        export = self._export(account, parameters)
        found = [each for each in export.executions if each.id == parameters["ExecutionId"]]
        if not found:
            raise _gone(parameters["ExecutionId"], "execution")
        return {"Export": export.definition, **found[0].as_answer()}

    def list_tables(self, account: str, parameters: Answer) -> Answer:
        shown, more = page(list(PROPERTIES), parameters, PAGE)
        return {"Tables": [{"TableName": name, "TableProperties": _properties(name)} for name in shown], **more}

    def get_table(self, account: str, parameters: Answer) -> Answer:
        name, given = parameters["TableName"], parameters.get("TableProperties", {})
        if name not in PROPERTIES:
            raise Refused("ValidationException", f"There is no table {name}")
        schema = [{"Name": column, "Type": _TYPES[kind]} for column, kind in columns_of(name, given).items()]
        return {"TableName": name, "TableProperties": _set(name, given), "Schema": schema}

    def executed(self, export: Export, code: str, reason: str = "", *, id: str = "") -> Execution:
        """Record an execution that ends now, and how the export is since."""
        now = self._now()
        status: Answer = {"StatusCode": code, "CreatedAt": now, "LastUpdatedAt": now, "CompletedAt": now}
        status |= {"StatusReason": reason} if reason else {}
        export.executions.append(Execution(id or _uuid(f"{export.arn}/{len(export.executions)}"), status))
        well = code == "DELIVERY_SUCCESS"
        export.status = {name: value for name, value in export.status.items() if name != "StatusReason"}
        export.status |= {"StatusCode": "HEALTHY" if well else "UNHEALTHY"}
        export.status |= {"LastRefreshedAt": now} if well else {"StatusReason": reason} if reason else {}
        return export.executions[-1]

    def _export(self, account: str, parameters: Answer) -> Export:
        found = self.exports[account].get(parameters["ExportArn"])
        if found is None:
            raise _gone(parameters["ExportArn"], "export")
        return found

    def _save(self, account: str, export: Export) -> None:
        _check_query(export)
        output = export.destination["S3OutputConfigurations"]
        if (output["Format"], output["Compression"]) not in FORMATS:
            raise Refused("ValidationException", "The format and the compression do not go together")
        bucket = export.destination["S3Bucket"]
        if not owner_of(bucket) or not lets_in(bucket, DATA_EXPORTS, account, export.arn):
            raise Refused("ValidationException", f"S3 bucket permission validation failed for {bucket}")
        self.exports[account][export.arn] = export


def _check_query(export: Export) -> None:
    given = export.definition["DataQuery"].get("TableConfigurations", {})
    if foreign := given.keys() - {export.query.table}:
        raise Refused("ValidationException", f"Table configurations of tables not queried: {sorted(foreign)}")
    known = columns_of(export.query.table, given.get(export.query.table, {}))
    # `product.region` takes a key out of a map.
    wrong = [column for column in export.query.columns.values() if column.partition(".")[0] not in known]
    if wrong:
        raise Refused("ValidationException", f"The table has no columns {', '.join(wrong)} with these configurations")


def columns_of(table: str, given: dict[str, str]) -> dict[str, str]:
    """The columns of a table with their kinds, with properties set as given. Raises Refused for wrong properties."""
    set_to = _set(table, given)
    if table.startswith("FOCUS_"):
        version = table.removeprefix("FOCUS_").removesuffix("_AWS").replace("_", ".")
        return {column.name: column.kind for column in focus_columns(version, aws=True)}
    if table != CUR2:
        return dict.fromkeys(OTHER_COLUMNS, "s")
    left_out = [
        prefix
        for prefix, setting in (
            ("line_item_resource_id", "INCLUDE_RESOURCES"),
            ("split_line_item_", "INCLUDE_SPLIT_COST_ALLOCATION_DATA"),
            ("capacity_reservation_", "INCLUDE_CAPACITY_RESERVATION_DATA"),
        )
        if set_to[setting] == "FALSE"
    ]
    return {name: kind for name, kind in cur2_columns().items() if not name.startswith(tuple(left_out))}


def _set(table: str, given: dict[str, str]) -> dict[str, str]:
    known = {name: (values, default) for name, values, default in PROPERTIES[table]}
    for name, value in given.items():
        values, _ = known.get(name, (("",), ""))
        if values and value not in values:
            raise Refused("ValidationException", f"{table} has no property {name} of {value!r}")
    return {name: default for name, (_, default) in known.items() if default} | given


def _properties(table: str) -> list[Answer]:
    return [
        {"Name": name, "ValidValues": list(values), "DefaultValue": default}
        for name, values, default in PROPERTIES[table]
    ]


def _gone(what: str, kind: str) -> Refused:
    return Refused("ResourceNotFoundException", f"No {kind} {what}", ResourceId=what, ResourceType=kind)


def _uuid(name: str) -> str:
    return str(UUID(bytes=sha256(name.encode()).digest()[:16], version=4))


def select(columns: Iterable[str], table: str) -> str:
    """The statement of a query."""
    return f"SELECT {', '.join(columns)} FROM {table}"
