from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.health import Facts, status, truth_table_markdown
from outlay.health.table import TABLE, Value

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def delivered(kind: str = "anycost", hours: float = 1, **facts: object) -> Facts:
    values: dict[str, object] = {
        "first_commit_at": hours_ago(max(hours, 500)),
        "last_delivery_at": hours_ago(hours),
        "last_checked_at": NOW,
        "last_outcome": "committed",
    }
    return Facts("bills", kind, **(values | facts))  # type: ignore[arg-type]


past = st.none() | st.floats(min_value=-2, max_value=2000).map(hours_ago)
all_facts = st.builds(
    Facts,
    name=st.just("bills"),
    kind=st.sampled_from(["anycost", "stream", "aws", "focus", "linked"]),
    paused_at=past,
    last_checked_at=past,
    first_commit_at=past,
    last_delivery_at=past,
    last_outcome=st.sampled_from([None, "committed", "unchanged", "rejected", "failed"]),
    problem=st.sampled_from(["", "Access to s3://b/p is denied.", "The value {odd} is no number."]),
    problem_next=st.sampled_from(["", "Grant s3:GetObject on {it}."]),
    expect_every_hours=st.sampled_from([None, 1, 24, 500]),
    export_made_at=past,
    export_said=st.sampled_from(["", "AWS has not run it yet."]),
    lacking=st.sampled_from([None, ("The export has no resource ids.", "Switch them on.")]),
    access_at=st.none() | st.integers(-1, 10).map(minutes_ago),
    refused_at=st.none() | st.integers(-1, 10).map(minutes_ago),
    account=st.sampled_from(["", "012345678901"]),
    payer=st.sampled_from(["", "999999999999"]),
    payers=st.sampled_from([(), ("main",)]),
    through=st.sampled_from([(), ("main", "other")]),
)


def expected(facts: Facts) -> Value:
    """The table of the design, written out once more in other words."""
    hours = facts.expect_every_hours or (36 if facts.kind == "aws" else None)
    newest = facts.last_delivery_at or facts.first_commit_at
    if facts.paused_at is not None:
        return "paused"
    if facts.last_outcome == "rejected":
        return "failing"
    if facts.last_outcome == "failed":
        given, refused = facts.access_at, facts.refused_at
        if given is None or refused is None or (refused - given).total_seconds() > 300:
            return "failing"
        return "pending-data" if (NOW - given).total_seconds() <= 420 else "failing"
    if facts.kind == "linked":
        return "healthy" if facts.through and facts.last_checked_at else "pending-data"
    if newest is None:
        return "pending-data"
    is_late = hours is not None and (NOW - newest).total_seconds() > hours * 3600
    return "late" if is_late else "healthy"


@given(all_facts)
def test_every_combination_of_facts_has_the_status_of_the_design_with_a_reason_and_a_next_action(facts: Facts) -> None:
    found = status(facts, NOW)
    assert found.status == expected(facts)
    assert found.reason.endswith(".")
    assert found.next.endswith(".")


@given(all_facts)
def test_a_reason_tells_no_time_that_is_not_known(facts: Facts) -> None:
    found = status(facts, NOW)
    assert "None" not in found.reason + found.next
    assert found.status == "late" or "never" not in found.reason


@given(all_facts)
def test_a_status_stands_in_the_order_paused_failing_pending_late_healthy(facts: Facts) -> None:
    order = [case.status for case in TABLE]
    assert list(dict.fromkeys(order)) == ["paused", "failing", "pending-data", "late", "healthy"]
    holding = [case.status for case in TABLE if case.holds(facts, NOW)]
    assert status(facts, NOW).status == min(holding, key=order.index)


def test_the_last_case_always_holds_so_that_no_connection_is_without_status() -> None:
    assert TABLE[-1].holds(Facts("bills", "focus"), NOW)


def test_every_case_of_the_table_decides_for_some_connection() -> None:
    examples = (
        Facts("bills", "aws", paused_at=hours_ago(2)),
        Facts("bills", "aws", last_outcome="rejected"),
        Facts("bills", "aws", last_outcome="failed"),
        Facts("bills", "aws", last_outcome="failed", access_at=minutes_ago(2), refused_at=minutes_ago(1)),
        Facts("bills", "aws", export_made_at=hours_ago(24)),
        Facts("bills", "aws", export_made_at=hours_ago(25), last_checked_at=NOW),
        Facts("bills", "linked"),
        Facts("bills", "linked", last_checked_at=NOW, payers=("main",)),
        Facts("bills", "linked", last_checked_at=NOW),
        Facts("bills", "stream", last_checked_at=NOW),
        Facts("bills", "aws"),
        Facts("bills", "aws", last_checked_at=NOW),
        delivered("aws", 40, last_checked_at=hours_ago(20)),
        delivered("aws", 40),
        Facts("bills", "linked", last_checked_at=NOW, through=("main",)),
        delivered("aws", 4, lacking=("No resource ids.", "Switch them on.")),
        delivered("aws", 4),
    )
    deciding = [next(case for case in TABLE if case.holds(facts, NOW)) for facts in examples]
    assert deciding == list(TABLE)


def test_a_new_connection_is_pending_and_says_how_to_bring_in_its_bills() -> None:
    found = status(Facts("bills", "anycost"), NOW)
    assert (found.status, found.reason) == ("pending-data", "Not checked yet.")
    assert "outlay ingest bills" in found.next


def test_a_connection_that_never_delivered_stays_pending_even_when_a_delivery_is_expected_every_hour() -> None:
    found = status(Facts("bills", "anycost", last_checked_at=NOW, last_outcome="unchanged", expect_every_hours=1), NOW)
    assert found.status == "pending-data"


def test_a_connection_whose_first_delivery_was_rejected_is_failing_not_pending() -> None:
    facts = Facts("bills", "anycost", last_outcome="rejected", problem="No column cost/cost.", problem_next="Add it.")
    found = status(facts, NOW)
    assert (found.status, found.reason, found.next) == ("failing", "No column cost/cost.", "Add it.")


@pytest.mark.parametrize(
    ("kind", "expect", "hours", "is_late"),
    [
        ("aws", None, 36, False),
        ("aws", None, 36.01, True),
        ("aws", 72, 40, False),
        ("anycost", None, 5000, False),
        ("focus", None, 5000, False),
        ("anycost", 24, 24, False),
        ("anycost", 24, 24.01, True),
    ],
)
def test_a_connection_is_late_after_the_hours_it_expects_and_aws_after_36(
    kind: str, expect: int | None, hours: float, is_late: bool
) -> None:
    found = status(delivered(kind, hours, expect_every_hours=expect), NOW)
    assert found.status == ("late" if is_late else "healthy")


@pytest.mark.parametrize(
    ("given", "refused", "is_waiting"),
    [(0, 0, True), (5, 0, True), (5, 4, True), (7, 2, True), (7.01, 2.01, False), (6, 0.99, False), (60, 0, False)],
)
def test_a_denial_counts_from_the_first_check_after_five_minutes_and_after_seven_without_one(
    given: float, refused: float, is_waiting: bool
) -> None:
    denied = {"last_outcome": "failed", "problem": "s3:ListBucket is denied.", "problem_next": "Allow s3:ListBucket."}
    times = {"access_at": minutes_ago(given), "refused_at": minutes_ago(refused)}
    for facts in (Facts("bills", "aws", **denied, **times), delivered(**denied, **times)):  # type: ignore[arg-type]
        found = status(facts, NOW)
        assert found.status == ("pending-data" if is_waiting else "failing")
        assert ("5 minutes" in found.reason) == is_waiting
        assert "s3:ListBucket" in found.reason
        assert "s3:ListBucket" in found.next


def test_finding_nothing_new_does_not_make_a_late_connection_healthy() -> None:
    found = status(delivered("aws", 50, last_outcome="unchanged"), NOW)
    assert found.status == "late"
    assert "50 hours ago" in found.reason


def test_a_late_connection_that_nobody_checked_says_to_check_it() -> None:
    found = status(delivered("aws", 50, last_checked_at=hours_ago(49)), NOW)
    assert found.status == "late"
    assert found.next == "Check it now with outlay ingest bills."


def test_times_are_told_in_utc() -> None:
    from zoneinfo import ZoneInfo

    paused = datetime(2026, 5, 1, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert "2026-05-01 00:30 UTC" in status(Facts("bills", "aws", paused_at=paused), NOW).reason


def test_the_page_on_health_is_the_table() -> None:
    written = (ROOT / "docs" / "health.md").read_text()
    assert written == truth_table_markdown(), "Run: python -m outlay.health > docs/health.md"
