"""What is told about a FOCUS bill, and the control totals that prove its mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.findings import CODES, finding
from outlay.focus.columns import BY_NAME, CHARGE_CATEGORIES, COSTS
from outlay.formats.base import Context, Rule
from outlay.formats.focus import ENUMERATED, MAPS, NUMBERS, REQUIRED, RULES, TIMES, Focus
from tests.formats.rawrows import CONTEXT, MAY, in_the_bill, in_the_charges, of, told

FOCUS = Focus()
SEVERAL = Context(connection="simple", period=MAY, delivery="d1", other_periods=True)
GOOD = {
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


def each_in_its_row(column: str, values: Sequence[str | None]) -> list[tuple[str, str, int, str | None]]:
    return told(FOCUS, [{**GOOD, column: value} for value in values])


def rows(code: str, column: str, values: Sequence[str | None]) -> list[tuple[str, str, int, str | None]]:
    return [(code, column, row, value) for row, value in enumerate(values, 1)]


def codes(columns: Sequence[str]) -> list[tuple[str, str | None]]:
    return [(each.code, each.column) for each in FOCUS.header("bill.csv", columns)]


def test_a_good_bill_has_no_findings() -> None:
    assert codes(list(GOOD)) == []
    assert told(FOCUS, [GOOD, GOOD]) == []


@pytest.mark.parametrize("column", REQUIRED)
def test_a_header_without_a_required_column_names_it(column: str) -> None:
    assert codes([name for name in GOOD if name != column]) == [("column-missing", column)]


def test_the_required_columns_are_mandatory_in_every_version() -> None:
    assert {BY_NAME[name].levels for name in REQUIRED} == {"MMMMM"}


def test_an_unknown_column_is_a_warning_and_is_not_wanted() -> None:
    assert codes([*GOOD, "Id", "x_skuOrderId"]) == [("column-unknown", "Id"), ("column-unknown", "x_skuOrderId")]
    assert FOCUS.wanted([*GOOD, "Id"]) == tuple(GOOD)
    assert CODES["column-unknown"].severity == "warning"


@pytest.mark.parametrize("column", sorted(set(REQUIRED) - {"BillingCurrency", "ContractedCost"}))
def test_a_null_in_a_required_column_is_told_with_its_row(column: str) -> None:
    blanks = [None, "", "NULL", "null"]
    assert each_in_its_row(column, blanks) == [("value-missing", column, row, None) for row in range(1, 5)]


def test_a_null_contracted_cost_is_counted_as_filled() -> None:
    assert each_in_its_row("ContractedCost", ["NULL", "1"]) == [("cost-filled", "ContractedCost", 1, None)]
    assert CODES["cost-filled"].severity == "warning"


@pytest.mark.parametrize("column", NUMBERS)
def test_a_value_that_is_no_number_is_told_with_its_row(column: str) -> None:
    values = ["12x", "1,000", "NaN", " ", "1e"]
    assert each_in_its_row(column, values) == rows("number-invalid", column, values)


@pytest.mark.parametrize("column", ["BilledCost", "ListUnitPrice"])
def test_a_number_is_told_when_it_is_too_large_and_counted_when_it_is_too_fine(column: str) -> None:
    assert each_in_its_row(column, ["1e20", "-1E+25"]) == rows("number-too-large", column, ["1e20", "-1E+25"])
    fine = ["0.1234567890123456789", "1.5e-18"]
    assert each_in_its_row(column, fine) == rows("number-rounded", column, fine)
    assert each_in_its_row(column, ["-2.5E-7", "1.0e-18", "0E-30"]) == []


@pytest.mark.parametrize("column", TIMES)
def test_a_value_that_is_no_time_is_told_with_its_row(column: str) -> None:
    values = ["soon", "2026-02-30", "05/17/2026", "1747494000"]
    assert each_in_its_row(column, values) == rows("time-invalid", column, values)


def test_a_currency_is_three_capital_letters() -> None:
    values = ["usd", "US$", "EURO", " EUR"]
    assert each_in_its_row("BillingCurrency", values) == rows("currency-invalid", "BillingCurrency", values)
    assert each_in_its_row("BillingCurrency", ["", "NULL"]) == rows("currency-invalid", "BillingCurrency", [None, None])


@pytest.mark.parametrize("column", ["ChargeCategory", "ChargeClass", "ChargeFrequency"])
def test_a_category_that_decides_how_a_charge_counts_has_to_be_one_of_the_list(column: str) -> None:
    assert each_in_its_row(column, ["Refund", "Usage "]) == rows("category-unknown", column, ["Refund", "Usage "])
    checks = [check for check in FOCUS.checks(of(FOCUS, [{**GOOD, column: "x"}]), CONTEXT) if check.column == column]
    [allowed] = [check.fields["allowed"] for check in checks if check.code == "category-unknown"]
    assert column != "ChargeCategory" or allowed == ", ".join(CHARGE_CATEGORIES)


@pytest.mark.parametrize("column", sorted(set(ENUMERATED) - {"ChargeCategory", "ChargeClass", "ChargeFrequency"}))
def test_a_category_that_only_labels_is_kept_and_counted(column: str) -> None:
    assert each_in_its_row(column, ["Elsewhere"]) == rows("category-kept", column, ["Elsewhere"])
    assert CODES["category-kept"].severity == "warning"


@pytest.mark.parametrize("column", ENUMERATED)
def test_capitals_and_nulls_are_no_fault_of_a_category(column: str) -> None:
    values = [each for value in BY_NAME[column].values for each in (value, value.lower(), value.upper())]
    if column != "ChargeCategory":
        values += ["NULL", ""]
    assert each_in_its_row(column, values) == []


@pytest.mark.parametrize("column", MAPS)
def test_a_key_value_column_that_is_no_json_object_is_told_with_its_row(column: str) -> None:
    values = ["team=web", "[1]", '"web"', "{"]
    assert each_in_its_row(column, values) == rows("json-invalid", column, values)
    assert each_in_its_row(column, ['{"a": "b"}', "{}", "NULL", ""]) == []
    assert told(FOCUS, [{**GOOD, column: {"a": "b"}}]) == []


def test_a_row_of_another_billing_period_is_an_error_in_a_folder_of_one_month() -> None:
    values = ["2026-04-01", "2026-06-01T00:00:00Z"]
    assert each_in_its_row("BillingPeriodStart", values) == rows("outside-period", "BillingPeriodStart", values)
    assert each_in_its_row("BillingPeriodStart", ["2026-05-01", "2026-05-31 23:59:59"]) == []


def test_a_charge_outside_its_billing_period_is_allowed_and_counted() -> None:
    values = ["2026-04-30T23:00:00Z", "2026-06-01T00:00:00Z"]
    assert each_in_its_row("ChargePeriodStart", values) == rows("outside-period-allowed", "ChargePeriodStart", values)
    assert CODES["outside-period-allowed"].severity == "warning"


def test_faults_in_rows_of_another_period_are_that_period_s_matter() -> None:
    elsewhere = {"BillingPeriodStart": "2026-06-01", "BilledCost": "x", "ChargeCategory": "Refund"}
    assert told(FOCUS, [{**GOOD, **elsewhere}], SEVERAL) == []
    nowhere = {"BillingPeriodStart": "NULL", "BilledCost": "x"}
    assert {(code, column) for code, column, _, _ in told(FOCUS, [{**GOOD, **nowhere}], SEVERAL)} == {
        ("value-missing", "BillingPeriodStart"),
        ("number-invalid", "BilledCost"),
    }


def test_every_check_has_all_the_fields_of_its_message() -> None:
    every = dict.fromkeys((*NUMBERS, *TIMES, *ENUMERATED, *MAPS, *REQUIRED), "")
    checks = FOCUS.checks(of(FOCUS, [every]), CONTEXT)
    assert {check.code for check in checks} >= {"cost-filled", "category-kept", "outside-period", "json-invalid"}
    for check in checks:
        assert finding(check.code, file="f", row=1, column=check.column, value="v", count=1, **check.fields).message


BILL: list[dict[str, Any]] = [
    {**GOOD, "SubAccountId": "0042"},
    {**GOOD, "SubAccountId": "0042", "BilledCost": "-8e-7", "ContractedCost": "NULL"},
    {**GOOD, "SubAccountId": "NULL", "BillingCurrency": "USD"},
    {**GOOD, "SubAccountId": "7", "BillingPeriodStart": "2026-06-01T00:00Z", "BilledCost": "100"},
]


def test_control_totals_are_by_currency_and_account_and_equal_the_charges() -> None:
    found = in_the_bill(FOCUS, BILL, SEVERAL)
    assert found["EUR", "0042"] == {
        "BilledCost": Decimal("1.4999992"),
        "EffectiveCost": Decimal("2.5"),
        "ListCost": Decimal(4),
        "ContractedCost": Decimal("3.75"),
        "x_AmortizedCost": Decimal("2.5"),
    }
    assert set(found) == {("EUR", "0042"), ("USD", None)}
    assert found == in_the_charges(FOCUS, BILL, SEVERAL)


def test_without_other_periods_every_row_counts() -> None:
    assert in_the_bill(FOCUS, BILL)["EUR", "7"]["BilledCost"] == 100
    assert in_the_bill(FOCUS, BILL) == in_the_charges(FOCUS, BILL)


def test_control_totals_read_names_in_lower_case() -> None:
    lower = [{name.lower(): value for name, value in row.items()} for row in BILL]
    assert in_the_bill(FOCUS, lower, SEVERAL) == in_the_bill(FOCUS, BILL, SEVERAL)
    assert in_the_charges(FOCUS, lower, SEVERAL) == in_the_bill(FOCUS, BILL, SEVERAL)


@pytest.mark.parametrize("column", COSTS)
def test_a_mapping_that_is_wrong_by_a_cent_differs_from_the_control_totals(column: str) -> None:
    def wrong(rule: Rule) -> Rule:
        if rule.column != column:
            return rule
        return replace(rule, of=lambda raw, context: rule.of(raw, context) + ibis.literal(Decimal("0.01")))

    mutant = Focus()
    mutant.rules = tuple(wrong(rule) for rule in RULES)
    bill, charges = in_the_bill(mutant, BILL, SEVERAL), in_the_charges(mutant, BILL, SEVERAL)
    differing = {name for key, sums in bill.items() for name in COSTS if charges[key][name] != sums[name]}
    assert differing == {column}


AMOUNTS = st.one_of(
    st.decimals("-1e6", "1e6", places=12).map(lambda each: f"{each:f}"),
    st.decimals("-1e6", "1e6", places=9).map(lambda each: f"{each:.14E}"),
    st.sampled_from(["0", "-0.0", "5e-7"]),
)
BILLS = st.lists(
    st.fixed_dictionaries(
        {
            **{name: st.just(value) for name, value in GOOD.items()},
            **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost"), AMOUNTS),
            "ContractedCost": st.one_of(AMOUNTS, st.sampled_from(["", "NULL"])),
            "BillingCurrency": st.sampled_from(["EUR", "USD"]),
            "SubAccountId": st.sampled_from(["", "NULL", "1", "01"]),
            "BillingPeriodStart": st.sampled_from(
                ["2026-05-01", "2026-05-01 00:00:00", "2026-05-01T00:00Z", "2026-05-01T02:00:00+02:00", "2026-06-01"]
            ),
        }
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=15, deadline=None)
@given(BILLS)
def test_any_valid_bill_reconciles(bill: list[dict[str, str]]) -> None:
    assert {code for code, *_ in told(FOCUS, bill, SEVERAL)} <= {"cost-filled"}
    assert in_the_bill(FOCUS, bill, SEVERAL) == in_the_charges(FOCUS, bill, SEVERAL)
