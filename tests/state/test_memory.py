from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from outlay.findings import finding
from outlay.ingest.result import Decided, Reconciliation, RunResult
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.state.new import NewConnection
from outlay.storage import StoredFile

MAY, JUNE = BillingPeriod(2026, 5), BillingPeriod(2026, 6)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
BAD = finding("value-missing", file="a.csv", row=3, column="cost/cost")


@pytest.fixture
def memory(state: Settings) -> Any:
    from outlay.state import connections
    from outlay.state.memory import DatabaseMemory

    connections.add(NewConnection("acme", "focus", "/bills/acme"))
    connections.add(NewConnection("other", "focus", "/bills/other"))
    return DatabaseMemory()


def proof(rows: int = 2) -> Reconciliation:
    exact = Decimal("12345678901234567890.123456789012345678")
    sums = {"BilledCost": (exact, exact)}
    return Reconciliation(rows, rows, {}, {}, {"USD": sums}, [("USD", "012345678901", sums)])


def committed(delivery: str, period: BillingPeriod = MAY, **more: Any) -> RunResult:
    given: dict[str, Any] = {"reconciliation": proof(), "state": "final", "started": NOW, "finished": NOW} | more
    return RunResult("acme", "committed", period, delivery, f"print-{delivery}", **given)


def rejected(delivery: str | None, period: BillingPeriod | None = MAY) -> RunResult:
    return RunResult("acme", "rejected", period, delivery, "print", (BAD,), {"value-missing": 150})


def test_what_was_committed_or_rejected_is_decided_and_what_failed_is_not(memory: Any) -> None:
    memory.record(committed("d1"))
    memory.record(RunResult("acme", "failed", MAY, "d2", "print-d2"))
    assert memory.decided("acme") == {MAY: Decided("d1", "print-d1", "committed", 2)}
    memory.record(rejected("d3"))
    assert memory.decided("acme") == {MAY: Decided("d3", "print", "rejected", 0)}
    assert memory.decided("other") == {}


def test_a_new_fingerprint_of_the_same_delivery_is_remembered(memory: Any) -> None:
    memory.record(committed("d1"))
    memory.saw("acme", MAY, "touched")
    assert memory.decided("acme")[MAY].fingerprint == "touched"


def test_a_reconciliation_comes_back_to_the_last_digit(memory: Any) -> None:
    from outlay.state.memory import reconciliation_of

    memory.record(committed("d1"))
    number = memory.committed("acme")[MAY]["d1"].run
    assert reconciliation_of(memory.runs([number])[number]) == proof()


def test_findings_come_back_in_order_with_their_places(memory: Any) -> None:
    from outlay.state.memory import findings_of

    findings = tuple(finding("value-missing", file="a", row=row, column="c") for row in range(1, 6))
    memory.record(RunResult("acme", "rejected", MAY, "d1", "p", findings, {"value-missing": 5}))
    (row,) = memory.rejected("acme")
    assert findings_of(row.run) == findings


def test_which_periods_a_file_has_is_known_for_the_version_that_was_read(memory: Any) -> None:
    file = StoredFile("a.csv", 10, "one", NOW)
    assert memory.periods_of("acme", file) is None
    memory.remember_periods("acme", file, frozenset({MAY, JUNE}))
    assert memory.periods_of("acme", file) == {MAY, JUNE}
    changed = StoredFile("a.csv", 10, "two", NOW)
    assert memory.periods_of("acme", changed) is None
    memory.remember_periods("acme", changed, frozenset())
    assert memory.periods_of("acme", changed) == frozenset()
    assert memory.periods_of("other", changed) is None


def test_a_revert_sets_the_decided_delivery_aside_until_it_is_live_again(memory: Any) -> None:
    memory.record(committed("d1"))
    memory.record(committed("d2"))
    memory.set_aside("acme", MAY, "d1")
    assert memory.decided("acme")[MAY] == Decided("d2", "print-d2", "set-aside", 2)
    memory.set_aside("acme", MAY, "d2")
    assert memory.decided("acme")[MAY].outcome == "committed"


def test_commits_are_told_once_a_delivery_newest_first(memory: Any) -> None:
    for delivery in ("d1", "d2", "d1"):
        memory.record(committed(delivery))
    memory.record(committed("d3", JUNE, reconciliation=proof(0)))
    found = memory.committed("acme")
    assert {period: list(its) for period, its in found.items()} == {MAY: ["d1", "d2"], JUNE: ["d3"]}
    assert (found[MAY]["d1"].rows, found[JUNE]["d3"].rows) == (2, 0)
    assert memory.committed("acme", MAY) == {MAY: found[MAY]}


def test_removing_a_connection_forgets_all_of_it_and_nothing_else(memory: Any) -> None:
    from outlay.state import connections

    memory.record(committed("d1"))
    memory.record(rejected(None, None))
    memory.remember_periods("other", StoredFile("a.csv", 1, "x", NOW), frozenset({MAY}))
    connections.remove("acme")
    assert memory.decided("acme") == {}
    assert memory.newest_run() is None
    assert memory.periods_of("other", StoredFile("a.csv", 1, "x", NOW)) == {MAY}


def test_a_look_that_is_rejected_again_for_the_same_is_one_run_and_one_notice(memory: Any) -> None:
    from outlay.state import noticing
    from outlay.state.models import NoticeChannel, Run

    NoticeChannel.objects.create(kind="slack", name="x", settings={}, sealed="", events=["rejected"], made_at=NOW)

    def told() -> tuple[int, int]:
        return Run.objects.count(), len(noticing.log(100))

    other = finding("export-not-named", location="s3://bucket", exports="a, b")
    for hours in range(3):
        memory.record(replace(rejected(None, None), finished=NOW + timedelta(hours=hours)))
        memory.checked("acme", is_well=False)
    assert told() == (1, 1)
    assert memory.newest_run() == NOW + timedelta(hours=2)
    memory.record(replace(rejected(None, None), findings=(other,)))
    assert told() == (2, 2)
    memory.record(rejected(None, None))
    assert told() == (3, 3)
    memory.checked("acme", is_well=True)
    memory.record(rejected(None, None))
    assert told() == (4, 4)
    memory.record(rejected("d1"))
    memory.record(rejected("d2"))
    assert told() == (6, 6)


# What the status is made of


def facts(name: str = "acme") -> Any:
    from outlay.state import connections
    from outlay.state.facts import facts_of

    return facts_of(connections.named(name))


def test_nothing_is_known_of_a_new_connection(memory: Any) -> None:
    known = facts()
    assert (known.first_commit_at, known.last_outcome, known.last_checked_at) == (None, None, None)


def test_the_first_and_the_last_commit_are_known(memory: Any) -> None:
    for days in (0, 1, 2):
        memory.record(committed(f"d{days}", finished=NOW + timedelta(days=days)))
    known = facts()
    assert (known.first_commit_at, known.last_delivery_at) == (NOW, NOW + timedelta(days=2))


def test_one_bad_period_counts_though_another_came_in_after_it(memory: Any) -> None:
    memory.record(rejected("d1", MAY))
    memory.record(committed("d1", JUNE))
    memory.checked("acme", is_well=True)
    known = facts()
    assert (known.last_outcome, known.problem, known.problem_next) == ("rejected", BAD.message, BAD.next)
    memory.record(committed("d2", MAY))
    assert facts().last_outcome not in ("rejected", "failed")


@pytest.mark.parametrize("trouble", [RunResult("acme", "failed", None, None, "", (BAD,)), rejected(None, None)])
def test_a_check_that_failed_counts_until_one_is_well(memory: Any, trouble: RunResult) -> None:
    memory.record(committed("d1"))
    memory.record(trouble)
    memory.checked("acme", is_well=False)
    assert (facts().last_outcome, facts().problem) == (trouble.outcome, BAD.message)
    memory.checked("acme", is_well=True)
    assert facts().last_outcome not in ("rejected", "failed")
    assert facts().last_checked_at is not None
