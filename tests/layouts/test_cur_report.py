from __future__ import annotations

import json
from typing import Any

import pytest

from outlay.layouts import survey
from tests.layouts.bills import BILLS, CUR_COLUMNS, JUNE, MAY, Bill
from tests.layouts.shelf import Shelf, codes, names, wait_for_a_later_time

MONTH = "prefix/my cur/20260501-20260601"
MANIFEST = f"{MONTH}/my cur-Manifest.json"
LEGACY = [bill for bill in BILLS if bill.id.startswith("legacy")]
BY_ID = {bill.id: bill for bill in BILLS}


def manifest(shelf: Shelf, keys: object, path: str = MANIFEST, **others: Any) -> None:
    content = {"assemblyId": "assembly-1", "columns": CUR_COLUMNS, "reportKeys": keys, **others}
    shelf.put(path, json.dumps(content).encode())


def test_a_stale_part_of_the_delivery_before_is_not_read(shelf: Shelf) -> None:
    for part in ("1", "2", "3"):
        shelf.put(f"{MONTH}/my cur-0000{part}.csv.gz")
    manifest(shelf, [f"{MONTH}/my cur-0000{part}.csv.gz" for part in ("1", "2")])
    assert names(shelf.delivery("aws")) == [f"{MONTH}/my cur-00001.csv.gz", f"{MONTH}/my cur-00002.csv.gz"]


def test_a_file_named_twice_counts_once(shelf: Shelf) -> None:
    shelf.put(f"{MONTH}/1.csv.gz")
    manifest(shelf, [f"{MONTH}/1.csv.gz", f"elsewhere/{MONTH}/1.csv.gz"])
    assert names(shelf.delivery("aws")) == [f"{MONTH}/1.csv.gz"]


@pytest.mark.parametrize("bill", LEGACY, ids=lambda bill: bill.id)
@pytest.mark.parametrize("below", ["prefix", "prefix/my cur"])
def test_the_location_may_be_any_folder_above_the_report_or_its_own(shelf: Shelf, bill: Bill, below: str) -> None:
    written = bill.deliver(shelf, MAY)
    for export in (None, "my cur"):
        (candidate,) = survey("aws", shelf.bucket(export, below=below)).candidates
        assert [f"{below}/{path}" for path in names(candidate.load())] == written.data


@pytest.mark.parametrize("keys_begin", ["", "another/prefix/", "the bills/of ümit 50%/"])
def test_files_copied_to_another_prefix_are_found_by_the_end_of_their_keys(shelf: Shelf, keys_begin: str) -> None:
    shelf.put("copy/cur/20260501-20260601/a/1.csv.gz")
    shelf.put("copy/cur/20260401-20260501/a/1.csv.gz")
    manifest(shelf, [f"{keys_begin}cur/20260501-20260601/a/1.csv.gz"], "copy/cur/20260501-20260601/cur-Manifest.json")
    manifest(shelf, [f"{keys_begin}cur/20260401-20260501/a/1.csv.gz"], "copy/cur/20260401-20260501/cur-Manifest.json")
    april, may = (names(each.load()) for each in shelf.survey("aws").candidates)
    assert april == ["copy/cur/20260401-20260501/a/1.csv.gz"]
    assert may == ["copy/cur/20260501-20260601/a/1.csv.gz"]


def test_copies_of_the_manifest_in_assembly_folders_are_no_candidates(shelf: Shelf) -> None:
    for assembly in ("a", "b"):
        shelf.put(f"{MONTH}/{assembly}/1.csv.gz")
        manifest(shelf, [f"{MONTH}/{assembly}/1.csv.gz"], f"{MONTH}/{assembly}/my cur-Manifest.json")
    wait_for_a_later_time()
    manifest(shelf, [f"{MONTH}/a/1.csv.gz"], f"{MONTH}/a/my cur-Manifest.json")
    assert names(shelf.delivery("aws")) == [f"{MONTH}/a/1.csv.gz"], "the newest copy, as there is no other manifest"
    manifest(shelf, [f"{MONTH}/b/1.csv.gz"])
    wait_for_a_later_time()
    manifest(shelf, [f"{MONTH}/a/1.csv.gz"], f"{MONTH}/a/my cur-Manifest.json")
    assert names(shelf.delivery("aws")) == [f"{MONTH}/b/1.csv.gz"], "the manifest of the period, however old"


def test_the_id_tells_the_assembly_and_changes_with_the_manifest(shelf: Shelf) -> None:
    shelf.put(f"{MONTH}/1.csv.gz")
    manifest(shelf, [f"{MONTH}/1.csv.gz"])
    first = shelf.delivery("aws").id
    shelf.put(f"{MONTH}/1.csv.gz", b"other rows")
    assert shelf.delivery("aws").id == first, "an assembly is told by its manifest, which is written last"
    manifest(shelf, [f"{MONTH}/1.csv.gz"], account="123456789012")
    assert first.startswith("assembly-1-")
    assert shelf.delivery("aws").id != first


def test_each_missing_file_is_an_error_until_it_is_there(shelf: Shelf) -> None:
    shelf.put(f"{MONTH}/1.csv.gz")
    manifest(shelf, [f"{MONTH}/{part}.csv.gz" for part in (1, 2, 3)])
    (before,) = shelf.survey("aws").candidates
    rejected = before.load()
    assert [(each.code, each.file) for each in rejected.findings] == [
        ("file-missing", f"{MONTH}/2.csv.gz"),
        ("file-missing", f"{MONTH}/3.csv.gz"),
    ]
    assert not rejected.files
    shelf.put(f"{MONTH}/2.csv.gz")
    shelf.put(f"{MONTH}/3.csv.gz")
    (after,) = shelf.survey("aws").candidates
    assert before.fingerprint != after.fingerprint
    assert rejected.id != after.load().id
    assert not after.load().findings


def test_a_file_of_another_month_is_not_taken_for_one_of_this_month(shelf: Shelf) -> None:
    shelf.put("prefix/my cur/20260401-20260501/1.csv.gz")
    manifest(shelf, ["prefix/my cur/20260401-20260501/1.csv.gz"])
    (candidate,) = [each for each in shelf.survey("aws").candidates if each.period == MAY]
    assert codes(candidate.load()) == ["file-missing"]


@pytest.mark.parametrize("key", ["../secret.csv", "/etc/passwd", f"{MONTH}/../1.csv.gz", "a\0b", "a//b", "./a", "a\nb"])
def test_a_key_that_leaves_its_folder_is_an_error(folder_shelf: Shelf, key: str) -> None:
    folder_shelf.put(f"{MONTH}/1.csv.gz")
    manifest(folder_shelf, [key])
    delivery = folder_shelf.delivery("aws")
    assert [(each.code, each.column) for each in delivery.findings] == [("manifest-unsafe-path", "reportKeys")]
    assert not delivery.files


@pytest.mark.parametrize("keys", [None, "x.csv.gz", [1], [""], [None], {}])
def test_report_keys_that_are_no_list_of_texts_are_an_error(folder_shelf: Shelf, keys: object) -> None:
    manifest(folder_shelf, keys)
    assert codes(folder_shelf.delivery("aws")) == ["manifest-key-missing"]


def test_a_manifest_that_names_no_files_empties_nothing(shelf: Shelf) -> None:
    manifest(shelf, [])
    (finding,) = shelf.delivery("aws").findings
    assert (finding.code, finding.severity) == ("manifest-empty", "error")


def test_a_manifest_that_cannot_be_read_is_an_error(shelf: Shelf) -> None:
    shelf.put(MANIFEST, b"not JSON")
    assert codes(shelf.delivery("aws")) == ["manifest-invalid"]


def test_an_assembly_id_that_is_no_text_or_no_utf8_does_not_matter(folder_shelf: Shelf) -> None:
    folder_shelf.put(f"{MONTH}/1.csv.gz")
    for assembly in (None, 7, "\ud800"):
        manifest(folder_shelf, [f"{MONTH}/1.csv.gz"], assemblyId=assembly)
        assert names(folder_shelf.delivery("aws"))


@pytest.mark.parametrize("bill", LEGACY, ids=lambda bill: bill.id)
def test_a_replica_without_manifests_is_read_from_its_folder_and_told(shelf: Shelf, bill: Bill) -> None:
    shelf.remove(*bill.deliver(shelf, MAY, "2").manifests)
    wait_for_a_later_time()
    written = bill.deliver(shelf, MAY, "1")
    shelf.remove(*written.manifests)
    shelf.put(f"{MONTH}/my cur-create-table.sql")
    delivery = shelf.delivery("aws")
    assert names(delivery) == written.data
    assert [(each.code, each.severity) for each in delivery.findings] == [("manifest-missing", "warning")]


@pytest.mark.parametrize("bill", LEGACY, ids=lambda bill: bill.id)
def test_a_change_in_a_replica_is_seen_by_its_files(shelf: Shelf, bill: Bill) -> None:
    written = bill.deliver(shelf, MAY)
    shelf.remove(*written.manifests)
    (before,) = shelf.survey("aws").candidates
    shelf.put(written.data[0], b"other rows")
    (after,) = shelf.survey("aws").candidates
    assert before.fingerprint != after.fingerprint
    assert before.load().id != after.load().id


def test_the_newest_month_waits_for_its_manifest_when_other_months_have_one(shelf: Shelf) -> None:
    bill = BY_ID["legacy-gzip-versions"]
    bill.deliver(shelf, MAY)
    shelf.remove(*bill.deliver(shelf, JUNE).manifests)
    survey = shelf.survey("aws")
    assert [each.period for each in survey.candidates] == [MAY]
    assert [(each.code, each.severity) for each in survey.findings] == [("manifest-awaited", "warning")]


def test_an_older_month_that_lost_its_manifest_is_read_from_its_folder(shelf: Shelf) -> None:
    bill = BY_ID["legacy-gzip-versions"]
    shelf.remove(*bill.deliver(shelf, MAY).manifests)
    bill.deliver(shelf, JUNE)
    may, june = (each.load() for each in shelf.survey("aws").candidates)
    assert codes(may) == ["manifest-missing"]
    assert not codes(june)


def test_a_folder_of_other_than_one_month_is_told(shelf: Shelf) -> None:
    manifest(shelf, ["x.csv.gz"], "prefix/my cur/20260501-20260701/my cur-Manifest.json")
    assert codes(shelf.survey("aws")) == ["period-invalid"]


def test_parquet_that_lies_in_the_reports_own_folder_is_found(shelf: Shelf) -> None:
    path = "prefix/my cur/year=2026/month=5/my cur-00001.snappy.parquet"
    shelf.put(path)
    manifest(shelf, [path])
    assert names(shelf.delivery("aws")) == [path]
