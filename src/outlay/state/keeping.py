"""The deliveries kept for `revert`: the last three, the last of each day of the past week, the first final one."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from outlay.state.faults import translated
from outlay.state.models import Run

LAST = 3
DAYS = 7


@translated
def kept_deliveries(now: datetime) -> dict[tuple[str, str], set[str]]:
    """By connection and period."""
    kept: dict[tuple[str, str], set[str]] = {}
    by_period: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in Run.objects.filter(outcome="committed").order_by("id"):
        by_period[(run.connection_id, run.period)].append(run)
    for key, runs in by_period.items():
        kept[key] = _last(runs) | _daily(runs, now) | _first_final(runs)
    return kept


def _last(runs: list[Run]) -> set[str]:
    """The last three different ones; a delivery made live again does not push out another."""
    return set(list(dict.fromkeys(run.delivery for run in reversed(runs)))[:LAST])


def _daily(runs: list[Run], now: datetime) -> set[str]:
    recent = [run for run in runs if run.finished_at > now - timedelta(days=DAYS)]
    return set({run.finished_at.date(): run.delivery for run in recent}.values())


def _first_final(runs: list[Run]) -> set[str]:
    return set([run.delivery for run in runs if run.state == "final"][:1])
