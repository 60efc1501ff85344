from __future__ import annotations

import json

import pytest

from outlay.errors import Changed
from outlay.period import BillingPeriod
from tests.layouts.shelf import Shelf, codes, names

MAY = BillingPeriod(2026, 5)
MONTH = {"version": 1, "drop_id": "20260519T154516Z", "number": 1, "parts": [], "keys": {}}


def put(shelf: Shelf, **changes: object) -> None:
    shelf.put(f"{MAY.id}/stream.json", json.dumps({**MONTH, **changes}).encode())


def test_a_month_without_parts_is_an_empty_one(folder_shelf: Shelf) -> None:
    put(folder_shelf)
    delivery = folder_shelf.delivery("stream")
    assert (names(delivery), codes(delivery), delivery.format) == ([], [], "cbf")


def test_parts_that_do_not_count_are_left_out(folder_shelf: Shelf) -> None:
    folder_shelf.put(f"{MAY.id}/parts/old.csv.gz")
    folder_shelf.put(f"{MAY.id}/parts/new.csv.gz")
    put(folder_shelf, parts=[{"name": "new.csv.gz", "rows": 1, "hours": "0"}])
    assert names(folder_shelf.delivery("stream")) == [f"{MAY.id}/parts/new.csv.gz"]


def test_each_change_of_a_month_is_a_delivery(folder_shelf: Shelf) -> None:
    put(folder_shelf)
    first = folder_shelf.delivery("stream")
    put(folder_shelf, number=2)
    assert folder_shelf.delivery("stream").id != first.id


def test_a_part_that_was_not_listed_is_looked_for_again(folder_shelf: Shelf) -> None:
    put(folder_shelf, parts=[{"name": "late.csv.gz", "rows": 1, "hours": "0"}])
    with pytest.raises(Changed, match=r"late\.csv\.gz was not listed"):
        folder_shelf.delivery("stream")


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"parts": None}, {"parts": [{}]}], ids=["version", "parts", "part"]
)
def test_a_list_that_outlay_has_not_written_is_rejected(folder_shelf: Shelf, changes: dict[str, object]) -> None:
    put(folder_shelf, **changes)
    assert codes(folder_shelf.delivery("stream")) == ["manifest-invalid"]


def test_other_files_are_not_months(folder_shelf: Shelf) -> None:
    folder_shelf.put("notes.txt")
    assert codes(folder_shelf.survey("stream")) == ["nothing-found"]
