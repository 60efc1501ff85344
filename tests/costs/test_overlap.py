"""Bills of one payer and month that several connections hold: which counts, and that none counts twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.costs.overlap import (
    BOTH,
    Bill,
    Choices,
    Held,
    Overlap,
    Pair,
    candidates,
    left_out,
    overlaps,
    pairs,
    shared,
    twice,
)
from outlay.lake import Partition
from outlay.period import BillingPeriod

MAY = BillingPeriod(2026, 5)
AGES = {name: datetime(2026, 1, number + 1, tzinfo=UTC) for number, name in enumerate("abcd")}


def at(connection: str, month: int = 5) -> Partition:
    return Partition(connection, BillingPeriod(2026, month))


def bill(
    connection: str, cost: str = "1", *, payer: str = "pay", month: int = 5, accounts: str = "xy", unit: str = "USD"
) -> Bill:
    amount = {unit: Decimal(cost)}
    return Bill(at(connection, month), payer, {"billed": amount, "effective": amount}, frozenset(accounts))


def held(*bills: Bill) -> Held:
    found: dict[Partition, dict[str, Bill]] = {}
    for each in bills:
        found.setdefault(each.partition, {})[each.payer] = each
    return found


def counted(found: Held, choices: Choices) -> set[tuple[str, str, str]]:
    """Connection, month and payer of every bill that counts."""
    out = twice(found, pairs(found, choices))
    some = {(each.connection, each.period, payer) for each in out.some for payer in each.payers}
    return {
        (bill.connection, partition.period.month, payer)
        for partition, bills in found.items()
        for payer, bill in bills.items()
        if partition not in out.whole and (bill.connection, partition.period.id, payer) not in some
    }


def names(found: Held, choices: Choices) -> set[str]:
    return {connection for connection, _, _ in counted(found, choices)}


def choices(
    first: str = "", both: Iterable[tuple[str, str]] = (), *, payer: str = "pay", ages: dict[str, datetime] = AGES
) -> Choices:
    pairs_ = frozenset((payer, frozenset(each)) for each in both)
    return Choices(ages, {payer: first} if first else {}, pairs_)


def test_without_a_choice_the_older_connection_counts() -> None:
    both = held(bill("b"), bill("a"))
    assert names(both, choices()) == {"a"}
    assert names(both, choices(ages={"a": AGES["b"], "b": AGES["a"]})) == {"b"}


def test_one_that_was_removed_before_ages_were_kept_is_the_oldest() -> None:
    assert names(held(bill("z"), bill("a")), choices()) == {"z"}


@pytest.mark.parametrize(("choice", "counts"), [("a", {"a"}), ("b", {"b"}), ("c", {"a"}), ("", {"a"})])
def test_the_chosen_connection_counts_where_it_holds_the_month(choice: str, counts: set[str]) -> None:
    assert names(held(bill("a"), bill("b")), choices(choice)) == counts


def test_where_one_stops_the_other_goes_on_month_by_month() -> None:
    found = held(bill("a", month=4), bill("a"), bill("b"), bill("b", month=6))
    assert counted(found, choices()) == {("a", "2026-04", "pay"), ("a", "2026-05", "pay"), ("b", "2026-06", "pay")}
    assert counted(found, choices("b")) == {("a", "2026-04", "pay"), ("b", "2026-05", "pay"), ("b", "2026-06", "pay")}


@pytest.mark.parametrize(
    ("chosen", "counts"),
    [
        (choices(), {"a"}),
        (choices("c"), {"c"}),
        (choices("b", [("a", "c")]), {"b"}),
        (choices(both=[("a", "c")]), {"a", "c"}),
        (choices("b", [("b", "c")]), {"b", "c"}),
        (choices(both=[("a", "b"), ("b", "c"), ("a", "c")]), {"a", "b", "c"}),
    ],
    ids=["older", "newest", "other-pair", "two-differ", "chosen-and-different", "all-differ"],
)
def test_of_three_connections_no_two_count_but_those_said_to_be_different(chosen: Choices, counts: set[str]) -> None:
    found = held(bill("a"), bill("b"), bill("c"))
    assert names(found, chosen) == counts
    out = [pair.left_out.connection for pair in pairs(found, chosen) if pair.left_out]
    assert sorted(out) == sorted({"a", "b", "c"} - counts)


@pytest.mark.parametrize(
    "apart",
    [
        {"month": 6},
        {"payer": "other"},
        {"accounts": "z"},
    ],
    ids=["month", "payer", "accounts"],
)
def test_other_months_payers_and_accounts_are_no_overlap(apart: dict[str, str]) -> None:
    found = held(bill("a"), bill("b", **apart))  # type: ignore[arg-type]
    assert names(found, choices()) == {"a", "b"}
    assert not pairs(found, choices())


def test_charges_that_name_no_payer_never_overlap() -> None:
    found = held(bill("a", payer=""), bill("b", payer=""))
    assert names(found, choices()) == {"a", "b"}
    assert candidates(found) == []


def test_of_a_delivery_of_several_payers_only_the_one_that_is_held_twice_is_left_out() -> None:
    found = held(bill("a"), bill("b"), bill("b", payer="other"), bill("b", payer=""))
    out = twice(found, pairs(found, choices()))
    assert out.whole == frozenset()
    assert [(each.connection, each.payers) for each in out.some] == [("b", frozenset({"pay"}))]
    alone = twice(held(bill("a"), bill("b")), pairs(held(bill("a"), bill("b")), choices()))
    assert (alone.whole, alone.some) == (frozenset({at("b")}), frozenset())


def test_only_months_that_several_connections_hold_are_looked_at() -> None:
    assert shared([at("a"), at("b"), at("a", 6), at("c", 7), at("d", 7)]) == {at("a"), at("b"), at("c", 7), at("d", 7)}


def test_an_overlap_tells_both_sums_the_difference_and_what_is_left_out() -> None:
    found = held(bill("a", "10"), bill("b", "10.5"), bill("a", "3", month=4, unit="EUR"), bill("b", "2", month=4))
    (told,) = overlaps(pairs(found, choices()), choices())
    assert (told.older, told.newer, told.choice) == ("a", "b", "")
    assert told.left_out == {"USD": Decimal("12.5")}
    assert [(each.month, each.currency, each.older, each.newer, each.difference) for each in told.lines] == [
        ("2026-05", "USD", Decimal(10), Decimal("10.5"), Decimal("0.5")),
        ("2026-04", "EUR", Decimal(3), Decimal(0), Decimal(-3)),
        ("2026-04", "USD", Decimal(0), Decimal(2), Decimal(2)),
    ]
    assert left_out([told], month="2026-05") == {"b": {"USD": Decimal("10.5")}}
    assert left_out([told]) == {"b": {"USD": Decimal("12.5")}}
    assert told.as_dict()["months"][1]["costs"]["b"]["billed"] == {"USD": "10.5"}


def test_two_that_both_count_by_choice_are_told_as_such_and_leave_nothing_out() -> None:
    chosen = choices(both=[("a", "b")])
    (told,) = overlaps(pairs(held(bill("a"), bill("b")), chosen), chosen)
    assert (told.choice, told.left_out) == (BOTH, {})
    assert told.months[0].counted == ("a", "b")
    assert told.as_dict()["both"]


BILLS = st.lists(
    st.builds(
        bill,
        st.sampled_from("abcd"),
        st.integers(-5, 50).map(str),
        payer=st.sampled_from(["p", "q", ""]),
        month=st.integers(4, 6),
        accounts=st.sampled_from(["xyz", "xy", "x"]),
    ),
    max_size=14,
)
CHOICES = st.builds(
    Choices,
    st.permutations("abcd").map(lambda order: {name: AGES[each] for name, each in zip(order, "abc", strict=False)}),
    st.dictionaries(st.sampled_from("pq"), st.sampled_from("abcde")),
)


@given(BILLS, CHOICES)
def test_whatever_is_chosen_one_bill_counts_of_each_payer_and_month(bills: list[Bill], chosen: Choices) -> None:
    found = held(*bills)
    kept = [(month, payer) for _, month, payer in counted(found, chosen) if payer]
    there = {(each.period.month, payer) for each, its in found.items() for payer in its if payer}
    assert sorted(kept) == sorted(there)
    blank = {(each.connection, each.period.month, "") for each, its in found.items() if "" in its}
    assert blank <= counted(found, chosen)


@given(BILLS, CHOICES, st.frozensets(st.sampled_from(list(combinations("abcd", 2)))))
def test_only_what_was_said_to_differ_counts_beside_another(
    bills: list[Bill], chosen: Choices, differ: frozenset[tuple[str, str]]
) -> None:
    said = Choices(chosen.since, chosen.first, frozenset((payer, frozenset(each)) for each in differ for payer in "pq"))
    found = held(*bills)
    kept = counted(found, said)
    for one, other in combinations(sorted(kept), 2):
        if one[2] and one[1:] == other[1:]:
            assert tuple(sorted((one[0], other[0]))) in differ
    decided: tuple[Pair, ...] = pairs(found, said)
    told: tuple[Overlap, ...] = overlaps(decided, said)
    out = {
        (each.left_out.connection, each.left_out.partition, each.left_out.payer) for each in decided if each.left_out
    }
    assert len(out) == sum(each.left_out is not None for each in decided)
    money = sum(
        (
            bill.costs["effective"]["USD"]
            for p, its in found.items()
            for y, bill in its.items()
            if (p.connection, p, y) in out
        ),
        Decimal(0),
    )
    assert sum((each.get("USD", Decimal(0)) for each in left_out(told).values()), Decimal(0)) == money
