from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outlay.ingest.result import RunResult
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.state.new import NewConnection

MAY = BillingPeriod(2026, 5)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def record(state: Settings) -> Any:
    from outlay.state import connections
    from outlay.state.memory import DatabaseMemory

    connections.add(NewConnection("acme", "focus", "/bills/acme"))

    def recorded(delivery: str, days_ago: float, run_state: Any = "estimated", outcome: Any = "committed") -> None:
        at = NOW - timedelta(days=days_ago)
        result = RunResult("acme", outcome, MAY, delivery, "p", state=run_state, started=at, finished=at)
        DatabaseMemory().record(result)

    return recorded


def kept() -> set[str]:
    from outlay.state.keeping import kept_deliveries

    return kept_deliveries(NOW).get(("acme", MAY.id), set())


def test_nothing_is_kept_of_nothing(record: Any) -> None:
    assert kept() == set()


def test_the_last_three_are_kept_however_old(record: Any) -> None:
    for number in range(5):
        record(f"d{number}", 100 - number)
    assert kept() == {"d2", "d3", "d4"}


def test_the_last_of_each_of_the_past_seven_days_is_kept(record: Any) -> None:
    for days in range(9, -1, -1):
        record(f"morning-{days}", days + 0.2)
        record(f"evening-{days}", days + 0.1)
    evenings = {f"evening-{days}" for days in range(7)}
    assert kept() == evenings | {"morning-0"} | {"evening-1"}


def test_the_first_final_one_is_kept(record: Any) -> None:
    record("estimated", 200)
    record("final", 190, "final")
    record("final-again", 180, "final")
    for number in range(3):
        record(f"d{number}", 100 - number, "final")
    assert kept() == {"final", "d0", "d1", "d2"}


def test_a_delivery_that_came_twice_does_not_push_out_another(record: Any) -> None:
    for number, delivery in enumerate(("a", "b", "c", "b", "c", "b")):
        record(delivery, 100 - number)
    assert kept() == {"a", "b", "c"}


def test_what_was_not_committed_is_not_kept(record: Any) -> None:
    record("a", 100)
    record("bad", 0, outcome="rejected")
    record("worse", 0, outcome="failed")
    assert kept() == {"a"}
