"""What bodies change in a month: in a folder and on S3 alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outlay.period import BillingPeriod
from outlay.storage import Place, Version, open_place
from outlay.streams.body import Body, Operation
from outlay.streams.months import Months
from tests.services.s3 import S3

MAY = BillingPeriod(2026, 5)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if request.param == "folder":
        yield open_place(str(tmp_path / "acme"), create=True)
        return
    s3: S3 = request.getfixturevalue("s3")
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    yield open_place(s3.url("streams/acme"))


def row(hour: str, cost: str, **more: str) -> dict[str, str]:
    return {"time/usage_start": f"2026-05-{hour}:00:00Z", "cost/cost": cost, **more}


def body(rows: Sequence[dict[str, str]], operation: Operation = "replace_drop") -> Body:
    return Body(MAY, operation, rows)


def costs(months: Months) -> list[str]:
    return sorted(each["cost/cost"] for each in months.rows(MAY) or ())


def test_the_first_body_makes_a_drop_whatever_its_operation(place: Place) -> None:
    for number, operation in enumerate(("replace_drop", "replace_hourly", "sum")):
        period = BillingPeriod(2026, 5 + number)
        start = f"{period.month}-01T00:00:00Z"
        rows = [{"time/usage_start": start, "cost/cost": "1"}]
        kept = Months(place, lambda: NOW).apply(Body(period, operation, rows))  # type: ignore[arg-type]
        assert kept.as_dict() == {"drop_id": "20260601T120000Z", "month": period.month, "row_count": 1}


def test_a_month_is_replaced_as_a_whole(place: Place) -> None:
    months = Months(place, lambda: NOW)
    first = months.apply(body([row("01T00", "1"), row("01T01", "2")]))
    second = months.apply(body([row("01T00", "3")]))
    assert (costs(months), second.rows) == (["3"], 1)
    assert first.drop_id != second.drop_id


def test_hours_are_replaced_and_the_others_stay(place: Place) -> None:
    months = Months(place, lambda: NOW)
    first = months.apply(body([row("01T00", "1"), row("01T01", "2", note="stays"), row("02T00", "4")]))
    months.apply(body([row("03T00", "8")], "sum"))
    last = months.apply(body([row("01T00", "16"), row("01T00", "32"), row("03T00", "64")], "replace_hourly"))
    assert costs(months) == ["16", "2", "32", "4", "64"]
    assert (last.rows, last.drop_id) == (5, first.drop_id)
    assert {"time/usage_start": "2026-05-01T01:00:00Z", "cost/cost": "2", "note": "stays"} in list(
        months.rows(MAY) or ()
    )


def test_rows_are_added(place: Place) -> None:
    months = Months(place, lambda: NOW)
    months.apply(body([row("01T00", "1")]))
    assert months.apply(body([row("01T00", "1")], "sum")).rows == 2
    assert costs(months) == ["1", "1"]


def test_an_empty_body_empties_a_month_and_adds_nothing(place: Place) -> None:
    months = Months(place, lambda: NOW)
    months.apply(body([row("01T00", "1")]))
    assert months.apply(body([], "sum")).rows == 1
    assert months.apply(body([], "replace_hourly")).rows == 1
    assert months.apply(body([])).rows == 0
    assert list(months.rows(MAY) or ()) == []


def test_what_was_never_sent_is_not_there(place: Place) -> None:
    assert Months(place).rows(MAY) is None
    assert Months(place).every() == []


def test_months_are_listed_the_newest_first(place: Place) -> None:
    months = Months(place, lambda: NOW)
    for period in (MAY, MAY.next(), MAY.previous()):
        months.apply(Body(period, "sum", [{"time/usage_start": f"{period.month}-01", "cost/cost": "1"}]))
    assert [each.period for each in months.every()] == [MAY.next(), MAY, MAY.previous()]


def test_odd_texts_come_back_as_they_were_sent(place: Place) -> None:
    months = Months(place)
    odd = row("01T00", "1", **{"resource/tag:a,b": 'say "hi",\r\nü\tb', "resource/id": "=1+1", "note": "x" * 200_000})
    months.apply(body([odd]))
    months.apply(body([row("02T00", "2")], "replace_hourly"))
    assert next(iter(months.rows(MAY) or ())) == odd


def test_the_same_key_changes_a_month_once(place: Place) -> None:
    months = Months(place)
    first = months.apply(body([row("01T00", "1")], "sum"), key="k")
    months.apply(body([row("01T00", "2")], "sum"), key="other")
    assert months.apply(body([row("01T00", "1")], "sum"), key="k") == first
    assert costs(months) == ["1", "2"]


def test_a_key_is_remembered_for_thirty_days(place: Place) -> None:
    def at(days: int) -> Months:
        return Months(place, lambda: NOW + timedelta(days=days))

    at(0).apply(body([row("01T00", "1")]), key="k")
    assert at(29).apply(body([row("01T00", "2")]), key="k").rows == 1
    assert costs(at(29)) == ["1"]
    at(31).apply(body([row("01T00", "3")]), key="k")
    assert costs(at(31)) == ["3"]


@pytest.mark.parametrize("key", ["", "k"], ids=["without a key", "with a key"])
@pytest.mark.parametrize("operation", ["sum", "replace_hourly", "replace_drop"])
def test_a_body_counts_once_when_the_answer_of_its_own_write_was_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch, operation: Operation, key: str
) -> None:
    """What was written is sent again by the client of S3, and then refused, as it is there."""
    months = Months(place, lambda: NOW)
    months.apply(body([row("01T00", "1")]))
    swap = Place.swap
    lost = iter([True])

    def deaf(self: Place, path: str, content: bytes, expected: Version | None) -> bool:
        return swap(self, path, content, expected) and not next(lost, False)

    monkeypatch.setattr(Place, "swap", deaf)
    kept = months.apply(body([row("01T01", "2")], operation), key=key)
    assert costs(months) == (["2"] if operation == "replace_drop" else ["1", "2"])
    assert kept.rows == len(costs(months))


def test_bodies_at_once_are_all_kept(place: Place) -> None:
    """Each by a `Months` of its own, as of several processes: nothing but the swap keeps them apart."""
    senders = [
        threading.Thread(target=Months(place).apply, args=(body([row(f"0{number}T00", str(number))], "sum"),))
        for number in range(1, 9)
    ]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert costs(Months(place)) == [str(number) for number in range(1, 9)]


def test_parts_that_count_no_more_are_taken_away_when_nobody_can_be_reading_them(place: Place) -> None:
    now = datetime.now(UTC)
    Months(place, lambda: now).apply(body([row("01T00", "1")]))
    Months(place, lambda: now).apply(body([row("01T00", "2")]))
    parts = f"{MAY.id}/parts"
    assert len(place.list(parts)) == 2
    Months(place, lambda: now + timedelta(hours=2)).apply(body([row("01T00", "3")], "replace_hourly"))
    assert [each.path.partition("/")[0] for each in place.list(parts)] == [MAY.id] * 1
    assert costs(Months(place)) == ["3"]
