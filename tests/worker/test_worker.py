"""The worker in this process, one turn at a time."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from outlay.costs.rollup import SMALLEST, VERSION
from outlay.errors import Busy, UsageError
from outlay.ingest.steps import Quiet, Step
from outlay.state.progress import Progress
from outlay.worker.ending import Ending
from tests.worker.place import JUNE, Clock, Installation, until


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Turns:
    def __init__(self, place: Installation) -> None:
        _ = place.o.memory
        from outlay.worker.worker import Worker

        self.ending = Ending()
        self.worker = Worker(place.o, self.ending)

    def until_idle(self) -> None:
        while self.worker.turn():
            pass

    def work(self) -> int:
        """Check what is due, until nothing is; how many that was."""
        count = 0
        while self.worker.check_one():
            count += 1
        return count


@pytest.fixture
def turns(place: Installation) -> Turns:
    place.add()
    return Turns(place)


def progress(place: Installation) -> Progress:
    found = place.o.progress("acme")
    assert found is not None
    return found


class At(Quiet):
    """Does something when a step of a month begins, or just before the first month."""

    def __init__(self, step: Step, month: str, do: Callable[[], object]) -> None:
        self._at, self._do = (step, month), do

    def begins(self, connection: str, period: str, step: Step) -> None:
        if (step, f"{period[:4]}-{period[4:6]}") == self._at:
            self._do()


def watching(inner: Quiet, is_ending: Callable[[], bool] = lambda: False) -> Any:
    """Acme, claimed as a worker does it."""
    from django.utils import timezone

    from outlay.state import claims
    from outlay.state.checking import Watch

    claim = claims.claim("acme", claims.holder(), timezone.now())
    assert claim is not None
    return Watch(claim, inner, is_ending)


def brought(place: Installation, inner: Quiet) -> list[str]:
    """The months that come out of one check."""
    return [result.period.month for result in place.o.check(watching(inner)) if result.period]


# What is due


def test_a_worker_brings_in_what_is_new_newest_first_and_then_has_nothing_to_do(
    place: Installation, turns: Turns
) -> None:
    months = place.deliver_months(3)
    assert turns.work() == 1
    assert place.commits() == months
    assert turns.work() == 0
    assert progress(place).state == "done"
    assert progress(place).months == dict.fromkeys(months, "committed")


def test_each_connection_is_checked_as_often_as_is_set(place: Installation, turns: Turns, clock: Clock) -> None:
    place.add("often", check_every=5)
    (place.folder / "often").mkdir(exist_ok=True)
    assert turns.work() == 2
    clock.ahead = timedelta(minutes=6)
    place.deliver("1", name="often")
    place.deliver("1")
    assert turns.work() == 1
    assert (place.commits("often"), place.commits()) == (["2026-06"], [])
    clock.ahead = timedelta(minutes=61)
    assert turns.work() == 2
    assert place.commits() == ["2026-06"]


def test_a_shorter_frequency_counts_at_once(place: Installation, turns: Turns, clock: Clock) -> None:
    turns.work()
    place.o.set_frequency("acme", 5)
    clock.ahead = timedelta(minutes=5, seconds=1)
    assert turns.work() == 1


def test_check_now_makes_it_due(place: Installation, turns: Turns) -> None:
    turns.work()
    place.deliver("1")
    place.o.check_now("acme")
    assert turns.work() == 1
    assert place.commits() == ["2026-06"]
    assert turns.work() == 0


def test_a_paused_connection_is_not_checked_and_says_what_to_do(place: Installation, turns: Turns) -> None:
    place.deliver("1")
    place.o.pause("acme")
    assert turns.work() == 0
    with pytest.raises(UsageError, match="paused") as told:
        place.o.check_now("acme")
    assert "resume" in told.value.next
    place.o.resume("acme")
    assert turns.work() == 1


def rolled_up(place: Installation) -> list[str]:
    return sorted(partition.period.month for partition, _ in place.o.lake.rolled_up())


def test_a_worker_rolls_up_the_months_that_are_large_enough_after_they_have_come_in(
    place: Installation, turns: Turns
) -> None:
    months = place.deliver_months(2)
    place.deliver("1", count=SMALLEST, drop="d2")
    turns.until_idle()
    assert place.months() == months
    assert rolled_up(place) == months[:1]


def test_roll_ups_that_fail_as_nobody_expected_do_not_end_the_worker_and_are_made_later(
    place: Installation, turns: Turns, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    place.deliver("1", count=SMALLEST)
    turns.work()
    path = f"rollups/acme/{JUNE.id}/{place.o.periods('acme')[0].delivery}/rollups.json"
    # No code of ours writes a note without its tables.
    place.o.lake.place.write(path, json.dumps({"version": VERSION, "files": []}).encode())
    turns.until_idle()
    assert "No roll-ups: Outlay failed unexpectedly: KeyError at rollup.py" in caplog.text
    place.o.lake.place.write(path, b"")
    clock.ahead = timedelta(minutes=6)
    assert turns.worker.turn()
    assert rolled_up(place) == [JUNE.month]


def test_a_worker_tidies_the_lake_once_a_day(
    place: Installation, turns: Turns, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def snapshots() -> int:
        return len(place.o.lake.table().snapshots())

    caplog.set_level(logging.INFO, "outlay.worker")
    for cost in ("1", "2"):
        place.deliver(cost, drop=f"d{cost}")
        place.o.check_now("acme")
        turns.until_idle()
    assert (snapshots(), "tidied" in caplog.text) == (2, False)
    clock.ahead = timedelta(hours=26)
    turns.until_idle()
    assert (snapshots(), caplog.text.count("tidied")) == (1, 1)


# What goes wrong


def test_a_place_that_cannot_be_read_is_tried_again_sooner(place: Installation, turns: Turns, clock: Clock) -> None:
    shutil.rmtree(place.folder / "acme")
    assert turns.work() == 1
    assert place.row().failures == 1
    assert place.row().next_check_at <= clock.now() + timedelta(minutes=1)
    place.deliver("1")
    clock.ahead = timedelta(minutes=2)
    assert turns.work() == 1
    assert (place.row().failures, place.commits()) == (0, ["2026-06"])


def test_a_rejected_delivery_is_no_reason_to_look_sooner(place: Installation, turns: Turns, clock: Clock) -> None:
    place.deliver("not a number")
    turns.work()
    assert place.row().failures == 0
    assert place.row().next_check_at > clock.now() + timedelta(minutes=50)


def nowhere(place: Installation) -> None:
    place.change(location="nonsense://?")


def no_month(place: Installation) -> None:
    from outlay.state.models import DecidedPeriod

    DecidedPeriod.objects.create(
        connection_id="acme", period="hush", delivery="d", fingerprint="f", outcome="committed"
    )


@pytest.mark.parametrize(("spoil", "told"), [(nowhere, "nonsense://"), (no_month, "ValueError at period.py:")])
def test_what_nobody_expected_is_recorded_and_tried_again_and_the_worker_goes_on(
    place: Installation, turns: Turns, clock: Clock, spoil: Callable[[Installation], None], told: str
) -> None:
    place.deliver("1")
    place.add("other")
    place.deliver("1", name="other")
    # Rows that no code of ours writes.
    spoil(place)
    assert turns.work() == 2
    assert place.commits("other") == ["2026-06"]
    view = place.o.connection("acme")
    assert view.status.status == "failing"
    assert view.row.failures == 1
    assert view.row.next_check_at is not None
    assert view.row.next_check_at > clock.now()
    assert not view.row.lease_holder
    assert told in view.status.reason
    assert view.status.next


def test_a_database_that_does_not_answer_does_not_end_the_worker(
    place: Installation, turns: Turns, caplog: pytest.LogCaptureFixture
) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE state_connection RENAME TO away")
    caplog.set_level(logging.INFO, "outlay.worker")
    for _ in range(3):
        assert not turns.worker.turn()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE away RENAME TO state_connection")
    assert turns.worker.turn()
    assert "answers again" in caplog.text


def test_a_database_that_fails_halfway_through_a_check_does_not_end_the_worker(
    place: Installation, turns: Turns, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    from django.db import connection

    place.deliver("1")
    caplog.set_level(logging.INFO, "outlay.worker")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE state_run RENAME TO away")
    # The first turn fails as statuses are derived, the second as a run is recorded.
    for _ in range(2):
        assert not turns.worker.turn()
    assert [record.levelname for record in caplog.records if "database failed" in record.message] == ["WARNING"]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE away RENAME TO state_run")
    clock.ahead += timedelta(minutes=5)
    assert turns.worker.turn()
    assert "answers again" in caplog.text
    assert place.total() == 1


# Leases


def test_a_check_whose_lease_is_lost_stops_before_its_commit(place: Installation, turns: Turns, clock: Clock) -> None:
    place.deliver("1")
    turns.work()
    place.deliver("2", drop="d2")

    def steal() -> None:
        from outlay.state import claims

        assert claims.claim("acme", "elsewhere:1:x", clock.now() + 2 * claims.LEASE) is not None

    assert brought(place, At("commit", "2026-06", steal)) == []
    assert place.total() == 1
    assert place.row().lease_holder == "elsewhere:1:x"


def test_a_connection_removed_during_its_check_gets_no_charges_any_more(place: Installation, turns: Turns) -> None:
    place.deliver("1")
    assert brought(place, At("commit", "2026-06", lambda: place.o.remove("acme"))) == []
    assert place.total() == 0


def test_while_a_worker_checks_another_check_is_refused_or_waits(place: Installation, turns: Turns) -> None:
    from outlay.state import claims

    place.deliver("1")
    claim = watching(Quiet()).claim
    with pytest.raises(Busy, match="is being checked by process") as told:
        list(place.o.ingest())
    assert told.value.retry_after > 0
    waited = []

    def waiting(name: str, other: str) -> None:
        waited.append((name, other))
        claims.release(claim)

    assert [result.outcome for result in place.o.ingest(waiting=waiting)] == ["committed"]
    assert len(waited) == 1


def test_a_check_that_is_told_to_end_leaves_the_connection_due_and_free(place: Installation, turns: Turns) -> None:
    months = place.deliver_months(3)
    watch = watching(At("map", months[1], turns.ending.ask), turns.ending)
    assert [result.outcome for result in place.o.check(watch)] == ["committed"]
    assert not place.row().lease_holder
    assert progress(place).state == "interrupted"
    assert Turns(place).work() == 1
    assert place.commits() == months


def test_whoever_drops_a_check_halfway_gives_the_lease_back(place: Installation, turns: Turns) -> None:
    place.deliver_months(2)
    results: Any = place.o.ingest()
    next(results)
    assert place.row().lease_holder
    results.close()
    assert not place.row().lease_holder


# Progress, stop, and from which month on


def test_progress_tells_the_months_the_step_and_how_far_it_is(place: Installation, turns: Turns) -> None:
    months = place.deliver_months(3)
    seen: list[Any] = []

    class Looking(Quiet):
        def progress(self, connection: str, period: str, step: Step, done: int, of: int) -> None:
            if step == "fetch":
                seen.append((period, done, of))

    assert brought(place, Looking()) == months
    assert all(done == of > 0 for _, done, of in seen)
    told = progress(place).as_dict()
    assert told["months"] == [{"month": month, "outcome": "committed"} for month in months]
    assert (told["months_done"], told["months_of"], told["state"]) == (3, 3, "done")
    assert Progress.from_dict(told) == progress(place)


def test_a_stop_leaves_the_remaining_months_until_they_are_asked_for(
    place: Installation, turns: Turns, clock: Clock
) -> None:
    months = place.deliver_months(4)

    def stop() -> None:
        assert place.o.stop("acme")
        until(lambda: watch.is_halting, "sign of the stop")

    watch = watching(At("plan", months[1], stop))
    assert [result.outcome for result in place.o.check(watch)] == ["committed"]
    assert (progress(place).state, progress(place).left_out) == ("stopped", tuple(months[1:]))
    assert "Not brought in: 2026-05, 2026-04, 2026-03" in progress(place).said()
    # The next check brings in what is new, and leaves those.
    place.deliver("5", JUNE.next())
    clock.ahead = timedelta(hours=2)
    assert turns.work() == 1
    assert place.months() == ["2026-07", "2026-06"]
    assert progress(place).left_out == tuple(months[1:])
    place.o.check_now("acme")
    assert turns.work() == 1
    assert place.months() == ["2026-07", *months]
    assert progress(place).left_out == ()


def test_there_is_nothing_to_stop_when_nobody_checks(place: Installation, turns: Turns) -> None:
    turns.work()
    assert not place.o.stop("acme")


def test_months_before_the_one_that_was_said_stay_out_and_are_told(place: Installation, turns: Turns) -> None:
    months = place.deliver_months(4)
    place.o.set_bring_from("acme", months[1])
    turns.work()
    assert place.months() == months[:2]
    assert progress(place).left_out == tuple(months[2:])
    place.o.set_bring_from("acme", "")
    place.o.check_now("acme")
    turns.work()
    assert place.months() == months


def test_a_month_that_is_in_already_is_kept_fresh_whatever_is_said_later(place: Installation, turns: Turns) -> None:
    months = place.deliver_months(2)
    turns.work()
    place.o.set_bring_from("acme", months[0])
    place.deliver("5", JUNE.previous(), drop="d2")
    place.o.check_now("acme")
    turns.work()
    assert place.total() == 6


def test_a_pause_ends_the_check_under_way_and_a_resume_goes_on(place: Installation, turns: Turns) -> None:
    months = place.deliver_months(3)

    def pause() -> None:
        place.o.pause("acme")
        until(lambda: watch.is_halting, "sign of the pause")

    watch = watching(At("plan", months[1], pause))
    assert len(list(place.o.check(watch))) == 1
    assert turns.work() == 0
    place.o.resume("acme")
    assert turns.work() == 1
    assert place.months() == months


# The timeline


def test_a_connection_goes_through_its_statuses_and_each_change_is_kept_once(
    place: Installation, turns: Turns, clock: Clock
) -> None:
    place.change(expect_every_hours=24)
    assert place.timeline() == ["pending-data"]
    turns.work()
    place.deliver("1")
    place.o.check_now("acme")
    turns.work()
    assert place.timeline() == ["pending-data", "healthy"]
    clock.ahead = timedelta(hours=25)
    for _ in range(2):
        turns.worker.note_changes()
        turns.work()
        clock.ahead += timedelta(hours=1)
    assert place.timeline() == ["pending-data", "healthy", "late"]
    place.deliver("not a number", drop="d2")
    clock.ahead += timedelta(hours=1)
    turns.work()
    place.deliver("2", drop="d3")
    clock.ahead += timedelta(hours=1)
    turns.work()
    place.o.pause("acme")
    place.o.resume("acme")
    turns.worker.note_changes()
    assert place.timeline() == [
        "pending-data",
        "healthy",
        "late",
        "failing",
        "healthy",
        "paused",
        "healthy",
    ]
    times = [change.at for change in reversed(place.o.timeline("acme"))]
    assert times == sorted(times)
    assert all(change.reason and change.next for change in place.o.timeline("acme"))


def test_healthy_is_recorded_with_the_first_commit_of_a_long_check(place: Installation, turns: Turns) -> None:
    months = place.deliver_months(2)
    seen: list[list[str]] = []
    brought(place, At("plan", months[1], lambda: seen.append(place.timeline())))
    assert seen == [["pending-data", "healthy"]]


# Which months count


def superseded(place: Installation) -> None:
    """May and June in both; the old connection counts to May, the new one from June on."""
    place.add("newer")
    for name, cost in (("acme", "1"), ("newer", "10")):
        place.deliver(cost, JUNE, name)
        place.deliver(cost, JUNE.previous(), name)
    Turns(place).work()
    place.o.set_counted("acme", last="2026-05")
    place.o.set_counted("newer", first="2026-06")


def test_each_month_of_a_superseded_connection_counts_once_and_both_bills_stay(
    place: Installation, turns: Turns
) -> None:
    superseded(place)
    assert place.total() == 11
    assert sum(place.o.costs(metric="billed").totals.values()) == 11
    for name, counted in (("acme", [False, True]), ("newer", [True, False])):
        assert [view.is_counted for view in place.o.periods(name)] == counted
        assert all(view.rows == 1 and view.reconciliation for view in place.o.periods(name))
    before = place.o.lake.table().metadata_location
    place.o.set_counted("acme")
    place.o.set_counted("newer")
    assert place.total() == 22
    assert place.o.lake.table().metadata_location == before


def test_what_does_not_count_is_still_brought_in(place: Installation, turns: Turns) -> None:
    superseded(place)
    place.deliver("100", JUNE, drop="d2")
    place.o.check_now("acme")
    turns.work()
    assert place.total() == 11
    place.o.set_counted("acme")
    assert place.total() == 111


def test_the_months_of_a_removed_connection_stay_uncounted(place: Installation, turns: Turns) -> None:
    superseded(place)
    place.o.remove("acme")
    assert place.total() == 11
    with pytest.raises(UsageError, match="still holds charges"):
        place.add("acme")
    place.o.remove("newer", purge=True)
    assert place.total() == 1
    place.add("newer")
    place.o.check_now("newer")
    turns.work()
    assert place.total() == 21
