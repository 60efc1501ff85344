"""A month counts once, however often a connection is moved and moved again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay import connecting
from outlay.app import Outlay
from outlay.errors import UsageError
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.ingest.world import put_drop, row


@pytest.fixture
def o(tmp_path: Path) -> Iterator[Outlay]:
    """With the connection `one`, whose bills go on in `two` from May on."""
    with outlay.open(threads=1, folders=(tmp_path,)) as opened:
        connecting.add(opened, at(tmp_path, "one"))
        connecting.move(opened, "one", at(tmp_path, "two"), "2026-05", by="ada")
        yield opened


def at(folder: Path, name: str) -> NewConnection:
    (folder / name).mkdir(exist_ok=True)
    return NewConnection(name, "anycost", str(folder / name), "Acme Cloud")


def bring(o: Outlay, folder: Path, months: Sequence[str], *names: str) -> None:
    """Each of these holds each of the months, with 1 USD."""
    for name in names:
        for month in months:
            charge = row("1", time__usage_start=f"{month}-03T10:00:00Z")
            put_drop(open_place(str(folder / name)), [charge], "d1", BillingPeriod.parse(month))
    assert {result.outcome for result in o.ingest(names)} == {"committed"}


def counted(o: Outlay) -> dict[str, Decimal]:
    """How much counts of each month."""
    found = o.sql("select x_BillingPeriod as p, sum(BilledCost) as total from charges group by 1").to_pylist()
    return {BillingPeriod.parse(each["p"]).month: each["total"] for each in found}


def bounds(o: Outlay, name: str) -> tuple[str, str]:
    row = o.connection(name).row
    return row.count_from, row.count_to


@pytest.mark.parametrize("name", ["one", "two"])
def test_none_is_removed_while_months_count_for_one_another(o: Outlay, tmp_path: Path, name: str) -> None:
    bring(o, tmp_path, ["2026-04", "2026-05", "2026-06"], "one")
    bring(o, tmp_path, ["2026-03", "2026-05"], "two")
    before = counted(o)
    assert before == dict.fromkeys(["2026-03", "2026-04", "2026-05", "2026-06"], Decimal(1))
    with pytest.raises(UsageError, match=r"count 2026-06, 2026-03 for one another") as told:
        connecting.remove(o, name, by="ada")
    assert "remove it with its charges" in told.value.next
    assert counted(o) == before


def test_a_connection_that_was_moved_is_not_moved_again(o: Outlay, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="goes on in two already") as told:
        connecting.move(o, "one", at(tmp_path, "three"), "2026-07", by="ada")
    assert "Move two" in told.value.next
    assert [view.row.name for view in o.connections()] == ["one", "two"]
    assert bounds(o, "one") == ("", "2026-04")


def test_the_month_of_a_change_stays_before_that_of_the_next(o: Outlay, tmp_path: Path) -> None:
    connecting.move(o, "two", at(tmp_path, "three"), "2026-07", by="ada")
    with pytest.raises(UsageError, match="two counts up to 2026-06 only") as told:
        connecting.change_month(o, "two", "2026-08", by="ada")
    assert told.value.field == "month"
    with pytest.raises(UsageError, match="two counts from 2026-05 on only"):
        connecting.change_month(o, "three", "2026-05", by="ada")
    connecting.change_month(o, "two", "2026-06", by="ada")
    assert [bounds(o, name) for name in ("one", "two", "three")] == [
        ("", "2026-05"),
        ("2026-06", "2026-06"),
        ("2026-07", ""),
    ]


def test_when_the_one_between_goes_with_its_charges_no_month_is_missing(o: Outlay, tmp_path: Path) -> None:
    connecting.move(o, "two", at(tmp_path, "three"), "2026-07", by="ada")
    months = ("2026-04", "2026-05", "2026-07")
    bring(o, tmp_path, months, "one", "two", "three")
    connecting.remove(o, "two", purge=True)
    assert (bounds(o, "one"), bounds(o, "three")) == (("", "2026-06"), ("2026-07", ""))
    assert counted(o) == dict.fromkeys(months, 1)
    connecting.change_month(o, "three", "2026-06", by="ada")
    assert bounds(o, "one") == ("", "2026-05")


def test_when_the_new_one_goes_and_its_charges_stay_each_counts_as_before(o: Outlay, tmp_path: Path) -> None:
    months = ("2026-04", "2026-05")
    bring(o, tmp_path, months, "one", "two")
    connecting.remove(o, "two")
    assert bounds(o, "one") == ("", "2026-04")
    assert counted(o) == dict.fromkeys(months, 1)


def test_when_the_new_one_goes_without_charges_only_what_somebody_set_bounds_the_old_one(
    o: Outlay, tmp_path: Path
) -> None:
    connecting.remove(o, "two")
    assert bounds(o, "one") == ("", "")
    connecting.move(o, "one", at(tmp_path, "three"), "2026-05", by="ada")
    o.set_counted("one", "", "2026-02")
    connecting.remove(o, "three", purge=True)
    assert bounds(o, "one") == ("", "2026-02")
    with pytest.raises(UsageError, match="counts up to 2026-02") as told:
        connecting.move(o, "one", at(tmp_path, "four"), "2026-07", by="ada")
    assert "--count-to" in told.value.next


def test_a_move_reads_the_lake_before_others_have_to_wait_and_one_being_checked_keeps_its_bounds(
    o: Outlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    from outlay.state import claims

    table = type(o.lake).table
    were_waiting: list[bool] = []

    def read(lake: Any) -> Any:
        were_waiting.append(connection.in_atomic_block)
        return table(lake)

    monkeypatch.setattr(type(o.lake), "table", read)
    connecting.move(o, "two", at(tmp_path, "three"), "2026-07", by="ada")
    assert were_waiting == [False]
    # Its check may be about to commit.
    assert claims.claim("three", "elsewhere:1:x", datetime.now(UTC)) is not None
    connecting.remove(o, "three")
    assert bounds(o, "two") == ("2026-05", "2026-06")


def test_one_that_waits_or_went_back_leaves_no_month_to_count_twice_when_it_goes(o: Outlay, tmp_path: Path) -> None:
    connecting.remove(o, "two", purge=True)
    connecting.move(o, "one", at(tmp_path, "waits"), by="ada")
    months = ("2026-04", "2026-05")
    bring(o, tmp_path, months, "one")
    with pytest.raises(UsageError, match="one counts the months that waits has, too") as told:
        connecting.remove(o, "one")
    assert "from which month on waits counts" in told.value.next
    with pytest.raises(UsageError, match="one counts the months of waits"):
        o.set_counted("waits", "2026-05", "")
    bring(o, tmp_path, months, "waits")
    assert bounds(o, "waits") == ("2026-04", "")
    connecting.go_back(o, "waits", by="ada")
    with pytest.raises(UsageError, match="went back to one before"):
        connecting.go_back(o, "waits", by="ada")
    with pytest.raises(UsageError, match="went back to one and counts nothing"):
        connecting.change_month(o, "waits", "2026-04", by="ada")
    assert counted(o) == dict.fromkeys(months, 1)
    connecting.remove(o, "waits")
    assert counted(o) == dict.fromkeys(months, 1)


def test_only_the_newest_is_gone_back_from_and_only_what_went_on(o: Outlay, tmp_path: Path) -> None:
    connecting.move(o, "two", at(tmp_path, "three"), "2026-07", by="ada")
    with pytest.raises(UsageError, match="three goes on with two") as told:
        connecting.go_back(o, "two", by="ada")
    assert told.value.next == "Go back from three first."
    with pytest.raises(UsageError, match="one does not go on with another"):
        connecting.go_back(o, "one", by="ada")
    with pytest.raises(UsageError, match="three did not go back"):
        connecting.go_on(o, "three", by="ada")
    with pytest.raises(UsageError, match="'sell' is nothing that becomes of it") as told:
        connecting.go_back(o, "three", then="sell", by="ada")
    assert told.value.field == "then"
    connecting.go_back(o, "three", then="check", by="ada")
    assert (bounds(o, "two"), bounds(o, "three")) == (("2026-05", ""), ("", ""))
    assert o.connection("three").row.paused_at is None
    connecting.go_back(o, "two", by="ada")
    assert bounds(o, "one") == ("", "")


def test_nothing_goes_on_with_one_that_counts_nothing_itself(o: Outlay, tmp_path: Path) -> None:
    connecting.move(o, "two", at(tmp_path, "three"), by="ada")
    with pytest.raises(UsageError, match="three counts nothing yet") as told:
        connecting.move(o, "three", at(tmp_path, "four"), "2026-07", by="ada")
    assert "go-on three" in told.value.next
    bring(o, tmp_path, ["2026-06", "2026-07"], "two", "three")
    assert counted(o) == {"2026-06": 1, "2026-07": 1}
    connecting.go_back(o, "three", by="ada")
    with pytest.raises(UsageError, match="three counts nothing"):
        connecting.move(o, "three", at(tmp_path, "four"), "2026-07", by="ada")


def test_when_the_first_goes_with_its_charges_the_next_counts_its_months(o: Outlay, tmp_path: Path) -> None:
    bring(o, tmp_path, ["2026-04", "2026-05"], "one", "two")
    connecting.remove(o, "one", purge=True, by="ada")
    assert bounds(o, "two") == ("", "")
    assert counted(o) == {"2026-04": 1, "2026-05": 1}
