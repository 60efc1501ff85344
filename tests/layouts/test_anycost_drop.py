from __future__ import annotations

import json

import pytest

from outlay.layouts import Delivery
from tests.layouts.shelf import Shelf, codes, names, wait_for_a_later_time

MONTH = "20260501-20260601"
MANIFEST = f"{MONTH}/manifest.json"


def drop(shelf: Shelf, name: str, *files: str) -> None:
    for file in files or ("data-0001.csv.gz",):
        shelf.put(f"{MONTH}/{name}/{file}")


def point_to(shelf: Shelf, drop: object, version: object = "1.3.0") -> None:
    shelf.put(MANIFEST, json.dumps({"version": version, "current_drop_id": drop}).encode())


def delivery_of(shelf: Shelf, manifest: bytes) -> Delivery:
    drop(shelf, "a")
    shelf.put(MANIFEST, manifest)
    return shelf.delivery("anycost")


def test_only_the_drop_that_the_manifest_names_is_read(shelf: Shelf) -> None:
    drop(shelf, "20260514T100216Z", "data-0001.csv.gz", "data-0002.csv.gz")
    drop(shelf, "20260517T171218Z")
    point_to(shelf, "20260517T171218Z")
    assert names(shelf.delivery("anycost")) == [f"{MONTH}/20260517T171218Z/data-0001.csv.gz"]


def test_only_a_change_of_the_manifest_is_a_signal(shelf: Shelf) -> None:
    drop(shelf, "a")
    point_to(shelf, "a")
    (before,) = shelf.survey("anycost").candidates
    drop(shelf, "b")
    shelf.put(f"{MONTH}/a/data-0001.csv.gz", b"other rows")
    drop(shelf, "a", "data-0002.csv.gz")
    (after,) = shelf.survey("anycost").candidates
    assert before.fingerprint == after.fingerprint
    assert before.load().id == after.load().id


def test_a_manifest_rewritten_with_the_same_content_is_a_signal(shelf: Shelf) -> None:
    drop(shelf, "a")
    point_to(shelf, "a")
    (before,) = shelf.survey("anycost").candidates
    old = before.load()
    wait_for_a_later_time()
    point_to(shelf, "a")
    (after,) = shelf.survey("anycost").candidates
    assert before.fingerprint != after.fingerprint
    assert old.id != after.load().id


def test_pointing_the_manifest_back_is_a_delivery_of_its_own(shelf: Shelf) -> None:
    drop(shelf, "a")
    drop(shelf, "b")
    ids = []
    for name in ("a", "b", "a"):
        point_to(shelf, name)
        delivery = shelf.delivery("anycost")
        assert names(delivery) == [f"{MONTH}/{name}/data-0001.csv.gz"]
        assert delivery.id.startswith(f"{name}-")
        ids.append(delivery.id)
        wait_for_a_later_time()
    assert len(set(ids)) == 3


def test_an_empty_drop_folder_is_a_delivery_without_files(shelf: Shelf) -> None:
    shelf.mark(f"{MONTH}/nothing")
    point_to(shelf, "nothing")
    delivery = shelf.delivery("anycost")
    assert not delivery.files
    assert not delivery.findings


def test_a_drop_that_holds_only_leftovers_of_tools_has_no_files(shelf: Shelf) -> None:
    drop(shelf, "a", "_SUCCESS", ".part-1.csv.gz.crc", "_temporary/0/part-1.csv.gz")
    point_to(shelf, "a")
    delivery = shelf.delivery("anycost")
    assert not delivery.files
    assert not delivery.findings


def test_files_in_folders_of_the_drop_belong_to_it(shelf: Shelf) -> None:
    drop(shelf, "a", "x/1.csv.gz", "x/y/2.CSV.GZ")
    shelf.mark(f"{MONTH}/a/x")
    point_to(shelf, "a")
    assert names(shelf.delivery("anycost")) == [f"{MONTH}/a/x/1.csv.gz", f"{MONTH}/a/x/y/2.CSV.GZ"]


def test_a_drop_of_which_nothing_exists_is_an_error(shelf: Shelf) -> None:
    drop(shelf, "abc")
    point_to(shelf, "ab")
    delivery = shelf.delivery("anycost")
    assert codes(delivery) == ["drop-not-found"]
    assert not delivery.files
    assert "'ab'" in delivery.findings[0].message


def test_a_drop_id_too_long_for_a_folder_is_not_found(shelf: Shelf) -> None:
    point_to(shelf, "x" * 5000)
    assert codes(shelf.delivery("anycost")) == ["drop-not-found"]


@pytest.mark.parametrize(
    "name", ["README.md", "data.csv", "data.parquet", "data.json", "data.csv.zip", "data", "empty.csv"]
)
def test_a_file_that_is_no_gzipped_csv_is_never_passed_over(shelf: Shelf, name: str) -> None:
    drop(shelf, "a")
    shelf.put(f"{MONTH}/a/{name}", b"" if name.startswith("empty") else b"x")
    point_to(shelf, "a")
    delivery = shelf.delivery("anycost")
    assert [(each.code, each.file) for each in delivery.findings] == [("drop-file-unknown", f"{MONTH}/a/{name}")]
    assert not delivery.files


def test_an_empty_data_file_is_kept_to_be_told(shelf: Shelf) -> None:
    shelf.put(f"{MONTH}/a/data.csv.gz", b"")
    point_to(shelf, "a")
    assert names(shelf.delivery("anycost")) == [f"{MONTH}/a/data.csv.gz"]


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "line 1"),
        (b"[]", "an array"),
        (b'"a"', "a text"),
        (b"null", "null"),
        (b"true", "a truth value"),
        (b"1", "a number"),
        (b"[" * 100_000, "nests too deep"),
        (b"1" * 10_000, "too long"),
        ('{"current_drop_id": "ü"}'.encode("latin-1"), "not UTF-8"),
        ('{"current_drop_id": "a"}'.encode("utf-16"), "not UTF-8"),
        (b'{"current_drop_id": "a", "x": "' + b"y" * 1024 * 1024 + b'"}', "are allowed"),
        (b'\0{"current_drop_id": "a"}', "line 1"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_a_manifest_that_is_no_json_object_is_an_error(folder_shelf: Shelf, manifest: bytes, reason: str) -> None:
    delivery = delivery_of(folder_shelf, manifest)
    assert [(each.code, each.file) for each in delivery.findings] == [("manifest-invalid", MANIFEST)]
    assert reason in delivery.findings[0].message
    assert not delivery.files


def test_a_byte_order_mark_before_the_manifest_is_taken(shelf: Shelf) -> None:
    delivery = delivery_of(shelf, b'\xef\xbb\xbf{"current_drop_id": "a"}')
    assert names(delivery) == [f"{MONTH}/a/data-0001.csv.gz"]


@pytest.mark.parametrize("drop_id", [b"null", b"1", b'""', b'["a"]', b"{}", b"true"])
def test_a_drop_id_that_is_no_text_is_an_error(folder_shelf: Shelf, drop_id: bytes) -> None:
    assert codes(delivery_of(folder_shelf, b'{"current_drop_id": ' + drop_id + b"}")) == ["manifest-key-missing"]


def test_a_manifest_without_a_drop_id_is_an_error(folder_shelf: Shelf) -> None:
    (finding,) = delivery_of(folder_shelf, b'{"version": "1.3.0"}').findings
    assert (finding.code, finding.column) == ("manifest-key-missing", "current_drop_id")


@pytest.mark.parametrize(
    "drop_id",
    [
        "../20260401-20260501/a",
        "..",
        ".",
        "a/b",
        "/a",
        "a/",
        "a\\b",
        "a..b",
        "a\0",
        "a\nb",
        "\x1b[31m",
        "\ud800",
        "\x7f",
    ],
)
def test_a_drop_id_that_is_no_plain_name_is_an_error(folder_shelf: Shelf, drop_id: str) -> None:
    delivery = delivery_of(folder_shelf, json.dumps({"current_drop_id": drop_id}).encode())
    (finding,) = delivery.findings
    assert (finding.code, finding.file) == ("manifest-unsafe-path", MANIFEST)
    assert finding.value
    assert finding.value.isprintable()
    json.dumps(finding.as_dict(), ensure_ascii=False).encode()


@pytest.mark.parametrize("drop_id", ["20260519T154516Z", "v1.0", "ü x%20y", "名前", "_a", ".a", "a+b=c&d?e#f"])
def test_a_drop_id_may_be_any_plain_name(shelf: Shelf, drop_id: str) -> None:
    drop(shelf, drop_id)
    point_to(shelf, drop_id)
    assert names(shelf.delivery("anycost")) == [f"{MONTH}/{drop_id}/data-0001.csv.gz"]


@pytest.mark.parametrize(
    ("version", "known"),
    [("1.3.0", True), ("1.0.0", True), ("1.2", True), (None, True), ("1.4.0", False), ("2.0.0", False), (1, False)],
)
def test_only_an_unknown_version_is_warned_of(folder_shelf: Shelf, version: object, known: bool) -> None:
    drop(folder_shelf, "a")
    point_to(folder_shelf, "a", version)
    delivery = folder_shelf.delivery("anycost")
    assert codes(delivery) == ([] if known else ["manifest-version-unknown"])
    assert names(delivery)


def test_a_manifest_without_a_version_is_fine(shelf: Shelf) -> None:
    assert not delivery_of(shelf, b'{"current_drop_id": "a"}').findings


@pytest.mark.parametrize(
    "folder", ["20260501-20260701", "20260502-20260601", "20261301-20270101", "20260501-20260531", "20260601-20260501"]
)
def test_a_billing_data_id_of_other_than_one_month_is_an_error(shelf: Shelf, folder: str) -> None:
    shelf.put(f"{folder}/manifest.json", b'{"current_drop_id": "a"}')
    drop(shelf, "a")
    point_to(shelf, "a")
    survey = shelf.survey("anycost")
    assert [(each.code, each.value, each.severity) for each in survey.findings] == [("period-invalid", folder, "error")]
    assert [each.period.id for each in survey.candidates] == [MONTH]


def test_a_month_in_another_spelling_with_a_manifest_is_told(shelf: Shelf) -> None:
    shelf.put("2026-05/manifest.json", b'{"current_drop_id": "a"}')
    assert codes(shelf.survey("anycost")) == ["period-invalid"]


def test_folders_of_other_names_are_passed_over(shelf: Shelf) -> None:
    for folder in ("archive", "2026-05", f"old/{MONTH}", "123456789012"):
        shelf.put(f"{folder}/a/data.csv.gz")
    shelf.put("archive/manifest.json", b'{"current_drop_id": "a"}')
    assert codes(shelf.survey("anycost")) == ["nothing-found"]


def test_a_drop_without_a_manifest_is_not_signalled_yet(shelf: Shelf) -> None:
    drop(shelf, "a")
    survey = shelf.survey("anycost")
    assert not survey.candidates
    assert codes(survey) == ["nothing-found"]
