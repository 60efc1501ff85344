"""Each way in which AWS writes a report: where its files lie, what its manifest says, and that no row is lost."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outlay.demo import (
    AWS_FOCUS,
    FERNWICK,
    LOFTLINE,
    NORDLICHT,
    aws_month,
    focus_month,
    write_aws_focus,
    write_cur2,
    write_focus_folder,
    write_legacy_cur,
)
from outlay.demo.cur_columns import athena_name
from outlay.demo.files import Row
from outlay.demo.focus_columns import focus_columns
from outlay.demo.ledger import number
from outlay.demo.legacy_cur import Compression, Versioning
from outlay.period import BillingPeriod
from tests.demo.reading import amount, export_rows, legacy_rows, manifest, records

MAY = BillingPeriod.parse("2024-05")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
RUN = r"2024-06-03T06:14:00\.000Z-" + UUID


@pytest.fixture(scope="module")
def legacy() -> list[Row]:
    return aws_month(FERNWICK, MAY)


@pytest.fixture(scope="module")
def cur2() -> list[Row]:
    return aws_month(LOFTLINE, MAY)


def _sum(rows: list[Row], column: str) -> Decimal:
    return sum((number(row, column) for row in rows), Decimal(0))


def _write_legacy(where: Path, rows: list[Row], **more: Any) -> Path:
    return write_legacy_cur(where, rows, report="daily", prefix="a/cur", period=MAY, **more)


LEGACY_PATHS = {
    ("gzip", "overwrite"): r"a/cur/daily/20240501-20240601/daily-0000\d\.csv\.gz",
    ("zip", "overwrite"): r"a/cur/daily/20240501-20240601/daily-0000\d\.csv\.zip",
    ("none", "overwrite"): r"a/cur/daily/20240501-20240601/daily-0000\d\.csv",
    ("parquet", "overwrite"): r"a/cur/daily/daily/year=2024/month=5/daily-0000\d\.snappy\.parquet",
    ("gzip", "new"): rf"a/cur/daily/20240501-20240601/{UUID}/daily-0000\d\.csv\.gz",
    ("zip", "new"): rf"a/cur/daily/20240501-20240601/{UUID}/daily-0000\d\.csv\.zip",
    ("none", "new"): rf"a/cur/daily/20240501-20240601/{UUID}/daily-0000\d\.csv",
    ("parquet", "new"): rf"a/cur/daily/20240501-20240601/{UUID}/daily-0000\d\.snappy\.parquet",
}


@pytest.mark.parametrize(("compression", "versioning"), LEGACY_PATHS, ids=lambda word: str(word))
def test_a_legacy_report_lies_where_aws_puts_it_and_keeps_each_row(
    tmp_path: Path, legacy: list[Row], compression: Compression, versioning: Versioning
) -> None:
    path = _write_legacy(tmp_path, legacy, compression=compression, versioning=versioning, parts=2)
    said = manifest(path)
    assert path == tmp_path / "a/cur/daily/20240501-20240601/daily-Manifest.json"
    assert len(said["reportKeys"]) == 2
    for key in said["reportKeys"]:
        assert re.fullmatch(LEGACY_PATHS[compression, versioning], key)
    if versioning == "new":
        copy = tmp_path / "a/cur/daily/20240501-20240601" / said["assemblyId"] / "daily-Manifest.json"
        assert copy.read_bytes() == path.read_bytes()
    rows = legacy_rows(tmp_path, path)
    cost = "line_item_unblended_cost" if compression == "parquet" else "lineItem/UnblendedCost"
    assert len(rows) == len(legacy)
    assert sum(amount(row[cost]) for row in rows) == _sum(legacy, "line_item_unblended_cost")


def test_a_legacy_manifest_names_the_period_and_the_columns_of_the_files(tmp_path: Path, legacy: list[Row]) -> None:
    path = _write_legacy(tmp_path, legacy, bucket="billing")
    said = manifest(path)
    assert said["billingPeriod"] == {"start": "20240501T000000.000Z", "end": "20240601T000000.000Z"}
    assert (said["bucket"], said["account"], said["reportName"]) == ("billing", "041700259318", "daily")
    assert (said["compression"], said["contentType"]) == ("GZIP", "text/csv")
    headers = [f"{column['category']}/{column['name']}" for column in said["columns"]]
    assert headers == list(legacy_rows(tmp_path, path)[0])
    assert {"reservation/ReservationARN", "resourceTags/user:Team", "costCategory/Product"} <= set(headers)
    assert "lineItem/NetUnblendedCost" not in headers


def test_a_second_delivery_gets_a_folder_of_its_own_and_the_manifest_names_it(
    tmp_path: Path, legacy: list[Row]
) -> None:
    first = manifest(_write_legacy(tmp_path, legacy[:500]))
    path = _write_legacy(tmp_path, legacy)
    second = manifest(path)
    assert first["assemblyId"] != second["assemblyId"]
    assert all((tmp_path / key).exists() for key in first["reportKeys"] + second["reportKeys"])
    assert len(legacy_rows(tmp_path, path)) == len(legacy)


def test_an_overwritten_report_with_fewer_parts_leaves_a_stale_one_that_the_manifest_does_not_name(
    tmp_path: Path, legacy: list[Row]
) -> None:
    _write_legacy(tmp_path, legacy, versioning="overwrite", parts=3)
    path = _write_legacy(tmp_path, legacy, versioning="overwrite", parts=2)
    assert (tmp_path / "a/cur/daily/20240501-20240601/daily-00003.csv.gz").exists()
    assert len(legacy_rows(tmp_path, path)) == len(legacy)


def test_tiny_amounts_of_a_legacy_csv_have_an_exponent_as_aws_prints_them(tmp_path: Path) -> None:
    row = aws_month(FERNWICK, MAY)[0] | {"line_item_unblended_cost": Decimal("0.0000004")}
    (found,) = legacy_rows(tmp_path, _write_legacy(tmp_path, [row]))
    assert found["lineItem/UnblendedCost"] == "4E-7"


def test_a_legacy_parquet_has_the_names_of_athena_and_tag_keys_that_differ_in_case_fall_together(
    tmp_path: Path, legacy: list[Row]
) -> None:
    one = legacy[0] | {"resource_tags": {"user:Environment": "prod"}}
    two = legacy[1] | {"resource_tags": {"user:environment": "dev"}}
    path = _write_legacy(tmp_path, [one, two, *legacy], compression="parquet", versioning="overwrite")
    file = tmp_path / manifest(path)["reportKeys"][0]
    schema = pq.read_schema(file)
    traps = {"reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n", "resource_tags_user_team"}
    assert traps | {"resource_tags_user_cost_center", "resource_tags_aws_created_by"} <= set(schema.names)
    assert schema.field("line_item_unblended_cost").type == pa.float64()
    assert schema.field("line_item_usage_start_date").type == pa.timestamp("ms", tz="UTC")
    assert [row["resource_tags_user_environment"] for row in records(file)[:2]] == ["prod", "dev"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("lineItem/UnblendedCost", "line_item_unblended_cost"),
        ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
        ("product/maxIopsvolume", "product_max_iopsvolume"),
        ("product/ProductName", "product_product_name"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n"),
        ("resourceTags/aws:autoscaling:groupName", "resource_tags_aws_autoscaling_group_name"),
    ],
)
def test_legacy_headers_become_the_names_that_athena_shows(header: str, name: str) -> None:
    assert athena_name(header) == name


@pytest.mark.parametrize("compression", ["gzip", "parquet"])
@pytest.mark.parametrize("versioning", ["overwrite", "new"])
def test_a_cur2_export_lies_where_aws_puts_it_and_keeps_each_row(
    tmp_path: Path, cur2: list[Row], compression: Literal["gzip", "parquet"], versioning: Versioning
) -> None:
    path = write_cur2(
        *(tmp_path, cur2),
        export="mine",
        prefix="x",
        period=MAY,
        compression=compression,
        versioning=versioning,
        parts=2,
    )
    said = manifest(path)
    run = f"{RUN}/" if versioning == "new" else ""
    ending = r"csv\.gz" if compression == "gzip" else r"snappy\.parquet"
    assert path == tmp_path / "x/mine/metadata/BILLING_PERIOD=2024-05/mine-Manifest.json"
    assert len(said["dataFiles"]) == 2
    for uri in said["dataFiles"]:
        assert re.fullmatch(rf"s3://sample-bucket/x/mine/data/BILLING_PERIOD=2024-05/{run}mine-0000\d\.{ending}", uri)
        assert versioning == "overwrite" or said["executionId"] in uri
    rows = export_rows(tmp_path, path)
    assert len(rows) == len(cur2)
    assert sum(amount(row["line_item_net_unblended_cost"]) for row in rows) == _sum(
        cur2, "line_item_net_unblended_cost"
    )
    assert [column["name"] for column in said["columns"]] == list(rows[0])


def test_the_maps_of_a_cur2_export_are_maps_in_parquet_and_json_objects_in_csv(tmp_path: Path, cur2: list[Row]) -> None:
    where = {"export": "mine", "prefix": "x", "period": MAY}
    parquet = export_rows(tmp_path / "p", write_cur2(tmp_path / "p", cur2, **where))  # type: ignore[arg-type]
    texts = export_rows(tmp_path / "c", write_cur2(tmp_path / "c", cur2, **where, compression="gzip"))  # type: ignore[arg-type]
    schema = pq.read_schema(next((tmp_path / "p").rglob("*.parquet")))
    assert schema.field("resource_tags").type == pa.map_(pa.string(), pa.string())
    assert schema.field("discount").type == pa.map_(pa.string(), pa.float64())
    assert parquet[0]["resource_tags"] == json.loads(texts[0]["resource_tags"])
    assert parquet[0]["resource_tags"]["user_team"] == "maps"
    assert parquet[0]["product"]["product_name"] == "Amazon Elastic Compute Cloud"
    assert parquet[0]["product_instance_type"] == "m6i.large"
    assert any(row["discount"].get("edp_discount") for row in parquet)


@pytest.mark.parametrize(("version", "columns"), [("1.0", 48), ("1.2", 60)])
@pytest.mark.parametrize("compression", ["gzip", "parquet"])
@pytest.mark.parametrize("versioning", ["overwrite", "new"])
def test_an_aws_focus_export_has_the_columns_of_its_version_and_keeps_each_row(
    tmp_path: Path,
    version: Literal["1.0", "1.2"],
    columns: int,
    compression: Literal["gzip", "parquet"],
    versioning: Versioning,
) -> None:
    charges = focus_month(AWS_FOCUS, MAY)
    path = write_aws_focus(
        *(tmp_path, charges),
        export="focus",
        prefix="x",
        period=MAY,
        version=version,
        compression=compression,
        versioning=versioning,
    )
    rows = export_rows(tmp_path, path)
    run = f"{RUN}/" if versioning == "new" else ""
    assert re.match(
        rf"s3://sample-bucket/x/focus/data/billing_period=2024-05/{run}focus-", manifest(path)["dataFiles"][0]
    )
    assert len(manifest(path)["columns"]) == len(rows[0]) == columns
    assert sum(amount(row["BilledCost"]) for row in rows) == _sum(charges, "BilledCost")
    assert ("x_UsageType" in rows[0]) == (version == "1.0")


def test_focus_has_as_many_columns_as_its_versions_say() -> None:
    assert [len(focus_columns(version)) for version in ("1.0", "1.2")] == [43, 57]


@pytest.mark.parametrize("provider", [NORDLICHT, AWS_FOCUS], ids=lambda provider: provider.name)
def test_a_focus_month_keeps_the_arithmetic_of_the_specification(tmp_path: Path, provider: Any) -> None:
    (file,) = write_focus_folder(tmp_path, focus_month(provider, MAY), name="charges", period=MAY)
    rows = records(file)
    assert file == tmp_path / "2024-05/charges-0001.csv.gz"
    assert sum(amount(row["BilledCost"]) for row in rows) == sum(amount(row["EffectiveCost"]) for row in rows)
    assert {row["CommitmentDiscountStatus"] for row in rows} == {"", "Used", "Unused"}
    for row in rows:
        for kind in ("List", "Contracted"):
            if row["PricingQuantity"] and row["CommitmentDiscountStatus"] != "Unused":
                product = amount(row[f"{kind}UnitPrice"]) * amount(row["PricingQuantity"])
                assert product == amount(row[f"{kind}Cost"])
        assert bool(row["ConsumedQuantity"]) <= (row["ChargeCategory"] == "Usage")
        assert not (row["ChargeCategory"] == "Purchase" and row["ChargeFrequency"] == "Usage-Based")
    assert sum(amount(row["BilledCost"]) for row in rows if row["ChargeCategory"] == "Tax") > 0
