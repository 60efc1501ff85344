"""The mapping of a CUR: one rule for each FOCUS column, over rows that `cur_rows.prepared` has made ready.

Columns whose name begins with `_` are those that the preparation adds: what the row's kind says, its costs, its
quantity and what the look-ups found.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from outlay.focus.columns import DECIMAL, TEXT
from outlay.focus.services import UNKNOWN_CATEGORY, UNKNOWN_SUBCATEGORY
from outlay.formats import cur_maps, cur_tables
from outlay.formats.base import Context, Rule
from outlay.formats.cur_amounts import AMOUNTS, UNBLENDED, ZERO, number, public
from outlay.formats.cur_kinds import RI_ARN, SP_ARN
from outlay.formats.raw import Raw


def _text(name: str) -> Callable[[Raw, Context], ir.StringValue]:
    return lambda raw, context: raw.text(name)


def _made(name: str) -> Callable[[Raw, Context], ir.Value]:
    """A column of the prepared table: an attribute of the row's kind, or what the look-ups found."""
    return lambda raw, context: raw.table[name]


def _always(value: str) -> Callable[[Raw, Context], ir.StringValue]:
    return lambda raw, context: ibis.literal(value)


def _commitment_id(raw: Raw) -> ir.StringValue:
    return ibis.cases((raw.table["_commitment"].notnull(), ibis.coalesce(raw.text(SP_ARN), raw.text(RI_ARN))))


def _by_commitment(raw: Raw, savings_plan: ir.Value, reservation: ir.Value) -> ir.Value:
    """One value for Savings Plans, one for reservations; null on rows without a commitment."""
    has = raw.table["_commitment"].notnull()
    return ibis.cases((has & raw.text(SP_ARN).notnull(), savings_plan), (has & raw.text(RI_ARN).notnull(), reservation))


def _commitment_quantity(raw: Raw) -> ir.DecimalValue:
    """Money for Savings Plans, hours for reservations: bought, used or unused."""
    part = raw.table["_commitment"]
    plan = ibis.cases(
        (part == "Used", AMOUNTS["Savings Plan used"](raw, False)),
        (part == "Unused", AMOUNTS["Savings Plan unused"](raw, False)),
        else_=ibis.coalesce(number(raw, "savings_plan_total_commitment_to_date"), number(raw, UNBLENDED)),
    )
    reservation = ibis.cases(
        (part == "Used", number(raw, "line_item_usage_amount")),
        (part == "Unused", number(raw, "reservation_unused_quantity")),
        else_=ibis.coalesce(number(raw, "reservation_total_reserved_units"), number(raw, "line_item_usage_amount")),
    )
    return _by_commitment(raw, plan, reservation)


def _resource_id(raw: Raw) -> ir.StringValue:
    is_the_commitment = raw.table["_commitment"].isin(["Purchase", "Unused"])
    return ibis.cases((is_the_commitment, _commitment_id(raw)), else_=raw.text("line_item_resource_id"))


def _resource_type(raw: Raw) -> ir.StringValue:
    id_ = raw.text("line_item_resource_id")
    starts = [(id_.startswith(start), ibis.literal(type_)) for start, type_ in cur_tables.RESOURCE_TYPES.items()]
    of_arn = id_.re_extract("^arn:[^:]*:[^:]*:[^:]*:[^:]*:([A-Za-z][A-Za-z0-9-]*)[/:]", 1).nullif("")
    found = ibis.cases(
        (id_.startswith("arn:"), of_arn),
        *starts,
        (id_.notnull() & (raw.text("line_item_product_code") == "AmazonS3"), ibis.literal("bucket")),
    )
    return ibis.cases((raw.table["_commitment"].isin(["Purchase", "Unused"]), ibis.null(TEXT)), else_=found)


def _region_name(raw: Raw) -> ir.StringValue:
    is_region = cur_maps.product(raw, "location_type").isin(["AWS Region"])
    return ibis.coalesce(
        ibis.cases((raw.table["_region_id"].notnull() & is_region, cur_maps.product(raw, "location"))),
        raw.table["_region_name"],
    )


def _zone(raw: Raw) -> ir.StringValue:
    zone = raw.text("line_item_availability_zone")
    return ibis.cases((raw.table["_region_id"].isnull() | (zone != raw.table["_region_id"]), zone))


def _not_tax(raw: Raw, value: ir.Value) -> ir.Value:
    return ibis.cases((raw.table["_category"] != "Tax", value))


def _rate_of_sku(raw: Raw) -> ir.StringValue:
    rate, sku = raw.text("pricing_rate_id"), cur_maps.product(raw, "sku")
    return ibis.coalesce(sku + "." + rate, rate)


def _consumed(raw: Raw, value: ir.Value) -> ir.Value:
    is_use = (raw.table["_category"] == "Usage") & (raw.table["_quantity_of"] == "usage")
    return ibis.cases((is_use & raw.table["_quantity"].notnull(), value))


def _per_unit(raw: Raw, cost: str) -> ir.DecimalValue:
    """Cost over quantity to 15 places; null without a quantity, on taxes, and where it would be negative."""
    price = raw.table[cost].cast("float64") / raw.table["_quantity"].cast("float64").nullif(0)
    return ibis.cases((price >= 0, price.try_cast("decimal(38, 15)").cast(DECIMAL)))


def _list_unit_price(raw: Raw) -> ir.DecimalValue:
    has_public = public(raw).notnull() & (raw.table["_ListCost"] == public(raw)) & raw.table["_quantity"].notnull()
    rate = number(raw, "pricing_public_on_demand_rate")
    return ibis.cases((has_public & (rate >= ZERO), rate), else_=_per_unit(raw, "_ListCost"))


def _contracted_unit_price(raw: Raw) -> ir.DecimalValue:
    is_list = raw.table["_ContractedCost"] == raw.table["_ListCost"]
    return ibis.cases((is_list, _list_unit_price(raw)), else_=_per_unit(raw, "_ContractedCost"))


def _end(raw: Raw) -> ir.TimestampValue:
    end = raw.time("line_item_usage_end_date")
    whole = ibis.cases((end.second() == 59, end + ibis.interval(seconds=1)), else_=end)
    return ibis.coalesce(whole, raw.time("line_item_usage_start_date") + ibis.interval(hours=1))


def _charge_class(raw: Raw) -> ir.StringValue:
    is_correction = raw.table["_refund"].notnull() & raw.text("bill_bill_type").isin(["Refund"])
    return ibis.cases((is_correction, ibis.literal("Correction")))


def _issuer(raw: Raw) -> ir.StringValue:
    issuer = ibis.coalesce(raw.text("bill_invoicing_entity"), raw.text("line_item_legal_entity"))
    return issuer.fill_null("Amazon Web Services, Inc.")


def _capacity_status(raw: Raw) -> ir.StringValue:
    status = raw.text("capacity_reservation_capacity_reservation_status")
    has_id = raw.text("capacity_reservation_capacity_reservation_arn").notnull()
    return ibis.cases(
        (has_id & status.lower().startswith("unused"), ibis.literal("Unused")),
        (has_id & status.notnull(), ibis.literal("Used")),
    )


_KIND = "by the kind of line item, see the table below"

RULES: tuple[Rule, ...] = (
    Rule(
        "BilledCost",
        "`line_item_unblended_cost`, `line_item_net_unblended_cost` where a row has it",
        _KIND,
        _made("_BilledCost"),
    ),
    Rule(
        "EffectiveCost",
        "the same, and `reservation_…`, `savings_plan_…`; on rows with a net cost their `net_` columns",
        f"amortised: {_KIND}",
        _made("_EffectiveCost"),
    ),
    Rule("ListCost", "`pricing_public_on_demand_cost`", f"the public price; {_KIND}", _made("_ListCost")),
    Rule(
        "ContractedCost", "`line_item_unblended_cost`, `pricing_public_on_demand_cost`", _KIND, _made("_ContractedCost")
    ),
    Rule(
        "x_AmortizedCost",
        "as EffectiveCost, from the columns before discounts",
        "what EffectiveCost would be without net columns",
        _made("_x_AmortizedCost"),
    ),
    Rule("BillingCurrency", "`line_item_currency_code`", "as it is", _text("line_item_currency_code")),
    Rule(
        "BillingAccountId", "`bill_payer_account_id`", "as text: ids begin with zeros", _text("bill_payer_account_id")
    ),
    Rule("BillingAccountName", "`bill_payer_account_name`", "CUR 2.0 alone has it", _text("bill_payer_account_name")),
    Rule("SubAccountId", "`line_item_usage_account_id`", "as text", _text("line_item_usage_account_id")),
    Rule(
        "SubAccountName",
        "`line_item_usage_account_name`",
        "CUR 2.0 alone has it",
        _text("line_item_usage_account_name"),
    ),
    Rule("ProviderName", "none", "`AWS`", _always("AWS")),
    Rule("ServiceProviderName", "none", "`AWS`", _always("AWS")),
    Rule("HostProviderName", "none", "`AWS`", _always("AWS")),
    Rule(
        "PublisherName",
        "`line_item_legal_entity`",
        "the seller, as on the Marketplace; `AWS` when blank",
        lambda r, c: r.text("line_item_legal_entity").fill_null("AWS"),
    ),
    Rule(
        "InvoiceIssuerName",
        "`bill_invoicing_entity`, else `line_item_legal_entity`",
        "`Amazon Web Services, Inc.` when both are blank",
        lambda r, c: _issuer(r),
    ),
    Rule("InvoiceId", "`bill_invoice_id`", "null until the invoice is issued", _text("bill_invoice_id")),
    Rule(
        "ServiceName",
        "`product_product_name`, else by `line_item_product_code`",
        "the name AWS prints; the code itself for a product that neither names",
        lambda r, c: ibis.coalesce(
            cur_maps.product(r, "product_name"),
            r.table["_service"],
            r.text("line_item_product_code"),
            ibis.literal("Unknown"),
        ),
    ),
    Rule(
        "ServiceCategory",
        "`line_item_product_code`",
        "one for each service, from Outlay's table; `Other` when not in it",
        lambda r, c: r.table["_service_category"].fill_null(UNKNOWN_CATEGORY),
    ),
    Rule(
        "ServiceSubcategory",
        "`line_item_product_code`",
        "as ServiceCategory; `Other (Other)` when not in the table",
        lambda r, c: r.table["_service_subcategory"].fill_null(UNKNOWN_SUBCATEGORY),
    ),
    Rule("ChargeCategory", "`line_item_line_item_type`", _KIND, _made("_category")),
    Rule(
        "ChargeClass",
        "`bill_bill_type`",
        "`Correction` on Refund rows of a refund bill: they correct an invoiced period",
        lambda r, c: _charge_class(r),
    ),
    Rule("ChargeFrequency", "`line_item_line_item_type`", _KIND, _made("_frequency")),
    Rule(
        "ChargeDescription", "`line_item_line_item_description`", "as it is", _text("line_item_line_item_description")
    ),
    Rule(
        "ChargePeriodStart", "`line_item_usage_start_date`", "in UTC", lambda r, c: r.time("line_item_usage_start_date")
    ),
    Rule(
        "ChargePeriodEnd",
        "`line_item_usage_end_date`",
        "in UTC; one second later when it is the last second of a minute; one hour after the start when blank",
        lambda r, c: _end(r),
    ),
    Rule("PricingCategory", "`line_item_line_item_type`, `line_item_usage_type`", _KIND, _made("_pricing")),
    Rule(
        "PricingQuantity",
        "`line_item_usage_amount`",
        "`reservation_unused_quantity` on a reservation's unused part, null on that of a Savings Plan and on taxes",
        _made("_quantity"),
    ),
    Rule(
        "PricingUnit",
        "`pricing_unit`, else by `line_item_usage_type`",
        "in FOCUS's spelling (`Hrs` is `Hours`, `GB-Mo` is `GB-Months`); null without a quantity",
        lambda r, c: ibis.cases((r.table["_quantity"].notnull(), r.table["_unit"])),
    ),
    Rule(
        "ConsumedQuantity",
        "`line_item_usage_amount`",
        "on Usage that is not unused",
        lambda r, c: _consumed(r, r.table["_quantity"]),
    ),
    Rule(
        "ConsumedUnit",
        "as PricingUnit",
        "where there is a ConsumedQuantity",
        lambda r, c: _consumed(r, r.table["_unit"]),
    ),
    Rule(
        "ListUnitPrice",
        "`pricing_public_on_demand_rate`",
        "where ListCost is the public cost; else ListCost / PricingQuantity",
        lambda r, c: _list_unit_price(r),
    ),
    Rule(
        "ContractedUnitPrice",
        "ContractedCost / PricingQuantity",
        "ListUnitPrice where the two costs are one; null without a quantity, and where it would be negative",
        lambda r, c: _contracted_unit_price(r),
    ),
    Rule(
        "CommitmentDiscountId",
        "`savings_plan_savings_plan_a_r_n`, else `reservation_reservation_a_r_n`",
        "on rows of a commitment",
        lambda r, c: _commitment_id(r),
    ),
    Rule(
        "CommitmentDiscountCategory",
        "the same",
        "`Spend` for a Savings Plan, `Usage` for a reservation",
        lambda r, c: _by_commitment(r, ibis.literal("Spend"), ibis.literal("Usage")),
    ),
    Rule(
        "CommitmentDiscountType",
        "the same",
        "`Savings Plan` or `Reserved Instance`",
        lambda r, c: _by_commitment(r, ibis.literal("Savings Plan"), ibis.literal("Reserved Instance")),
    ),
    Rule(
        "CommitmentDiscountStatus",
        "`line_item_line_item_type`",
        _KIND,
        lambda r, c: ibis.cases((_commitment_id(r).notnull(), r.table["_status"])),
    ),
    Rule(
        "CommitmentDiscountQuantity",
        "Savings Plans: `savings_plan_savings_plan_effective_cost`, `…_total_commitment_to_date`, `…_used_commitment`; "
        "reservations: `line_item_usage_amount`, `reservation_unused_quantity`, `reservation_total_reserved_units`",
        "used, unused or bought: money for a Savings Plan, hours for a reservation",
        lambda r, c: _commitment_quantity(r),
    ),
    Rule(
        "CommitmentDiscountUnit",
        "`line_item_currency_code`",
        "the currency for a Savings Plan, `Hours` for a reservation",
        lambda r, c: ibis.cases(
            (
                _commitment_quantity(r).notnull(),
                _by_commitment(r, r.text("line_item_currency_code"), ibis.literal("Hours")),
            )
        ),
    ),
    Rule(
        "CapacityReservationId",
        "`capacity_reservation_capacity_reservation_arn`",
        "CUR 2.0 alone has it",
        _text("capacity_reservation_capacity_reservation_arn"),
    ),
    Rule(
        "CapacityReservationStatus",
        "`capacity_reservation_capacity_reservation_status`",
        "`Used` or `Unused`, where there is a CapacityReservationId",
        lambda r, c: _capacity_status(r),
    ),
    Rule("RegionId", "`product_region_code`, else `product_region`", "as it is", _made("_region_id")),
    Rule(
        "RegionName",
        "`product_location`",
        "where its type is `AWS Region`; else by RegionId",
        lambda r, c: _region_name(r),
    ),
    Rule(
        "AvailabilityZone", "`line_item_availability_zone`", "null where it is the region itself", lambda r, c: _zone(r)
    ),
    Rule(
        "ResourceId",
        "`line_item_resource_id`",
        "the commitment's ARN on its purchase and on its unused part",
        lambda r, c: _resource_id(r),
    ),
    Rule(
        "ResourceType",
        "`line_item_resource_id`",
        "the type part of an ARN, or what the id begins with; else null",
        lambda r, c: _resource_type(r),
    ),
    Rule("SkuId", "`product_sku`", "null on taxes", lambda r, c: _not_tax(r, cur_maps.product(r, "sku"))),
    Rule(
        "SkuPriceId",
        "`pricing_rate_code`, else `product_sku` and `pricing_rate_id`",
        "null on taxes; a rate id can be that of several SKUs, so it stands after its SKU: `SKU.7`",
        lambda r, c: _not_tax(r, ibis.coalesce(r.text("pricing_rate_code"), _rate_of_sku(r))),
    ),
    Rule(
        "SkuMeter", "`line_item_usage_type`", "null on taxes", lambda r, c: _not_tax(r, r.text("line_item_usage_type"))
    ),
    Rule(
        "SkuPriceDetails",
        "`product_…`",
        "attributes by AWS's name after `x_`, or by FOCUS's where it has one; null on taxes",
        lambda r, c: _not_tax(r, cur_maps.sku_price_details(r)),
    ),
    Rule(
        "Tags",
        "`resource_tags…`",
        "keys without `user:`; `aws:` stays; blank values have no key",
        lambda r, c: cur_maps.tags(r),
    ),
    Rule("x_CostCategories", "`cost_category…`", "by name", lambda r, c: cur_maps.cost_categories(r)),
    Rule("x_Discounts", "`discount…`", "amounts other than 0, by name", lambda r, c: cur_maps.discounts(r)),
    Rule("x_LineItemId", "`identity_line_item_id`", "as it is", _text("identity_line_item_id")),
    Rule("x_LineItemType", "`line_item_line_item_type`", "as it is", _text("line_item_line_item_type")),
    Rule("x_Operation", "`line_item_operation`", "as it is", _text("line_item_operation")),
    Rule("x_ServiceCode", "`line_item_product_code`", "as it is", _text("line_item_product_code")),
    Rule("x_UsageFamily", "`product_product_family`", "as it is", lambda r, c: cur_maps.product(r, "product_family")),
    Rule("x_UsageType", "`line_item_usage_type`", "as it is", _text("line_item_usage_type")),
)
