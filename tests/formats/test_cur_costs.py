"""What each kind of CUR row costs, and the invariants of a bill. Expected amounts are worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from outlay.formats.base import Settlement
from outlay.formats.cur_remainder import open_items
from tests.formats.currows import COSTS, CUR, EVERY_KIND, EVERY_ROW, KIND, NET_ROWS, RI, SP, costs, decimals, row
from tests.formats.rawrows import CONTEXT, Row, charges, evaluate, in_the_bill, in_the_charges, of

ZERO = Decimal(0)


@cache
def _made_of_every_kind() -> list[dict[str, Any]]:
    return charges(CUR, EVERY_ROW, "x_SourceRow", *KIND, *COSTS)


@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_row_of_each_kind_reads_and_costs_as_the_facts_say(name: str) -> None:
    _, kinds, amounts = EVERY_KIND[name]
    number = list(EVERY_KIND).index(name) + 1
    found = [each for each in _made_of_every_kind() if each["x_SourceRow"] == number]
    found.sort(key=lambda each: each["CommitmentDiscountStatus"] or "")
    assert [tuple(each[column] for column in KIND) for each in found] == kinds
    assert [tuple(each[cost] for cost in COSTS) for each in found] == [decimals(*each) for each in amounts]


def test_net_columns_take_the_place_of_all_amounts_but_the_amortised_cost() -> None:
    assert costs(*NET_ROWS) == [
        decimals("0.81", "0.81", "1.00", "0.81", "0.90"),
        decimals("0.027", "0.027", "0.027", "0.027", "0.03"),
        decimals("0", "0.054", "0.10", "0.09", "0.06"),
        decimals("27", "0", "27", "27", "0"),
        decimals("0", "9.0", "0", "0", "10"),
        decimals("21.6", "0", "21.6", "21.6", "0"),
        decimals("0", "3.15", "0", "0", "3.5"),
        decimals("0", "0.063", "0.10", "0.09", "0.07"),
        decimals("7.30", "7.30", "7.30", "7.30", "7.30"),
    ]


def test_the_unused_part_of_an_all_upfront_plan_is_lowered_as_its_upfront_payment_is() -> None:
    fee = row(
        "SavingsPlanRecurringFee",
        cost="0",
        net="0",
        sp=SP,
        sp_total="10",
        sp_used="6",
        sp_paid="0",
        sp_net_paid="0",
        sp_upfront="10",
        sp_net_upfront="7.5",
    )
    assert costs(fee) == [decimals("0", "0", "0", "0", "0"), decimals("0", "3", "0", "0", "4")]


def test_a_partial_upfront_reservation_spends_its_upfront_over_the_month() -> None:
    """I3: used and unused are the fee and the amortised upfront payment. 700 of 744 hours at 0.03 + 0.02."""
    used = row("DiscountedUsage", ri=RI, ri_used="35", public="70", rate="0.1", amount="700")
    fee = row("RIFee", cost="14.88", ri=RI, ri_unused_upfront="1.32", ri_unused_fee="0.88", ri_unused_hours="44")
    found = charges(CUR, [used, fee], "EffectiveCost", "BilledCost", "CommitmentDiscountId", "CommitmentDiscountStatus")
    effective = sum(each["EffectiveCost"] for each in found if each["CommitmentDiscountStatus"])
    amortised_upfront = Decimal("22.32")  # 744 x 0.03
    assert effective == Decimal("14.88") + amortised_upfront
    # I4: the month's effective cost exceeds what it was billed by what was paid before.
    assert sum(each["EffectiveCost"] - each["BilledCost"] for each in found) == amortised_upfront
    assert {each["CommitmentDiscountId"] for each in found} == {RI}


def test_a_no_upfront_reservation_costs_what_is_billed() -> None:
    used = row("DiscountedUsage", ri=RI, ri_used="14", public="70", rate="0.1", amount="700")
    fee = row("RIFee", cost="14.88", ri=RI, ri_unused_fee="0.88", ri_unused_hours="44")
    found = charges(CUR, [used, fee], "EffectiveCost", "BilledCost")
    assert sum(each["EffectiveCost"] for each in found) == sum(each["BilledCost"] for each in found) == Decimal("14.88")


def test_blank_commitment_amounts_are_nothing() -> None:
    assert costs(row("DiscountedUsage", ri=RI), row("RIFee", cost="5", ri=RI)) == [
        decimals("0", "0", "0", "0", "0"),
        decimals("5", "0", "5", "5", "0"),
        decimals("0", "0", "0", "0", "0"),
    ]


def test_without_a_column_of_rates_a_public_cost_of_nothing_is_no_price() -> None:
    assert costs(row(cost="2", public="3"), row(cost="2", public="0"))[0][2] == Decimal(3)
    assert costs(row(cost="2", public="3"), row(cost="2", public="0"))[1][2] == Decimal(2)


def test_billed_cost_is_what_was_charged_and_all_costs_equal_their_control_totals() -> None:
    """I1 and I2, over one row of each kind and over a bill with net columns."""
    for rows in (EVERY_ROW, NET_ROWS):
        assert in_the_bill(CUR, rows) == in_the_charges(CUR, rows)


def test_every_row_is_used_split_or_dropped_for_a_reason() -> None:
    """I7."""
    rows = [*EVERY_ROW, row("EdpDiscount", cost="-1", net="0")]
    raw = of(CUR, rows)
    drops = evaluate(raw.table.select(**CUR.drops(raw, CONTEXT)))
    splits = evaluate(raw.table.select(**CUR.splits(raw, CONTEXT)))
    dropped = {reason: sum(each[reason] for each in drops) for reason in drops[0]}
    split = {rule: sum(each[rule] for each in splits) for rule in splits[0]}
    assert dropped == {"split-cost-allocation": 2, "savings-plan-negation": 1, "discount-in-net-cost": 1}
    assert split == {"reservation-fee": 1, "savings-plan-fee": 1}
    assert all(sum(each.values()) <= 1 for each in drops)
    assert len(charges(CUR, rows)) == len(rows) - sum(dropped.values()) + sum(split.values())


def test_a_split_cost_row_of_a_covered_task_is_dropped_for_one_reason() -> None:
    rows = [row("SavingsPlanNegation", cost="-1", operation="ECSTask-EC2", sp=SP)]
    raw = of(CUR, rows)
    [found] = evaluate(raw.table.select(**CUR.drops(raw, CONTEXT)))
    assert found == {
        "split-cost-allocation": True,
        "savings-plan-negation": False,
        "discount-in-net-cost": False,
    }


def _settled(*bills: list[Row]) -> Settlement:
    items = [item for rows in bills for item in evaluate(open_items(of(CUR, rows)))]
    return CUR.settle(items, CONTEXT)


def test_negations_that_cancel_over_several_batches_leave_nothing() -> None:
    covered = [row("SavingsPlanCoveredUsage", cost="0.09", sp=SP), row("SavingsPlanCoveredUsage", cost="0.01", sp=SP)]
    settled = _settled(covered, [row("SavingsPlanNegation", cost="-0.10", sp=SP)])
    assert not settled.charges
    assert not settled.split
    assert not settled.findings


def test_what_negations_leave_over_becomes_an_adjustment_and_is_told_by_plan_and_account() -> None:
    covered = row("SavingsPlanCoveredUsage", cost="0.09", sp=SP)
    other = row("SavingsPlanCoveredUsage", cost="5", sp=SP, account="111122223333")
    settled = _settled([covered, row("SavingsPlanNegation", cost="-0.10", sp=SP), other])
    by_account = {charge["SubAccountId"]: charge for charge in settled.charges}
    left = by_account[covered["line_item_usage_account_id"]]
    assert left["BilledCost"] == Decimal("-0.01")
    assert {left[cost] for cost in ("EffectiveCost", "ListCost", "ContractedCost", "x_AmortizedCost")} == {ZERO}
    assert left["ChargeCategory"] == "Adjustment"
    assert by_account["111122223333"]["BilledCost"] == Decimal(5)
    assert settled.split == {"negation-remainder": 2}
    assert [each.code for each in settled.findings] == ["negation-remainder"] * 2
    assert "-0.01 USD" in settled.findings[0].message
    assert SP in settled.findings[0].message


def test_billed_cost_still_equals_the_bill_when_negations_leave_something_over() -> None:
    rows = [row("SavingsPlanCoveredUsage", cost="0.09", sp=SP), row("SavingsPlanNegation", cost="-0.10", sp=SP)]
    [billed] = [sums["BilledCost"] for sums in in_the_bill(CUR, rows).values()]
    [left] = _settled(rows).charges
    assert billed == left["BilledCost"] == Decimal("-0.01")
