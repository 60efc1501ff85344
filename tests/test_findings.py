"""The order in which findings are told."""

from __future__ import annotations

from outlay.findings import finding, in_order


def test_findings_are_told_by_file_row_and_column_and_those_of_the_whole_bill_last() -> None:
    places = [("a.csv", 2, "x"), ("a.csv", 10, "b"), ("a.csv", 10, "c"), ("b.csv", 1, "a")]
    told = [finding("value-missing", file=file, row=row, column=column) for file, row, column in places]
    header = finding("column-missing", file="a.csv", column="z", format="FOCUS")
    whole = finding("resource-ids-off")
    assert in_order([whole, *reversed(told), header]) == (header, *told, whole)
