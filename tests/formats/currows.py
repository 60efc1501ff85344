"""Rows of a CUR written by hand, under canonical names, and the same rows as each kind of report spells them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from outlay.demo.cur_columns import COLUMNS
from outlay.formats.cur import Cur
from tests.formats.rawrows import Row, charges

CUR = Cur()
RI = "arn:aws:ec2:us-east-1:011254002932:reserved-instances/3a2944f2"
SP = "arn:aws:savingsplans::011254002932:savingsplan/5bd1"
PAYER, ACCOUNT = "011254002932", "098765432109"
LEAST = {
    "bill_payer_account_id": PAYER,
    "line_item_usage_account_id": ACCOUNT,
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2026-05-17T15:00:00Z",
    "line_item_product_code": "AmazonEC2",
    "line_item_currency_code": "USD",
    "line_item_unblended_cost": "0",
}
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_AmortizedCost")
KIND = ("ChargeCategory", "ChargeFrequency", "PricingCategory", "CommitmentDiscountStatus")

# Short names of columns, to keep rows readable.
SHORT = {
    "cost": "line_item_unblended_cost",
    "net": "line_item_net_unblended_cost",
    "amount": "line_item_usage_amount",
    "usage_type": "line_item_usage_type",
    "operation": "line_item_operation",
    "product": "line_item_product_code",
    "account": "line_item_usage_account_id",
    "currency": "line_item_currency_code",
    "tax_type": "line_item_tax_type",
    "public": "pricing_public_on_demand_cost",
    "rate": "pricing_public_on_demand_rate",
    "ri": "reservation_reservation_a_r_n",
    "ri_used": "reservation_effective_cost",
    "ri_net_used": "reservation_net_effective_cost",
    "ri_unused_upfront": "reservation_unused_amortized_upfront_fee_for_billing_period",
    "ri_net_unused_upfront": "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "ri_unused_fee": "reservation_unused_recurring_fee",
    "ri_net_unused_fee": "reservation_net_unused_recurring_fee",
    "ri_unused_hours": "reservation_unused_quantity",
    "ri_hours": "reservation_total_reserved_units",
    "sp": "savings_plan_savings_plan_a_r_n",
    "sp_effective": "savings_plan_savings_plan_effective_cost",
    "sp_net_effective": "savings_plan_net_savings_plan_effective_cost",
    "sp_total": "savings_plan_total_commitment_to_date",
    "sp_used": "savings_plan_used_commitment",
    "sp_paid": "savings_plan_recurring_commitment_for_billing_period",
    "sp_net_paid": "savings_plan_net_recurring_commitment_for_billing_period",
    "sp_upfront": "savings_plan_amortized_upfront_commitment_for_billing_period",
    "sp_net_upfront": "savings_plan_net_amortized_upfront_commitment_for_billing_period",
}
_HEADERS = {column.name: column.header for column in COLUMNS}


def row(type_: str = "Usage", **values: str) -> Row:
    return {
        **LEAST,
        "line_item_line_item_type": type_,
        **{SHORT.get(name, name): text for name, text in values.items()},
    }


def legacy(row: Mapping[str, Any]) -> Row:
    """The same row under the names of legacy CSV."""
    return {_HEADERS.get(name, name): value for name, value in row.items()}


def costs(*rows: Row) -> list[tuple[Decimal, ...]]:
    """The five costs of each charge, those of a second row after the first."""
    found = charges(CUR, rows, "x_SourceRow", "CommitmentDiscountStatus", *COSTS)
    found.sort(key=lambda charge: (charge["x_SourceRow"], charge["CommitmentDiscountStatus"] or ""))
    return [tuple(charge[cost] for cost in COSTS) for charge in found]


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


# One row of every kind, in a bill without net columns: the row, what it is, and its five costs, worked out by hand.
EVERY_KIND: dict[str, tuple[Row, list[tuple[str | None, ...]], list[tuple[str, ...]]]] = {
    "usage": (
        row(cost="0.90", public="1.00", rate="0.5", amount="2"),
        [("Usage", "Usage-Based", "Standard", None)],
        [("0.90", "0.90", "1.00", "0.90", "0.90")],
    ),
    "free tier": (
        row(cost="0", public="1.00", rate="0.5", amount="2"),
        [("Usage", "Usage-Based", "Standard", None)],
        [("0", "0", "1.00", "0", "0")],
    ),
    "spot": (
        row(cost="0.03", public="0", usage_type="SpotUsage:m5.large", amount="1"),
        [("Usage", "Usage-Based", "Dynamic", None)],
        [("0.03", "0.03", "0.03", "0.03", "0.03")],
    ),
    "reserved usage": (
        row("DiscountedUsage", ri=RI, ri_used="0.06", public="0.10", rate="0.10", amount="1"),
        [("Usage", "Usage-Based", "Committed", "Used")],
        [("0", "0.06", "0.10", "0.10", "0.06")],
    ),
    "reservation fee": (
        row("RIFee", cost="30", ri=RI, ri_unused_upfront="4", ri_unused_fee="6", ri_unused_hours="100", public="0"),
        [("Purchase", "Recurring", "Standard", None), ("Usage", "Usage-Based", "Committed", "Unused")],
        [("30", "0", "30", "30", "0"), ("0", "10", "0", "0", "10")],
    ),
    "reservation upfront": (
        row("Fee", cost="500", ri=RI),
        [("Purchase", "One-Time", "Standard", None)],
        [("500", "0", "500", "500", "0")],
    ),
    "support": (
        row("Fee", cost="100", product="AWSSupportBusiness"),
        [("Purchase", "Recurring", "Standard", None)],
        [("100", "100", "100", "100", "100")],
    ),
    "other fee": (
        row("Fee", cost="12", public="15", product="AmazonRegistrar"),
        [("Purchase", "One-Time", "Standard", None)],
        [("12", "12", "15", "12", "12")],
    ),
    "plan upfront": (
        row("SavingsPlanUpfrontFee", cost="8760", sp=SP, product="ComputeSavingsPlans"),
        [("Purchase", "One-Time", "Standard", None)],
        [("8760", "0", "8760", "8760", "0")],
    ),
    "plan fee": (
        row("SavingsPlanRecurringFee", cost="24", sp=SP, sp_total="24", sp_used="20.5", sp_paid="24"),
        [("Purchase", "Recurring", "Standard", None), ("Usage", "Usage-Based", "Committed", "Unused")],
        [("24", "0", "24", "24", "0"), ("0", "3.5", "0", "0", "3.5")],
    ),
    "covered usage": (
        row("SavingsPlanCoveredUsage", cost="0.09", sp=SP, sp_effective="0.07", public="0.10", rate="0.10"),
        [("Usage", "Usage-Based", "Committed", "Used")],
        [("0", "0.07", "0.10", "0.09", "0.07")],
    ),
    "its negation": (row("SavingsPlanNegation", cost="-0.09", sp=SP), [], []),
    "tax": (
        row("Tax", cost="7.30", tax_type="USSalesTax", amount="1"),
        [("Tax", "Recurring", None, None)],
        [("7.30", "7.30", "7.30", "7.30", "7.30")],
    ),
    "credit": (
        row("Credit", cost="-50"),
        [("Credit", "One-Time", "Other", None)],
        [("-50", "-50", "-50", "-50", "-50")],
    ),
    "refund": (
        row("Refund", cost="-3"),
        [("Usage", "One-Time", "Standard", None)],
        [("-3", "-3", "-3", "-3", "-3")],
    ),
    "refund of tax": (
        row("Refund", cost="-2", tax_type="VAT"),
        [("Tax", "One-Time", None, None)],
        [("-2", "-2", "-2", "-2", "-2")],
    ),
    "refund of a plan": (
        row("Refund", cost="-24", product="ComputeSavingsPlans"),
        [("Purchase", "One-Time", "Standard", None)],
        [("-24", "0", "-24", "-24", "0")],
    ),
    "refund of a reservation": (
        row("Refund", cost="-9", ri=RI),
        [("Purchase", "One-Time", "Standard", None)],
        [("-9", "0", "-9", "-9", "0")],
    ),
    **{
        type_: (
            row(type_, cost="-1.25"),
            [("Usage", "Usage-Based", "Standard", None)],
            [("-1.25", "-1.25", "0", "-1.25", "-1.25")],
        )
        for type_ in ("EdpDiscount", "PrivateRateDiscount", "BundledDiscount", "Discount", "RiVolumeDiscount")
    },
    "a type that AWS may add": (
        row("MoonFee", cost="4"),
        [("Adjustment", "One-Time", "Other", None)],
        [("4", "4", "4", "4", "4")],
    ),
    "a pod's share": (row(cost="0.4", operation="EKSPod-EC2"), [], []),
    "a task's share": (row(cost="0.4", operation="ECSTask-EC2"), [], []),
}
EVERY_ROW = [each for each, _, _ in EVERY_KIND.values()]

# The same with net columns: 10 % off, on each amount; a discount row is nothing by itself then.
NET_ROWS = [
    row(cost="0.90", net="0.81", public="1.00", rate="0.5", amount="2"),
    row(cost="0.03", net="0.027", public="0", usage_type="SpotUsage:m5.large"),
    row("DiscountedUsage", net="0", ri=RI, ri_used="0.06", ri_net_used="0.054", public="0.10", rate="0.10"),
    row(
        "RIFee",
        cost="30",
        net="27",
        ri=RI,
        ri_unused_upfront="4",
        ri_net_unused_upfront="3.6",
        ri_unused_fee="6",
        ri_net_unused_fee="5.4",
    ),
    row("SavingsPlanRecurringFee", cost="24", net="21.6", sp=SP, sp_total="24", sp_used="20.5", sp_paid="24",
        sp_net_paid="21.6"),
    row("SavingsPlanCoveredUsage", cost="0.09", net="0.081", sp=SP, sp_effective="0.07", sp_net_effective="0.063",
        public="0.10", rate="0.10"),
    row("SavingsPlanNegation", cost="-0.09", net="-0.081", sp=SP),
    row("EdpDiscount", cost="-2.5", net="0"),
    row("Tax", cost="7.30", net="7.30", tax_type="VAT"),
]  # fmt: skip
