from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.period import BillingPeriod
from outlay.streams.hours import hour_of, read, written

MAY = BillingPeriod(2026, 5)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-05-01", 0),
        ("2026-05-01T13:00:00Z", 13),
        ("2026-05-01 13:59:59+00:00", 13),
        ("2026-05-02T01:30:00+0200", 23),
        ("2026-05-31T23:00:00", 743),
        ("2026-05-03T10:00:00 UTC", 58),
        ("2026-05-03T10:00Z", 58),
        ("2026-05-03T10:00:00.123456789Z", 58),
    ],
)
def test_a_time_lies_in_an_hour_of_its_month_in_utc(text: str, hour: int) -> None:
    assert hour_of(text, MAY) == hour


def test_hours_are_written_as_runs() -> None:
    assert written([48, 0, 1, 2, 2]) == "0-2,48"
    assert written([]) == ""


@given(st.sets(st.integers(0, 743)))
def test_what_was_written_is_read_again(hours: set[int]) -> None:
    assert read(written(hours)) == hours
