"""Charges of accounts that are not connected, left out by a filter: with what is left out the sums are whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from outlay.costs.answer import Answer, sums
from outlay.costs.desk import Bounds, Desk
from outlay.costs.filters import Filter
from outlay.costs.metrics import METRICS
from outlay.costs.only import LeftOut, Only
from outlay.costs.overlap import Bill, Twice
from outlay.costs.question import Question
from outlay.costs.rollup import find
from outlay.lake import Partition
from outlay.period import BillingPeriod
from tests.costs.lake_of_charges import Charge, charge
from tests.costs.lakes import Shop, bill

MAY = BillingPeriod(2026, 5)
PAYER, OTHER = (Partition(name, MAY) for name in ("a", "b"))
# Of the accounts 0 and 1 of the bill, the first is not connected; the payer has a bill of its own account, too.
SWITCHED = Only(frozenset({"a"}), frozenset({"1", "it's"}))
QUESTIONS = (
    Question(),
    Question(by=("ServiceName",), granularity="day"),
    Question(by=("SubAccountId", "RegionId")),
    Question(by=("Tags.team",), granularity="none"),
    Question(by=("ResourceId",)),
    Question(by=("x_SourceRow",), granularity="hour"),
    Question(start=date(2026, 5, 3), end=date(2026, 5, 9), categories=("Usage",)),
    Question(by=("ServiceName",), filters=(Filter("RegionId", "=", "eu"), Filter("Tags.team", "!=", "t1"))),
    Question(by=("x_Connection",), filters=(Filter("x_Connection", "=", "a"),)),
)


def own() -> list[Charge]:
    """What the payer pays for itself, and what names no account."""
    return [
        charge("7.000000000000000001", x_Connection="a", SubAccountId="pay", BillingAccountId="pay"),
        charge("11", x_Connection="a", SubAccountId=None, BillingAccountId="pay"),
        charge("13", x_Connection="a", SubAccountId="", BillingAccountId=None),
        charge("17", x_Connection="a", SubAccountId="it's", BillingAccountId="pay", BillingCurrency="EUR"),
        charge("19", x_Connection="a", SubAccountId="0", BillingAccountId="pay", BillingCurrency="EUR"),
    ]


@pytest.fixture(scope="module", params=["roll-ups", "charges"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    made.bring(PAYER, "d1", [*bill("a", 5), *own()])
    made.bring(OTHER, "d2", bill("b", 5))
    if request.param == "roll-ups":
        assert [made.builder.build(each) for each in (PAYER, OTHER)] == [True, True]
        has = find(made.lake, PAYER, "d1")
        usable = SWITCHED.usable(PAYER, has)
        assert has
        assert usable
        assert 0 < len(usable.tables) < len(has.tables)
    yield made
    made.close()


def desk(shop: Shop, only: Only = SWITCHED) -> Desk:
    return Desk(shop.lake, shop.engine, Bounds(), only=lambda: only)


def by_group(*answers: Answer) -> dict[object, Decimal]:
    """By period, group and unit; groups of nothing are none."""
    found = sums(((row.period, row.values, row.unit), row.amount) for each in answers for row in each.rows)
    return {key: amount for key, amount in found.items() if amount}


@pytest.mark.parametrize(
    ("number", "metric"),
    [
        *((0, metric) for metric in METRICS),
        *((number, "effective") for number in range(1, len(QUESTIONS))),
        (1, "real"),
    ],
)
def test_what_counts_and_what_is_left_out_are_together_the_whole_to_the_last_digit(
    shop: Shop, number: int, metric: str
) -> None:
    question = replace(QUESTIONS[number], metric=metric)
    whole, some = desk(shop, Only()).ask(question), desk(shop).ask(question)
    rest = desk(shop).left_out(question)
    assert by_group(some, rest) == by_group(whole)
    assert rest.rows
    for unit, total in whole.totals.items():
        assert some.totals.get(unit, Decimal(0)) + rest.totals.get(unit, Decimal(0)) == total


def test_the_payer_what_names_no_account_and_bills_of_others_always_count(shop: Shop) -> None:
    question = Question(by=("x_Connection", "SubAccountId"), granularity="none")
    kept = {row.values for row in desk(shop).ask(question).rows}
    left_out = {row.values for row in desk(shop).left_out(question).rows}
    assert left_out == {("a", "0")}
    assert kept == {("a", each) for each in ("1", "pay", None, "", "it's")} | {("b", "0"), ("b", "1")}


def test_single_charges_keys_and_files_leave_them_out_too(shop: Shop, tmp_path: Path) -> None:
    switched, whole = desk(shop), desk(shop, Only())
    of_zero = Question(filters=(Filter("SubAccountId", "=", "0"), Filter("x_Connection", "=", "a")))
    assert whole.charges(of_zero).rows
    assert not switched.charges(of_zero).rows
    counts = [
        each.export(Question(), tmp_path / f"{number}.parquet", format="parquet", columns=("SubAccountId",))
        for number, each in enumerate((switched, whole))
    ]
    assert counts[0] < counts[1]
    assert pq.read_table(tmp_path / "0.parquet").num_rows == counts[0]
    (total,) = shop.engine.query("select count(*) as n from charges", files(shop), SWITCHED.sql).to_pylist()
    assert total["n"] == counts[0]
    nobody = Only(frozenset({"a", "b"}))
    assert set(switched.keys("Tags")) == {"team", "squad"}
    assert desk(shop, nobody).keys("Tags") == ()
    assert shop.engine.query("select 1 from charges", files(shop), nobody.sql).num_rows == 3


def files(shop: Shop) -> list[str]:
    return [file for live in shop.lake.live().values() for file in live.files]


def test_the_switch_is_felt_by_a_desk_that_has_answered_before(shop: Shop) -> None:
    only = [Only()]
    asked = Desk(shop.lake, shop.engine, Bounds(), only=lambda: only[0])
    before = asked.ask(Question()).totals
    only[0] = SWITCHED
    assert asked.ask(Question()).totals != before
    only[0] = Only()
    assert asked.ask(Question()).totals == before
    assert asked.left_out(Question()).rows == ()


EVERY = Only()
# Of the payer `pay`, the bill in `a` counts elsewhere; `a` has charges of others, too.
TWICE = Only(
    twice=frozenset(
        {LeftOut("a", MAY.id, frozenset({"pay", "it's"})), LeftOut("b", "20260401-20260501", frozenset({"pay"}))}
    )
)


def of_twice(shop: Shop, only: Only = EVERY, whole: frozenset[Partition] = frozenset(), cut: Only = TWICE) -> Desk:
    return Desk(shop.lake, shop.engine, Bounds(), only=lambda: only, twice=lambda _: Twice(whole, cut.twice))


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_a_payer_that_counts_elsewhere_is_left_out_of_every_question(shop: Shop, number: int) -> None:
    question = replace(QUESTIONS[number], metric="billed")
    of_payer = replace(
        question, filters=(*question.filters, Filter("BillingAccountId", "=", "pay"), Filter("x_Connection", "=", "a"))
    )
    found = of_twice(shop).ask(question)
    gone = desk(shop, Only()).ask(of_payer)
    whole = desk(shop, Only()).ask(question)
    if not any(each.column == "x_Connection" for each in question.filters):
        assert by_group(found, gone) == by_group(whole)
    assert found.totals != whole.totals or not gone.totals
    assert not of_twice(shop).ask(of_payer).rows


def test_a_payer_that_counts_elsewhere_is_in_no_file_page_sql_or_menu(shop: Shop, tmp_path: Path) -> None:
    wanted, whole = of_twice(shop), desk(shop, Only())
    of_payer = Question(filters=(Filter("BillingAccountId", "=", "pay"),))
    assert whole.charges(of_payer).rows
    assert not wanted.charges(of_payer).rows
    count = wanted.export(Question(), tmp_path / "some.parquet", format="parquet", columns=("SubAccountId",))
    assert count < whole.export(Question(), tmp_path / "all.parquet", format="parquet", columns=("SubAccountId",))
    (total,) = shop.engine.query("select count(*) as n from charges", files(shop), TWICE.sql).to_pylist()
    assert total["n"] == count
    assert set(wanted.keys("Tags")) == {"team", "squad"}


def test_with_accounts_that_are_not_connected_left_out_too_the_three_parts_are_the_whole(shop: Shop) -> None:
    question = Question(by=("SubAccountId", "ServiceName"), metric="billed")
    some = of_twice(shop, SWITCHED)
    gone = desk(shop, Only()).ask(
        replace(question, filters=(Filter("BillingAccountId", "=", "pay"), Filter("x_Connection", "=", "a")))
    )
    assert by_group(some.ask(question), some.left_out(question), gone) == by_group(desk(shop, Only()).ask(question))
    both = Only(SWITCHED.connections, SWITCHED.accounts, twice=TWICE.twice)
    (counted,) = shop.engine.query("select sum(BilledCost) as n from charges", files(shop), both.sql).to_pylist()
    assert counted["n"] == sum(some.ask(Question(metric="billed")).totals.values())


def test_a_delivery_that_counts_elsewhere_as_a_whole_is_not_read(shop: Shop) -> None:
    question = Question(by=("x_Connection",), metric="billed")
    rows = of_twice(shop, whole=frozenset({OTHER}), cut=EVERY).ask(question).rows
    assert {row.values for row in rows} == {("a",)}


def test_what_a_delivery_holds_of_each_payer_is_added_up_from_roll_ups_as_from_charges(shop: Shop) -> None:
    live = shop.lake.live()
    held = desk(shop, Only()).held(live)
    assert {payer: each.accounts for payer, each in held[PAYER].items()} == {
        "pay": {"pay", "it's", "0"},
        "": frozenset(),
    }
    pay: Bill = held[PAYER]["pay"]
    assert pay.costs["billed"] == {"EUR": Decimal(36), "USD": Decimal("18.000000000000000001")}
    for partition, bills in held.items():
        of = Question(metric="effective", filters=(Filter("x_Connection", "=", partition.connection),))
        both = sums(each for bill in bills.values() for each in bill.costs["effective"].items())
        assert both == desk(shop, Only()).ask(of).totals
