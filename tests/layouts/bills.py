"""Each way in which a bill can lie in a bucket, as a row of a table that the behaviour suite walks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outlay.layouts.base import FormatName
from outlay.period import BillingPeriod
from outlay.storage import StoredFile
from tests.layouts.shelf import PeriodsOf, Shelf, no_periods

MAY = BillingPeriod(2026, 5)
JUNE = BillingPeriod(2026, 6)

CUR_COLUMNS = [{"category": "lineItem", "name": "UnblendedCost"}]
CUR2_COLUMNS = [{"name": "line_item_unblended_cost", "type": "double"}]
FOCUS_COLUMNS = [{"name": "BilledCost", "type": "double"}, {"name": "ChargePeriodStart", "type": "timestamp"}]


@dataclass(frozen=True)
class Written:
    """One delivery as the source writes it: data first, manifests last, the current one at the very end."""

    data: list[str]
    manifests: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Bill:
    id: str
    kind: str
    format: FormatName
    write: Callable[[BillingPeriod, str], Written]
    periods_of: PeriodsOf = no_periods

    def deliver(self, shelf: Shelf, period: BillingPeriod, version: str = "1") -> Written:
        written = self.write(period, version)
        for path in written.data:
            shelf.put(path, f"{path} {version}".encode())
        for path, content in written.manifests.items():
            shelf.put(path, json.dumps(content).encode())
        return written


def anycost(period: BillingPeriod, version: str) -> Written:
    drop = f"2026052{version}T000000Z"
    data = [f"{period.id}/{drop}/part-{n}.csv.gz" for n in (1, 2)]
    return Written(data, {f"{period.id}/manifest.json": {"version": "1.3.0", "current_drop_id": drop}})


def stream(period: BillingPeriod, version: str) -> Written:
    data = [f"{period.id}/parts/body-{version}-{n}.csv.gz" for n in (1, 2)]
    parts = [{"name": path.rpartition("/")[2], "rows": 1, "hours": "0"} for path in data]
    month = {"version": 1, "drop_id": "20260519T154516Z", "number": int(version), "parts": parts, "keys": {}}
    return Written(data, {f"{period.id}/stream.json": month})


def legacy(ending: str, *, versions: bool) -> Callable[[BillingPeriod, str], Written]:
    def write(period: BillingPeriod, version: str) -> Written:
        assembly = f"assembly-{version}"
        folder = f"prefix/my cur/{period.id}"
        inner = f"{folder}/{assembly}" if versions else folder
        return _legacy(folder, inner, [f"{inner}/my cur-0000{n}{ending}" for n in (1, 2)], assembly)

    return write


def legacy_parquet(period: BillingPeriod, version: str) -> Written:
    home = f"prefix/my cur/my cur/year={period.year}/month={period.month_number}"
    folder = f"prefix/my cur/{period.id}"
    return _legacy(folder, folder, [f"{home}/my cur-0000{n}.snappy.parquet" for n in (1, 2)], f"assembly-{version}")


def _legacy(folder: str, inner: str, data: list[str], assembly: str) -> Written:
    content = {
        "assemblyId": assembly,
        "columns": CUR_COLUMNS,
        "reportKeys": [f"the bills/of ümit 50%/{path}" for path in data],
    }
    paths = dict.fromkeys([f"{inner}/my cur-Manifest.json", f"{folder}/my cur-Manifest.json"])
    return Written(data, dict.fromkeys(paths, content))


def export(
    columns: list[dict[str, str]], ending: str, *, versions: bool, partition: str = "BILLING_PERIOD"
) -> Callable[[BillingPeriod, str], Written]:
    def write(period: BillingPeriod, version: str) -> Written:
        month = f"{partition}={period.month}"
        run = f"{month}/2026-06-0{version}T06:14:00.000Z-execution" if versions else month
        data = [f"prefix/my export/data/{run}/my export-0000{n}{ending}" for n in (1, 2)]
        manifest = f"prefix/my export/metadata/{month}/my export-Manifest.json"
        files = [f"s3://some-bucket/the bills/of ümit 50%/{path}" for path in data]
        # The execution tells an overwritten delivery from the one before.
        return Written(data, {manifest: {"executionId": version, "columns": columns, "dataFiles": files}})

    return write


def monthly(folder: Callable[[BillingPeriod], str], ending: str = ".csv.gz") -> Callable[[BillingPeriod, str], Written]:
    def write(period: BillingPeriod, version: str) -> Written:
        return Written([f"{folder(period)}/bill-{n}{ending}" for n in (1, 2)], {})

    return write


def loose(period: BillingPeriod, version: str) -> Written:
    return Written([f"any/bill of {period.month} {n}.csv" for n in (1, 2)], {})


def periods_by_name(file: StoredFile) -> frozenset[BillingPeriod]:
    """Stands for the reading of rows: the months are in the file's name."""
    return frozenset(BillingPeriod.parse(month) for month in re.findall(r"\d{4}-\d{2}", file.name))


ONLY_FOCUS = export(FOCUS_COLUMNS, ".snappy.parquet", versions=True, partition="billing_period")

BILLS = (
    Bill("anycost", "anycost", "cbf", anycost),
    Bill("stream", "stream", "cbf", stream),
    Bill("legacy-gzip-overwritten", "aws", "cur", legacy(".csv.gz", versions=False)),
    Bill("legacy-gzip-versions", "aws", "cur", legacy(".csv.gz", versions=True)),
    Bill("legacy-zip-overwritten", "aws", "cur", legacy(".csv.zip", versions=False)),
    Bill("legacy-zip-versions", "aws", "cur", legacy(".csv.zip", versions=True)),
    Bill("legacy-plain-overwritten", "aws", "cur", legacy(".csv", versions=False)),
    Bill("legacy-parquet", "aws", "cur", legacy_parquet),
    Bill("legacy-parquet-versions", "aws", "cur", legacy(".snappy.parquet", versions=True)),
    Bill("cur2-gzip-overwritten", "aws", "cur", export(CUR2_COLUMNS, ".csv.gz", versions=False)),
    Bill("cur2-gzip-versions", "aws", "cur", export(CUR2_COLUMNS, ".csv.gz", versions=True)),
    Bill("cur2-parquet-overwritten", "aws", "cur", export(CUR2_COLUMNS, ".snappy.parquet", versions=False)),
    Bill("cur2-parquet-versions", "aws", "cur", export(CUR2_COLUMNS, ".snappy.parquet", versions=True)),
    Bill("focus-export-gzip-overwritten", "aws", "focus", export(FOCUS_COLUMNS, ".csv.gz", versions=False)),
    Bill("focus-export-parquet-versions", "aws", "focus", ONLY_FOCUS),
    Bill("focus-export-as-focus", "focus", "focus", ONLY_FOCUS),
    Bill("focus-2026-05", "focus", "focus", monthly(lambda period: period.month)),
    Bill("focus-2026-5", "focus", "focus", monthly(lambda period: f"{period.year}-{period.month_number}", ".csv")),
    Bill("focus-id", "focus", "focus", monthly(lambda period: f"deep/er/{period.id}", ".parquet")),
    Bill("focus-partition", "focus", "focus", monthly(lambda period: f"BILLING_PERIOD={period.month}")),
    Bill(
        "focus-year-month",
        "focus",
        "focus",
        monthly(lambda period: f"x/year={period.year}/month={period.month_number}", ".snappy.parquet"),
    ),
    Bill("focus-loose", "focus", "focus", loose, periods_by_name),
)
