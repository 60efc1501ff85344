"""The sums that hold in AWS's real bills hold here, in each month and to the last place."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from functools import cache

import pytest

from outlay.demo import FERNWICK, LOFTLINE, Payer, Story, aws_month
from outlay.demo.files import Row
from outlay.demo.ledger import invoice_total, number
from outlay.period import BillingPeriod

STORY = Story(date(2026, 5, 20))
MONTHS = [STORY.back(ago) for ago in range(12)]
CASES = [(payer, period) for payer in (FERNWICK, LOFTLINE) for period in MONTHS]


@cache
def _month(payer: Payer, period: BillingPeriod) -> list[Row]:
    return aws_month(payer, period, STORY)


def _of(rows: list[Row], *kinds: str) -> list[Row]:
    return [row for row in rows if row["line_item_line_item_type"] in kinds]


def _unsplit(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.get("line_item_operation") != "EKSPod-EC2"]


def _effective(row: Row, net: str) -> Decimal:
    """AWS's own formula of amortised cost, as its dashboards have it."""
    match row["line_item_line_item_type"]:
        case "SavingsPlanCoveredUsage":
            return number(row, f"savings_plan_{net}savings_plan_effective_cost")
        case "SavingsPlanRecurringFee":
            unused = number(row, "savings_plan_total_commitment_to_date") - number(row, "savings_plan_used_commitment")
            recurring = number(row, "savings_plan_recurring_commitment_for_billing_period")
            return unused * number(row, f"savings_plan_{net}recurring_commitment_for_billing_period") / recurring
        case "SavingsPlanNegation" | "SavingsPlanUpfrontFee":
            return Decimal(0)
        case "DiscountedUsage":
            return number(row, f"reservation_{net}effective_cost")
        case "RIFee":
            upfront = number(row, f"reservation_{net}unused_amortized_upfront_fee_for_billing_period")
            return upfront + number(row, f"reservation_{net}unused_recurring_fee")
        case "Fee" if row.get("reservation_reservation_a_r_n"):
            return Decimal(0)
        case _:
            return number(row, f"line_item_{net}unblended_cost")


def _prefixes(payer: Payer) -> list[str]:
    return ["", "net_"] if payer is LOFTLINE else [""]


@pytest.mark.parametrize(("payer", "period"), CASES, ids=str)
def test_negations_take_back_what_savings_plans_cover_by_plan_and_account(payer: Payer, period: BillingPeriod) -> None:
    rows = _of(_month(payer, period), "SavingsPlanCoveredUsage", "SavingsPlanNegation")
    for net in _prefixes(payer):
        sums: defaultdict[tuple[object, object], Decimal] = defaultdict(Decimal)
        for row in rows:
            key = row["savings_plan_savings_plan_a_r_n"], row["line_item_usage_account_id"]
            sums[key] += number(row, f"line_item_{net}unblended_cost")
        assert set(sums.values()) <= {Decimal(0)}
    assert bool(rows) == (payer is FERNWICK or STORY.months_ago(period) <= 7)


@pytest.mark.parametrize(("payer", "period"), CASES, ids=str)
def test_used_and_unused_of_a_reservation_are_its_fee_and_amortised_upfront(
    payer: Payer, period: BillingPeriod
) -> None:
    for net in _prefixes(payer):
        effective: defaultdict[object, Decimal] = defaultdict(Decimal)
        paid: defaultdict[object, Decimal] = defaultdict(Decimal)
        for row in _of(_month(payer, period), "DiscountedUsage", "RIFee"):
            arn = row["reservation_reservation_a_r_n"]
            effective[arn] += _effective(row, net)
            if row["line_item_line_item_type"] == "RIFee":
                paid[arn] += number(row, f"line_item_{net}unblended_cost")
                paid[arn] += number(row, f"reservation_{net}amortized_upfront_fee_for_billing_period")
        assert effective == paid
        assert paid


@pytest.mark.parametrize(("payer", "period"), CASES, ids=str)
def test_effective_and_billed_cost_of_a_month_differ_by_upfront_fees_alone(payer: Payer, period: BillingPeriod) -> None:
    rows = _unsplit(_month(payer, period))
    for net in _prefixes(payer):
        effective = sum(_effective(row, net) for row in rows)
        billed = sum(number(row, f"line_item_{net}unblended_cost") for row in rows)
        upfront = [row for row in _of(rows, "Fee") if row.get("reservation_reservation_a_r_n")]
        upfront += _of(rows, "SavingsPlanUpfrontFee")
        amortised = (
            number(row, f"reservation_{net}amortized_upfront_fee_for_billing_period")
            + number(row, f"savings_plan_{net}amortized_upfront_commitment_for_billing_period")
            for row in rows
        )
        assert effective - billed == sum(amortised) - sum(
            number(row, f"line_item_{net}unblended_cost") for row in upfront
        )


@pytest.mark.parametrize("payer", [FERNWICK, LOFTLINE], ids=str)
def test_public_rate_times_usage_is_public_cost(payer: Payer) -> None:
    rows = [row for row in _month(payer, MONTHS[1]) if row.get("pricing_public_on_demand_rate")]
    assert len(rows) > 300
    for row in _unsplit(rows):
        product = Decimal(str(row["pricing_public_on_demand_rate"])) * number(row, "line_item_usage_amount")
        assert product == number(row, "pricing_public_on_demand_cost")


@pytest.mark.parametrize(("payer", "period"), CASES, ids=str)
def test_line_item_id_and_time_interval_name_a_row(payer: Payer, period: BillingPeriod) -> None:
    counts = Counter((row["identity_line_item_id"], row["identity_time_interval"]) for row in _month(payer, period))
    assert max(counts.values()) == 1


@pytest.mark.parametrize(("payer", "period"), CASES, ids=str)
def test_each_amount_survives_a_double(payer: Payer, period: BillingPeriod) -> None:
    for row in _month(payer, period):
        for column, value in row.items():
            if isinstance(value, Decimal):
                assert Decimal(repr(float(value))) == value, column


def test_a_year_has_each_line_item_type_that_the_payer_can_have() -> None:
    both = {
        *("Usage", "DiscountedUsage", "RIFee", "SavingsPlanCoveredUsage", "SavingsPlanNegation"),
        *("SavingsPlanRecurringFee", "Fee", "Tax", "Credit", "Refund"),
    }
    found = {
        payer.name: {str(row["line_item_line_item_type"]) for period in MONTHS for row in _month(payer, period)}
        for payer in (FERNWICK, LOFTLINE)
    }
    assert found["Fernwick Parcel"] == both | {"EdpDiscount", "PrivateRateDiscount"}
    assert found["Loftline"] == both | {"SavingsPlanUpfrontFee"}


def test_upfront_fees_come_once_in_the_month_of_the_purchase() -> None:
    plans = [period for period in MONTHS if _of(_month(LOFTLINE, period), "SavingsPlanUpfrontFee")]
    signs = [
        period
        for period in MONTHS
        if any(row.get("reservation_reservation_a_r_n") for row in _of(_month(FERNWICK, period), "Fee"))
    ]
    assert plans == [STORY.back(7)]
    assert signs == [STORY.back(9)]


def test_a_savings_plan_is_never_used_beyond_its_commitment_and_days_to_come_are_unused() -> None:
    rows = _of(_month(LOFTLINE, MONTHS[0]), "SavingsPlanRecurringFee")
    for row in rows:
        assert number(row, "savings_plan_used_commitment") <= number(row, "savings_plan_total_commitment_to_date")
    assert [str(row["line_item_usage_start_date"])[:10] for row in rows[-2:]] == ["2026-05-20", "2026-05-21"]
    assert number(rows[-2], "savings_plan_used_commitment") > 0
    assert rows[-1]["savings_plan_used_commitment"] == 0


def test_net_amounts_are_the_gross_ones_less_the_discount_that_the_row_shows() -> None:
    rows = _month(LOFTLINE, MONTHS[1])
    shown = 0
    for row in rows:
        discount = row.get("discount")
        given = discount["TotalDiscount"] if isinstance(discount, dict) else Decimal(0)
        shown += bool(given)
        assert number(row, "line_item_unblended_cost") + given == number(row, "line_item_net_unblended_cost")
    assert shown > 300
    assert not any("net_" in column for row in _month(FERNWICK, MONTHS[1]) for column in row)


def test_split_cost_rows_point_at_an_instance_of_the_bill_and_stay_out_of_the_invoice() -> None:
    rows = _month(LOFTLINE, MONTHS[1])
    pods = [row for row in rows if row.get("line_item_operation") == "EKSPod-EC2"]
    instances = {row.get("line_item_resource_id") for row in rows}
    assert {row["split_line_item_parent_resource_id"] for row in pods} <= instances
    assert sum(number(row, "line_item_unblended_cost") for row in pods) > 0
    everything = sum(number(row, "line_item_net_unblended_cost") for row in rows)
    assert everything - sum(number(row, "line_item_net_unblended_cost") for row in pods) == invoice_total(rows)["USD"]


def test_spot_and_free_tier_rows_have_the_traps_of_real_ones() -> None:
    rows = _of(_month(FERNWICK, MONTHS[1]), "Usage")
    spot = [row for row in rows if "SpotUsage" in str(row["line_item_usage_type"])]
    free = [row for row in rows if "free tier" in str(row["line_item_line_item_description"])]
    assert spot
    assert free
    for row in spot:
        assert number(row, "line_item_unblended_cost") > 0
        assert number(row, "pricing_public_on_demand_cost") == 0
        assert row["pricing_unit"] is row["pricing_term"] is row["pricing_public_on_demand_rate"] is None
    for row in free:
        assert number(row, "line_item_unblended_cost") == 0
        assert number(row, "pricing_public_on_demand_cost") > 0


def test_a_refund_has_a_bill_type_and_an_invoice_of_its_own() -> None:
    rows = _month(FERNWICK, STORY.back(3))
    (refund,) = _of(rows, "Refund")
    others = {row["bill_invoice_id"] for row in rows if row is not refund}
    assert refund["bill_bill_type"] == "Refund"
    assert refund["bill_invoice_id"] not in others


def test_a_month_without_a_story_is_closed_and_one_after_its_end_is_empty() -> None:
    period = BillingPeriod.parse("2026-02")
    assert all(row["bill_invoice_id"] for row in aws_month(FERNWICK, period))
    assert aws_month(FERNWICK, period, Story(date(2026, 1, 31))) == []
