from __future__ import annotations

import uuid

import pytest

from outlay.period import BillingPeriod
from tests.layouts.bills import JUNE, MAY, periods_by_name
from tests.layouts.shelf import Shelf, codes, names, wait_for_a_later_time


@pytest.mark.parametrize(
    "folder",
    [
        "2026-05",
        "2026-5",
        "20260501-20260601",
        "20260501-20260531",
        "BILLING_PERIOD=2026-05",
        "billing_period=20260501-20260601",
        "year=2026/month=5",
        "Year=2026/Month=05",
        "acme/focus 1.2/ü/2026-05",
        "2026-05/part one/a",
        "2026-04/restated/2026-05",
    ],
)
def test_the_deepest_folder_that_is_named_like_a_month_tells_the_month(shelf: Shelf, folder: str) -> None:
    shelf.put(f"{folder}/bill.csv")
    (candidate,) = shelf.survey("focus").candidates
    delivery = candidate.load()
    assert candidate.period == MAY
    assert names(delivery) == [f"{folder}/bill.csv"]
    assert not delivery.other_periods


@pytest.mark.parametrize("folder", ["2026-13", "20260501-20260508", "2026", "month=5", "x2026-05", "2026-05-01"])
def test_the_rows_tell_the_month_below_folders_of_other_names(shelf: Shelf, folder: str) -> None:
    shelf.put(f"{folder}/2026-05.csv")
    delivery = shelf.delivery("focus", periods_of=periods_by_name)
    assert (delivery.period, delivery.other_periods) == (MAY, True)


FIRST, SECOND = "0c5c1c4e-5a0e-4a4e-9d0a-0e6a5d0f1a11", "f1b7d0e2-7a53-4d0c-8c9b-1f3f7c2f4b22"


@pytest.mark.parametrize("month", ["focus/20260501-20260531", "focus/20260501-20260531/202605040912"])
def test_of_several_runs_of_an_azure_export_the_newest_whole_one_is_the_bill(shelf: Shelf, month: str) -> None:
    """Each holds all costs of the month so far: two of them would count twice."""
    for run in (SECOND, FIRST):
        shelf.put(f"{month}/{run}/part_0_0001.csv")
        shelf.put(f"{month}/{run}/part_1_0001.csv")
        shelf.put(f"{month}/{run}/manifest.json", b"{}")
        wait_for_a_later_time()
    shelf.put(f"{month}/{uuid.uuid4()}/part_0_0001.csv")
    delivery = shelf.delivery("focus")
    assert (delivery.period, delivery.other_periods) == (MAY, False)
    assert names(delivery) == [f"{month}/{FIRST}/part_{number}_0001.csv" for number in range(2)]


def test_runs_of_different_azure_exports_and_months_are_all_read(shelf: Shelf) -> None:
    for folder in (f"one/20260501-20260531/{FIRST}", f"two/20260501-20260531/{SECOND}"):
        shelf.put(f"{folder}/part_0_0001.csv.gz")
        shelf.put(f"{folder}/manifest.json", b"{}")
    shelf.put(f"one/20260601-20260630/{SECOND}/part_0_0001.csv.gz")
    may, june = (each.load() for each in shelf.survey("focus").candidates)
    assert (may.period, len(may.files)) == (MAY, 2)
    assert (june.period, len(june.files)) == (JUNE, 1)


def test_folders_below_a_month_that_are_no_runs_are_all_read(shelf: Shelf) -> None:
    for team in ("a", "b"):
        shelf.put(f"2026-05/{team}/bill.csv")
        shelf.put(f"2026-05/{team}/manifest.json", b"{}")
    assert names(shelf.delivery("focus")) == ["2026-05/a/bill.csv", "2026-05/b/bill.csv"]


def test_a_loose_file_of_two_months_is_part_of_both(shelf: Shelf) -> None:
    shelf.put("2026-05 and 2026-06.csv")
    shelf.put("2026-06.parquet")
    may, june = (each.load() for each in shelf.survey("focus", periods_of=periods_by_name).candidates)
    assert (may.period, names(may)) == (MAY, ["2026-05 and 2026-06.csv"])
    assert (june.period, names(june)) == (JUNE, ["2026-05 and 2026-06.csv", "2026-06.parquet"])
    assert may.other_periods
    assert june.other_periods


def test_a_month_is_made_of_its_folder_and_of_loose_files(shelf: Shelf) -> None:
    shelf.put("2026-05/a.csv")
    shelf.put("2026-06/a.csv")
    shelf.put("late rows of 2026-05.csv")
    may, june = (each.load() for each in shelf.survey("focus", periods_of=periods_by_name).candidates)
    assert names(may) == ["2026-05/a.csv", "late rows of 2026-05.csv"]
    assert (may.other_periods, june.other_periods) == (True, False)


def test_files_in_folders_of_months_are_not_opened(shelf: Shelf) -> None:
    opened = []

    def note(file: object) -> frozenset[BillingPeriod]:
        opened.append(file)
        return frozenset()

    shelf.put("2026-05/a.csv")
    shelf.survey("focus", periods_of=note)
    assert not opened


def test_every_kind_of_data_file_is_read(shelf: Shelf) -> None:
    kinds = ["a.csv", "b.csv.gz", "c.parquet", "d.snappy.parquet", "e.CSV", "f.gz.parquet"]
    for name in kinds:
        shelf.put(f"2026-05/{name}")
    assert names(shelf.delivery("focus")) == [f"2026-05/{name}" for name in kinds]


@pytest.mark.parametrize(
    "path",
    [
        *("2026-05/_SUCCESS", "2026-05/.a.csv", "2026-05/_committed.csv", "2026-05/_temporary/a.csv", ".trash/a.csv"),
        *("2026-05/manifest.json", "2026-05/notes.txt", "README", "README.md", "2026-05/a.csv.crc"),
    ],
)
def test_what_lies_beside_bills_is_passed_over(shelf: Shelf, path: str) -> None:
    shelf.put("2026-05/a.csv.gz")
    shelf.put(path)
    survey = shelf.survey("focus", periods_of=periods_by_name)
    (candidate,) = survey.candidates
    assert names(candidate.load()) == ["2026-05/a.csv.gz"]
    assert not survey.findings


@pytest.mark.parametrize(
    "name", ["a.csv.zip", "a.xlsx", "a.csv.bz2", "a.tsv", "a.orc", "a.gz", "a.csv.zst", "a.unheard"]
)
@pytest.mark.parametrize("folder", ["2026-05/", ""])
def test_a_file_that_may_be_a_bill_is_never_passed_over_silently(shelf: Shelf, folder: str, name: str) -> None:
    shelf.put("2026-05/a.csv")
    shelf.put(f"{folder}{name}")
    survey = shelf.survey("focus")
    assert [(each.code, each.severity, each.file) for each in survey.findings] == [
        ("file-unsupported", "warning", f"{folder}{name}")
    ]
    (candidate,) = survey.candidates
    assert names(candidate.load()) == ["2026-05/a.csv"]


def test_an_empty_file_named_like_data_is_kept_to_be_told(shelf: Shelf) -> None:
    shelf.put("2026-05/a.csv", b"")
    assert names(shelf.delivery("focus")) == ["2026-05/a.csv"]


def test_a_marker_of_a_folder_that_is_named_like_a_file_is_no_data(s3_shelf: Shelf) -> None:
    s3_shelf.put("2026-05/a.parquet/part-1.parquet")
    s3_shelf.mark("2026-05/a.parquet")
    assert names(s3_shelf.delivery("focus")) == ["2026-05/a.parquet/part-1.parquet"]


@pytest.mark.parametrize("change", ["new", "other content", "gone"])
def test_any_change_of_a_months_files_is_another_delivery(shelf: Shelf, change: str) -> None:
    shelf.put("2026-05/a.csv")
    shelf.put("2026-05/b.csv")
    (before,) = shelf.survey("focus").candidates
    changes = {
        "new": lambda: shelf.put("2026-05/c.csv"),
        "other content": lambda: shelf.put("2026-05/b.csv", b"other rows"),
        "gone": lambda: shelf.remove("2026-05/b.csv"),
    }
    changes[change]()
    (after,) = shelf.survey("focus").candidates
    assert before.fingerprint != after.fingerprint
    assert before.load().id != after.load().id
    assert not codes(after.load())
