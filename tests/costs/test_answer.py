from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from outlay.costs.answer import Answer, ask, plain
from outlay.costs.question import Question
from tests.costs.lake_of_charges import Charge, Engine, charge, table


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def answer(engine: Engine, charges: list[Charge], **question: Any) -> Answer:
    return ask(table(charges), Question.parse(**question), engine)


def costs(found: Answer, *names: str) -> list[tuple[str | None, ...]]:
    return [tuple(row[name] for name in (*names, found.columns[-1])) for row in found.as_dict()["rows"]]


def test_the_json_is_that_of_the_contract(engine: Engine) -> None:
    charges = [charge("40.3"), charge("7.000"), charge("1", on="2026-08-01")]
    found = answer(engine, charges, by=["ServiceName"], start="2026-05", end="2026-07")
    assert json.loads(json.dumps(found.as_dict())) == {
        "metric": "effective",
        "granularity": "month",
        "from": "2026-05-01",
        "to": "2026-07-31",
        "totals": {"USD": "47.3"},
        "rows": [{"period": "2026-05-01", "ServiceName": "Compute", "currency": "USD", "cost": "47.3"}],
    }


def test_an_empty_lake_has_no_totals_no_rows_and_no_days(engine: Engine) -> None:
    found = answer(engine, [], by=["ServiceName"], granularity="day", top=3).as_dict()
    assert found == {"metric": "effective", "granularity": "day", "from": None, "to": None, "totals": {}, "rows": []}


def test_without_a_range_the_days_are_those_of_the_billing_periods_there_are(engine: Engine) -> None:
    charges = [charge(on="2026-05-10"), charge(on="2026-07-01", period="2026-06")]
    for granularity in ("none", "hour", "day", "week", "month", "quarter"):
        found = answer(engine, charges, granularity=granularity).as_dict()
        assert (found["from"], found["to"]) == ("2026-05-01", "2026-06-30")


def test_currencies_are_never_added(engine: Engine) -> None:
    found = answer(engine, [charge("1"), charge("2", BillingCurrency="EUR"), charge("4")])
    assert found.totals == {"EUR": Decimal(2), "USD": Decimal(5)}
    assert costs(found, "currency") == [("USD", "5"), ("EUR", "2")]


def test_a_quantity_has_one_row_a_unit_and_leaves_out_charges_without_one(engine: Engine) -> None:
    charges = [
        charge(ConsumedQuantity=Decimal("2.5"), ConsumedUnit="GB"),
        charge(ConsumedQuantity=Decimal(3), ConsumedUnit="Hours", BillingCurrency="EUR"),
        charge(ConsumedQuantity=Decimal(4), ConsumedUnit="Hours"),
        charge(ConsumedQuantity=Decimal(1)),
        charge(),
    ]
    found = answer(engine, charges, metric="quantity").as_dict()
    assert found["totals"] == {"": "1", "GB": "2.5", "Hours": "7"}
    assert found["rows"][0] == {"period": "2026-05-01", "unit": "Hours", "quantity": "7"}


def test_real_cost_is_usage_without_unused_commitments_and_separate_discounts(engine: Engine) -> None:
    charges = [
        charge("1"),
        charge("2", CommitmentDiscountStatus="Used", x_LineItemType="DiscountedUsage"),
        charge("4", CommitmentDiscountStatus="Unused"),
        charge("8", ChargeCategory="Tax"),
        *(charge("-16", x_LineItemType=kind) for kind in ("Discount", "EdpDiscount", "PrivateRateDiscount")),
        *(charge("-16", x_LineItemType=kind) for kind in ("BundledDiscount", "RiVolumeDiscount")),
    ]
    assert answer(engine, charges, metric="real").totals == {"USD": Decimal(3)}


@pytest.mark.parametrize(
    ("metric", "column"),
    [
        ("billed", "BilledCost"),
        ("effective", "EffectiveCost"),
        ("contracted", "ContractedCost"),
        ("list", "ListCost"),
        ("amortized", "x_AmortizedCost"),
        ("real", "EffectiveCost"),
    ],
)
def test_each_metric_sums_its_column(engine: Engine, metric: str, column: str) -> None:
    found = answer(engine, [charge("1") | {column: Decimal(77)}], metric=metric)
    assert found.totals == {"USD": Decimal(77)}


@pytest.mark.parametrize(
    ("granularity", "periods"),
    [
        ("none", ["2026-02-01"]),
        ("hour", ["2026-02-28T23:00:00Z", "2026-03-01T00:00:00Z", "2026-05-31T13:00:00Z"]),
        ("day", ["2026-02-28", "2026-03-01", "2026-05-31"]),
        ("week", ["2026-02-23", "2026-05-25"]),
        ("month", ["2026-02-01", "2026-03-01", "2026-05-01"]),
        ("quarter", ["2026-01-01", "2026-04-01"]),
    ],
)
def test_a_period_is_named_by_its_first_moment(engine: Engine, granularity: str, periods: list[str]) -> None:
    charges = [charge(on="2026-02-28T23:59:59.999999"), charge(on="2026-03-01"), charge(on="2026-05-31T13:20")]
    found = answer(engine, charges, granularity=granularity)
    assert [row["period"] for row in found.as_dict()["rows"]] == periods


def test_a_charge_outside_its_billing_period_counts_at_the_nearer_end_of_it(engine: Engine) -> None:
    charges = [
        charge("1", on="2026-03-15", period="2026-05"),
        charge("2", on="2026-05-01"),
        charge("4", on="2026-06-01", period="2026-05"),
        charge("8", on="2026-06-01"),
    ]
    assert costs(answer(engine, charges, granularity="day"), "period") == [
        ("2026-05-01", "3"),
        ("2026-05-31", "4"),
        ("2026-06-01", "8"),
    ]
    hours = answer(engine, charges, granularity="hour", end="2026-05")
    assert costs(hours, "period") == [("2026-05-01T00:00:00Z", "3"), ("2026-05-31T23:00:00Z", "4")]


@pytest.mark.parametrize(
    ("start", "end", "total"),
    [
        ("2026-05", "2026-05", "7"),
        ("2026-05-01", "2026-05-30", "3"),
        ("2026-05-02", None, "12"),
        ("2026-05-31", "2026-05-31", "4"),
    ],
)
def test_a_range_takes_a_charge_where_it_counts(engine: Engine, start: str, end: str | None, total: str) -> None:
    charges = [
        charge("1", on="2026-03-15", period="2026-05"),
        charge("2", on="2026-05-01"),
        charge("4", on="2026-05-31T23:59:59.999999"),
        charge("8", on="2026-06-01"),
    ]
    for granularity in ("none", "hour", "day", "week", "month", "quarter"):
        found = answer(engine, charges, start=start, end=end, granularity=granularity)
        assert found.totals == {"USD": Decimal(total)}


def test_a_missing_value_is_null_and_not_the_empty_text(engine: Engine) -> None:
    charges = [charge("1", Tags={"team": ""}), charge("2", Tags={"other": "x"}), charge("4")]
    assert costs(answer(engine, charges, by=["Tags.team"]), "Tags.team") == [(None, "6"), ("", "1")]


def test_rows_stand_by_period_then_cost_then_name(engine: Engine) -> None:
    charges = [charge("1", ServiceName=name) for name in ("b", "a", "c")]
    charges += [
        charge("9", on="2026-06-01", ServiceName="z"),
        charge("3", ServiceName="d"),
        charge("1", ServiceName=None),
    ]
    found = answer(engine, charges, by=["ServiceName"])
    assert [row.values[0] for row in found.rows] == ["d", "a", "b", "c", None, "z"]


def test_the_top_and_one_remainder_add_up_to_the_total_in_each_currency(engine: Engine) -> None:
    charges = [
        charge(str(cost), ServiceName=f"s{cost}", on=on) for cost in range(1, 6) for on in ("2026-05-02", "2026-06-02")
    ]
    charges += [charge("100", ServiceName=None), charge("7", ServiceName="s1", BillingCurrency="EUR")]
    found = answer(engine, charges, by=["ServiceName", "x_Connection"], top=2)
    assert costs(found, "period", "ServiceName", "currency") == [
        ("2026-05-01", None, "USD", "100"),
        ("2026-05-01", "s1", "EUR", "7"),
        ("2026-05-01", "s5", "USD", "5"),
        ("2026-05-01", "(all others)", "USD", "10"),
        ("2026-06-01", "s5", "USD", "5"),
        ("2026-06-01", "(all others)", "USD", "10"),
    ]
    marked = [row for row in found.as_dict()["rows"] if row.get("remainder")]
    assert {row["x_Connection"] for row in marked} == {"(all others)"}
    assert found.totals == {"EUR": Decimal(7), "USD": Decimal(130)}


def test_groups_that_tie_for_the_top_are_chosen_by_name(engine: Engine) -> None:
    charges = [charge("1", ServiceName=name) for name in ("c", "a", "b")]
    assert costs(answer(engine, charges, by=["ServiceName"], top=1), "ServiceName") == [
        ("a", "1"),
        ("(all others)", "2"),
    ]


def test_sums_of_more_than_28_digits_are_exact(engine: Engine) -> None:
    big, small = "12345678901234567.000000000000000001", "-0.000000000000000002"
    charges = [charge(big), charge(small, on="2026-06-01"), charge(small, on="2026-03-01", period="2026-05")]
    found = answer(engine, charges, granularity="day")
    assert found.as_dict()["totals"] == {"USD": "12345678901234566.999999999999999997"}
    assert answer(engine, charges, granularity="quarter").totals == found.totals


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("47.30", "47.3"),
        ("0E-18", "0"),
        ("-0.00", "0"),
        ("-12.000", "-12"),
        ("1E+3", "1000"),
        ("1E-18", "0.000000000000000001"),
        ("100", "100"),
    ],
)
def test_an_amount_is_written_plainly(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_csv_cells_that_a_spreadsheet_would_run_are_made_harmless_but_amounts_stay_numbers(engine: Engine) -> None:
    evil = ["=1+1", "+1", "-1", "@x", "\t=1", 'a"b,c\nd', "'ok"]
    charges = [charge("-1", ServiceName=name) for name in evil] + [charge("-1", ServiceName=None)]
    out = io.StringIO(newline="")
    answer(engine, charges, by=["ServiceName"]).write_csv(out)
    header, *rows = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert header == ["period", "ServiceName", "currency", "cost"]
    assert {row[1] for row in rows} == {"'=1+1", "'+1", "'-1", "'@x", "'\t=1", 'a"b,c\nd', "'ok", ""}
    assert {row[3] for row in rows} == {"-1"}


def test_arrow_and_pandas_have_exact_amounts_and_real_dates(engine: Engine) -> None:
    found = answer(engine, [charge("1.5"), charge("2", ServiceName=None)], by=["ServiceName"])
    arrow = found.to_arrow()
    assert arrow.schema.field("period").type == pa.date32()
    assert arrow.schema.field("cost").type == pa.decimal128(38, 18)
    frame = found.to_pandas()
    assert list(frame["cost"]) == [Decimal(2), Decimal("1.5")]
    assert answer(engine, [], granularity="hour").to_arrow().schema.field("period").type == pa.timestamp("us", "UTC")


def test_columns_that_are_no_text_can_be_grouped_by_too(engine: Engine) -> None:
    charges = [charge("1.50", x_SourceRow=7), charge("2", on="2026-06-01T05:30")]
    found = answer(engine, charges, by=["BilledCost", "ChargePeriodStart", "x_SourceRow"])
    assert costs(found, "BilledCost", "ChargePeriodStart", "x_SourceRow") == [
        ("1.5", "2026-05-10T00:00:00Z", "7", "1.5"),
        ("2", "2026-06-01T05:30:00Z", None, "2"),
    ]
    assert found.to_arrow().num_rows == 2


@pytest.mark.parametrize(
    ("details", "value"),
    [
        ('{"CoreCount":4,"InstanceType":"m5.large"}', "m5.large"),
        ('{ "InstanceType" : "a, b} c" , "CoreCount":4}', "a, b} c"),
        ('{"InstanceType":4.50,"x":1}', "4.50"),
        ('{"InstanceType":null}', None),
        ('{"x_InstanceType":"no"}', None),
        ('{"Note":"\\"InstanceType\\":\\"no\\""}', None),
        ("{}", None),
        (None, None),
    ],
)
def test_the_details_of_a_price_are_asked_for_by_key(engine: Engine, details: str | None, value: str | None) -> None:
    found = answer(engine, [charge("1", SkuPriceDetails=details)], by=["SkuPriceDetails.InstanceType"])
    assert costs(found, "SkuPriceDetails.InstanceType") == [(value, "1")]


def test_importing_the_package_of_questions_alone_is_light() -> None:
    subprocess.run([sys.executable, "-c", "import sys, outlay.costs; sys.exit('ibis' in sys.modules)"], check=True)
