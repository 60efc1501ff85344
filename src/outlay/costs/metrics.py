"""What is summed: one row a metric.

Nothing is hidden: only `real` leaves rows out, and `quantity` those without an amount. Amounts are exact decimals in
the billing currency, quantities in their unit, and different currencies or units are never added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

    Condition = Callable[[ir.Table], ir.BooleanValue]

DEFAULT = "effective"
# The metric whose sums a roll-up keeps under its name, for the charges' columns cannot tell it any more.
REAL = "real"
CURRENCY = "BillingCurrency"

# The rows by which bills give a discount of its own, though FOCUS calls them Usage: CBF's, then those of AWS.
DISCOUNT_TYPES = (
    "Discount",
    "EdpDiscount",
    "PrivateRateDiscount",
    "BundledDiscount",
    "RiVolumeDiscount",
)


def _every(charges: ir.Table) -> None:
    return None


def is_real(charges: ir.Table) -> ir.BooleanValue:
    """Which charges the metric `real` sums."""
    is_unused = charges.CommitmentDiscountStatus.fill_null("") == "Unused"
    is_discount = charges.x_LineItemType.fill_null("").isin(DISCOUNT_TYPES)
    return (charges.ChargeCategory == "Usage") & ~is_unused & ~is_discount


def _has_quantity(charges: ir.Table) -> ir.BooleanValue:
    return charges.ConsumedQuantity.notnull()


@dataclass(frozen=True)
class Metric:
    """`amount` is the column that is summed, `unit` the one that says in what, `rows` which charges count."""

    name: str
    amount: str
    about: str
    unit: str = CURRENCY
    rows: Callable[[ir.Table], ir.BooleanValue | None] = _every

    def column(self, rows: ir.Table) -> str:
        """The column that is summed, of charges or of their roll-up."""
        return self.name if self.name in rows.columns else self.amount

    def counts(self, rows: ir.Table) -> ir.BooleanValue | None:
        """Which charges count; in a roll-up, which of its rows are made of any."""
        return rows[self.name].notnull() if self.name in rows.columns else self.rows(rows)

    @property
    def unit_label(self) -> str:
        """What an answer calls the unit."""
        return "currency" if self.unit == CURRENCY else "unit"

    @property
    def amount_label(self) -> str:
        """What an answer calls the sum."""
        return "cost" if self.unit == CURRENCY else "quantity"


_TABLE = (
    Metric("billed", "BilledCost", "what is invoiced"),
    Metric("effective", "EffectiveCost", "with commitments amortised and discounts applied"),
    Metric("contracted", "ContractedCost", "at negotiated prices, before commitments"),
    Metric("list", "ListCost", "at public prices"),
    Metric("amortized", "x_AmortizedCost", "with commitments amortised, before negotiated discounts"),
    Metric(
        REAL,
        "EffectiveCost",
        "effective cost of usage alone: without unused commitments and separate discount rows",
        rows=is_real,
    ),
    Metric("quantity", "ConsumedQuantity", "what was used, in its unit", unit="ConsumedUnit", rows=_has_quantity),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
