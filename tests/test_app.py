"""An installation as a program uses it: `outlay.open()`, with SQLite and, once through, with PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay.app import Outlay
from outlay.errors import Busy, Changed, Unavailable, UnknownName, UsageError
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.ingest.world import put_drop, row

MAY = "2026-05"
PERIOD = BillingPeriod(2026, 5)


class Acme:
    """An installation with one AnyCost connection, and the folder in which its bills arrive."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.bills = folder / "bills" / "acme"
        self.place = open_place(str(self.bills), create=True)
        self.o: Outlay = outlay.open(home=folder / "home", threads=1, **settings)

    def add(self, **more: Any) -> None:
        self.o.add(NewConnection("acme", "anycost", str(self.bills), "Acme Cloud", **more))

    def deliver(self, drop: str, *costs: str, period: BillingPeriod = PERIOD) -> None:
        put_drop(self.place, [row(cost) for cost in costs], drop, period)

    def check(self, *names: str, **more: Any) -> list[str]:
        return [result.outcome for result in self.o.ingest(names, **more)]

    def brought(self, drop: str, *costs: str) -> str:
        """Deliver, bring it in, and say what it is named."""
        self.deliver(drop, *costs)
        assert self.check() == ["committed"]
        return self.live

    @property
    def live(self) -> str:
        (period,) = self.o.periods("acme")
        assert period.delivery is not None
        return period.delivery

    @property
    def earlier(self) -> list[str]:
        (period,) = self.o.periods("acme")
        return list(period.earlier)

    @property
    def total(self) -> Decimal | int:
        (found,) = self.o.sql("select coalesce(sum(BilledCost), 0) as total from charges").to_pylist()
        return Decimal(found["total"])

    @property
    def status(self) -> str:
        return self.o.connection("acme").status.status


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Acme]:
    made = Acme(tmp_path)
    made.add()
    yield made
    made.o.close()


def happened(delivery: str, at: datetime, state: str = "unknown") -> None:
    """As if the run that committed a delivery had been then."""
    from outlay.state.models import Run

    assert Run.objects.filter(delivery=delivery, outcome="committed").update(finished_at=at, state=state) == 1


# Revert


def test_an_earlier_delivery_that_is_made_live_holds_until_the_source_changes(acme: Acme) -> None:
    first = acme.brought("d1", "1", "0.25")
    second = acme.brought("d2", "100")
    view = acme.o.revert("acme", MAY, first)
    assert (view.delivery, view.rows, view.earlier) == (first, 2, (second,))
    assert view.reconciliation is not None
    assert view.reconciliation.holds
    for _ in range(2):
        assert acme.check() == ["unchanged"]
        assert acme.total == Decimal("1.25")
    third = acme.brought("d3", "7")
    assert acme.total == 7
    assert acme.earlier == [second, first]
    assert third not in (first, second)


def test_a_revert_holds_when_the_installation_is_opened_anew(acme: Acme, tmp_path: Path) -> None:
    first = acme.brought("d1", "1")
    acme.brought("d2", "100")
    acme.o.revert("acme", MAY, first)
    acme.o.close()
    acme.o = outlay.open(home=tmp_path / "home", threads=1)
    assert acme.check() == ["unchanged"]
    assert (acme.live, acme.total) == (first, 1)


def test_reverting_to_the_newest_again_is_as_if_nothing_had_been(acme: Acme) -> None:
    first = acme.brought("d1", "1")
    second = acme.brought("d2", "100")
    for delivery, cost in ((first, 1), (second, 100), (first, 1), (second, 100)):
        acme.o.revert("acme", MAY, delivery)
        assert (acme.live, acme.total) == (delivery, cost)
        assert acme.check() == ["unchanged"]
    assert (acme.live, acme.total, acme.status) == (second, 100, "healthy")


def test_reverting_to_what_is_live_changes_nothing(acme: Acme) -> None:
    first = acme.brought("d1", "1")
    before = acme.o.lake.table().metadata_location
    assert acme.o.revert("acme", MAY, first).delivery == first
    assert acme.o.lake.table().metadata_location == before


def test_a_revert_leaves_a_rejected_delivery_rejected_and_told(acme: Acme) -> None:
    first = acme.brought("d1", "1")
    second = acme.brought("d2", "100")
    acme.deliver("d3", "not a number")
    assert acme.check() == ["rejected"]
    for delivery in (first, second):
        acme.o.revert("acme", MAY, delivery)
        assert acme.check() == ["unchanged"]
        assert (acme.live, acme.status) == (delivery, "failing")
        assert len(acme.o.rejected("acme")) == 1


def test_a_period_can_be_emptied_filled_and_emptied_again(acme: Acme) -> None:
    first = acme.brought("d1", "1")
    acme.deliver("d2")
    assert acme.check() == ["committed"]
    emptied = acme.live
    assert (acme.total, acme.earlier) == (0, [first])
    third = acme.brought("d3", "3")
    assert acme.o.revert("acme", MAY, first).delivery == first
    assert acme.total == 1
    view = acme.o.revert("acme", MAY, emptied)
    assert (view.delivery, view.rows, set(view.earlier)) == (emptied, 0, {first, third})
    assert acme.check() == ["unchanged"]
    assert acme.total == 0
    acme.o.revert("acme", MAY, third)
    assert (acme.total, acme.live) == (3, third)


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (("acme", MAY, "d9"), UnknownName, "acme 2026-05 has no earlier delivery d9. Earlier ones: d1-"),
        (("acme", "2026-04", "d9"), UnknownName, "acme has no billing period 2026-04. See outlay periods acme."),
        (("acne", MAY, "d9"), UnknownName, "There is no connection named 'acne'. Did you mean acme?"),
        (("acme", "spring", "d9"), UsageError, "'spring' is not a billing period"),
    ],
)
def test_what_cannot_be_reverted_to_is_told(acme: Acme, words: tuple[str, str, str], kind: Any, said: str) -> None:
    acme.brought("d1", "1")
    acme.brought("d2", "2")
    with pytest.raises(kind) as told:
        acme.o.revert(*words)
    assert said in str(told.value)
    assert acme.total == 2


def acts() -> list[str]:
    from outlay.state.models import Act

    return [f"{act.who}: {act.said}" for act in Act.objects.all()]


def test_a_revert_that_is_cut_off_after_its_commit_holds_and_is_known(
    acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = acme.brought("d1", "1")
    second = acme.brought("d2", "100")
    revive = acme.o.lake.revive

    def cut_off(*words: Any, **more: Any) -> None:
        revive(*words, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(acme.o.lake, "revive", cut_off)
    with pytest.raises(KeyboardInterrupt):
        acme.o.revert("acme", MAY, first, by="ada")
    assert acme.check() == ["unchanged"]
    assert (acme.live, acme.total, acts()) == (first, 1, [f"ada: {first} in place of {second}."])


def test_a_revert_that_cannot_be_done_leaves_no_trace(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    from outlay.state import claims

    first = acme.brought("d1", "1")
    acme.brought("d2", "100")
    before = acme.o.memory.decided("acme")

    def gone(*words: Any, **more: Any) -> None:
        raise Changed("It is tidied away.", next="Choose another.")

    monkeypatch.setattr(acme.o.lake, "revive", gone)
    with pytest.raises(Changed):
        acme.o.revert("acme", MAY, first, by="ada")
    monkeypatch.undo()
    claim = claims.claim("acme", "elsewhere:1:x", datetime.now(UTC))
    assert claim is not None
    with pytest.raises(Busy, match="is being checked"):
        acme.o.revert("acme", MAY, first, by="ada")
    claims.release(claim)
    assert (acme.o.memory.decided("acme"), acts(), acme.total) == (before, [], 100)
    assert acme.check() == ["unchanged"]


def test_periods_cost_one_listing_and_a_few_questions_however_many_there_are(
    acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def costs(look: Callable[[], Any]) -> tuple[int, int]:
        listed: list[str] = []
        real = acme.o.lake.place.list

        def listing(place: Any, below: str = "") -> Any:
            listed.append(below)
            return real(below)

        with monkeypatch.context() as patched, CaptureQueriesContext(connection) as asked:
            patched.setattr(type(acme.o.lake.place), "list", listing)
            look()
        return len(listed), len(asked)

    acme.brought("d1", "1")
    acme.brought("d2", "2")
    one = costs(lambda: acme.o.periods("acme"))
    for month in (3, 4, 6):
        charge = row("1", time__usage_start=f"2026-0{month}-03T10:00:00Z")
        put_drop(acme.place, [charge], "d1", BillingPeriod(2026, month))
    acme.check()
    assert costs(lambda: acme.o.periods("acme")) == one == costs(lambda: acme.o.period("acme", PERIOD))
    assert one[0] == 1
    views = acme.o.periods("acme")
    assert [view.period.month for view in views] == ["2026-06", "2026-05", "2026-04", "2026-03"]
    assert acme.o.period("acme", PERIOD) == views[1]


# Keeping


def test_after_many_deliveries_those_that_the_rule_names_are_kept(acme: Acme) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    names = {drop: acme.brought(drop, str(number)) for number, drop in enumerate(("a", "b", "c", "d", "e", "f", "g"))}
    old = noon - timedelta(days=5)
    for drop, at, state in (
        ("a", noon - timedelta(days=40), "final"),
        ("b", noon - timedelta(days=39), "final"),
        ("c", old, "estimated"),
        ("d", old + timedelta(hours=1), "estimated"),
    ):
        happened(names[drop], at, state)
    done = acme.o.tidy(grace=timedelta(0))
    assert {delivery for _, delivery in done.deliveries_removed} == {names["b"], names["c"]}
    assert acme.earlier == [names[drop] for drop in ("f", "e", "d", "a")]
    assert (acme.live, acme.total) == (names["g"], 6)
    with pytest.raises(UnknownName, match="has no earlier delivery b-"):
        acme.o.revert("acme", MAY, names["b"])
    for number, drop in enumerate(names):
        if drop not in "bc":
            acme.o.revert("acme", MAY, names[drop])
            assert acme.total == number


def test_a_delivery_made_live_again_is_not_tidied_away(acme: Acme) -> None:
    names = [acme.brought(drop, str(number)) for number, drop in enumerate("abcdef")]
    acme.o.revert("acme", MAY, names[0])
    for _ in range(2):
        acme.o.tidy(grace=timedelta(0))
        assert (acme.live, acme.total) == (names[0], 0)
    assert acme.earlier == names[:2:-1]


# Pause and remove


def test_a_pause_checks_nothing_and_keeps_the_charges(acme: Acme) -> None:
    acme.brought("d1", "1")
    assert acme.o.pause("acme").status.status == "paused"
    acme.deliver("d2", "100")
    assert acme.check() == []
    assert (acme.total, acme.status) == (1, "paused")
    assert acme.o.resume("acme").status.status == "healthy"
    assert acme.check() == ["committed"]
    assert acme.total == 100


def test_removing_keeps_the_charges_and_purging_removes_those_of_that_connection(acme: Acme, tmp_path: Path) -> None:
    other = tmp_path / "bills" / "other"
    put_drop(open_place(str(other), create=True), [row("1000")], "d1")
    acme.o.add(NewConnection("other", "anycost", str(other), "Other Cloud"))
    acme.deliver("d1", "1", "2")
    assert acme.check() == ["committed", "committed"]
    assert acme.o.remove("other") == 0
    assert [view.row.name for view in acme.o.connections()] == ["acme"]
    assert acme.total == 1003
    assert acme.o.remove("acme", purge=True) == 2
    assert acme.total == 1000
    acme.o.tidy(grace=timedelta(0))
    assert acme.total == 1000
    assert [partition.connection for partition in acme.o.lake.deliveries()] == ["other"]
    with pytest.raises(UnknownName):
        acme.o.remove("acme")


def test_a_name_whose_charges_still_lie_in_the_lake_is_not_given_again(acme: Acme) -> None:
    acme.brought("d1", "1")
    with pytest.raises(UsageError, match="There is a connection named acme already"):
        acme.add()
    acme.o.remove("acme")
    with pytest.raises(UsageError, match="still holds charges of an earlier connection named acme"):
        acme.add()
    assert acme.o.connections() == []
    assert acme.total == 1


def test_a_name_that_was_purged_begins_anew(acme: Acme) -> None:
    acme.brought("d1", "1")
    acme.o.remove("acme", purge=True)
    acme.add()
    assert (acme.status, acme.o.periods("acme")) == ("pending-data", [])
    assert acme.check() == ["committed"]
    assert acme.total == 1


def test_a_purge_that_is_refused_removes_nothing(acme: Acme, tmp_path: Path) -> None:
    from outlay.state import claims
    from outlay.state.models import Connection

    acme.brought("d1", "1")
    acme.o.add(NewConnection("other", "anycost", str(tmp_path / "bills"), "Other Cloud"))
    Connection.objects.filter(name="other").update(access_of="acme")
    with pytest.raises(UsageError, match="lends its access to other"):
        acme.o.remove("acme", purge=True)
    Connection.objects.filter(name="other").update(access_of=None)
    assert claims.claim("acme", "elsewhere:1:x", datetime.now(UTC)) is not None
    with pytest.raises(Busy, match="is being checked by process 1 on elsewhere"):
        acme.o.remove("acme", purge=True)
    assert (acme.total, acme.status) == (1, "healthy")


def test_a_purge_that_breaks_off_can_be_done_again(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    put_drop(acme.place, [row("1", time__usage_start="2026-04-03T10:00:00Z")], "d1", BillingPeriod(2026, 4))
    acme.deliver("d1", "1")
    assert acme.check() == ["committed", "committed"]
    replaced = acme.o.lake.replace
    done: list[Any] = []

    def breaks(partition: Any, *words: Any, **more: Any) -> None:
        if done:
            raise Unavailable("The lake does not answer.", next="Wait.")
        done.append(partition)
        replaced(partition, *words, **more)

    monkeypatch.setattr(acme.o.lake, "replace", breaks)
    with pytest.raises(Unavailable):
        acme.o.remove("acme", purge=True)
    assert acme.total == 1
    monkeypatch.undo()
    assert acme.o.remove("acme", purge=True) == 1
    assert (acme.total, acme.o.connections()) == (0, [])


# Status


def goes_through_its_statuses(acme: Acme) -> None:
    assert acme.status == "pending-data"
    assert acme.check() == ["unchanged"]
    assert acme.status == "pending-data"
    assert "No bill was found" in acme.o.connection("acme").status.reason
    acme.brought("d1", "1")
    assert acme.status == "healthy"
    acme.deliver("d2", "not a number")
    assert acme.check() == ["rejected"]
    assert acme.status == "failing"
    assert acme.check() == ["unchanged"]
    assert (acme.status, acme.total) == ("failing", 1)
    acme.brought("d3", "3")
    assert (acme.status, acme.total) == ("healthy", 3)


def test_a_connection_goes_from_pending_to_healthy_and_through_a_bad_drop(acme: Acme) -> None:
    goes_through_its_statuses(acme)


def test_a_bad_drop_that_is_taken_back_is_over(acme: Acme) -> None:
    acme.brought("d1", "1")
    acme.deliver("d2", "not a number")
    assert acme.check() == ["rejected"]
    acme.deliver("d1", "1")
    acme.check()
    assert (acme.status, acme.total) == ("healthy", 1)


def test_a_folder_that_disappears_and_comes_back(acme: Acme) -> None:
    acme.brought("d1", "1")
    away = acme.bills.with_name("away")
    shutil.move(acme.bills, away)
    for _ in range(2):
        assert acme.check() == ["failed"]
        status = acme.o.connection("acme").status
        assert status.status == "failing"
        assert str(acme.bills) in status.reason
        assert status.next
    assert acme.total == 1
    shutil.move(away, acme.bills)
    assert acme.check() == ["unchanged"]
    assert (acme.status, acme.total) == ("healthy", 1)


def test_a_connection_is_late_when_what_it_expects_did_not_come(tmp_path: Path) -> None:
    acme = Acme(tmp_path)
    acme.add(expect_every="24")
    first = acme.brought("d1", "1")
    assert acme.status == "healthy"
    happened(first, datetime.now(UTC) - timedelta(hours=30))
    assert acme.status == "late"
    assert "30 hours ago; one is expected every 24 hours" in acme.o.connection("acme").status.reason
    # A check that finds nothing new is no delivery.
    assert acme.check() == ["unchanged"]
    assert acme.status == "late"
    acme.brought("d2", "2")
    assert acme.status == "healthy"
    acme.o.close()


# Answers


def test_costs_come_as_a_data_frame(acme: Acme) -> None:
    june = BillingPeriod(2026, 6)
    acme.deliver("d1", "1.10", "2.20")
    later = {**row("4"), "time/usage_start": "2026-06-03T10:00:00Z", "resource/service": "Storage"}
    put_drop(acme.place, [later], "d1", june)
    assert acme.check() == ["committed", "committed"]
    frame = acme.o.costs(by=["ServiceName"], granularity="month").to_pandas()
    assert sorted(frame["ServiceName"]) == ["Compute", "Storage"]
    assert sorted(value for value in frame.to_numpy().ravel() if isinstance(value, Decimal)) == [Decimal("3.3"), 4]


def test_the_charges_are_the_same_table_each_time(acme: Acme) -> None:
    acme.brought("d1", "1", "2")
    first, second = acme.o.charges, acme.o.charges
    assert first.equals(second)
    joined = first.join(second, "Id" if "Id" in first.columns else "x_SourceRow")
    assert len(acme.o.engine.rows(acme.o.engine.prepare(joined))) == 2


# Several installations


def test_two_installations_one_after_another_know_nothing_of_each_other(tmp_path: Path) -> None:
    for name, cost in (("one", "1"), ("two", "2"), ("one", "3")):
        acme = Acme(tmp_path / name)
        if not acme.o.connections():
            acme.add()
        acme.brought(f"drop-{cost}", cost)
        assert acme.total == Decimal(cost)
        assert len(acme.earlier) == (1 if cost == "3" else 0)
        acme.o.close()


def test_a_second_installation_is_refused_while_the_first_is_open(acme: Acme, tmp_path: Path) -> None:
    acme.brought("d1", "1")
    with (
        outlay.open(home=tmp_path / "second") as second,
        pytest.raises(UsageError, match="Another installation is open in this process"),
    ):
        second.connections()
    # Closing the one that was refused did not close the first.
    assert acme.check() == ["unchanged"]
    assert acme.total == 1
    acme.o.close()
    with outlay.open(home=tmp_path / "second") as second:
        assert second.connections() == []


# PostgreSQL


def test_all_of_it_with_the_state_in_postgresql(tmp_path: Path, postgres_url: str) -> None:
    acme = Acme(tmp_path, database_url=postgres_url)
    acme.add(expect_every="24")
    goes_through_its_statuses(acme)
    first = acme.earlier[-1]
    acme.o.revert("acme", MAY, first)
    assert (acme.check(), acme.total) == (["unchanged"], 1)
    last = acme.brought("d4", "4")
    acme.o.tidy(grace=timedelta(0))
    assert (len(acme.earlier), acme.total) == (2, 4)
    happened(last, datetime.now(UTC) - timedelta(days=2))
    for delivery in acme.earlier:
        happened(delivery, datetime.now(UTC) - timedelta(days=2))
    assert acme.status == "late"
    acme.o.pause("acme")
    assert (acme.check(), acme.status) == ([], "paused")
    assert acme.o.remove("acme", purge=True) == 1
    acme.o.close()
    with outlay.open(home=tmp_path / "home", threads=1, database_url=postgres_url) as o:
        assert o.connections() == []
    assert not (tmp_path / "home" / "state.db").exists()
