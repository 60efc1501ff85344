"""What each kind of CUR row means in FOCUS, as one table, and which rows become none or two.

A kind is a line item type, or a part of one where the type alone does not decide (a Fee for a reservation, a Refund of
tax), or the second row of a split. The four costs name entries of `cur_amounts.AMOUNTS`. x_AmortizedCost is the
effective cost once more, from the columns before discounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from outlay.focus.columns import TEXT
from outlay.focus.services import codes_of
from outlay.formats.raw import Raw


@dataclass(frozen=True)
class Kind:
    """How rows of one kind read. `quantity` says which amount is priced: `usage`, `unused`, or none."""

    category: str
    frequency: str
    pricing: str | None
    billed: str = "charged"
    effective: str = "charged"
    contracted: str = "charged"
    list: str = "charged"
    commitment: str | None = None
    quantity: str | None = "usage"
    is_refund: bool = False

    @property
    def status(self) -> str | None:
        return self.commitment if self.commitment in ("Used", "Unused") else None


TYPE = "line_item_line_item_type"
RI_ARN, SP_ARN = "reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n"
SPLIT_COST_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")
DISCOUNT_TYPES = ("EdpDiscount", "PrivateRateDiscount", "BundledDiscount", "Discount", "RiVolumeDiscount")
NEGATION, COVERED = "SavingsPlanNegation", "SavingsPlanCoveredUsage"
UNKNOWN = "anything else"

_discount = Kind("Usage", "Usage-Based", "Standard", list="nothing")
_spot = Kind("Usage", "Usage-Based", "Dynamic", list="public, else charged")

KINDS: dict[str, Kind] = {
    "Usage": Kind("Usage", "Usage-Based", "Standard", list="public, else charged"),
    "Usage: Spot": _spot,
    "DiscountedUsage": Kind(
        *("Usage", "Usage-Based", "Committed"),
        effective="reservation used",
        contracted="public at negotiated rates",
        list="public, else reservation used",
        commitment="Used",
    ),
    "RIFee": Kind("Purchase", "Recurring", "Standard", effective="nothing", commitment="Purchase"),
    "RIFee: unused": Kind(
        *("Usage", "Usage-Based", "Committed"),
        billed="nothing",
        effective="reservation unused",
        contracted="nothing",
        list="nothing",
        commitment="Unused",
        quantity="unused",
    ),
    "Fee": Kind("Purchase", "One-Time", "Standard", list="public if above 0, else charged"),
    "Fee: support": Kind("Purchase", "Recurring", "Standard", list="public if above 0, else charged"),
    "Fee: reservation": Kind("Purchase", "One-Time", "Standard", effective="nothing", commitment="Purchase"),
    "SavingsPlanUpfrontFee": Kind("Purchase", "One-Time", "Standard", effective="nothing", commitment="Purchase"),
    "SavingsPlanRecurringFee": Kind("Purchase", "Recurring", "Standard", effective="nothing", commitment="Purchase"),
    "SavingsPlanRecurringFee: unused": Kind(
        *("Usage", "Usage-Based", "Committed"),
        billed="nothing",
        effective="Savings Plan unused",
        contracted="nothing",
        list="nothing",
        commitment="Unused",
        quantity=None,
    ),
    COVERED: Kind(
        *("Usage", "Usage-Based", "Committed"),
        billed="nothing",
        effective="Savings Plan used",
        contracted="charged before discounts",
        list="public, else charged before discounts",
        commitment="Used",
    ),
    "Tax": Kind("Tax", "Recurring", None, quantity=None),
    "Credit": Kind("Credit", "One-Time", "Other"),
    "Refund": Kind("Usage", "One-Time", "Standard", is_refund=True),
    "Refund: tax": Kind("Tax", "One-Time", None, quantity=None, is_refund=True),
    "Refund: commitment": Kind(
        *("Purchase", "One-Time", "Standard"), effective="nothing", commitment="Purchase", is_refund=True
    ),
    **dict.fromkeys(DISCOUNT_TYPES, _discount),
    UNKNOWN: Kind("Adjustment", "One-Time", "Other"),
}
# What the negations of a Savings Plan leave over. They have no charges otherwise: covered usage is billed at 0 instead.
REMAINDER = Kind("Adjustment", "One-Time", "Other", effective="nothing", contracted="nothing", list="nothing")

LINE_ITEM_TYPES = (*dict.fromkeys(name.partition(":")[0] for name in KINDS if name != UNKNOWN), NEGATION)


def _is_commitment_refund(raw: Raw) -> ir.BooleanValue:
    has_arn = ibis.coalesce(raw.text(RI_ARN), raw.text(SP_ARN)).notnull()
    return has_arn | raw.text("line_item_product_code").endswith("SavingsPlans").fill_null(False)


# Line item type → its parts and what makes a row one; the first that holds counts, else the type's own entry.
PARTS: dict[str, dict[str, Callable[[Raw], ir.BooleanValue]]] = {
    "Usage": {"Usage: Spot": lambda raw: raw.text("line_item_usage_type").contains("SpotUsage")},
    "Fee": {
        "Fee: reservation": lambda raw: raw.text(RI_ARN).notnull(),
        "Fee: support": lambda raw: raw.text("line_item_product_code").isin(codes_of("Support")),
    },
    "Refund": {
        "Refund: tax": lambda raw: raw.text("line_item_tax_type").notnull(),
        "Refund: commitment": _is_commitment_refund,
    },
}

# Rule → the line item type whose rows become two charges, and the kind of the second.
SPLITS: Mapping[str, tuple[str, str]] = {
    "reservation-fee": ("RIFee", "RIFee: unused"),
    "savings-plan-fee": ("SavingsPlanRecurringFee", "SavingsPlanRecurringFee: unused"),
}


def kind_of(raw: Raw) -> ir.StringValue:
    """The kind of each row, as a key of `KINDS`."""
    type_ = raw.text(TYPE)
    parts = [((type_ == name) & is_part(raw), part) for name, parts in PARTS.items() for part, is_part in parts.items()]
    return ibis.cases(*parts, (type_.isin(LINE_ITEM_TYPES), type_), else_=ibis.literal(UNKNOWN, TEXT))


def is_split_cost(raw: Raw) -> ir.BooleanValue:
    """Rows that share out to pods and tasks what other rows have charged already."""
    return raw.text("line_item_operation").isin(SPLIT_COST_OPERATIONS).fill_null(False)


def is_type(raw: Raw, *types: str) -> ir.BooleanValue:
    """Rows of those line item types that are not split-cost rows."""
    return raw.text(TYPE).isin(types).fill_null(False) & ~is_split_cost(raw)
