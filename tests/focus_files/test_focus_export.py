"""The lake's charges as FOCUS datasets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.engine.duckdb import DuckDb
from outlay.errors import UsageError
from outlay.focus.columns import BY_NAME, CHARGE_CATEGORIES, COSTS, VERSIONS, of_version
from outlay.focus_files.export import export, focus_dataset
from outlay.focus_files.values import STAGES

START = datetime(2026, 5, 17, 15, tzinfo=UTC)
CHARGE: dict[str, Any] = {
    "BilledCost": Decimal("7.5"),
    "EffectiveCost": Decimal("6.25"),
    "ListCost": Decimal(9),
    "ContractedCost": Decimal("7.2"),
    "x_AmortizedCost": Decimal(6),
    "BillingCurrency": "EUR",
    "BillingPeriodStart": datetime(2026, 5, 1, tzinfo=UTC),
    "BillingPeriodEnd": datetime(2026, 6, 1, tzinfo=UTC),
    "ChargePeriodStart": START,
    "ChargePeriodEnd": START.replace(hour=16),
    "ChargeCategory": "Usage",
    "x_BillingPeriod": "20260501-20260601",
    "x_Connection": "simple",
    "x_Delivery": "d1",
    "x_SourceFile": "bill.csv",
    "x_SourceRow": 1,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDb]:
    engine = DuckDb(memory_limit=512 * 1024**2, threads=2, spool=tmp_path_factory.mktemp("spool"))
    yield engine
    engine.close()


def rows_of(engine: DuckDb, table: ir.Table) -> list[dict[str, Any]]:
    return engine.rows(engine.prepare(table))


def dataset(engine: DuckDb, *rows: Mapping[str, Any], version: str = "1.2") -> list[dict[str, Any]]:
    numbered = [{**CHARGE, "ChargeDescription": f"row {n}", **row} for n, row in enumerate(rows)]
    return rows_of(engine, focus_dataset(engine.table_of(numbered), version).order_by("ChargeDescription"))


def values(engine: DuckDb, row: Mapping[str, Any], *columns: str) -> tuple[Any, ...]:
    [found] = dataset(engine, row)
    return tuple(found[name] for name in columns)


@pytest.mark.parametrize(("version", "count"), [("1.0", 43), ("1.1", 50), ("1.2", 57), ("1.3", 65), ("1.4", 65)])
def test_a_dataset_has_the_columns_of_its_version_in_order(engine: DuckDb, version: str, count: int) -> None:
    columns = list(focus_dataset(engine.table_of([CHARGE]), version).columns)
    assert columns == sorted(columns)
    assert columns == [column.name for column in of_version(version)]
    assert len(columns) == count


def test_a_version_that_focus_does_not_have_is_a_usage_error(engine: DuckDb, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no FOCUS 2\.0.*Choose one of 1\.0"):
        export(engine.table_of([CHARGE]), engine, "2.0", "csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("category", CHARGE_CATEGORIES)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_may_not_be_null_is_filled(engine: DuckDb, version: str, category: str) -> None:
    [found] = dataset(engine, {"ChargeCategory": category}, version=version)
    assert [name for name, value in found.items() if value is None and not BY_NAME[name].nullable] == []


def test_what_a_bill_gives_is_kept(engine: DuckDb) -> None:
    given = {
        "BillingAccountId": "0042", "BillingAccountName": "Fernwick", "BillingAccountType": "Payer",
        "SubAccountId": "007", "SubAccountName": "prod", "SubAccountType": "Project",
        "ServiceName": "Queue", "ServiceCategory": "Integration", "ServiceSubcategory": "Messaging",
        "ProviderName": "P", "PublisherName": "U", "InvoiceIssuerName": "I",
        "ChargeFrequency": "Recurring", "PricingCategory": "Dynamic", "PricingQuantity": Decimal(3),
        "PricingUnit": "Hours", "ConsumedQuantity": Decimal(2), "ConsumedUnit": "Seconds",
        "ListUnitPrice": Decimal(3), "ContractedUnitPrice": Decimal("2.4"), "SkuId": "s", "SkuPriceId": "s.1",
        "SkuMeter": "m", "RegionId": "eu-1", "RegionName": "Lübeck", "ResourceId": "r", "ResourceType": "vm",
        "PricingCurrency": "USD", "PricingCurrencyEffectiveCost": Decimal(8),
    }  # fmt: skip
    assert values(engine, given, *given) == tuple(given.values())


def test_every_rule_names_a_focus_column_once() -> None:
    names = [fill.column for stage in STAGES for fill in stage]
    assert len(names) == len(set(names))
    assert all(BY_NAME[name].is_focus for name in names)
    assert not set(names) & set(COSTS)
    assert all(fill.rule for stage in STAGES for fill in stage)


PRICED = (
    "ListUnitPrice",
    "ContractedUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "PricingCategory",
    "SkuId",
    "SkuPriceId",
)


def test_a_tax_has_no_price_quantity_or_sku(engine: DuckDb) -> None:
    given = {"ListUnitPrice": Decimal(1), "PricingQuantity": Decimal(1), "PricingUnit": "Units", "SkuId": "s"}
    tax = {
        **given,
        "ChargeCategory": "Tax",
        "SkuPriceId": "s",
        "PricingCategory": "Standard",
        "ConsumedQuantity": Decimal(1),
    }
    columns = (*PRICED, "SkuMeter", "ConsumedQuantity", "ConsumedUnit", "PricingCurrencyListUnitPrice")
    assert values(engine, tax, *columns) == (None,) * len(columns)


def test_usage_and_purchases_have_price_quantity_and_sku(engine: DuckDb) -> None:
    expected = (Decimal(9), Decimal("7.2"), Decimal(1), "Units", "Standard", "Queue", "Queue")
    for category in ("Usage", "Purchase"):
        assert values(engine, {"ChargeCategory": category, "ServiceName": "Queue"}, *PRICED) == expected


def test_a_correction_needs_neither(engine: DuckDb) -> None:
    assert values(engine, {"ChargeClass": "Correction"}, *PRICED) == (None,) * len(PRICED)


def test_a_price_is_the_cost_by_the_quantity(engine: DuckDb) -> None:
    row = {"PricingQuantity": Decimal("0.6"), "PricingUnit": "GB"}
    assert values(engine, row, "ListUnitPrice", "ContractedUnitPrice") == (Decimal(15), Decimal(12))
    assert values(engine, {"PricingQuantity": Decimal(0), "ListCost": Decimal(0)}, "ListUnitPrice") == (Decimal(0),)


def test_no_price_is_below_zero(engine: DuckDb) -> None:
    refund = {"ListCost": Decimal(-9), "ContractedCost": Decimal("-7.2")}
    columns = ("PricingQuantity", "ListUnitPrice", "ContractedUnitPrice")
    assert values(engine, refund, *columns) == (Decimal(-1), Decimal(9), Decimal("7.2"))
    assert values(engine, {**refund, "PricingQuantity": Decimal(3)}, *columns) == (Decimal(3), None, None)
    assert values(engine, {"ListUnitPrice": Decimal(-9)}, "ListUnitPrice") == (Decimal(9),)


def test_consumption_belongs_to_usage_that_was_used(engine: DuckDb) -> None:
    used = {"ConsumedQuantity": Decimal(2), "ConsumedUnit": "Hours"}
    columns = ("ConsumedQuantity", "ConsumedUnit")
    assert values(engine, used, *columns) == (Decimal(2), "Hours")
    assert values(engine, {**used, "ChargeCategory": "Credit"}, *columns) == (None, None)
    unused = {**used, "CommitmentDiscountId": "c", "CommitmentDiscountStatus": "Unused"}
    assert values(engine, unused, *columns) == (None, None)
    assert values(engine, {"ConsumedQuantity": Decimal(2)}, *columns) == (Decimal(2), "Units")


def test_a_commitment_s_columns_come_and_go_with_its_id(engine: DuckDb) -> None:
    columns = tuple(f"CommitmentDiscount{each}" for each in ("Category", "Type", "Status", "Name", "Quantity", "Unit"))
    stray = dict(zip(columns, ("Spend", "SP", "Used", "n", Decimal(1), "Hours"), strict=True))
    assert values(engine, stray, *columns) == (None,) * 6
    assert values(engine, {**stray, "CommitmentDiscountId": "c"}, *columns) == tuple(stray.values())
    assert values(engine, {"CommitmentDiscountId": "c"}, *columns) == ("Usage", "Unknown", "Used", None, None, None)
    purchase = {**stray, "CommitmentDiscountId": "c", "ChargeCategory": "Purchase"}
    assert values(engine, purchase, "CommitmentDiscountStatus", "CommitmentDiscountQuantity") == (None, Decimal(1))
    assert values(engine, {"CommitmentDiscountId": "c"}, "PricingCategory") == ("Committed",)


def test_names_and_types_need_the_id_that_they_describe(engine: DuckDb) -> None:
    stray = {"SubAccountName": "n", "SubAccountType": "t", "RegionName": "n", "ResourceName": "n", "ResourceType": "t"}
    assert values(engine, stray, *stray) == (None,) * 5
    ids = {"SubAccountId": "0042", "RegionId": "eu-1", "ResourceId": "i-1"}
    assert values(engine, ids, *stray) == ("0042", "Sub Account", "eu-1", None, "Unknown")


@pytest.mark.parametrize(
    ("given", "exported"),
    [
        (("Compute", "Containers"), ("Compute", "Containers")),
        (("Compute", "Messaging"), ("Compute", "Other (Compute)")),
        (("Compute", None), ("Compute", "Other (Compute)")),
        (("Quantum", "Containers"), ("Other", "Other (Other)")),
        ((None, None), ("Other", "Other (Other)")),
    ],
)
def test_categories_are_those_that_focus_lists(
    engine: DuckDb, given: tuple[str | None, str | None], exported: tuple[str, str]
) -> None:
    row = dict(zip(("ServiceCategory", "ServiceSubcategory"), given, strict=True))
    assert values(engine, row, *row) == exported


@pytest.mark.parametrize(
    ("category", "given", "exported"),
    [
        ("Usage", None, "Usage-Based"),
        ("Purchase", None, "One-Time"),
        ("Purchase", "Usage-Based", "One-Time"),
        ("Purchase", "Recurring", "Recurring"),
        ("Tax", None, "One-Time"),
        ("Credit", "Recurring", "Recurring"),
    ],
)
def test_a_frequency_is_never_null_and_a_purchase_never_usage_based(
    engine: DuckDb, category: str, given: str | None, exported: str
) -> None:
    assert values(engine, {"ChargeCategory": category, "ChargeFrequency": given}, "ChargeFrequency") == (exported,)


def test_amounts_in_the_pricing_currency_are_repeated_only_where_the_currencies_are_one(engine: DuckDb) -> None:
    columns = ("PricingCurrency", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice")
    assert values(engine, {}, *columns) == ("EUR", Decimal("6.25"), Decimal(9))
    assert values(engine, {"PricingCurrency": "USD"}, *columns) == ("USD", None, None)


def test_key_value_columns_are_json_text(engine: DuckDb) -> None:
    tags = {"team": 'web "1"', "k8s/app": "Zürich"}
    [tagged, empty, none] = dataset(engine, {"Tags": tags}, {"Tags": {}}, {})
    assert json.loads(tagged["Tags"]) == tags
    assert (empty["Tags"], none["Tags"]) == (None, None)


AMOUNT = st.decimals("-1e5", "1e5", places=9)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                **dict.fromkeys(COSTS, AMOUNT),
                "ChargeCategory": st.sampled_from(CHARGE_CATEGORIES),
                "PricingQuantity": st.one_of(st.none(), st.decimals("-1e5", "1e5", places=6)),
                "ConsumedQuantity": st.one_of(st.none(), AMOUNT),
                "CommitmentDiscountId": st.sampled_from([None, "c"]),
                "ChargeClass": st.sampled_from([None, "Correction"]),
            }
        ),
        min_size=1,
        max_size=20,
    )
)
def test_costs_are_untouched_and_prices_times_quantity_are_the_costs(
    engine: DuckDb, rows: list[dict[str, Any]]
) -> None:
    # Numbered with leading zeros, so that rows come back in the order in which they went in.
    found = dataset(engine, *({**row, "ChargeDescription": f"{n:04}"} for n, row in enumerate(rows)))
    for row, out in zip(rows, found, strict=True):
        assert all(out[name] == row[name] for name in COSTS if name in out)
        for cost in ("List", "Contracted"):
            if (price := out[f"{cost}UnitPrice"]) is not None:
                assert price >= 0
                product, expected = price * out["PricingQuantity"], row[f"{cost}Cost"]
                assert abs(product - expected) <= Decimal("1e-9") * max(abs(expected), 1)


def test_there_is_a_file_for_each_period_and_connection(engine: DuckDb, tmp_path: Path) -> None:
    other = {"x_Connection": "aws-1"}
    june = {"x_BillingPeriod": "20260601-20260701"}
    charges = engine.table_of([CHARGE, {**CHARGE, **other}, {**CHARGE, **other, **june}, CHARGE])
    written = export(charges, engine, "1.2", "parquet", tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in written]
    assert found == ["2026-05/aws-1.parquet", "2026-05/simple.parquet", "2026-06/aws-1.parquet"]
    assert [pq.read_metadata(path).num_rows for path in written] == [1, 2, 1]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(written)


def test_parquet_has_exact_decimals_utc_times_and_ids_as_text(engine: DuckDb, tmp_path: Path) -> None:
    [path] = export(engine.table_of([{**CHARGE, "SubAccountId": "0042"}]), engine, "1.2", "parquet", tmp_path)
    table = pq.read_table(path)
    types = {
        name: str(table.schema.field(name).type) for name in ("BilledCost", "ChargePeriodStart", "SubAccountId", "Tags")
    }
    assert types == {
        "BilledCost": "decimal128(38, 18)",
        "ChargePeriodStart": "timestamp[us, tz=UTC]",
        "SubAccountId": "string",
        "Tags": "string",
    }
    [row] = table.to_pylist()
    assert (row["SubAccountId"], row["BilledCost"], row["ChargePeriodStart"]) == ("0042", Decimal("7.5"), START)


def test_csv_has_times_as_focus_writes_them_and_plain_decimals(engine: DuckDb, tmp_path: Path) -> None:
    costs = {"BilledCost": Decimal("-0.000000000000000001"), "ListCost": Decimal(100), "EffectiveCost": Decimal(0)}
    [path] = export(engine.table_of([{**CHARGE, **costs, "Tags": {"a": "b,c"}}]), engine, "1.2", "csv", tmp_path)
    with path.open(newline="", encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    names = (
        "BilledCost",
        "ListCost",
        "EffectiveCost",
        "ContractedCost",
        "BillingPeriodStart",
        "ChargePeriodStart",
        "Tags",
    )
    assert [row[name] for name in names] == [
        "-0.000000000000000001", "100", "0", "7.2", "2026-05-01T00:00:00Z", "2026-05-17T15:00:00Z", '{"a":"b,c"}',
    ]  # fmt: skip
    assert (row["ChargeClass"], row["ResourceId"]) == ("", "")


def test_an_export_that_fails_leaves_the_earlier_file_and_nothing_half(engine: DuckDb, tmp_path: Path) -> None:
    [path] = export(engine.table_of([CHARGE]), engine, "1.2", "csv", tmp_path)
    before = path.read_bytes()

    class Failing:
        prepare, rows = engine.prepare, engine.rows

        def write_file(self, table: ir.Table, path: Path, format: str) -> None:
            path.write_text("half")
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        export(engine.table_of([CHARGE]), Failing(), "1.2", "csv", tmp_path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_charges_of_nothing_are_no_files(engine: DuckDb, tmp_path: Path) -> None:
    assert export(engine.table_of([]), engine, "1.4", "parquet", tmp_path) == []
