"""FOCUS in any version and dialect: how a row becomes a charge. Expected values are worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from outlay.focus.columns import BY_NAME, COLUMNS
from outlay.formats.base import COMMON, Context
from outlay.formats.detect import format_of, looks_like
from outlay.formats.focus import RULES, Focus, billing_periods
from tests.formats.rawrows import CONTEXT, MAY, charge, charges, evaluate, of

FOCUS = Focus()
LEAST = {
    "BilledCost": "1.5",
    "EffectiveCost": "1.25",
    "ListCost": "2",
    "ContractedCost": "1.75",
    "BillingCurrency": "EUR",
    "BillingPeriodStart": "2026-05-01T00:00:00Z",
    "ChargePeriodStart": "2026-05-17T15:00:00Z",
    "ChargePeriodEnd": "2026-05-17T16:00:00Z",
    "ChargeCategory": "Usage",
}


def read(row: dict[str, Any], *columns: str, context: Context = CONTEXT) -> Any:
    found = charge(FOCUS, {**LEAST, **row}, *columns, context=context)
    return found[columns[0]] if len(columns) == 1 else tuple(found[name] for name in columns)


def test_the_least_row_makes_a_whole_charge() -> None:
    found = charge(FOCUS, LEAST)
    assert list(found) == [column.name for column in COLUMNS]
    assert {name: value for name, value in found.items() if value is not None} == {
        "BilledCost": Decimal("1.5"),
        "EffectiveCost": Decimal("1.25"),
        "ListCost": Decimal(2),
        "ContractedCost": Decimal("1.75"),
        "x_AmortizedCost": Decimal("1.25"),
        "BillingCurrency": "EUR",
        "BillingPeriodStart": datetime(2026, 5, 1, tzinfo=UTC),
        "BillingPeriodEnd": datetime(2026, 6, 1, tzinfo=UTC),
        "ChargePeriodStart": datetime(2026, 5, 17, 15, tzinfo=UTC),
        "ChargePeriodEnd": datetime(2026, 5, 17, 16, tzinfo=UTC),
        "ChargeCategory": "Usage",
        "ProviderName": "Simple Cloud",
        "PublisherName": "Simple Cloud",
        "ServiceProviderName": "Simple Cloud",
        "HostProviderName": "Simple Cloud",
        "ServiceCategory": "Other",
        "ServiceSubcategory": "Other (Other)",
        "x_BillingPeriod": "20260501-20260601",
        "x_Connection": "simple",
        "x_Delivery": "d1",
        "x_SourceFile": "bill.csv",
        "x_SourceRow": 1,
    }


# A value for each kind of column, as written and as read.
WRITTEN: dict[str, tuple[Any, Any]] = {
    "string": ("0042 Zürich", "0042 Zürich"),
    "decimal(38, 18)": ("-1.5E-3", Decimal("-0.0015")),
    "timestamp('UTC', 6)": ("2026-05-17 15:00:00", datetime(2026, 5, 17, 15, tzinfo=UTC)),
    "map<string, string>": ('{"team": "web"}', {"team": "web"}),
}
PLAIN = [
    column.name
    for column in COLUMNS
    if column.is_focus and not column.values and column.name not in {rule.column for rule in COMMON}
]


def test_every_focus_column_is_read_from_the_column_of_its_name() -> None:
    found = charge(FOCUS, {**LEAST, **{name: WRITTEN[BY_NAME[name].type][0] for name in PLAIN}})
    assert {name: found[name] for name in PLAIN} == {name: WRITTEN[BY_NAME[name].type][1] for name in PLAIN}


@pytest.mark.parametrize("null", ["NULL", "null", "", None])
def test_a_null_written_as_text_is_null_in_every_column(null: str | None) -> None:
    enumerated = ("ChargeClass", "PricingCategory", "CommitmentDiscountStatus", "CapacityReservationStatus")
    emptied = [name for name in (*PLAIN, *enumerated) if name not in LEAST]
    found = charge(FOCUS, {**LEAST, **dict.fromkeys(emptied, null)})
    stand_ins = {"ProviderName", "PublisherName", "ServiceProviderName", "ServiceSubcategory"}
    assert {name for name in emptied if found[name] is not None} == stand_ins


@pytest.mark.parametrize(
    ("row", "service", "host", "provider", "publisher"),
    [
        # FOCUS 1.0 to 1.2: a direct purchase, and one on a market place.
        ({"ProviderName": "AWS", "PublisherName": "AWS"}, "AWS", "AWS", "AWS", "AWS"),
        ({"ProviderName": "AWS", "PublisherName": "Red Hat"}, "AWS", "AWS", "AWS", "Red Hat"),
        ({"ProviderName": "AWS", "PublisherName": ""}, "AWS", "AWS", "AWS", "AWS"),
        ({"ProviderName": "NULL", "PublisherName": "Red Hat"}, "Red Hat", "Simple Cloud", "Simple Cloud", "Red Hat"),
        # 1.4 has the new names alone, and a null host means that there is none.
        ({"ServiceProviderName": "Red Hat", "HostProviderName": "AWS"}, "Red Hat", "AWS", "Red Hat", "Red Hat"),
        ({"ServiceProviderName": "Red Hat", "HostProviderName": ""}, "Red Hat", None, "Red Hat", "Red Hat"),
        ({"ServiceProviderName": "Red Hat"}, "Red Hat", "Red Hat", "Red Hat", "Red Hat"),
        # 1.3 has both, and each is kept.
        (
            {"ServiceProviderName": "S", "HostProviderName": "H", "ProviderName": "P", "PublisherName": "U"},
            "S", "H", "P", "U",
        ),
    ],
)  # fmt: skip
def test_deprecated_names_and_their_successors_fill_each_other(
    row: dict[str, str], service: str, host: str | None, provider: str, publisher: str
) -> None:
    columns = ("ServiceProviderName", "HostProviderName", "ProviderName", "PublisherName")
    assert read(row, *columns) == (service, host, provider, publisher)


def test_a_blank_contracted_cost_is_the_list_cost_and_a_zero_is_kept() -> None:
    assert read({"ContractedCost": "NULL"}, "ContractedCost") == Decimal(2)
    assert read({"ContractedCost": "0"}, "ContractedCost") == 0


@pytest.mark.parametrize(
    ("row", "category", "subcategory"),
    [
        ({"ServiceCategory": "Compute"}, "Compute", "Other (Compute)"),
        ({"ServiceCategory": "Compute", "ServiceSubcategory": "Containers"}, "Compute", "Containers"),
        ({"ServiceCategory": "compute", "ServiceSubcategory": "NULL"}, "Compute", "Other (Compute)"),
        ({"ServiceCategory": "", "ServiceSubcategory": ""}, "Other", "Other (Other)"),
    ],
)
def test_a_missing_subcategory_is_other_of_the_category(row: dict[str, str], category: str, subcategory: str) -> None:
    assert read(row, "ServiceCategory", "ServiceSubcategory") == (category, subcategory)


@pytest.mark.parametrize(
    ("column", "written", "value"),
    [
        ("ChargeFrequency", "Usage-based", "Usage-Based"),  # Oracle
        ("ChargeCategory", "USAGE", "Usage"),
        ("PricingCategory", "on-demand", "on-demand"),  # FOCUS 1.0-preview; told, and kept
        ("ServiceCategory", "Quantum", "Quantum"),
    ],
)
def test_an_enumerated_value_takes_the_spelling_of_focus(column: str, written: str, value: str) -> None:
    assert read({column: written}, column) == value


def test_the_columns_that_aws_adds_are_kept() -> None:
    row = {
        "x_CostCategories": {"Division": "Parcels"},
        "x_Discounts": {"EDP": "-1.5"},
        "x_Operation": "RunInstances",
        "x_ServiceCode": "AmazonEC2",
        "x_UsageType": "BoxUsage:m6i.large",
        "Tags": {"user:team": "web"},
    }
    assert read(row, *row) == tuple(row.values())
    assert read({"x_Discount": '{"EDP": "-1.5"}'}, "x_Discounts") == {"EDP": "-1.5"}


def test_aws_s_usage_type_and_the_sku_meter_that_it_became_fill_each_other() -> None:
    assert read({"x_UsageType": "BoxUsage"}, "SkuMeter", "x_UsageType") == ("BoxUsage", "BoxUsage")
    assert read({"SkuMeter": "Compute hours"}, "SkuMeter", "x_UsageType") == ("Compute hours", "Compute hours")
    assert read({"SkuMeter": "M", "x_UsageType": "U"}, "SkuMeter", "x_UsageType") == ("M", "U")


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-17 15:00:00",
        "2026-05-17T15:00:00Z",
        "2026-05-17T15:00:00.000Z",
        "2026-05-17T15:00Z",
        "2026-05-17T15:00:00",
    ],
)
def test_every_time_form_of_providers_is_read_in_utc(written: str) -> None:
    assert read({"ChargePeriodStart": written}, "ChargePeriodStart") == datetime(2026, 5, 17, 15, tzinfo=UTC)


@pytest.mark.parametrize(("written", "value"), [("8e-7", "0.0000008"), ("1.2E+3", "1200"), ("0E-20", "0")])
def test_scientific_notation_is_exact(written: str, value: str) -> None:
    assert read({"BilledCost": written}, "BilledCost") == Decimal(value)


def test_account_ids_keep_their_leading_zeros() -> None:
    row = {"BillingAccountId": "000123456789", "SubAccountId": "011254002932"}
    assert read(row, "BillingAccountId", "SubAccountId") == ("000123456789", "011254002932")


def test_column_names_in_lower_case_are_known() -> None:
    lower = {name.lower(): value for name, value in {**LEAST, "Tags": '{"a": "b"}', "ProviderName": "AWS"}.items()}
    found = charge(FOCUS, lower, "BilledCost", "ChargeCategory", "Tags", "ProviderName")
    assert found == {"BilledCost": Decimal("1.5"), "ChargeCategory": "Usage", "Tags": {"a": "b"}, "ProviderName": "AWS"}
    assert FOCUS.names(["billedcost", "ListCost"]) == {"BilledCost": "billedcost"}
    assert FOCUS.wanted(["billedcost", "Id"]) == ("billedcost",)
    assert FOCUS.json_columns(["tags"]) == ("tags",)


def test_rows_of_other_periods_are_left_out_when_a_file_may_hold_several() -> None:
    several = Context(connection="simple", period=MAY, delivery="d1", other_periods=True)
    starts = ["2026-04-01", "2026-05-01", "2026-06-01", "2026-05-01T00:00:00Z", "2027-05-01"]
    rows = [{**LEAST, "BillingPeriodStart": start} for start in starts]
    assert [row["x_SourceRow"] for row in charges(FOCUS, rows, context=several)] == [2, 4]
    raw = of(FOCUS, rows)
    [(reason, is_dropped)] = FOCUS.drops(raw, several).items()
    assert reason == "belongs-to-another-period"
    assert [row["gone"] for row in evaluate(raw.table.select(gone=is_dropped))] == [True, False, True, False, True]
    assert FOCUS.drops(raw, CONTEXT) == {}


def test_the_billing_periods_of_loose_files_are_counted() -> None:
    starts = ["2026-04-01", "2026-05-01", "2026-05-01T00:00Z", "NULL", "soon"]
    found = evaluate(billing_periods(of(FOCUS, [{**LEAST, "BillingPeriodStart": start} for start in starts]).table))
    assert {(row["_file"], row["year"], row["month"]): row["rows"] for row in found} == {
        ("bill.csv", 2026, 4): 1,
        ("bill.csv", 2026, 5): 2,
        ("bill.csv", None, None): 2,
    }


def test_an_invoice_id_is_known_only_where_the_bill_has_the_column() -> None:
    assert FOCUS.invoiced(of(FOCUS, [LEAST])) is None
    rows = [{**LEAST, "InvoiceId": each} for each in ("INV-1", "NULL", "")]
    raw = of(FOCUS, rows)
    is_invoiced = FOCUS.invoiced(raw)
    assert is_invoiced is not None
    assert [row["is"] for row in evaluate(raw.table.select(**{"is": is_invoiced}))] == [True, False, False]


def test_each_column_has_one_rule_with_its_words() -> None:
    assert len({rule.column for rule in RULES}) == len(RULES)
    assert all(rule.source and rule.rule for rule in RULES)
    without = {column.name for column in COLUMNS} - {rule.column for rule in (*RULES, *COMMON)}
    assert without == {"x_LineItemId", "x_LineItemType", "x_UsageFamily"}


CUR = ["identity/LineItemId", "lineItem/UnblendedCost"]


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (list(LEAST), "focus"),
        ([name.lower() for name in LEAST], "focus"),
        (["time/usage_start", "cost/cost"], "cbf"),
        (CUR, "cur"),
        (["line_item_unblended_cost", "bill_payer_account_id"], "cur"),
        (["BilledCost", "Amount"], None),
        ([], None),
    ],
)
def test_a_format_is_told_by_the_header(columns: list[str], name: str | None) -> None:
    assert format_of(columns) == name
    assert [each for each in ("cbf", "cur", "focus") if looks_like(each, columns)] == ([name] if name else [])
