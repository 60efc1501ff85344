"""What FOCUS says of a column's values where the lake is more lenient, as a table: column, rule, expression.

The lake keeps what a bill says; a FOCUS dataset may not be null, or must be null, where bills do not care.
Costs are never touched. The rules stand in stages: an expression sees what the stages before it made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from outlay.focus.columns import DECIMAL, PRICING_CATEGORIES, SERVICE_CATEGORIES, SUBCATEGORIES

UNKNOWN = "Unknown"
UNITS = "Units"


@dataclass(frozen=True)
class Fill:
    """One column of a dataset whose value is not simply the lake's."""

    column: str
    rule: str
    of: Callable[[ir.Table], ir.Value]


def _first(*names: str) -> Callable[[ir.Table], ir.Value]:
    """The first of some columns that is filled; a name that no column has is the text itself."""
    return lambda t: ibis.coalesce(*(t[name] if name in t.columns else ibis.literal(name) for name in names))


def _with(key: str, *names: str) -> Callable[[ir.Table], ir.Value]:
    """The same where `key` is filled, and null where it is not."""
    return lambda t: ibis.cases((t[key].notnull(), _first(*names)(t)))


def _is(t: ir.Table, column: str, *values: str) -> ir.BooleanValue:
    return t[column].isin(values).fill_null(False)


def _is_tax(t: ir.Table) -> ir.BooleanValue:
    return _is(t, "ChargeCategory", "Tax")


def _is_priced(t: ir.Table) -> ir.BooleanValue:
    """Charges that need prices, quantity and SKU: usage and purchases but for corrections of earlier bills."""
    return _is(t, "ChargeCategory", "Usage", "Purchase") & ~_is(t, "ChargeClass", "Correction")


def _unless_tax(of: Callable[[ir.Table], ir.Value]) -> Callable[[ir.Table], ir.Value]:
    return lambda t: ibis.cases((~_is_tax(t), of(t)))


def _when_priced(column: str, of: Callable[[ir.Table], ir.Value]) -> Callable[[ir.Table], ir.Value]:
    """The column, filled where a charge needs it; null on taxes."""
    return _unless_tax(lambda t: ibis.coalesce(t[column], ibis.cases((_is_priced(t), of(t)))))


def _service_category(t: ir.Table) -> ir.StringValue:
    return ibis.cases((_is(t, "ServiceCategory", *SERVICE_CATEGORIES), t.ServiceCategory), else_="Other")


def _subcategory(t: ir.Table) -> ir.StringValue:
    cases = [
        (_is(t, "ServiceCategory", category) & _is(t, "ServiceSubcategory", *subcategories), t.ServiceSubcategory)
        for category, subcategories in SUBCATEGORIES.items()
    ]
    return ibis.cases(*cases, else_=ibis.literal("Other (") + t.ServiceCategory + ")")


def _frequency(t: ir.Table) -> ir.StringValue:
    is_purchase = _is(t, "ChargeCategory", "Purchase")
    usage_based, one_time = ibis.literal("Usage-Based"), ibis.literal("One-Time")
    return ibis.cases(
        (is_purchase & (t.ChargeFrequency.isnull() | _is(t, "ChargeFrequency", "Usage-Based")), one_time),
        (t.ChargeFrequency.notnull(), t.ChargeFrequency),
        (_is(t, "ChargeCategory", "Usage"), usage_based),
        else_=one_time,
    )


def _pricing_category(t: ir.Table) -> ir.StringValue:
    is_covered = t.CommitmentDiscountId.notnull() & _is(t, "ChargeCategory", "Usage")
    return ibis.cases(
        (t.PricingCategory.notnull() & ~_is(t, "PricingCategory", *PRICING_CATEGORIES), ibis.literal("Other")),
        (t.PricingCategory.notnull(), t.PricingCategory),
        (_is_priced(t) & is_covered, ibis.literal("Committed")),
        (_is_priced(t), ibis.literal("Standard")),
    )


def _used(key: str, status: str) -> Callable[[ir.Table], ir.Value]:
    """A status that usage with a commitment or reservation has, and nothing else."""
    return lambda t: ibis.cases((t[key].notnull() & _is(t, "ChargeCategory", "Usage"), _first(status, "Used")(t)))


def _one(t: ir.Table) -> ir.DecimalValue:
    """One unit, or minus one where a cost is below zero: prices may not be."""
    is_negative = (t.ListCost < 0) | (t.ContractedCost < 0)
    return ibis.cases((is_negative, ibis.literal(-1)), else_=ibis.literal(1)).cast(DECIMAL)


def _price(cost: str) -> Callable[[ir.Table], ir.Value]:
    """Cost by quantity, as FOCUS has price × quantity = cost. Null where that is no price, being below zero."""

    def of(t: ir.Table) -> ir.DecimalValue:
        zero = ibis.literal(0).cast(DECIMAL)
        # DuckDB divides decimals as doubles, whose shortest text has no digits that only rounding made.
        price = (t[cost] / t.PricingQuantity.nullif(zero)).cast("string").try_cast(DECIMAL)
        return ibis.cases((price >= 0, price), ((t.PricingQuantity == 0) & (t[cost] == 0), zero))

    return of


def _non_negative(column: str, cost: str) -> Callable[[ir.Table], ir.Value]:
    def of(t: ir.Table) -> ir.DecimalValue:
        given = ibis.cases((t[column] >= 0, t[column]))
        return ibis.coalesce(given, ibis.cases((_is_priced(t), _price(cost)(t))))

    return _unless_tax(of)


def _consumed(t: ir.Table) -> ir.DecimalValue:
    is_consumed = _is(t, "ChargeCategory", "Usage") & ~_is(t, "CommitmentDiscountStatus", "Unused")
    return ibis.cases((is_consumed, t.ConsumedQuantity))


def _committed(t: ir.Table) -> ir.DecimalValue:
    is_committed = t.CommitmentDiscountId.notnull() & _is(t, "ChargeCategory", "Usage", "Purchase")
    return ibis.cases((is_committed, t.CommitmentDiscountQuantity))


def _in_pricing_currency(column: str, of: str) -> Callable[[ir.Table], ir.Value]:
    """Bills that price in their own currency do not repeat the amount."""
    return lambda t: ibis.coalesce(t[column], ibis.cases((t.PricingCurrency == t.BillingCurrency, t[of])))


STAGES: tuple[tuple[Fill, ...], ...] = (
    (
        Fill("ProviderName", "else ServiceProviderName", _first("ProviderName", "ServiceProviderName", UNKNOWN)),
        Fill("ServiceProviderName", "else ProviderName", _first("ServiceProviderName", "ProviderName", UNKNOWN)),
        Fill("ServiceName", "else `Unknown`", _first("ServiceName", UNKNOWN)),
        Fill("ServiceCategory", "`Other` for what FOCUS does not list", _service_category),
        Fill("BillingAccountId", "else the connection's name", _first("BillingAccountId", "x_Connection")),
        Fill("BillingAccountType", "else `Billing Account`", _first("BillingAccountType", "Billing Account")),
        Fill("SubAccountName", "else SubAccountId", _with("SubAccountId", "SubAccountName", "SubAccountId")),
        Fill("SubAccountType", "else `Sub Account`", _with("SubAccountId", "SubAccountType", "Sub Account")),
        Fill(
            "ChargeDescription",
            "else SkuMeter or ServiceName",
            _first("ChargeDescription", "SkuMeter", "ServiceName", UNKNOWN),
        ),
        Fill("RegionName", "else RegionId", _with("RegionId", "RegionName", "RegionId")),
        Fill("ResourceName", "null without a ResourceId", _with("ResourceId", "ResourceName")),
        Fill("ResourceType", "else `Unknown`", _with("ResourceId", "ResourceType", UNKNOWN)),
        Fill("ChargeFrequency", "by category; never `Usage-Based` on a purchase", _frequency),
        Fill("PricingCategory", "`Standard`, or `Committed` on usage of a commitment", _unless_tax(_pricing_category)),
        Fill("PricingQuantity", "null on taxes; else one unit, or minus one", _when_priced("PricingQuantity", _one)),
        Fill(
            "CommitmentDiscountCategory",
            "else `Usage`; null without a commitment",
            _with("CommitmentDiscountId", "CommitmentDiscountCategory", "Usage"),
        ),
        Fill(
            "CommitmentDiscountType",
            "else `Unknown`; null without a commitment",
            _with("CommitmentDiscountId", "CommitmentDiscountType", UNKNOWN),
        ),
        Fill(
            "CommitmentDiscountName",
            "null without a commitment",
            _with("CommitmentDiscountId", "CommitmentDiscountName"),
        ),
        Fill(
            "CommitmentDiscountStatus",
            "else `Used`; on usage of a commitment only",
            _used("CommitmentDiscountId", "CommitmentDiscountStatus"),
        ),
        Fill("CommitmentDiscountQuantity", "on usage and purchases with a commitment", _committed),
        Fill(
            "CapacityReservationStatus",
            "else `Used`; on usage of a reservation only",
            _used("CapacityReservationId", "CapacityReservationStatus"),
        ),
        Fill("PricingCurrency", "else BillingCurrency", _first("PricingCurrency", "BillingCurrency")),
        Fill(
            "SkuId",
            "null on taxes; else SkuPriceId, SkuMeter or ServiceName",
            _when_priced("SkuId", _first("SkuPriceId", "SkuMeter", "ServiceName", UNKNOWN)),
        ),
    ),
    (
        Fill("PublisherName", "else ServiceProviderName", _first("PublisherName", "ServiceProviderName")),
        Fill("InvoiceIssuerName", "else ProviderName", _first("InvoiceIssuerName", "ProviderName")),
        Fill("BillingAccountName", "else BillingAccountId", _first("BillingAccountName", "BillingAccountId")),
        Fill("ServiceSubcategory", "`Other (<ServiceCategory>)` for what is not listed there", _subcategory),
        Fill(
            "PricingUnit",
            "else ConsumedUnit or `Units`; null without a quantity",
            _with("PricingQuantity", "PricingUnit", "ConsumedUnit", UNITS),
        ),
        Fill("ConsumedQuantity", "on usage, but for unused commitments", _consumed),
        Fill(
            "CommitmentDiscountUnit",
            "else `Units`; null without a quantity",
            _with("CommitmentDiscountQuantity", "CommitmentDiscountUnit", UNITS),
        ),
        Fill("SkuPriceId", "null on taxes; else SkuId", _when_priced("SkuPriceId", _first("SkuId"))),
        Fill("SkuMeter", "else SkuId", _with("SkuId", "SkuMeter", "SkuId")),
        Fill("ListUnitPrice", "null on taxes; else ListCost by quantity", _non_negative("ListUnitPrice", "ListCost")),
        Fill(
            "ContractedUnitPrice",
            "null on taxes; else ContractedCost by quantity",
            _non_negative("ContractedUnitPrice", "ContractedCost"),
        ),
        Fill(
            "PricingCurrencyEffectiveCost",
            "EffectiveCost where the currencies are one",
            _in_pricing_currency("PricingCurrencyEffectiveCost", "EffectiveCost"),
        ),
    ),
    (
        Fill(
            "ConsumedUnit",
            "else PricingUnit or `Units`; null without a quantity",
            _with("ConsumedQuantity", "ConsumedUnit", "PricingUnit", UNITS),
        ),
        Fill("SkuPriceDetails", "null without a SkuPriceId", _with("SkuPriceId", "SkuPriceDetails")),
        Fill(
            "PricingCurrencyListUnitPrice",
            "ListUnitPrice where the currencies are one",
            _unless_tax(_in_pricing_currency("PricingCurrencyListUnitPrice", "ListUnitPrice")),
        ),
        Fill(
            "PricingCurrencyContractedUnitPrice",
            "ContractedUnitPrice where the currencies are one",
            _unless_tax(_in_pricing_currency("PricingCurrencyContractedUnitPrice", "ContractedUnitPrice")),
        ),
    ),
)


def apply(charges: ir.Table) -> ir.Table:
    """The charges with every rule applied, one stage after the other."""
    for stage in STAGES:
        types = charges.schema()
        charges = charges.mutate(**{fill.column: fill.of(charges).cast(types[fill.column]) for fill in stage})
    return charges
