from __future__ import annotations

import json
from typing import Any

import pytest

from outlay.layouts import Delivery, survey
from tests.layouts.bills import BILLS, CUR2_COLUMNS, FOCUS_COLUMNS, JUNE, MAY, Bill
from tests.layouts.shelf import Shelf, codes, names, wait_for_a_later_time

HOME = "prefix/my export"
DATA = f"{HOME}/data/BILLING_PERIOD=2026-05/1.csv.gz"
MANIFEST = f"{HOME}/metadata/BILLING_PERIOD=2026-05/my export-Manifest.json"
EXPORTS = [bill for bill in BILLS if bill.id.startswith(("cur2", "focus-export"))]
ON_AWS = [bill for bill in EXPORTS if bill.kind == "aws"]
BY_ID = {bill.id: bill for bill in BILLS}


def manifest(shelf: Shelf, *, at: str = MANIFEST, **content: Any) -> None:
    shelf.put(at, json.dumps(content).encode())


def delivery_of(shelf: Shelf, kind: str = "aws", **content: Any) -> Delivery:
    shelf.put(DATA)
    manifest(shelf, **({"dataFiles": [f"s3://bucket/{DATA}"]} | content))
    return shelf.delivery(kind)


@pytest.mark.parametrize("key", ["dataFiles", "reportKeys"])
@pytest.mark.parametrize("begin", ["s3://some-bucket/", "s3://some-bucket/another/prefix/", "", "another/prefix/"])
def test_files_are_named_as_addresses_or_as_keys(shelf: Shelf, key: str, begin: str) -> None:
    shelf.put(DATA)
    content: dict[str, Any] = {"columns": CUR2_COLUMNS, key: [f"{begin}{DATA}"]}
    manifest(shelf, **content)
    assert names(shelf.delivery("aws")) == [DATA]


@pytest.mark.parametrize("bill", EXPORTS, ids=lambda bill: bill.id)
@pytest.mark.parametrize("below", ["prefix", "prefix/my export"])
def test_the_location_may_be_any_folder_above_the_export_or_its_own(shelf: Shelf, bill: Bill, below: str) -> None:
    written = bill.deliver(shelf, MAY)
    for export in (None, "my export"):
        (candidate,) = survey(bill.kind, shelf.bucket(export, below=below)).candidates
        assert [f"{below}/{path}" for path in names(candidate.load())] == written.data


@pytest.mark.parametrize(
    ("content", "format"),
    [
        ({"columns": CUR2_COLUMNS}, "cur"),
        ({"columns": ["line_item_usage_amount"]}, "cur"),
        ({"columns": FOCUS_COLUMNS}, "focus"),
        ({"columns": ["billedcost", "chargeperiodstart"]}, "focus"),
        ({"queryStatement": "SELECT * FROM COST_AND_USAGE_REPORT"}, "cur"),
        ({"export": {"dataQuery": {"tableConfigurations": {"FOCUS_1_2_AWS": {}}}}}, "focus"),
        ({"columns": [], "query": "select * from focus_1_0_aws"}, "focus"),
    ],
    ids=repr,
)
def test_the_manifest_tells_the_format(folder_shelf: Shelf, content: dict[str, Any], format: str) -> None:
    delivery = delivery_of(folder_shelf, **content)
    assert delivery.format == format
    assert not delivery.findings


@pytest.mark.parametrize(
    ("columns", "format"),
    [({"BilledCost", "ChargePeriodStart", "Tags"}, "focus"), ({"line_item_unblended_cost"}, "cur")],
)
def test_a_files_columns_tell_the_format_when_the_manifest_does_not(
    folder_shelf: Shelf, columns: set[str], format: str
) -> None:
    folder_shelf.put(DATA)
    manifest(folder_shelf, dataFiles=[DATA])
    bucket = folder_shelf.bucket(columns_of=lambda file: frozenset(columns))
    (candidate,) = survey("aws", bucket).candidates
    assert candidate.load().format == format


def test_the_name_of_an_export_tells_no_format(folder_shelf: Shelf) -> None:
    arn = "arn:aws:bcm-data-exports:us-east-1:123456789012:export/FOCUS_1_0_AWS-1"
    assert codes(delivery_of(folder_shelf, exportArn=arn)) == ["export-format-unknown"]


def test_an_export_of_neither_format_is_an_error(shelf: Shelf) -> None:
    delivery = delivery_of(shelf, columns=[{"name": "recommendation_id"}, "x", 7])
    assert [(each.code, each.severity) for each in delivery.findings] == [("export-format-unknown", "error")]
    assert not delivery.files


def test_a_cur_export_on_a_connection_for_focus_is_an_error(shelf: Shelf) -> None:
    delivery = delivery_of(shelf, "focus", columns=CUR2_COLUMNS)
    assert codes(delivery) == ["export-not-focus"]
    assert not delivery.files


def test_a_stale_part_of_the_delivery_before_is_not_read(shelf: Shelf) -> None:
    shelf.put(DATA.replace("1.csv", "2.csv"))
    assert names(delivery_of(shelf, columns=CUR2_COLUMNS)) == [DATA]


@pytest.mark.parametrize("change", ["data", "manifest"])
def test_a_change_of_data_or_manifest_is_another_delivery(shelf: Shelf, change: str) -> None:
    before = delivery_of(shelf, columns=CUR2_COLUMNS)
    (first,) = shelf.survey("aws").candidates
    if change == "data":
        shelf.put(DATA, b"other rows")
    else:
        manifest(shelf, columns=CUR2_COLUMNS, dataFiles=[DATA], executionId="2")
    (second,) = shelf.survey("aws").candidates
    assert first.fingerprint != second.fingerprint
    assert before.id != second.load().id


def test_a_missing_file_is_an_error_until_it_is_there(shelf: Shelf) -> None:
    other = DATA.replace("1.csv", "2.csv")
    rejected = delivery_of(shelf, columns=CUR2_COLUMNS, dataFiles=[DATA, other])
    assert [(each.code, each.file) for each in rejected.findings] == [("file-missing", other)]
    shelf.put(other)
    assert names(shelf.delivery("aws")) == [DATA, other]


@pytest.mark.parametrize("files", [["s3://bucket/../x"], ["s3://bucket//x"], ["/x"], ["file:///etc/passwd"]])
def test_a_file_that_leaves_its_folder_is_an_error(folder_shelf: Shelf, files: list[str]) -> None:
    assert codes(delivery_of(folder_shelf, columns=CUR2_COLUMNS, dataFiles=files)) == ["manifest-unsafe-path"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([], "manifest-empty"),
        (None, "manifest-key-missing"),
        ("x", "manifest-key-missing"),
        ([{}], "manifest-key-missing"),
    ],
)
def test_a_manifest_without_files_empties_nothing(folder_shelf: Shelf, files: object, code: str) -> None:
    delivery = delivery_of(folder_shelf, columns=CUR2_COLUMNS, dataFiles=files)
    assert [(each.code, each.severity) for each in delivery.findings] == [(code, "error")]


def test_the_manifest_of_the_period_is_taken_before_those_of_its_executions(shelf: Shelf) -> None:
    old, new = (f"{HOME}/data/BILLING_PERIOD=2026-05/run-{run}/1.csv.gz" for run in "12")
    for path in (old, new):
        shelf.put(path)
    manifest(shelf, columns=CUR2_COLUMNS, dataFiles=[new])
    inner = f"{HOME}/metadata/BILLING_PERIOD=2026-05/run-1/my export-Manifest.json"
    wait_for_a_later_time()
    manifest(shelf, at=inner, columns=CUR2_COLUMNS, dataFiles=[old])
    assert names(shelf.delivery("aws")) == [new]


@pytest.mark.parametrize("bill", ON_AWS, ids=lambda bill: bill.id)
def test_a_replica_without_manifests_is_read_from_its_newest_folder_and_told(shelf: Shelf, bill: Bill) -> None:
    columns = {"cur": {"line_item_unblended_cost"}, "focus": {"BilledCost", "ChargePeriodStart"}}[bill.format]
    shelf.remove(*bill.deliver(shelf, MAY, "2").manifests)
    wait_for_a_later_time()
    written = bill.deliver(shelf, MAY, "1")
    shelf.remove(*written.manifests)
    (candidate,) = survey("aws", shelf.bucket(columns_of=lambda file: frozenset(columns))).candidates
    delivery = candidate.load()
    assert names(delivery) == written.data
    assert delivery.format == bill.format
    assert codes(delivery) == ["manifest-missing"]


def test_executions_without_manifests_are_not_added_up_on_a_connection_for_focus(shelf: Shelf) -> None:
    bill = BY_ID["focus-export-as-focus"]
    shelf.remove(*bill.deliver(shelf, MAY, "2").manifests)
    wait_for_a_later_time()
    written = bill.deliver(shelf, MAY, "1")
    shelf.remove(*written.manifests)
    delivery = shelf.delivery("focus")
    assert names(delivery) == written.data
    assert codes(delivery) == ["manifest-missing"]


def test_the_newest_month_waits_for_its_manifest_when_other_months_have_one(shelf: Shelf) -> None:
    bill = BY_ID["cur2-parquet-overwritten"]
    bill.deliver(shelf, MAY)
    shelf.remove(*bill.deliver(shelf, JUNE).manifests)
    survey = shelf.survey("aws")
    assert [each.period for each in survey.candidates] == [MAY]
    assert codes(survey) == ["manifest-awaited"]
