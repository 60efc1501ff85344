"""What a body is, and what is said of one that is none: always with the row and the field, where there is one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from outlay.streams.body import BadBody, TooMany, read_body

ROW = {"time/usage_start": "2026-05-03T10:00:00Z", "cost/cost": "1.50"}


def body(**told: Any) -> bytes:
    return json.dumps({"data": [ROW], **told}).encode()


@pytest.mark.parametrize(
    "month", ["2026-05", "2026-05-01T00:00:00Z", "2026-05-31T23:30:00-00:30", "2026-05-17", None], ids=str
)
def test_the_month_has_three_forms(month: str | None) -> None:
    told = {} if month is None else {"month": month}
    if month == "2026-05-31T23:30:00-00:30":
        assert read_body(body(**told)).period.month == "2026-06"
        return
    assert read_body(body(**told)).period.month == "2026-05"


def test_a_month_is_replaced_unless_the_body_says_otherwise() -> None:
    assert read_body(body()).operation == "replace_drop"
    assert read_body(body(operation="sum")).operation == "sum"


def test_columns_are_those_of_all_rows() -> None:
    rows = [ROW, {**ROW, "resource/tag:team": "maps"}]
    assert read_body(body(data=rows)).columns == ("time/usage_start", "cost/cost", "resource/tag:team")


def test_an_empty_month_is_one_when_it_is_named() -> None:
    assert read_body(body(data=[], month="2026-05")).rows == []


WRONG: list[tuple[str, bytes, int | None, str, str]] = [
    ("no JSON", b'{"data": [', None, "", "not JSON: line 1"),
    ("not UTF-8", b'{"data": "\xff"}', None, "", "not UTF-8: byte 10"),
    ("no object", b"[]", None, "", "not a JSON object"),
    ("deep", b"[" * 100_000, None, "", "too deep"),
    ("a name twice", b'{"month": "2026-05", "month": "2026-06", "data": []}', None, "", "'month' stands twice"),
    ("no rows", b"{}", None, "data", "missing"),
    ("rows that are no list", body(data={}), None, "data", "not a list"),
    ("a row that is none", body(data=[ROW, "x"]), 2, "", "not an object"),
    ("a number", b'{"data": [{"time/usage_start": "2026-05-03", "cost/cost": 1.10}]}', 1, "cost/cost", "number 1.10"),
    ("null", body(data=[{**ROW, "resource/id": None}]), 1, "resource/id", "null"),
    ("a truth value", body(data=[ROW, {**ROW, "resource/id": True}]), 2, "resource/id", "truth value"),
    ("a list", body(data=[{**ROW, "resource/id": []}]), 1, "resource/id", "array"),
    ("a nameless column", body(data=[{**ROW, " ": "x"}]), 1, "", "no name"),
    ("half a letter", b'{"data": [{"time/usage_start": "2026-05-03", "x": "\\ud800"}]}', 1, "x", "half a letter"),
    ("an operation", body(operation="append"), None, "operation", "'append' is not an operation"),
    ("a month", body(month="May 2026"), None, "month", "'May 2026' is not a month"),
    ("a month that is a number", body(month=202605), None, "month", "'202605' is not a month"),
    ("a month before the first", body(month="0001-01-01T00:00:00+05:00"), None, "month", "is not a month"),
    ("a month after the last", body(month="9999-12-31T23:00:00-05:00"), None, "month", "is not a month"),
    ("no month at all", body(data=[]), None, "month", "no row to tell it"),
    ("no time to tell it", body(data=[{"cost/cost": "1"}]), 1, "time/usage_start", "missing"),
    ("a time that is none", body(data=[{"time/usage_start": "5/1/2026"}]), 1, "time/usage_start", "'5/1/2026'"),
    ("an unknown key", body(rows=[]), None, "rows", "'rows' is not a key"),
]


@pytest.mark.parametrize(("content", "row", "field", "said"), [each[1:] for each in WRONG], ids=[e[0] for e in WRONG])
def test_a_bad_body_is_told_with_its_place(content: bytes, row: int | None, field: str, said: str) -> None:
    with pytest.raises(BadBody) as error:
        read_body(content)
    assert (error.value.row, error.value.field) == (row, field)
    assert said in error.value.message
    assert error.value.next


def test_rows_have_a_limit_where_one_is_set() -> None:
    assert len(read_body(body(data=[ROW] * 3), most_rows=3).rows) == 3
    with pytest.raises(TooMany, match="4 rows; 3 are allowed"):
        read_body(body(data=[ROW] * 4), most_rows=3)
