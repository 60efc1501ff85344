"""From what a question is answered: for each partition the smallest roll-up that can, or else its charges. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from outlay.costs.filters import Filter
from outlay.costs.names import Name
from outlay.costs.question import CLOCK, Question
from outlay.costs.rollup import DAILY, MONTHLY, Kind, Rolled, Rollups
from outlay.lake import Live, Partition
from outlay.period import BillingPeriod

_HOUR = 3600


@dataclass(frozen=True)
class Part:
    """Files of one shape: roll-ups of one `kind`, or charges when that is None.

    No charge in them has the keys in `lacking`, such as `Tags.team`, so they have no columns for those. `is_cut` when
    some of their charges are not in the days of the question.
    """

    kind: Kind | None
    lacking: tuple[str, ...]
    is_cut: bool
    files: tuple[str, ...]


def plan(
    question: Question, live: Mapping[Partition, Live], rollups: Callable[[Partition, str], Rollups | None]
) -> list[Part]:
    """Every partition that may hold charges of the question, in as few parts as there are shapes of files."""
    found: dict[tuple[Kind | None, tuple[str, ...], bool], list[str]] = {}
    names = needed(question)
    for partition, each in sorted(live.items()):
        if not may_hold(question, partition):
            continue
        is_cut = _is_cut(question, partition.period)
        has = rollups(partition, each.delivery) or Rollups()
        lacking = tuple(sorted(str(name) for name in names if has.lacks(name)))
        table = _smallest(has, {str(name) for name in names} - set(lacking), _grains(question, is_cut=is_cut))
        if table:
            found.setdefault((table.kind, lacking, is_cut), []).append(table.address)
        else:
            found.setdefault((None, (), is_cut), []).extend(each.files)
    return [Part(kind, lacking, is_cut, tuple(files)) for (kind, lacking, is_cut), files in found.items()]


def needed(question: Question) -> tuple[Name, ...]:
    """The columns and keys that a question looks at, but for amounts and times."""
    return (*question.names, *(Name.parse(each.column) for each in question.filters))


def may_hold(question: Question, partition: Partition) -> bool:
    """False when the question's days or filters leave out the whole of it."""
    first, last = question.first_period, question.last_period
    if (first and partition.period < first) or (last and partition.period > last):
        return False
    own = {"x_Connection": partition.connection, "x_BillingPeriod": partition.period.id}
    asked: dict[str, list[Filter]] = {}
    for each in question.filters:
        asked.setdefault(each.column, []).append(each)
    return all(_holds(value, asked.get(column, [])) for column, value in own.items())


def _holds(value: str, filters: Iterable[Filter]) -> bool:
    """As `query.matching` has it."""
    same = [each.value for each in filters if each.operator == "="]
    return (not same or value in same) and all(_TESTS[each.operator](value, each) for each in filters)


_TESTS: dict[str, Callable[[str, Filter], bool]] = {
    "=": lambda value, asked: True,
    "!=": lambda value, asked: value != asked.value,
    # Engines make letters small each in their own way: they decide.
    "~": lambda value, asked: True,
}


def _is_cut(question: Question, period: BillingPeriod) -> bool:
    starts_within = question.start is not None and question.start > period.start.date()
    ends_within = question.end is not None and question.end < period.end.date() - timedelta(days=1)
    return starts_within or ends_within


def _grains(question: Question, *, is_cut: bool) -> frozenset[str]:
    """The grains from which the question can be answered."""
    is_by_clock = question.steps.kind == CLOCK
    if is_by_clock and question.steps.seconds <= _HOUR:
        return frozenset()
    return frozenset({DAILY}) if is_by_clock or is_cut else frozenset({DAILY, MONTHLY})


def _smallest(has: Rollups, names: set[str], grains: frozenset[str]) -> Rolled | None:
    able = [each for each in has.tables if each.kind.grain in grains and names <= set(each.kind.names)]
    return min(able, key=lambda each: (each.rows, len(each.kind.columns), each.kind.name), default=None)
