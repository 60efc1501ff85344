from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outlay.ingest.result import RunResult
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.state.new import NewConnection

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
MAY = BillingPeriod(2026, 5)


@pytest.fixture
def changes(state: Settings) -> Any:
    from outlay.state import changes, connections

    connections.add(NewConnection("acme", "focus", "/bills/acme", expect_every=24))
    return changes


def commit(delivery: str, at: datetime) -> None:
    from outlay.state.memory import DatabaseMemory

    DatabaseMemory().record(RunResult("acme", "committed", MAY, delivery, "p", started=at, finished=at))


def seen(changes: Any) -> list[tuple[str, str]]:
    return [(each.before, each.after) for each in reversed(changes.timeline("acme"))]


def test_each_change_is_recorded_once_with_its_reason_and_next_action(changes: Any) -> None:
    for _ in range(3):
        changes.note("acme", NOW)
    commit("d1", NOW)
    for _ in range(3):
        changes.note_all(NOW)
    late = NOW + timedelta(hours=25)
    for hours in range(3):
        changes.note_all(late + timedelta(hours=hours))
    assert seen(changes) == [("", "pending-data"), ("pending-data", "healthy"), ("healthy", "late")]
    newest = changes.timeline("acme")[0]
    assert newest.at == late
    assert "one is expected every 24 hours" in newest.reason
    assert newest.next
    assert newest.as_dict()["at"] == "2026-06-16T13:00:00+00:00"


def test_the_passing_of_time_alone_is_told_by_connection(changes: Any) -> None:
    commit("d1", NOW)
    changes.note_all(NOW)
    assert changes.note_all(NOW + timedelta(hours=24)) == []
    ((name, change),) = changes.note_all(NOW + timedelta(hours=24, seconds=1))
    assert (name, change.before, change.after) == ("acme", "healthy", "late")


def test_a_removed_connection_has_no_change(changes: Any) -> None:
    from outlay.state import connections

    connections.remove("acme")
    assert changes.note("acme", NOW) is None
    assert changes.timeline("acme") == []


def test_several_that_notice_a_change_at_once_record_it_once(changes: Any) -> None:
    from django.db import connections as databases

    start = threading.Barrier(4)

    def notice() -> None:
        start.wait(30)
        changes.note("acme", NOW)
        databases.close_all()

    threads = [threading.Thread(target=notice) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen(changes) == [("", "pending-data")]
