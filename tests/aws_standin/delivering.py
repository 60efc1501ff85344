"""What AWS does several times a day: write a month of an export into its bucket, or fail to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from outlay.demo.data_export import write_aws_focus, write_cur2
from outlay.demo.files import Row
from outlay.demo.ledger import SPLIT_COST_OPERATIONS
from outlay.demo.legacy_cur import Compression, write_legacy_cur
from outlay.period import BillingPeriod
from tests.aws_standin.buckets import DATA_EXPORTS, LEGACY, lets_in, owner_of, upload
from tests.aws_standin.cur import report_arn
from tests.aws_standin.data_exports import CUR2, Export
from tests.aws_standin.focus_rows import focus_rows
from tests.aws_standin.granularity import in_intervals
from tests.aws_standin.standin import StandIn

_COMPRESSIONS: dict[str, Compression] = {"GZIP": "gzip", "ZIP": "zip", "Parquet": "parquet"}
# Of a table whose granularity cannot be chosen, as that of FOCUS 1.0.
ALWAYS = "HOURLY"
_VERSIONINGS: dict[str, Literal["new", "overwrite"]] = {"OVERWRITE_REPORT": "overwrite", "CREATE_NEW_REPORT": "new"}


class Refusal(Exception):
    """AWS did not deliver; the status says so, too."""


@dataclass(frozen=True)
class Delivered:
    """`keys` are those in the bucket, the manifest's last."""

    keys: list[str]
    execution_id: str = ""


def deliver(
    standin: StandIn, account: str, name: str, period: BillingPeriod, rows: Sequence[Row], *, parts: int = 1
) -> Delivered:
    """Write a month of the report or export of that name. Raises Refusal, as AWS fails when the bucket shuts it out."""
    found = standin.data_exports.named(account, name)
    if found:
        return _deliver_export(standin, account, found, period, rows, parts)
    return _deliver_report(standin, account, standin.cur.reports[account][name], period, rows, parts)


def fail(standin: StandIn, account: str, name: str, code: str, reason: str = "") -> str:
    """An execution that ends with that code and reason. Its id."""
    export = standin.data_exports.named(account, name)
    assert export, f"{account} has no export {name}"
    return standin.data_exports.executed(export, code, reason).id


def _deliver_report(
    standin: StandIn,
    account: str,
    definition: dict[str, Any],
    period: BillingPeriod,
    rows: Sequence[Row],
    parts: int,
) -> Delivered:
    name, bucket = definition["ReportName"], definition["S3Bucket"]
    allowed = lets_in(bucket, LEGACY, account, report_arn(account, name))
    status = ("SUCCESS" if allowed else "ERROR_PERMISSIONS") if owner_of(bucket) else "ERROR_NO_BUCKET"
    standin.cur.set_status(account, name, status, standin.now())
    if status != "SUCCESS":
        raise Refusal(f"{name} cannot be delivered: {status}")
    said = definition["AdditionalSchemaElements"]
    with tempfile.TemporaryDirectory() as folder:
        write_legacy_cur(
            Path(folder),
            _shown(
                in_intervals(rows, definition["TimeUnit"]),
                resources="RESOURCES" in said,
                split="SPLIT_COST_ALLOCATION_DATA" in said,
            ),
            report=name,
            prefix=definition["S3Prefix"],
            period=period,
            compression=_COMPRESSIONS[definition["Compression"]],
            versioning=_VERSIONINGS[definition["ReportVersioning"]],
            parts=parts,
            bucket=bucket,
        )
        return Delivered(upload(bucket, Path(folder)))


def _deliver_export(
    standin: StandIn, account: str, export: Export, period: BillingPeriod, rows: Sequence[Row], parts: int
) -> Delivered:
    api, bucket = standin.data_exports, export.destination["S3Bucket"]
    if not owner_of(bucket) or not lets_in(bucket, DATA_EXPORTS, account, export.arn):
        api.executed(export, "DELIVERY_FAILURE", "INSUFFICIENT_PERMISSION")
        raise Refusal(f"{export.name} cannot be delivered: INSUFFICIENT_PERMISSION")
    with tempfile.TemporaryDirectory() as folder:
        manifest = _write(Path(folder), export, period, rows, parts, standin.now())
        execution = json.loads(manifest.read_bytes())["executionId"]
        return Delivered(upload(bucket, Path(folder)), api.executed(export, "DELIVERY_SUCCESS", id=execution).id)


def _write(folder: Path, export: Export, period: BillingPeriod, rows: Sequence[Row], parts: int, at: datetime) -> Path:
    output = export.destination["S3OutputConfigurations"]
    how: dict[str, Any] = {
        "export": export.name,
        "prefix": export.destination["S3Prefix"],
        "period": period,
        "compression": "parquet" if output["Format"] == "PARQUET" else "gzip",
        "versioning": _VERSIONINGS[output["Overwrite"]],
        "parts": parts,
        "bucket": export.destination["S3Bucket"],
        "delivered": at,
        "columns": export.query.columns,
    }
    given = export.settings
    rows = in_intervals(rows, given.get("TIME_GRANULARITY", ALWAYS))
    split = given.get("INCLUDE_SPLIT_COST_ALLOCATION_DATA") == "TRUE"
    if export.query.table == CUR2:
        return write_cur2(folder, _shown(rows, resources=True, split=split), **how)
    return write_aws_focus(folder, focus_rows(rows), version="1.0" if "1_0" in export.query.table else "1.2", **how)


def _shown(rows: Iterable[Row], *, resources: bool, split: bool) -> list[Row]:
    """The rows and columns that the settings leave."""
    shown = [row for row in rows if split or row.get("line_item_operation") not in SPLIT_COST_OPERATIONS]
    if resources:
        return shown
    return [{name: value for name, value in row.items() if name != "line_item_resource_id"} for row in shown]
