"""The line items of an AWS month as the charges of AWS's FOCUS 1.2 export.

Written from AWS's and FOCUS's own words, without Outlay's mapping, so that one can be held against the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from outlay.demo.files import Row
from outlay.demo.ledger import SPLIT_COST_OPERATIONS, number

NOTHING = Decimal(0)
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
RI, SP = "reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n"
# line item type: category, frequency, pricing category
KINDS: dict[str, tuple[str, str, str | None]] = {
    "Usage": ("Usage", "Usage-Based", "Standard"),
    "DiscountedUsage": ("Usage", "Usage-Based", "Committed"),
    "SavingsPlanCoveredUsage": ("Usage", "Usage-Based", "Committed"),
    "RIFee": ("Purchase", "Recurring", "Standard"),
    "SavingsPlanRecurringFee": ("Purchase", "Recurring", "Standard"),
    "SavingsPlanUpfrontFee": ("Purchase", "One-Time", "Standard"),
    "Fee": ("Purchase", "One-Time", "Standard"),
    "EdpDiscount": ("Usage", "Usage-Based", "Standard"),
    "PrivateRateDiscount": ("Usage", "Usage-Based", "Standard"),
    "Refund": ("Usage", "One-Time", "Standard"),
    "Credit": ("Credit", "One-Time", "Other"),
    "Tax": ("Tax", "Recurring", None),
}
# Fees whose money is spread over usage: nothing of them is effective by themselves.
SPREAD = ("RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee")


def focus_rows(rows: Iterable[Row]) -> list[Row]:
    """Negations are in the cost of what they negate; rows of split costs repeat others and are left out."""
    return [
        charge
        for row in rows
        if row["line_item_line_item_type"] != "SavingsPlanNegation"
        and row.get("line_item_operation") not in SPLIT_COST_OPERATIONS
        for charge in _charges(row)
    ]


def _charges(row: Row) -> Iterator[Row]:
    kind = str(row["line_item_line_item_type"])
    category, frequency, pricing = KINDS[kind]
    said = {"ChargeCategory": category, "ChargeFrequency": frequency, "PricingCategory": pricing}
    status = "Used" if pricing == "Committed" else None
    yield {**_facts(row), **said, **_commitment(row, status), **_costs(row, kind), **_used(row, category)}
    if kind in ("RIFee", "SavingsPlanRecurringFee") and (unused := _unused(row, kind)):
        costs = dict.fromkeys(COSTS, NOTHING) | {"EffectiveCost": unused}
        said = {"ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based", "PricingCategory": "Committed"}
        yield {**_facts(row), **said, **_commitment(row, "Unused"), **costs}


def _net(row: Row, column: str, net: str) -> Decimal:
    return number(row, net if net in row else column)


def _unblended(row: Row) -> Decimal:
    return _net(row, "line_item_unblended_cost", "line_item_net_unblended_cost")


def _costs(row: Row, kind: str) -> dict[str, Any]:
    paid = _unblended(row)
    listed = number(row, "pricing_public_on_demand_cost") or number(row, "line_item_unblended_cost")
    costs = dict.fromkeys(COSTS, paid)
    if kind == "DiscountedUsage":
        effective = _net(row, "reservation_effective_cost", "reservation_net_effective_cost")
        return costs | {"EffectiveCost": effective, "ListCost": listed, "ContractedCost": listed}
    if kind == "SavingsPlanCoveredUsage":
        spent = _net(row, "savings_plan_savings_plan_effective_cost", "savings_plan_net_savings_plan_effective_cost")
        contracted = number(row, "line_item_unblended_cost")
        return {"BilledCost": NOTHING, "EffectiveCost": spent, "ListCost": listed, "ContractedCost": contracted}
    if kind in SPREAD or (kind == "Fee" and row.get(RI)):
        return costs | {"EffectiveCost": NOTHING}
    return costs | {"ListCost": listed} if kind == "Usage" else costs


def _unused(row: Row, kind: str) -> Decimal:
    if kind == "RIFee":
        return sum(
            (
                _net(row, f"reservation_{each}", f"reservation_net_{each}")
                for each in ("unused_recurring_fee", "unused_amortized_upfront_fee_for_billing_period")
            ),
            NOTHING,
        )
    left = number(row, "savings_plan_total_commitment_to_date") - number(row, "savings_plan_used_commitment")
    fee = "recurring_commitment_for_billing_period"
    gross, net = number(row, f"savings_plan_{fee}"), _net(row, f"savings_plan_{fee}", f"savings_plan_net_{fee}")
    return left * net / gross if gross else left


def _commitment(row: Row, status: str | None) -> dict[str, Any]:
    arn = row.get(SP) or row.get(RI)
    if not arn:
        return {}
    is_plan = bool(row.get(SP))
    return {
        "CommitmentDiscountId": arn,
        "CommitmentDiscountCategory": "Spend" if is_plan else "Usage",
        "CommitmentDiscountType": "Savings Plan" if is_plan else "Reserved Instance",
        "CommitmentDiscountStatus": status,
    } | ({} if status == "Used" else {"ResourceId": arn})


def _used(row: Row, category: str) -> dict[str, Any]:
    amount, unit = row.get("line_item_usage_amount"), row.get("pricing_unit")
    priced = {"PricingQuantity": amount, "PricingUnit": unit} if category != "Tax" else {}
    is_usage = category == "Usage" and "pricing_unit" in row
    return priced | ({"ConsumedQuantity": amount, "ConsumedUnit": unit} if is_usage else {})


def _facts(row: Row) -> Row:
    product = row.get("product")
    facts = product if isinstance(product, dict) else {}
    tags = row.get("resource_tags")
    end = row["line_item_usage_end_date"]
    assert isinstance(end, datetime)
    return {
        "AvailabilityZone": row.get("line_item_availability_zone"),
        "BillingAccountId": row["bill_payer_account_id"],
        "BillingAccountName": row["bill_payer_account_name"],
        "BillingAccountType": "Management",
        "BillingCurrency": row["line_item_currency_code"],
        "BillingPeriodStart": row["bill_billing_period_start_date"],
        "BillingPeriodEnd": row["bill_billing_period_end_date"],
        # Reservations end their month a second early; a charge's end is the first moment after it.
        "ChargePeriodEnd": end + timedelta(seconds=1) if end.second == 59 else end,
        "ChargePeriodStart": row["line_item_usage_start_date"],
        "ChargeClass": "Correction" if row["bill_bill_type"] == "Refund" else None,
        "ChargeDescription": row["line_item_line_item_description"],
        "InvoiceId": row["bill_invoice_id"],
        "InvoiceIssuerName": row["bill_invoicing_entity"],
        "PricingCurrency": row["line_item_currency_code"],
        "ProviderName": "AWS",
        "PublisherName": row["line_item_legal_entity"],
        "RegionId": facts.get("regionCode"),
        "RegionName": facts.get("location"),
        "ResourceId": row.get("line_item_resource_id"),
        "ServiceCategory": "Other",
        "ServiceName": facts.get("ProductName"),
        "ServiceSubcategory": "Other (Other)",
        "SkuId": facts.get("sku"),
        "SkuMeter": row.get("line_item_usage_type"),
        "SkuPriceId": row.get("pricing_rate_code"),
        "SubAccountId": row["line_item_usage_account_id"],
        "SubAccountName": row["line_item_usage_account_name"],
        "SubAccountType": "Account",
        "Tags": {key.removeprefix("user:"): value for key, value in tags.items()} if isinstance(tags, dict) else None,
        "x_Operation": row.get("line_item_operation"),
        "x_ServiceCode": row["line_item_product_code"],
    }
