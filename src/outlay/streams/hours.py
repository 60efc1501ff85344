"""The hours of a month as a short text: `0-23,48` are the first day and the first hour of the third."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby

from outlay.period import BillingPeriod


def hour_of(text: str, period: BillingPeriod) -> int:
    """Of a `time/usage_start` that was found to be right: the number of its hour in the month, from 0."""
    moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((moment - period.start).total_seconds() // 3600)


def written(hours: Iterable[int]) -> str:
    ordered = sorted(set(hours))
    runs = [[hour for _, hour in run] for _, run in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0])]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def read(text: str) -> frozenset[int]:
    found: set[int] = set()
    for run in filter(None, text.split(",")):
        first, _, last = run.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
