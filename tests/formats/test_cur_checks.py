"""What is told about a CUR: row by row, by its columns, and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from outlay.demo.cur_columns import COLUMNS
from outlay.findings import CODES
from outlay.formats.base import Audit
from outlay.formats.cur_names import REQUIRED
from tests.formats.currows import CUR, EVERY_ROW, LEAST, RI, SP, legacy, row
from tests.formats.rawrows import CONTEXT, Row, evaluate, of, told


def test_a_good_bill_is_told_nothing() -> None:
    assert told(CUR, [one for one in EVERY_ROW if "MoonFee" not in one.values()]) == []


@pytest.mark.parametrize(
    ("one", "code", "column", "value"),
    [
        (row(cost="1,5"), "number-invalid", "line_item_unblended_cost", "1,5"),
        (row(cost="9" * 21), "number-too-large", "line_item_unblended_cost", "9" * 21),
        (row(cost="0.1234567890123456789"), "number-rounded", "line_item_unblended_cost", "0.1234567890123456789"),
        (row(amount="lots"), "number-invalid", "line_item_usage_amount", "lots"),
        (row(public="convertible"), "public-price-unreadable", "pricing_public_on_demand_cost", "convertible"),
        (row(cost=""), "value-missing", "line_item_unblended_cost", None),
        (row(currency=""), "currency-invalid", "line_item_currency_code", None),
        (row(currency="usd"), "currency-invalid", "line_item_currency_code", "usd"),
        (row(line_item_usage_start_date="soon"), "time-invalid", "line_item_usage_start_date", "soon"),
        (row(line_item_usage_start_date=""), "value-missing", "line_item_usage_start_date", None),
        (row(bill_payer_account_id=""), "value-missing", "bill_payer_account_id", None),
        (row("MoonFee"), "line-item-type-unknown", "line_item_line_item_type", "MoonFee"),
        (
            row(line_item_usage_start_date="2026-06-01T00:00:00Z"),
            "outside-period-allowed",
            "line_item_usage_start_date",
            "2026-06-01T00:00:00Z",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(one: dict[str, Any], code: str, column: str, value: str | None) -> None:
    assert told(CUR, [row(), one]) == [(code, column, 2, value)]


def test_a_number_in_scientific_notation_is_good() -> None:
    assert told(CUR, [row(cost="4.0E-7"), row(cost="1.5e-05"), row(cost="-2E+2")]) == []


def test_a_number_that_a_tool_wrote_as_none_is_blank() -> None:
    assert told(CUR, [row(sp_effective="None")]) == []


def test_places_are_told_under_the_names_of_the_bill() -> None:
    assert told(CUR, [legacy(row(cost="x"))]) == [("number-invalid", "lineItem/UnblendedCost", 1, "x")]


def test_a_net_cost_alone_is_a_cost() -> None:
    assert told(CUR, [row(cost="", net="1")]) == []


def test_warnings_never_reject_and_are_counted() -> None:
    checks = {check.code: check for check in CUR.checks(of(CUR, [row(public="1")]), CONTEXT)}
    counted = ("number-rounded", "public-price-unreadable", "line-item-type-unknown", "outside-period-allowed")
    assert all(checks[code].is_counted and CODES[code].severity == "warning" for code in counted)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_column_is_named_as_the_bill_would_spell_it(name: str) -> None:
    columns = [column for column in LEAST if column != name]
    assert [(each.code, each.column) for each in CUR.header("a.csv", columns)] == [("column-missing", name)]
    spelled = [column for column in legacy(LEAST) if column != REQUIRED[name]]
    assert [each.column for each in CUR.header("a.csv", spelled)] == [REQUIRED[name]]


def test_optional_columns_may_be_absent() -> None:
    assert CUR.header("a.csv", list(LEAST)) == []


def facts(rows: Sequence[Row]) -> dict[str, int]:
    raw = of(CUR, rows)
    found = evaluate(raw.table.select("_row", **CUR.facts(raw, CONTEXT)))
    return {name: sum(bool(each[name]) for each in found) for name in found[0] if name != "_row"}


def test_a_bill_without_resource_ids_is_told() -> None:
    for rows in ([row()], [row(line_item_resource_id="")]):
        assert [each.code for each in CUR.remarks(Audit(rows=1, facts=facts(rows)), CONTEXT)] == ["resource-ids-off"]
    rows = [row(line_item_resource_id="i-1"), row()]
    assert CUR.remarks(Audit(rows=2, facts=facts(rows)), CONTEXT) == []


AMORTISED = [
    (row("DiscountedUsage", ri=RI), "reservation_effective_cost"),
    (row("RIFee", ri=RI, ri_unused_fee="1"), "reservation_unused_amortized_upfront_fee_for_billing_period"),
    (row("RIFee", ri=RI, ri_unused_upfront="1"), "reservation_unused_recurring_fee"),
    (row("SavingsPlanCoveredUsage", sp=SP), "savings_plan_savings_plan_effective_cost"),
    (row("SavingsPlanRecurringFee", sp=SP, sp_used="1"), "savings_plan_total_commitment_to_date"),
    (row("SavingsPlanRecurringFee", sp=SP, sp_total="1"), "savings_plan_used_commitment"),
]


@pytest.mark.parametrize(("one", "column"), AMORTISED)
def test_a_bill_that_cannot_be_amortised_is_told_which_column_it_lacks(one: Row, column: str) -> None:
    (header,) = [each.header for each in COLUMNS if each.name == column]
    for spelled, name in ((dict, column), (legacy, header)):
        rows = [spelled(each) for each in (row(line_item_resource_id="i-1"), one, one)]
        (told_so,) = CUR.remarks(Audit(rows=3, facts=facts(rows)), CONTEXT)
        assert (told_so.code, told_so.severity, told_so.column) == ("amortisation-missing", "warning", name)
        assert told_so.message.startswith(f"2 rows need {name}")


def test_columns_that_amortise_are_not_missed_where_no_row_needs_them() -> None:
    plain = {"line_item_resource_id": "i-1"}
    assert CUR.remarks(Audit(rows=2, facts=facts([row(**plain), row("Fee", **plain)])), CONTEXT) == []
    rows = [{**each, **plain} for each in EVERY_ROW]
    assert CUR.remarks(Audit(rows=len(rows), facts=facts(rows)), CONTEXT) == []


def test_an_empty_bill_is_told_nothing() -> None:
    assert CUR.remarks(Audit(), CONTEXT) == []


def test_legacy_parquet_is_told_that_its_tag_keys_are_merged() -> None:
    rows = [row(line_item_resource_id="i-1", resource_tags_user_team="web")]
    assert [each.code for each in CUR.remarks(Audit(rows=1, facts=facts(rows)), CONTEXT)] == ["tags-merged"]
