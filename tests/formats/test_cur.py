"""How each column of a CUR becomes a column of a charge, in each spelling of its names. Costs: `test_cur_costs`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ibis
import pytest

from outlay.focus.columns import BY_NAME, COLUMNS, SUBCATEGORIES
from outlay.focus.services import BY_CODE, SERVICES
from outlay.formats import cur_kinds, cur_names
from outlay.formats.cur_rules import RULES
from outlay.formats.cur_tables import REGIONS, UNITS
from tests.formats.currows import CUR, EVERY_ROW, LEAST, NET_ROWS, RI, SP, legacy, row
from tests.formats.rawrows import CONTEXT, charge, charges, evaluate, of


def read(one: dict[str, Any], *columns: str) -> Any:
    found = charge(CUR, {**LEAST, **one}, *columns)
    return found[columns[0]] if len(columns) == 1 else tuple(found[name] for name in columns)


def test_the_least_row_makes_a_whole_charge() -> None:
    found = charge(CUR, LEAST)
    assert list(found) == [column.name for column in COLUMNS]
    nothing = Decimal(0)
    assert {name: value for name, value in found.items() if value is not None} == {
        "BilledCost": nothing,
        "EffectiveCost": nothing,
        "ListCost": nothing,
        "ContractedCost": nothing,
        "x_AmortizedCost": nothing,
        "BillingAccountId": "011254002932",
        "BillingCurrency": "USD",
        "BillingPeriodStart": datetime(2026, 5, 1, tzinfo=UTC),
        "BillingPeriodEnd": datetime(2026, 6, 1, tzinfo=UTC),
        "ChargePeriodStart": datetime(2026, 5, 17, 15, tzinfo=UTC),
        "ChargePeriodEnd": datetime(2026, 5, 17, 16, tzinfo=UTC),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Standard",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "ServiceCategory": "Compute",
        "ServiceSubcategory": "Virtual Machines",
        "SubAccountId": "098765432109",
        "ProviderName": "AWS",
        "PublisherName": "AWS",
        "ServiceProviderName": "AWS",
        "HostProviderName": "AWS",
        "InvoiceIssuerName": "Amazon Web Services, Inc.",
        "x_BillingPeriod": "20260501-20260601",
        "x_Connection": "simple",
        "x_Delivery": "d1",
        "x_LineItemType": "Usage",
        "x_ServiceCode": "AmazonEC2",
        "x_SourceFile": "bill.csv",
        "x_SourceRow": 1,
    }


def test_every_charge_has_what_the_lake_requires() -> None:
    required = [column.name for column in COLUMNS if not column.nullable and column.name != "BillingAccountType"]
    for rows in (EVERY_ROW, NET_ROWS):
        assert not [name for found in charges(CUR, rows, *required) for name in required if found[name] is None]


def test_enumerations_hold_for_every_kind() -> None:
    listed = [column for column in COLUMNS if column.values]
    for found in charges(CUR, EVERY_ROW, *(column.name for column in listed)):
        assert not [c.name for c in listed if found[c.name] is not None and found[c.name] not in c.values]


@pytest.mark.parametrize(
    ("one", "column", "value"),
    [
        ({"line_item_availability_zone": "us-east-1a", "product_region": "x"}, "AvailabilityZone", "us-east-1a"),
        ({"line_item_availability_zone": "us-east-1", "product_region": "us-east-1"}, "AvailabilityZone", None),
        ({"product_region_code": "eu-west-1", "product_region": "x"}, "RegionId", "eu-west-1"),
        ({"product_region_code": "eu-west-1"}, "RegionName", "EU (Ireland)"),
        ({"line_item_usage_end_date": "2026-05-31T23:59:59Z"}, "ChargePeriodEnd", datetime(2026, 6, 1, tzinfo=UTC)),
        ({"bill_invoice_id": "77"}, "InvoiceId", "77"),
        ({"bill_invoice_id": ""}, "InvoiceId", None),
        ({"bill_invoicing_entity": "AWS CA", "line_item_legal_entity": "Red Hat"}, "InvoiceIssuerName", "AWS CA"),
        ({"line_item_legal_entity": "Red Hat"}, "InvoiceIssuerName", "Red Hat"),
        ({"line_item_legal_entity": "Red Hat"}, "PublisherName", "Red Hat"),
        ({"product_product_name": "AmazonCloudWatch"}, "ServiceName", "AmazonCloudWatch"),
        ({"line_item_product_code": "6k2xq9"}, "ServiceName", "6k2xq9"),
        ({"line_item_product_code": "6k2xq9"}, "ServiceCategory", "Other"),
        ({"line_item_resource_id": "i-0abc"}, "ResourceType", "instance"),
        ({"line_item_resource_id": "arn:aws:rds:us-east-1:1:db:prod"}, "ResourceType", "db"),
        ({"line_item_resource_id": "arn:aws:lambda:us-east-1:1:function:f"}, "ResourceType", "function"),
        ({"line_item_resource_id": "logs", "line_item_product_code": "AmazonS3"}, "ResourceType", "bucket"),
        ({"line_item_resource_id": "something"}, "ResourceType", None),
        ({"pricing_rate_code": "A.B.C", "pricing_rate_id": "7"}, "SkuPriceId", "A.B.C"),
        ({"pricing_rate_id": "7"}, "SkuPriceId", "7"),
        ({"pricing_rate_id": "7", "product_sku": "ABC"}, "SkuPriceId", "ABC.7"),
        ({"pricing_rate_id": "7", "product": {"sku": "ABC"}}, "SkuPriceId", "ABC.7"),
        ({"product_sku": "ABC"}, "SkuPriceId", None),
        ({"product_sku": "SKU"}, "SkuId", "SKU"),
        ({"line_item_usage_amount": "2", "pricing_unit": "Hrs"}, "PricingUnit", "Hours"),
        ({"line_item_usage_amount": "2", "pricing_unit": "Furlongs"}, "PricingUnit", "Furlongs"),
        ({"line_item_usage_amount": "2", "line_item_usage_type": "EU-BoxUsage:m5.large"}, "PricingUnit", "Hours"),
        ({"line_item_usage_amount": "2", "line_item_usage_type": "DataTransfer-Out-Bytes"}, "ConsumedUnit", "GB"),
        ({"pricing_unit": "Hrs"}, "PricingUnit", None),
        ({"line_item_operation": "RunInstances"}, "x_Operation", "RunInstances"),
        ({"discount_total_discount": "-1", "discount_edp_discount": "0.0"}, "x_Discounts", {"total_discount": "-1"}),
        ({"costCategory/Team": "web"}, "x_CostCategories", {"Team": "web"}),
        (
            {"resourceTags/user:team": "web", "resourceTags/aws:createdBy": "me", "resourceTags/user:empty": ""},
            "Tags",
            {"team": "web", "aws:createdBy": "me"},
        ),
        ({"resource_tags": {"user_team": "web", "aws_made": "me"}}, "Tags", {"team": "web", "aws:made": "me"}),
        ({"resource_tags": {}}, "Tags", None),
        ({"product": {"product_name": "Sandpiper"}, "line_item_product_code": "6k2"}, "ServiceName", "Sandpiper"),
        ({"capacity_reservation_capacity_reservation_arn": "cr", "capacity_reservation_capacity_reservation_status":
          "UnusedBox"}, "CapacityReservationId", "cr"),
    ],
)  # fmt: skip
def test_a_column_reads_as_its_rule_says(one: dict[str, Any], column: str, value: Any) -> None:
    assert read(one, column) == value


def test_prices_are_costs_for_a_unit() -> None:
    one = row(cost="0.9", public="1.0", rate="0.5", amount="2")
    assert read(dict(one), "ListUnitPrice", "ContractedUnitPrice", "PricingQuantity") == (
        Decimal("0.5"),
        Decimal("0.45"),
        Decimal(2),
    )
    assert read(dict(row(cost="1", amount="0")), "ListUnitPrice", "ContractedUnitPrice") == (None, None)
    assert read(dict(row("Credit", cost="-5", amount="1")), "ContractedUnitPrice", "ConsumedQuantity") == (None, None)


def test_a_tax_has_neither_sku_nor_price_nor_quantity() -> None:
    tax = row("Tax", cost="1", amount="1", usage_type="x", product_sku="S", pricing_rate_id="7", pricing_unit="Hrs")
    columns = (
        "SkuId",
        "SkuPriceId",
        "SkuMeter",
        "ListUnitPrice",
        "ContractedUnitPrice",
        "PricingQuantity",
        "PricingUnit",
    )
    assert set(read(dict(tax), *columns, "ConsumedQuantity", "PricingCategory")) == {None}


COMMITMENT = tuple(f"CommitmentDiscount{end}" for end in ("Id", "Category", "Type", "Status", "Quantity", "Unit"))


def commitment(one: dict[str, Any]) -> list[tuple[Any, ...]]:
    found = charges(CUR, [one], *COMMITMENT, "ResourceId", "PricingQuantity")
    return sorted((tuple(each.values()) for each in found), key=lambda each: each[3] or "")


def test_a_reservation_is_counted_in_hours() -> None:
    used = row("DiscountedUsage", ri=RI, amount="3", line_item_resource_id="i-1")
    assert commitment(dict(used)) == [
        (RI, "Usage", "Reserved Instance", "Used", Decimal(3), "Hours", "i-1", Decimal(3)),
    ]
    fee = row("RIFee", ri=RI, amount="744", ri_unused_hours="44", ri_hours="744")
    assert commitment(dict(fee)) == [
        (RI, "Usage", "Reserved Instance", None, Decimal(744), "Hours", RI, Decimal(744)),
        (RI, "Usage", "Reserved Instance", "Unused", Decimal(44), "Hours", RI, Decimal(44)),
    ]


def test_a_savings_plan_is_counted_in_money() -> None:
    fee = row("SavingsPlanRecurringFee", sp=SP, sp_total="24", sp_used="20", amount="24")
    assert commitment(dict(fee)) == [
        (SP, "Spend", "Savings Plan", None, Decimal(24), "USD", SP, Decimal(24)),
        (SP, "Spend", "Savings Plan", "Unused", Decimal(4), "USD", SP, None),
    ]


def test_ordinary_usage_has_no_commitment_whatever_its_columns_say() -> None:
    assert commitment(dict(row(ri=RI)))[0][:6] == (None,) * 6


def test_a_refund_of_a_refund_bill_corrects_an_invoiced_period() -> None:
    assert read(dict(row("Refund", bill_bill_type="Refund")), "ChargeClass") == "Correction"
    assert read(dict(row("Refund", bill_bill_type="Anniversary")), "ChargeClass") is None
    assert read(dict(row(bill_bill_type="Refund")), "ChargeClass") is None


def test_the_three_spellings_of_names_give_the_same_charges() -> None:
    rest = {"product_sku": "S", "product_region_code": "us-east-1", "line_item_availability_zone": "us-east-1a"}
    rows = [{**one, **rest} for one in (*EVERY_ROW, *NET_ROWS)]
    parquet = [{**one, "resource_tags_user_team": "web", "product_product_name": "EC2"} for one in rows]
    csv = [{**legacy(one), "resourceTags/user:team": "web", "product/ProductName": "EC2"} for one in rows]
    for one in csv:
        one |= {"product/sku": one.pop("product_sku"), "product/regionCode": one.pop("product_region_code")}
    cur2 = [{**one, "resource_tags": {"user_team": "web"}, "product": {"product_name": "EC2"}} for one in rows]
    assert any("/" in name for name in csv[0])

    def made(rows: list[Any]) -> list[str]:
        return sorted(str(found) for found in charges(CUR, rows))

    assert made(parquet) == made(csv) == made(cur2)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("lineItem/UnblendedCost", "line_item_unblended_cost"),
        ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
        ("reservation_reservation_arn", "reservation_reservation_a_r_n"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n"),
        ("savingsPlan/SavingsPlanArn", "savings_plan_savings_plan_a_r_n"),
        ("savings_plan_savings_plan_arn", "savings_plan_savings_plan_a_r_n"),
        ("product/regionCode", "product_region_code"),
        ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
    ],
)
def test_a_column_is_known_however_it_is_spelled(written: str, canonical: str) -> None:
    assert cur_names.names_of([written]) == {canonical: written}


def test_only_columns_that_are_read_are_wanted_and_details_come_once_for_each_sku() -> None:
    columns = ["lineItem/UnblendedCost", "lineItem/BlendedCost", "product/vcpu", "product/memory", "product/sku",
               "resourceTags/user:x", "product/ProductName"]  # fmt: skip
    assert CUR.wanted(columns) == (
        "lineItem/UnblendedCost",
        "product/sku",
        "resourceTags/user:x",
        "product/ProductName",
    )
    assert CUR.details(columns) == (("x_memory", "product/memory"), ("CoreCount", "product/vcpu"))
    assert CUR.detail_key(columns) == "product/sku"


def test_details_of_the_sku_stand_in_sku_price_details() -> None:
    raw = of(CUR, [LEAST])
    table = raw.table.mutate(_details=ibis.literal('{"CoreCount":"2"}'))
    [found] = evaluate(CUR.charges(replace(raw, table=table), CONTEXT).select("SkuPriceDetails"))
    assert found == {"SkuPriceDetails": '{"CoreCount":"2"}'}


def test_a_bill_without_invoice_column_cannot_be_final() -> None:
    assert CUR.invoiced(of(CUR, [LEAST])) is None
    raw = of(CUR, [{**LEAST, "bill_invoice_id": "1"}, {**LEAST, "bill_invoice_id": ""}])
    assert [each["done"] for each in evaluate(raw.table.select(done=CUR.invoiced(raw)))] == [True, False]


def test_services_have_one_place_in_focus_and_one_code_each() -> None:
    assert len(SERVICES) == len(BY_CODE) > 200
    assert not [each for each in SERVICES if each.subcategory not in SUBCATEGORIES[each.category]]
    by_name: dict[str, set[str]] = {}
    for each in SERVICES:
        by_name.setdefault(each.name, set()).add(each.subcategory)
    assert not [name for name, places in by_name.items() if len(places) > 1]


def test_no_table_holds_the_marks_that_part_its_text() -> None:
    texts = [*UNITS, *UNITS.values(), *REGIONS, *REGIONS.values(), *cur_kinds.KINDS]
    texts += [text for each in SERVICES for text in (each.code, each.name, each.category, each.subcategory)]
    assert not [text for text in texts if ";" in text or "~" in text or not text]


def test_rules_are_of_the_lake_and_tell_their_source() -> None:
    assert len({rule.column for rule in RULES}) == len(RULES)
    assert all(rule.column in BY_NAME and rule.source and rule.rule for rule in RULES)
