"""What is told about a CBF bill, and the control totals that prove its mapping."""

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
from outlay.focus.columns import COSTS
from outlay.formats.base import Audit, Rule
from outlay.formats.cbf import LINE_ITEM_TYPES, NUMBERS, RULES, Cbf
from tests.formats.rawrows import CONTEXT, in_the_bill, in_the_charges, of, told

CBF = Cbf()
LEAST = {"time/usage_start": "2026-05-17T15:00:00Z", "cost/cost": "7.25"}
GOOD = {**LEAST, "resource/id": "i-1"}


def codes(columns: list[str]) -> list[tuple[str, str | None]]:
    return [(each.code, each.column) for each in CBF.header("bill.csv", columns)]


def test_a_header_with_known_columns_has_no_findings() -> None:
    assert codes([*LEAST, "resource/tag:team", "k8s/labels", "action/region"]) == []


@pytest.mark.parametrize("column", ["time/usage_start", "cost/cost"])
def test_a_header_without_a_required_column_names_it(column: str) -> None:
    [found] = CBF.header("bill.csv", [name for name in LEAST if name != column])
    assert (found.code, found.column, found.file, found.is_error) == ("column-missing", column, "bill.csv", True)


def test_column_names_are_case_sensitive() -> None:
    assert codes(["Time/Usage_Start", *LEAST]) == [("column-unknown", "Time/Usage_Start")]


def test_an_unknown_column_is_a_warning_and_is_not_wanted() -> None:
    [found] = CBF.header("bill.csv", [*LEAST, "cost/colour"])
    assert (found.code, found.column, found.is_error) == ("column-unknown", "cost/colour", False)
    assert CBF.wanted([*LEAST, "cost/colour", "resource/tag:team"]) == (*LEAST, "resource/tag:team")


@pytest.mark.parametrize("key", ["team name", "", "té", "a\tb", "a,b"])
def test_a_tag_key_with_other_characters_is_an_error(key: str) -> None:
    assert codes([*LEAST, f"resource/tag:{key}"]) == [("tag-key-invalid", f"resource/tag:{key}")]


def test_a_tag_key_may_have_all_the_characters_that_the_reference_lists() -> None:
    assert codes([*LEAST, "resource/tag:aZ09_.:/=+-@"]) == []


def each_in_its_row(column: str, values: Sequence[str]) -> list[tuple[str, str, int, str | None]]:
    return told(CBF, [{**GOOD, column: value} for value in values])


def in_third(fault: dict[str, Any], beside: dict[str, Any] | None = None) -> list[tuple[str, str, int, str | None]]:
    """What is told of a bill whose third row has the fault and whose other rows are good."""
    blank = {name: (beside or {}).get(name, GOOD.get(name)) for name in {**GOOD, **fault}}
    return told(CBF, [blank, blank, {**blank, **fault}, blank])


@pytest.mark.parametrize("column", ["time/usage_start", "cost/cost"])
@pytest.mark.parametrize("blank", ["", None])
def test_a_blank_in_a_required_column_is_told_with_its_row(column: str, blank: str | None) -> None:
    assert in_third({column: blank}) == [("value-missing", column, 3, None)]


@pytest.mark.parametrize("column", NUMBERS)
def test_a_value_that_is_no_plain_decimal_is_told_with_its_row(column: str) -> None:
    values = ["12x", "1e3", "1,000", "NaN", " ", "$5"]
    expected = [("number-invalid", column, row, value) for row, value in enumerate(values, 1)]
    assert each_in_its_row(column, values) == expected


@pytest.mark.parametrize("column", NUMBERS)
def test_a_number_with_more_than_20_digits_before_the_point_is_told(column: str) -> None:
    assert in_third({column: "100000000000000000000"}) == [("number-too-large", column, 3, "100000000000000000000")]


@pytest.mark.parametrize("column", NUMBERS)
def test_a_number_with_more_than_18_places_is_counted(column: str) -> None:
    long = "0.1234567890123456789"
    assert in_third({column: long}) == [("number-rounded", column, 3, long)]
    assert in_third({column: "0.1234567890123456780"}) == []


@pytest.mark.parametrize("column", ["time/usage_start", "time/usage_end"])
def test_a_value_that_is_no_time_is_told_with_its_row(column: str) -> None:
    values = ["yesterday", "2026-02-30", "17/05/2026", "2026-05-17T25:00:00Z", "1747494000"]
    assert each_in_its_row(column, values) == [
        ("time-invalid", column, row, value) for row, value in enumerate(values, 1)
    ]


@pytest.mark.parametrize("value", ["usage", "Refund", "Usage "])
def test_an_unknown_line_item_type_is_told_with_the_allowed_ones(value: str) -> None:
    assert in_third({"lineitem/type": value}) == [("category-unknown", "lineitem/type", 3, value)]
    [check] = [
        each for each in CBF.checks(_raw({**GOOD, "lineitem/type": value}), CONTEXT) if each.fields.get("allowed")
    ]
    assert check.fields["allowed"] == ", ".join(LINE_ITEM_TYPES)


@pytest.mark.parametrize(
    "value", ["2026-04-30T23:59:59Z", "2026-06-01T00:00:00Z", "2026-05-01T00:30:00+01:00", "2025-05-17"]
)
def test_a_start_outside_the_billing_period_is_told_with_its_row(value: str) -> None:
    assert in_third({"time/usage_start": value}) == [("outside-period", "time/usage_start", 3, value)]


@pytest.mark.parametrize("value", ["2026-05-01", "2026-05-31T23:59:59Z", "2026-06-01T00:30:00+01:00"])
def test_a_start_at_the_edge_of_the_billing_period_is_inside(value: str) -> None:
    assert in_third({"time/usage_start": value}) == []


@pytest.mark.parametrize("blank", ["", None])
def test_a_tag_without_a_resource_id_is_told_with_its_row(blank: str | None) -> None:
    fault = {"resource/tag:team": "web", "resource/id": blank}
    assert in_third(fault) == [("resource-missing", "resource/id", 3, None)]
    assert in_third({**fault, "resource/tag:team": ""}) == []


@pytest.mark.parametrize("value", ["app=web", "[1]", '"web"', "{", "7"])
def test_labels_that_are_no_json_object_are_told_as_a_warning(value: str) -> None:
    assert in_third({"k8s/labels": value}) == [("labels-invalid", "k8s/labels", 3, value)]
    assert CODES["labels-invalid"].severity == "warning"
    assert in_third({"k8s/labels": '{"app": "web"}'}) == []


def test_every_check_of_a_format_has_all_the_fields_of_its_message() -> None:
    every = dict.fromkeys((*NUMBERS, "lineitem/type", "time/usage_end", "k8s/labels", "resource/tag:t", *GOOD), "")
    for check in CBF.checks(_raw(every), CONTEXT):
        assert finding(check.code, file="f", row=1, column=check.column, value="v", count=1, **check.fields).message


def _raw(row: dict[str, Any]) -> Any:
    return of(CBF, [row])


def remarks(**sums: str) -> list[tuple[str, str | None]]:
    base = dict.fromkeys(COSTS, Decimal(10))
    first = base | {name: Decimal(each) for name, each in sums.items()}
    audit = Audit(sums={("USD", "a"): first, ("USD", "b"): base})
    return [(each.code, each.column) for each in CBF.remarks(audit, CONTEXT)]


def test_cost_types_that_redistribute_and_add_up_alike_are_not_remarked() -> None:
    assert remarks() == []
    assert remarks(ListCost="99") == []


@pytest.mark.parametrize("column", ["ContractedCost", "EffectiveCost", "x_AmortizedCost"])
def test_a_cost_type_with_another_total_is_remarked_with_both_sums(column: str) -> None:
    assert remarks(**{column: "10.01"}) == [("totals-differ", column)]
    audit = Audit(sums={("USD", None): dict.fromkeys(COSTS, Decimal(10)) | {column: Decimal("9.5")}})
    [found] = CBF.remarks(audit, CONTEXT)
    assert "9.5 USD" in found.message
    assert "10 USD" in found.message
    assert not found.is_error


BILL = [
    {**LEAST, "resource/account": "0042", "cost/cost": "1.10", "cost/discounted_cost": "0.90"},
    {**LEAST, "resource/account": "0042", "cost/cost": "2.20", "cost/amortized_cost": "3.30"},
    {**LEAST, "resource/account": "", "action/account": "old", "cost/cost": "-5", "cost/on_demand_cost": "0"},
    {**LEAST, "cost/cost": "0.000000000000000001", "cost/discounted_amortized_cost": "8"},
]


def test_control_totals_are_by_account_and_equal_the_charges() -> None:
    assert in_the_bill(CBF, BILL)["USD", "0042"] == {
        "BilledCost": Decimal("3.30"),
        "ContractedCost": Decimal("3.10"),
        "x_AmortizedCost": Decimal("4.40"),
        "EffectiveCost": Decimal("4.20"),
        "ListCost": Decimal("3.30"),
    }
    assert set(in_the_bill(CBF, BILL)) == {("USD", "0042"), ("USD", "old"), ("USD", None)}
    assert in_the_bill(CBF, BILL) == in_the_charges(CBF, BILL)


@pytest.mark.parametrize("column", COSTS)
def test_a_mapping_that_is_wrong_by_a_cent_differs_from_the_control_totals(column: str) -> None:
    def wrong(rule: Rule) -> Rule:
        if rule.column != column:
            return rule
        return replace(rule, of=lambda raw, context: rule.of(raw, context) + ibis.literal(Decimal("0.01")))

    mutant = Cbf()
    mutant.rules = tuple(wrong(rule) for rule in RULES)
    bill, charges = in_the_bill(mutant, BILL), in_the_charges(mutant, BILL)
    differing = {name for key, sums in bill.items() for name in COSTS if charges[key][name] != sums[name]}
    assert differing == {column}


AMOUNTS = st.one_of(
    st.just(""), st.decimals("-1e6", "1e6", places=12).map(lambda each: f"{each:f}"), st.sampled_from(["0", "-0.00"])
)
BILLS = st.lists(
    st.fixed_dictionaries(
        {
            "time/usage_start": st.just("2026-05-17"),
            "cost/cost": AMOUNTS.filter(bool),
            **{name: AMOUNTS for name in NUMBERS if name not in ("cost/cost", "usage/amount")},
            "lineitem/type": st.sampled_from(["", *LINE_ITEM_TYPES]),
            "resource/account": st.sampled_from(["", "1", "01"]),
            "action/account": st.sampled_from(["", "1", "x"]),
        }
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=20, deadline=None)
@given(BILLS)
def test_any_valid_bill_reconciles(rows: list[dict[str, str]]) -> None:
    assert told(CBF, rows) == []
    assert in_the_bill(CBF, rows) == in_the_charges(CBF, rows)
