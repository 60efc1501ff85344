"""Of connections that go on with one another each month counts once, whoever holds it."""

from __future__ import annotations

from itertools import combinations

import pytest

from outlay.costs.counting import NOTHING, Line, counted
from outlay.lake import Partition
from outlay.period import BillingPeriod

MAY, JUNE, JULY = (BillingPeriod(2026, number) for number in (5, 6, 7))
CHANGED = Line((("old", "", "2026-05"), ("new", "2026-06", "")))
WAITING = Line((("old", "", ""), ("new", *NOTHING)))
TWICE = Line((("old", "", "2026-05"), ("new", "2026-06", "2026-06"), ("newest", "2026-07", ""), ("gone", *NOTHING)))
BOUNDED = Line((("old", "2026-06", "2026-06"), ("new", "2026-07", "2026-07")))


def counting(line: Line, *held: tuple[str, BillingPeriod]) -> set[tuple[str, BillingPeriod]]:
    return set(counted({Partition(*each): None for each in held}, {}, (line,)))


@pytest.mark.parametrize("line", [CHANGED, WAITING, TWICE], ids=["changed", "waiting", "twice"])
def test_every_month_that_any_of_them_holds_counts_exactly_once(line: Line) -> None:
    pairs = [(name, period) for name in line.names for period in (MAY, JUNE)]
    for size in range(len(pairs) + 1):
        for held in combinations(pairs, size):
            found = counting(line, *held)
            assert found <= set(held)
            assert sorted(period for _, period in found) == sorted({period for _, period in held})


@pytest.mark.parametrize(
    ("line", "held", "name"),
    [
        (CHANGED, ("old", "new"), "new"),
        (CHANGED, ("old",), "old"),
        (WAITING, ("old", "new"), "old"),
        (WAITING, ("new",), "new"),
        (TWICE, ("old", "newest", "gone"), "old"),
        (TWICE, ("newest", "gone"), "newest"),
        (TWICE, ("gone",), "gone"),
    ],
    ids=["both", "not there yet", "waiting", "alone", "the one before first", "the next", "the last"],
)
def test_june_is_that_of_whose_turn_it_is_or_else_of_who_holds_it(line: Line, held: tuple[str, ...], name: str) -> None:
    assert counting(line, *((each, JUNE) for each in held)) == {(name, JUNE)}


def test_nobody_stands_in_for_months_outside_the_bounds_of_all() -> None:
    held = [(name, period) for name in ("old", "new") for period in (MAY, JUNE, BillingPeriod(2026, 8))]
    assert counting(BOUNDED, *held) == {("old", JUNE)}


def test_one_outside_every_line_counts_within_its_own_bounds() -> None:
    live = {Partition("alone", period): period for period in (MAY, JUNE, JULY)}
    found = counted(live, {"alone": ("2026-06", "2026-06"), "old": NOTHING}, (CHANGED,))
    assert found == {Partition("alone", JUNE): JUNE}
