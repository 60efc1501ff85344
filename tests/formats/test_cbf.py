"""The Common Bill Format: how each column becomes a charge. Expected values are worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from outlay.focus.columns import BY_NAME, COLUMNS
from outlay.formats.base import Context
from outlay.formats.cbf import KNOWN, LINE_ITEM_TYPES, RULES, Cbf
from tests.formats.rawrows import CONTEXT, MAY, charge, charges, in_the_bill

CBF = Cbf()
START = "2026-05-17T15:00:00Z"
LEAST = {"time/usage_start": START, "cost/cost": "7.25"}
COST_TYPES = ("BilledCost", "ContractedCost", "x_AmortizedCost", "EffectiveCost", "ListCost")


def of(row: dict[str, Any], *columns: str, context: Context = CONTEXT) -> Any:
    found = charge(CBF, {**LEAST, **row}, *columns, context=context)
    return found[columns[0]] if len(columns) == 1 else tuple(found[name] for name in columns)


def test_the_least_row_makes_a_whole_charge() -> None:
    found = charge(CBF, LEAST)
    assert list(found) == [column.name for column in COLUMNS]
    assert {name: value for name, value in found.items() if value is not None} == {
        "BilledCost": Decimal("7.25"),
        "EffectiveCost": Decimal("7.25"),
        "ListCost": Decimal("7.25"),
        "ContractedCost": Decimal("7.25"),
        "x_AmortizedCost": Decimal("7.25"),
        "BillingAccountId": "simple",
        "BillingCurrency": "USD",
        "BillingPeriodStart": datetime(2026, 5, 1, tzinfo=UTC),
        "BillingPeriodEnd": datetime(2026, 6, 1, tzinfo=UTC),
        "ChargePeriodStart": datetime(2026, 5, 17, 15, tzinfo=UTC),
        "ChargePeriodEnd": datetime(2026, 5, 17, 16, tzinfo=UTC),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Standard",
        "ServiceCategory": "Other",
        "ServiceSubcategory": "Other (Other)",
        "ProviderName": "Simple Cloud",
        "PublisherName": "Simple Cloud",
        "ServiceProviderName": "Simple Cloud",
        "HostProviderName": "Simple Cloud",
        "InvoiceIssuerName": "Simple Cloud",
        "x_BillingPeriod": "20260501-20260601",
        "x_Connection": "simple",
        "x_Delivery": "d1",
        "x_LineItemType": "Usage",
        "x_SourceFile": "bill.csv",
        "x_SourceRow": 1,
    }


@pytest.mark.parametrize(
    ("row", "costs"),
    [
        # billed, contracted, amortised, effective, list
        ({}, "7.25 7.25 7.25 7.25 7.25"),
        ({"cost/discounted_cost": "6"}, "7.25 6 7.25 6 7.25"),
        ({"cost/amortized_cost": "5"}, "7.25 7.25 5 5 7.25"),
        ({"cost/discounted_amortized_cost": "4"}, "7.25 7.25 7.25 4 7.25"),
        ({"cost/on_demand_cost": "9"}, "7.25 7.25 7.25 7.25 9"),
        ({"cost/discounted_cost": "6", "cost/amortized_cost": "5"}, "7.25 6 5 5 7.25"),
        (
            {
                "cost/discounted_cost": "6",
                "cost/amortized_cost": "5",
                "cost/discounted_amortized_cost": "4",
                "cost/on_demand_cost": "9",
            },
            "7.25 6 5 4 9",
        ),
    ],
)
@pytest.mark.parametrize("blank", [None, ""])
def test_a_blank_cost_falls_back_in_the_documented_order(row: dict[str, str], costs: str, blank: str | None) -> None:
    optional = ("discounted_cost", "amortized_cost", "discounted_amortized_cost", "on_demand_cost")
    blanks = {f"cost/{name}": blank for name in optional}
    assert of({**blanks, **row}, *COST_TYPES) == tuple(map(Decimal, costs.split()))


def test_an_explicit_zero_is_a_cost_and_no_blank() -> None:
    zeros = {"cost/discounted_cost": "0", "cost/amortized_cost": "0.00", "cost/on_demand_cost": "-0"}
    assert of(zeros, *COST_TYPES) == (Decimal("7.25"), 0, 0, 0, 0)
    assert of({"cost/discounted_amortized_cost": "0", "cost/amortized_cost": "3"}, "EffectiveCost") == 0
    assert of({"cost/cost": "0"}, *COST_TYPES) == (0, 0, 0, 0, 0)


def test_costs_are_exact_and_may_be_negative() -> None:
    assert of({"cost/cost": "-0.000000000000000001"}, "BilledCost") == Decimal("-1E-18")
    assert of({"cost/cost": "12345678901234567890.123456789012345678"}, "BilledCost") == Decimal(
        "12345678901234567890.123456789012345678"
    )


def test_discounts_leave_the_discount_rows_for_the_rows_that_they_discount() -> None:
    """The reference's second worked example: a discount on usage, and one that stays a row of its own."""
    rows = [
        {"lineitem/type": "Usage", "cost/cost": "31", "cost/discounted_cost": "24.5"},
        {"lineitem/type": "Usage", "cost/cost": "9.4", "cost/discounted_cost": "6.9"},
        {"lineitem/type": "Purchase", "cost/cost": "64", "cost/discounted_cost": "64"},
        {"lineitem/type": "Discount", "cost/cost": "-9", "cost/discounted_cost": "0"},
        {"lineitem/type": "Discount", "cost/cost": "-15", "cost/discounted_cost": "-15"},
    ]
    found = charges(CBF, [{**LEAST, **row} for row in rows], "BilledCost", "ContractedCost", "EffectiveCost")
    assert [row["ContractedCost"] for row in found] == [Decimal(each) for each in ("24.5", "6.9", "64", "0", "-15")]
    assert [row["EffectiveCost"] for row in found] == [row["ContractedCost"] for row in found]
    assert sum(row["BilledCost"] for row in found) == sum(row["ContractedCost"] for row in found) == Decimal("80.4")


def test_a_commitment_is_spread_over_the_usage_that_it_covers() -> None:
    """The reference's third worked example: 64 of commitment go to two rows of usage, 40 and 24."""
    rows = [
        {"lineitem/type": "Usage", "cost/cost": "31", "cost/amortized_cost": "71", "cost/discounted_cost": "24.5"},
        {"lineitem/type": "Usage", "cost/cost": "9.4", "cost/amortized_cost": "33.4", "cost/discounted_cost": "6.9"},
        {
            "lineitem/type": "CommittedUsePurchase",
            "cost/cost": "64",
            "cost/amortized_cost": "0",
            "cost/discounted_cost": "64",
        },
        {"lineitem/type": "Discount", "cost/cost": "-9", "cost/amortized_cost": "", "cost/discounted_cost": "0"},
    ]
    found = charges(CBF, [{**LEAST, **row} for row in rows], *COST_TYPES)
    assert [row["x_AmortizedCost"] for row in found] == [Decimal(each) for each in ("71", "33.4", "0", "-9")]
    # A blank amortised cost falls to the discounted cost for the effective cost, to the cost for the amortised cost.
    assert [row["EffectiveCost"] for row in found] == [Decimal(each) for each in ("71", "33.4", "0", "0")]
    assert sum(row["BilledCost"] for row in found) == sum(row["x_AmortizedCost"] for row in found) == Decimal("95.4")
    [totals] = in_the_bill(CBF, [{**LEAST, **row} for row in rows]).values()
    assert totals == {name: sum(row[name] for row in found) for name in COST_TYPES}


TYPES = {
    # type: category, frequency, pricing category, commitment status, is a commitment
    "Usage": ("Usage", "Usage-Based", "Standard", None, False),
    "Tax": ("Tax", "Recurring", None, None, False),
    "Support": ("Purchase", "Recurring", "Standard", None, False),
    "Purchase": ("Purchase", "One-Time", "Standard", None, False),
    "CommittedUsePurchase": ("Purchase", "One-Time", "Standard", None, True),
    "CommittedUseVacancy": ("Usage", "Usage-Based", "Committed", "Unused", True),
    "CommittedUseRecurringFee": ("Purchase", "Recurring", "Standard", None, True),
    "Discount": ("Usage", "Usage-Based", "Standard", None, False),
    "Credit": ("Credit", "One-Time", "Other", None, False),
    "Fee": ("Purchase", "One-Time", "Standard", None, False),
    "Adjustment": ("Adjustment", "One-Time", "Other", None, False),
}


def test_the_types_are_the_eleven_of_the_reference() -> None:
    assert set(LINE_ITEM_TYPES) == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_each_line_item_type_has_its_place_in_focus(name: str) -> None:
    category, frequency, pricing, status, is_commitment = TYPES[name]
    columns = ("ChargeCategory", "ChargeFrequency", "PricingCategory", "CommitmentDiscountStatus", "x_LineItemType")
    row = {"lineitem/type": name, "resource/id": "commit/c-1"}
    assert of(row, *columns) == (category, frequency, pricing, status, name)
    commitment = ("commit/c-1", "Usage", "Committed Use") if is_commitment else (None, None, None)
    names = ("CommitmentDiscountId", "CommitmentDiscountCategory", "CommitmentDiscountType")
    assert of(row, *names) == commitment
    assert of(row, "ChargeClass") is None


@pytest.mark.parametrize("blank", ["", None])
def test_a_blank_line_item_type_is_usage(blank: str | None) -> None:
    assert of({"lineitem/type": blank}, "ChargeCategory", "x_LineItemType") == ("Usage", "Usage")


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("resource/account", "SubAccountId"),
        ("resource/service", "ServiceName"),
        ("resource/region", "RegionId"),
        ("resource/id", "ResourceId"),
        ("lineitem/id", "x_LineItemId"),
        ("lineitem/description", "ChargeDescription"),
        ("lineitem/cloud_provider", "ProviderName"),
        ("lineitem/cloud_provider", "ServiceProviderName"),
        ("lineitem/cloud_provider", "PublisherName"),
        ("lineitem/cloud_provider", "HostProviderName"),
        ("lineitem/cloud_provider", "InvoiceIssuerName"),
        ("resource/usage_family", "x_UsageFamily"),
        ("action/operation", "x_Operation"),
        ("action/usage_type", "SkuMeter"),
        ("action/usage_type", "x_UsageType"),
        ("bill/invoice_id", "InvoiceId"),
        ("action/region", "RegionId"),
        ("action/account", "SubAccountId"),
    ],
)
def test_a_text_column_is_kept_as_it_is_written(source: str, column: str) -> None:
    assert of({source: '0042 Zürich, "x"'}, column) == '0042 Zürich, "x"'


def test_every_column_of_the_reference_has_a_rule() -> None:
    told = " ".join(rule.source for rule in RULES)
    in_words = {"k8s/cluster", "k8s/namespace", "k8s/deployment", "k8s/labels"}  # told as `k8s/…`
    assert {name for name in KNOWN - in_words if f"`{name}`" not in told} == set()
    assert all(rule.column in BY_NAME for rule in RULES)
    assert len({rule.column for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("new", "old", "column"),
    [("resource/region", "action/region", "RegionId"), ("resource/account", "action/account", "SubAccountId")],
)
def test_a_deprecated_column_fills_only_the_blanks_of_its_successor(new: str, old: str, column: str) -> None:
    assert of({new: "n", old: "o"}, column) == "n"
    assert of({new: "", old: "o"}, column) == "o"
    assert of({new: None, old: ""}, column) is None


def test_without_a_cloud_provider_the_connection_s_name_stands_for_it() -> None:
    nameless = Context(connection="simple", period=MAY, delivery="d1")
    assert of({}, "ProviderName", context=nameless) == "simple"
    assert of({"lineitem/cloud_provider": ""}, "ProviderName") == "Simple Cloud"


def test_the_connection_s_currency_is_the_bill_s() -> None:
    euros = Context(connection="simple", period=MAY, delivery="d1", currency="EUR")
    assert of({}, "BillingCurrency", context=euros) == "EUR"
    assert set(in_the_bill(CBF, [LEAST], euros)) == {("EUR", None)}


@pytest.mark.parametrize(
    ("id", "type"),
    [
        ("instance/i-1", "instance"),
        ("instance:i-1", "instance"),
        ("a:b:uuid", "a"),
        ("a/b:c", "a"),
        ("arn:aws:s3:::bucket", "arn"),
        ("plain-id", None),
        ("/leading", None),
        ("", None),
    ],
)
def test_the_resource_id_stays_whole_and_its_first_part_is_the_type(id: str, type: str | None) -> None:
    assert of({"resource/id": id}, "ResourceId", "ResourceType") == (id or None, type)


def test_a_quantity_is_consumed_on_usage_rows_and_priced_on_all() -> None:
    columns = ("ConsumedQuantity", "ConsumedUnit", "PricingQuantity", "PricingUnit")
    row = {"usage/amount": "3.5", "usage/units": "Hours"}
    amount = Decimal("3.5")
    assert of(row, *columns) == (amount, "Hours", amount, "Hours")
    for name in set(TYPES) - {"Usage"}:
        assert of({**row, "lineitem/type": name}, *columns) == (None, None, amount, "Hours")


def test_units_mean_nothing_without_an_amount() -> None:
    assert of({"usage/units": "Hours", "usage/amount": ""}, "ConsumedUnit", "PricingUnit") == (None, None)
    assert of({"usage/units": "Hours", "usage/amount": "0"}, "ConsumedUnit", "PricingQuantity") == ("Hours", 0)


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-17T15:00:00Z",
        "2026-05-17T15:00:00+00:00",
        "2026-05-17 15:00:00+00:00",
        "2026-05-17T15:00:00",
        "2026-05-17T17:00:00+02:00",
    ],
)
def test_every_time_form_seen_in_the_wild_is_read_in_utc(written: str) -> None:
    assert of({"time/usage_start": written}, "ChargePeriodStart") == datetime(2026, 5, 17, 15, tzinfo=UTC)


def test_a_date_alone_is_its_midnight() -> None:
    start, end = of({"time/usage_start": "2026-05-17"}, "ChargePeriodStart", "ChargePeriodEnd")
    assert (start, end) == (datetime(2026, 5, 17, tzinfo=UTC), datetime(2026, 5, 17, 1, tzinfo=UTC))


def test_the_end_is_taken_where_it_is_given_and_an_hour_after_the_start_otherwise() -> None:
    assert of({"time/usage_end": "2026-05-18T00:00:00Z"}, "ChargePeriodEnd") == datetime(2026, 5, 18, tzinfo=UTC)
    assert of({"time/usage_end": ""}, "ChargePeriodEnd") == datetime(2026, 5, 17, 16, tzinfo=UTC)


def test_tags_lose_their_prefix_keep_their_case_and_are_absent_when_blank() -> None:
    row = {"resource/id": "i-1", "resource/tag:Team": "web", "resource/tag:a/b:c=1": "", "resource/tag:x": None}
    assert of(row, "Tags") == {"Team": "web"}
    assert of({"resource/tag:Team": ""}, "Tags") is None


def test_kubernetes_columns_become_tags_with_their_prefix() -> None:
    row = {
        "k8s/cluster": "c1",
        "k8s/namespace": "default",
        "k8s/deployment": "web",
        "k8s/labels": '{"app": "front", "n": 3}',
    }
    assert of(row, "Tags") == {
        "k8s/cluster": "c1",
        "k8s/namespace": "default",
        "k8s/deployment": "web",
        "k8s/labels": '{"app": "front", "n": 3}',
        "k8s/labels/app": "front",
        "k8s/labels/n": "3",
    }


def test_labels_that_are_no_object_stay_one_tag() -> None:
    assert of({"k8s/labels": "app=front"}, "Tags") == {"k8s/labels": "app=front"}
    assert of({"k8s/labels": ""}, "Tags") is None


def test_tags_and_labels_of_one_row_do_not_leak_into_another() -> None:
    rows = [
        {**LEAST, "resource/id": "a", "resource/tag:team": "web", "k8s/labels": '{"app": "x"}'},
        {**LEAST, "resource/id": "b", "resource/tag:team": "", "k8s/labels": ""},
        {**LEAST, "resource/id": "c", "resource/tag:team": "data", "k8s/labels": ""},
    ]
    found = [row["Tags"] for row in charges(CBF, rows, "Tags")]
    assert found == [
        {"team": "web", "k8s/labels": '{"app": "x"}', "k8s/labels/app": "x"},
        None,
        {"team": "data"},
    ]
