"""The names of a CUR's columns: three spellings of one list.

`lineItem/UnblendedCost` in legacy CSV, `line_item_unblended_cost` in legacy Parquet and in CUR 2.0. The names of CUR
2.0 are the canonical ones here: a header becomes canonical by putting `_` before each capital, and the few that still
differ stand in `VARIANTS`. Columns whose end is a key of the user's (tags, cost categories) keep that end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

# The columns that the mapping and the checks read, by group, under their canonical names.
TEXTS = (
    "identity_line_item_id",
    "bill_bill_type",
    "bill_invoice_id",
    "bill_invoicing_entity",
    "bill_payer_account_id",
    "bill_payer_account_name",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_availability_zone",
    "line_item_resource_id",
    "line_item_currency_code",
    "line_item_line_item_description",
    "line_item_tax_type",
    "line_item_legal_entity",
    "product_location",
    "product_location_type",
    "product_product_family",
    "product_product_name",
    "product_region",
    "product_region_code",
    "product_sku",
    "pricing_rate_code",
    "pricing_rate_id",
    "pricing_unit",
    "reservation_reservation_a_r_n",
    "savings_plan_savings_plan_a_r_n",
    "capacity_reservation_capacity_reservation_arn",
    "capacity_reservation_capacity_reservation_status",
)
TIMES = ("line_item_usage_start_date", "line_item_usage_end_date")
NUMBERS = (
    "line_item_unblended_cost",
    "line_item_net_unblended_cost",
    "line_item_usage_amount",
    "pricing_public_on_demand_cost",
    "pricing_public_on_demand_rate",
    "reservation_effective_cost",
    "reservation_net_effective_cost",
    "reservation_total_reserved_units",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_quantity",
    "reservation_unused_recurring_fee",
    "reservation_net_unused_recurring_fee",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "savings_plan_recurring_commitment_for_billing_period",
    "savings_plan_net_recurring_commitment_for_billing_period",
    "savings_plan_amortized_upfront_commitment_for_billing_period",
    "savings_plan_net_amortized_upfront_commitment_for_billing_period",
)
# Without these there is no charge; each other column may be absent, as AWS leaves out what a bill does not use.
REQUIRED = {
    "bill_payer_account_id": "bill/PayerAccountId",
    "line_item_usage_account_id": "lineItem/UsageAccountId",
    "line_item_line_item_type": "lineItem/LineItemType",
    "line_item_usage_start_date": "lineItem/UsageStartDate",
    "line_item_product_code": "lineItem/ProductCode",
    "line_item_currency_code": "lineItem/CurrencyCode",
    "line_item_unblended_cost": "lineItem/UnblendedCost",
}
KNOWN = frozenset((*TEXTS, *TIMES, *NUMBERS))

# The canonical name, and what else it is called once capitals have become `_x`.
VARIANTS: dict[str, tuple[str, ...]] = {
    "reservation_reservation_a_r_n": ("reservation_reservation_arn", "reservation_arn"),
    "savings_plan_savings_plan_a_r_n": ("savings_plan_savings_plan_arn", "savings_plan_arn"),
    "capacity_reservation_capacity_reservation_arn": (
        "capacity_reservation_capacity_reservation_a_r_n",
        "capacity_reservation_arn",
    ),
    "capacity_reservation_capacity_reservation_status": ("capacity_reservation_status",),
}
_CANONICAL = {variant: name for name, variants in VARIANTS.items() for variant in variants}

PRODUCT, TAGS, COST_CATEGORIES, DISCOUNTS = "product", "resource_tags", "cost_category", "discount"
MAPS = (PRODUCT, TAGS, COST_CATEGORIES, DISCOUNTS)


@dataclass(frozen=True)
class Group:
    """A family of columns whose end is a key: `resourceTags/user:team`, `resource_tags_user_team`, or a map."""

    name: str
    legacy: str

    def key(self, column: str) -> str | None:
        """The key at the column's end as the bill spells it; None for a column of another family."""
        for prefix in (self.legacy, f"{self.name}_"):
            if column.startswith(prefix) and len(column) > len(prefix):
                return column.removeprefix(prefix)
        return None

    def of(self, columns: Iterable[str]) -> dict[str, str]:
        """Column → key."""
        return {column: key for column in sorted(columns) if (key := self.key(column)) is not None}


TAG_COLUMNS = Group(TAGS, "resourceTags/")
COST_CATEGORY_COLUMNS = Group(COST_CATEGORIES, "costCategory/")
DISCOUNT_COLUMNS = Group(DISCOUNTS, "discount/")
PRODUCT_COLUMNS = Group(PRODUCT, "product/")
KEPT_WHOLE = (TAG_COLUMNS, COST_CATEGORY_COLUMNS, DISCOUNT_COLUMNS)


@cache
def snake(name: str) -> str:
    """`lineItem/UsageType` → `line_item_usage_type`; `savingsPlan/SavingsPlanARN` ends in `_a_r_n`."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"([A-Z])", r"_\1", name))
    return re.sub(r"_+", "_", words).strip("_").lower()


@cache
def canonical(column: str) -> str:
    name = snake(column)
    return _CANONICAL.get(name, name)


def names_of(columns: Iterable[str]) -> dict[str, str]:
    """Canonical name → the bill's own column, for the columns that Outlay reads by name."""
    names: dict[str, str] = {}
    for column in sorted(columns):
        if (name := canonical(column)) in KNOWN:
            names.setdefault(name, column)
    return names


def missing(columns: Sequence[str]) -> list[str]:
    """Required columns that are absent, spelled as the other columns of the bill are."""
    present = names_of(columns)
    is_legacy_csv = any("/" in column for column in columns)
    return [legacy if is_legacy_csv else name for name, legacy in REQUIRED.items() if name not in present]


def wanted(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that charges are made of, in the bill's order."""
    return tuple(
        column
        for column in columns
        if canonical(column) in KNOWN or column in MAPS or any(group.key(column) for group in KEPT_WHOLE)
    )


# Product attributes that FOCUS has a name for; the others get `x_` before AWS's name.
_FOCUS_NAMED = {
    "instance_type": "InstanceType",
    "vcpu": "CoreCount",
    "gpu": "GpuCount",
    "operating_system": "OperatingSystem",
    "storage_class": "StorageClass",
}


def details(columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What a SKU's price depends on: name in SkuPriceDetails and column, but for attributes that are charge columns.

    Where the product is a map, its entries are taken, and of the columns beside it those that FOCUS has a name for.
    """
    keys = {column: snake(key) for column, key in PRODUCT_COLUMNS.of(columns).items() if canonical(column) not in KNOWN}
    if PRODUCT in columns:
        named = [(_FOCUS_NAMED[key], column) for column, key in keys.items() if key in _FOCUS_NAMED]
        return (*named, ("x_", PRODUCT))
    return tuple({_FOCUS_NAMED.get(key, f"x_{key}"): column for column, key in keys.items()}.items())
