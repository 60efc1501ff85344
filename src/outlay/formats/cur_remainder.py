"""Savings Plan negations: proof that they cancel the usage that they cover, and what is left where they do not.

AWS writes covered usage at its on-demand price and a negation of the same amount; FOCUS wants a covered row to be
billed at 0 and no negation. Both are right together only when they cancel, per Savings Plan, account and currency, over
the whole bill. What is left over becomes an Adjustment of its own, so that BilledCost is the bill's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.findings import finding
from outlay.focus.services import UNKNOWN_CATEGORY, UNKNOWN_SUBCATEGORY
from outlay.formats.base import Context, Settlement
from outlay.formats.cur_amounts import ZERO, charged
from outlay.formats.cur_kinds import COVERED, NEGATION, REMAINDER, SP_ARN, is_type
from outlay.formats.raw import Raw

RULE = "negation-remainder"
_NAME = "Savings Plan negation"
# Savings Plan, account, currency.
_Key = tuple[str | None, str | None, str]


def open_items(raw: Raw) -> ir.Table:
    """Covered usage and negations added up per plan, account and currency, and what an example of their rows says."""
    rows = raw.table.filter(is_type(raw, NEGATION, COVERED)).select(
        plan=raw.text(SP_ARN),
        account=raw.text("line_item_usage_account_id"),
        currency=raw.text("line_item_currency_code"),
        payer=raw.text("bill_payer_account_id"),
        invoice=raw.text("bill_invoice_id"),
        issuer=ibis.coalesce(raw.text("bill_invoicing_entity"), raw.text("line_item_legal_entity")),
        file=raw.file,
        row=raw.row,
        amount=charged(raw).fill_null(ZERO),
    )
    firsts = {name: rows[name].min() for name in ("payer", "invoice", "issuer", "file", "row")}
    return rows.group_by("plan", "account", "currency").aggregate(amount=rows.amount.sum(), **firsts)


@dataclass(frozen=True)
class _Plan:
    """A Savings Plan in one account and currency, and what its rows say of where they stand."""

    plan: str | None
    account: str | None
    currency: str
    example: Mapping[str, Any]
    amount: Decimal


def settle(items: Iterable[Mapping[str, Any]], context: Context) -> Settlement:
    sums: dict[_Key, Decimal] = {}
    examples: dict[_Key, Mapping[str, Any]] = {}
    for item in items:
        key = (item["plan"], item["account"], item["currency"])
        sums[key] = sums.get(key, Decimal(0)) + item["amount"]
        examples.setdefault(key, item)
    left = [_Plan(*key, examples[key], sums[key]) for key in sorted(sums, key=str) if sums[key]]
    return Settlement(
        [_charge(each, context) for each in left],
        {RULE: len(left)} if left else {},
        [
            finding(
                "negation-remainder",
                value=each.plan or "an unnamed Savings Plan",
                account=each.account or "(none)",
                remainder=f"{each.amount.normalize():f}",
                currency=each.currency,
            )
            for each in left
        ],
    )


def _charge(left: _Plan, context: Context) -> dict[str, Any]:
    """It covers the billing period, and points to the first file and row that the sum was made of."""
    start, end = context.period.start, context.period.end
    issuer = left.example["issuer"] or "Amazon Web Services, Inc."
    nothing = Decimal(0)
    return {
        "BilledCost": left.amount,
        "EffectiveCost": nothing,
        "ListCost": nothing,
        "ContractedCost": nothing,
        "x_AmortizedCost": nothing,
        "BillingCurrency": left.currency,
        "BillingAccountId": left.example["payer"],
        "SubAccountId": left.account,
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
        "ChargeCategory": REMAINDER.category,
        "ChargeFrequency": REMAINDER.frequency,
        "PricingCategory": REMAINDER.pricing,
        "ChargeDescription": f"Remainder of {_NAME}s of {left.plan or 'an unnamed Savings Plan'}",
        "InvoiceId": left.example["invoice"],
        "InvoiceIssuerName": issuer,
        "ProviderName": "AWS",
        "PublisherName": issuer,
        "ServiceProviderName": "AWS",
        "HostProviderName": "AWS",
        "ServiceName": _NAME,
        "ServiceCategory": UNKNOWN_CATEGORY,
        "ServiceSubcategory": UNKNOWN_SUBCATEGORY,
        "x_LineItemType": NEGATION,
        "x_BillingPeriod": context.period.id,
        "x_Connection": context.connection,
        "x_Delivery": context.delivery,
        "x_SourceFile": left.example["file"],
        "x_SourceRow": left.example["row"],
    }
