from __future__ import annotations

import pytest

from outlay.errors import UsageError
from outlay.layouts import KINDS, check_location, survey
from tests.layouts.bills import BILLS, CUR2_COLUMNS, FOCUS_COLUMNS, MAY, Bill, Written, export
from tests.layouts.shelf import Shelf, codes, names

BY_ID = {bill.id: bill for bill in BILLS}
CUR2 = BY_ID["cur2-parquet-versions"]


def lay_down(shelf: Shelf, home: str, bill: Bill) -> list[str]:
    """Deliver a bill with `home` in place of its own folder."""

    def moved(path: str) -> str:
        return path.replace("prefix/my export", home).replace("prefix/my cur", home)

    def write(*given: object) -> Written:
        written = bill.write(MAY, "1")
        return Written(
            [moved(path) for path in written.data],
            {
                moved(path).replace("my export-", "").replace("my cur-", "x-"): {
                    key: [moved(each) for each in value] if key in ("dataFiles", "reportKeys") else value
                    for key, value in content.items()
                }
                for path, content in written.manifests.items()
            },
        )

    return Bill(bill.id, bill.kind, bill.format, write).deliver(shelf, MAY).data


def test_several_exports_below_one_prefix_are_told_apart_by_name(shelf: Shelf) -> None:
    laid = {
        "x": lay_down(shelf, "billing/legacy", BY_ID["legacy-gzip-versions"]),
        "modern": lay_down(shelf, "billing/modern", CUR2),
        "focus": lay_down(shelf, "billing/focus", BY_ID["focus-export-gzip-overwritten"]),
    }
    formats = {}
    for name, data in laid.items():
        delivery = shelf.delivery("aws", name)
        formats[name] = delivery.format
        assert names(delivery) == data
    assert formats == {"x": "cur", "modern": "cur", "focus": "focus"}


def test_several_exports_without_a_name_are_told_and_none_is_read(shelf: Shelf) -> None:
    lay_down(shelf, "billing/one", CUR2)
    lay_down(shelf, "billing/two", CUR2)
    survey = shelf.survey("aws")
    assert not survey.candidates
    (finding,) = survey.findings
    assert (finding.code, finding.severity) == ("export-not-named", "error")
    assert "one, two" in finding.message
    assert "--export" in finding.next


def test_a_name_that_no_export_has_is_told_with_those_that_are_there(shelf: Shelf) -> None:
    lay_down(shelf, "billing/one", CUR2)
    survey = shelf.survey("aws", "two")
    assert not survey.candidates
    (finding,) = survey.findings
    assert finding.code == "export-not-found"
    assert "named two" in finding.message
    assert "found: one" in finding.message


def test_exports_of_the_same_name_are_told_apart_by_their_folders(shelf: Shelf) -> None:
    first, second = lay_down(shelf, "a/bill", CUR2), lay_down(shelf, "b/bill", CUR2)
    assert codes(shelf.survey("aws", "bill")) == ["export-not-named"]
    assert "a/bill, b/bill" in shelf.survey("aws").findings[0].message
    assert names(shelf.delivery("aws", "a/bill")) == first
    assert names(shelf.delivery("aws", "b/bill")) == second


def test_a_report_and_an_export_in_one_folder_are_told_apart_by_their_layouts(shelf: Shelf) -> None:
    legacy, modern = lay_down(shelf, "a/x", BY_ID["legacy-gzip-versions"]), lay_down(shelf, "a/x", CUR2)
    assert codes(shelf.survey("aws", "x")) == ["export-not-named"]
    assert names(shelf.delivery("aws", "a/x (legacy Cost and Usage Report)")) == legacy
    assert names(shelf.delivery("aws", "a/x (data export)")) == modern


def test_the_only_focus_export_among_others_needs_no_name_on_a_connection_for_focus(shelf: Shelf) -> None:
    lay_down(shelf, "billing/modern", CUR2)
    focus = lay_down(shelf, "billing/focus", BY_ID["focus-export-as-focus"])
    assert names(shelf.delivery("focus")) == focus


def test_two_focus_exports_need_a_name_on_a_connection_for_focus(shelf: Shelf) -> None:
    lay_down(shelf, "billing/one", BY_ID["focus-export-as-focus"])
    two = lay_down(shelf, "billing/two", BY_ID["focus-export-as-focus"])
    assert codes(shelf.survey("focus")) == ["export-not-named"]
    assert names(shelf.delivery("focus", "two")) == two


def test_cur_exports_alone_are_not_read_as_focus_folders(shelf: Shelf) -> None:
    lay_down(shelf, "billing/one", CUR2)
    lay_down(shelf, "billing/two", CUR2)
    assert codes(shelf.survey("focus")) == ["export-not-named"]


@pytest.mark.parametrize("columns", [CUR2_COLUMNS, FOCUS_COLUMNS])
def test_names_with_blanks_percent_signs_and_letters_of_any_script_are_taken(
    shelf: Shelf, columns: list[dict[str, str]]
) -> None:
    bill = Bill("odd", "aws", "cur", export(columns, ".csv.gz", versions=True))
    data = lay_down(shelf, "50% of it/日本 %20 é?#[x]", bill)
    assert names(shelf.delivery("aws", "日本 %20 é?#[x]")) == data


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_location_is_told(shelf: Shelf, kind: str) -> None:
    shelf.mark("nothing in here")
    for name in (None, "a"):
        assert codes(shelf.survey(kind, name)) == ["nothing-found"]


@pytest.mark.parametrize("location", ["s3://bucket", "s3://bucket/", "file:///", "/", "az://container"])
def test_drops_may_not_lie_in_the_root(location: str) -> None:
    with pytest.raises(UsageError, match="root"):
        check_location("anycost", location)


@pytest.mark.parametrize("kind", ["aws", "focus"])
def test_exports_may_lie_in_the_root_of_a_bucket_but_not_of_a_disk(kind: str) -> None:
    assert check_location(kind, "s3://bucket").is_root
    with pytest.raises(UsageError, match="root"):
        check_location(kind, "file:///")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("location", ["s3://bucket//a", "s3://bucket/a/", "s3://bucket/a/../b", "s3://bucket/a//b"])
def test_paths_have_no_slashes_at_their_ends_and_no_empty_parts(kind: str, location: str) -> None:
    with pytest.raises(UsageError):
        check_location(kind, location)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("location", ["s3://bucket/a/b c", "file:///bills", "az://container/a", "gs://bucket/a"])
def test_a_folder_of_any_store_is_a_location(kind: str, location: str) -> None:
    assert str(check_location(kind, location)) == location


def test_an_unknown_kind_is_wrong_usage(folder_shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="gcp"):
        check_location("gcp", "s3://bucket/a")
    with pytest.raises(UsageError, match="anycost, aws, focus"):
        survey("gcp", folder_shelf.bucket())
