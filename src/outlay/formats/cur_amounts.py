"""The amounts that a CUR row's costs are made of, by the names that `cur_kinds.KINDS` uses.

Each is worked out twice: from the net columns where the row has a net cost, and from the columns before discounts
(for x_AmortizedCost). A blank amount is 0. What has no column of its own is a product of two others: it is worked out
in floating point and kept to 10 places, as AWS keeps its amounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from outlay.focus.columns import DECIMAL
from outlay.formats.raw import Raw

UNBLENDED, NET = "line_item_unblended_cost", "line_item_net_unblended_cost"
PUBLIC, RATE = "pricing_public_on_demand_cost", "pricing_public_on_demand_rate"

Amount = Callable[[Raw, bool], ir.DecimalValue]

ZERO = ibis.literal(Decimal(0), DECIMAL)
_PLACES = "decimal(38, 10)"


# A number that the preparation has read already stands in a column of this prefix: reading text is what costs time.
READ = "_read_"


def number(raw: Raw, name: str) -> ir.DecimalValue:
    return raw.table[READ + name] if READ + name in raw.table.columns else raw.number(name, scientific=True)


def is_net(raw: Raw) -> ir.BooleanValue:
    """Has the row a net cost? Then its costs are the net ones."""
    return number(raw, NET).notnull()


def charged(raw: Raw, net: bool = True) -> ir.DecimalValue:
    """What the invoice has for the row: net unblended cost where there is one, else unblended cost."""
    gross = number(raw, UNBLENDED)
    return ibis.coalesce(number(raw, NET), gross) if net and raw.has(NET) else gross


def _of(column: str, net_column: str) -> Amount:
    def amount(raw: Raw, net: bool) -> ir.DecimalValue:
        gross = number(raw, column)
        if net and raw.has(NET) and raw.has(net_column):
            return ibis.cases((is_net(raw), ibis.coalesce(number(raw, net_column), gross)), else_=gross).fill_null(ZERO)
        return gross.fill_null(ZERO)

    return amount


def scaled(amount: ir.DecimalValue, by: ir.DecimalValue, of: ir.DecimalValue) -> ir.DecimalValue:
    """`amount × by ÷ of`, to 10 places; null when `of` is 0 or null, or `by` is null."""
    ratio = amount.cast("float64") * by.cast("float64") / of.cast("float64").nullif(0)
    return ratio.round(10).try_cast(_PLACES).cast(DECIMAL)


reservation_used = _of("reservation_effective_cost", "reservation_net_effective_cost")
savings_plan_used = _of("savings_plan_savings_plan_effective_cost", "savings_plan_net_savings_plan_effective_cost")
_unused_upfront = _of(
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
)
_unused_recurring = _of("reservation_unused_recurring_fee", "reservation_net_unused_recurring_fee")


def reservation_unused(raw: Raw, net: bool) -> ir.DecimalValue:
    return (_unused_upfront(raw, net) + _unused_recurring(raw, net)).cast(DECIMAL)


# What a Savings Plan was paid by in the period, and that after discounts: recurring, else (All Upfront) upfront.
_PAID = (
    (
        "savings_plan_recurring_commitment_for_billing_period",
        "savings_plan_net_recurring_commitment_for_billing_period",
    ),
    (
        "savings_plan_amortized_upfront_commitment_for_billing_period",
        "savings_plan_net_amortized_upfront_commitment_for_billing_period",
    ),
)


def savings_plan_unused(raw: Raw, net: bool) -> ir.DecimalValue:
    """Commitment less use; in a net row lowered as the plan's own fee is by its discount."""
    total = number(raw, "savings_plan_total_commitment_to_date").fill_null(ZERO)
    used = number(raw, "savings_plan_used_commitment").fill_null(ZERO)
    unused = (total - used).cast(DECIMAL)
    if not net or not raw.has(NET):
        return unused
    lowered = [scaled(unused, number(raw, after), number(raw, before)) for before, after in _PAID]
    return ibis.cases((is_net(raw), ibis.coalesce(*lowered, unused)), else_=unused)


def public(raw: Raw) -> ir.DecimalValue:
    """The public on-demand cost; null where the row has no public price, as Spot has none and writes a cost of 0."""
    cost = number(raw, PUBLIC)
    return ibis.cases((raw.text(RATE).notnull(), cost)) if raw.has(RATE) else cost.nullif(ZERO)


def _public_else(other: Amount) -> Amount:
    return lambda raw, net: public(raw).fill_null(other(raw, net))


def _public_if_positive(raw: Raw, net: bool) -> ir.DecimalValue:
    cost = number(raw, PUBLIC)
    return ibis.cases((cost > ZERO, cost), else_=charged(raw, net))


def _at_negotiated_rates(raw: Raw, net: bool) -> ir.DecimalValue:
    """The public cost, lowered by the share by which the discount lowers the row's effective cost."""
    full = public(raw).fill_null(reservation_used(raw, net))
    if not net or not raw.has(NET):
        return full
    lowered = scaled(public(raw), reservation_used(raw, True), reservation_used(raw, False))
    return ibis.cases((is_net(raw), ibis.coalesce(lowered, full)), else_=full)


def _before_discounts(raw: Raw, net: bool) -> ir.DecimalValue:
    return charged(raw, False)


AMOUNTS: Mapping[str, Amount] = {
    "charged": charged,
    "nothing": lambda raw, net: ZERO,
    "charged before discounts": _before_discounts,
    "public, else charged": _public_else(charged),
    "public, else charged before discounts": _public_else(_before_discounts),
    "public, else reservation used": _public_else(reservation_used),
    "public if above 0, else charged": _public_if_positive,
    "public at negotiated rates": _at_negotiated_rates,
    "reservation used": reservation_used,
    "reservation unused": reservation_unused,
    "Savings Plan used": savings_plan_used,
    "Savings Plan unused": savings_plan_unused,
}
