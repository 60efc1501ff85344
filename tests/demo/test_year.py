from __future__ import annotations

import hashlib
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay.demo import SampleBill, write
from outlay.period import BillingPeriod
from tests.demo.reading import SPLIT_COST, amount, export_rows, legacy_rows, manifest, records

LAST = date(2026, 5, 20)

Rows = dict[str, list[dict[str, Any]]]


def _digest(directory: Path) -> dict[str, str]:
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, SampleBill]]:
    directory = tmp_path_factory.mktemp("year")
    return directory, {bill.name: bill for bill in write(directory, last=LAST)}


def _anycost(directory: Path, bill: SampleBill) -> Rows:
    found = {}
    for month in sorted((directory / bill.location).iterdir()):
        drop = month / str(manifest(month / "manifest.json")["current_drop_id"])
        found[BillingPeriod.parse(month.name).month] = [row for file in sorted(drop.iterdir()) for row in records(file)]
    return found


def _legacy(directory: Path, bill: SampleBill) -> Rows:
    bucket, report = directory / "aws-legacy", directory / bill.location / str(bill.export)
    return {
        BillingPeriod.parse(month.name).month: legacy_rows(bucket, month / f"{bill.export}-Manifest.json")
        for month in sorted(report.iterdir())
    }


def _cur2(directory: Path, bill: SampleBill) -> Rows:
    bucket, export = directory / "aws-cur2", directory / bill.location / str(bill.export)
    return {
        month.name.removeprefix("BILLING_PERIOD="): export_rows(bucket, month / f"{bill.export}-Manifest.json")
        for month in sorted((export / "metadata").iterdir())
    }


def _focus(directory: Path, bill: SampleBill) -> Rows:
    months = sorted((directory / bill.location).iterdir())
    return {month.name: [row for file in sorted(month.iterdir()) for row in records(file)] for month in months}


READERS = {"simple-cloud": _anycost, "fernwick-aws": _legacy, "loftline-aws": _cur2, "nordlicht": _focus}


def _invoice(row: dict[str, Any]) -> tuple[str, Decimal]:
    """The currency and what the row adds to the invoice, in whichever of the four formats it is."""
    if "cost/cost" in row:
        return "USD", amount(row["cost/cost"])
    if "BilledCost" in row:
        return row["BillingCurrency"], amount(row["BilledCost"])
    if "lineItem/UnblendedCost" in row:
        split = row["lineItem/Operation"] in SPLIT_COST
        return row["lineItem/CurrencyCode"], Decimal(0) if split else amount(row["lineItem/UnblendedCost"])
    split = row["line_item_operation"] in SPLIT_COST
    return row["line_item_currency_code"], Decimal(0) if split else amount(row["line_item_net_unblended_cost"])


@pytest.mark.parametrize("name", READERS)
def test_the_invoice_totals_are_the_sums_of_what_lies_in_the_files(
    year: tuple[Path, dict[str, SampleBill]], name: str
) -> None:
    directory, bills = year
    sums: dict[str, dict[str, Decimal]] = {}
    for month, rows in READERS[name](directory, bills[name]).items():
        totals = sums.setdefault(month, {})
        for row in rows:
            currency, cost = _invoice(row)
            totals[currency] = totals.get(currency, Decimal(0)) + cost
    assert sums == bills[name].billed
    assert list(sums) == [BillingPeriod.of(LAST).shift(-ago).month for ago in range(11, -1, -1)]
    assert all(set(totals) == {bills[name].currency} for totals in sums.values())


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("simple-cloud", "bill/invoice_id"),
        ("fernwick-aws", "bill/InvoiceId"),
        ("loftline-aws", "bill_invoice_id"),
        ("nordlicht", "InvoiceId"),
    ],
)
def test_every_row_of_a_closed_month_has_an_invoice_id_and_none_of_the_open_month_has(
    year: tuple[Path, dict[str, SampleBill]], name: str, column: str
) -> None:
    directory, bills = year
    for month, rows in READERS[name](directory, bills[name]).items():
        assert rows
        assert {bool(row[column]) for row in rows} == {month != "2026-05"}, month


def test_the_same_seed_and_dates_give_the_same_bytes(tmp_path: Path) -> None:
    bills = [write(tmp_path / name, months=2, last=LAST, seed=7) for name in ("one", "two")]
    assert _digest(tmp_path / "one") == _digest(tmp_path / "two")
    assert bills[0] == bills[1]


def test_another_seed_gives_another_bill_in_the_same_places(tmp_path: Path) -> None:
    one, two = (write(tmp_path / str(seed), months=1, last=LAST, seed=seed) for seed in (1, 2))
    assert [bill.location for bill in one] == [bill.location for bill in two]
    assert all(a.billed != b.billed for a, b in zip(one, two, strict=True))


def test_a_month_is_the_same_in_a_short_and_in_a_long_demo(
    year: tuple[Path, dict[str, SampleBill]], tmp_path: Path
) -> None:
    _, bills = year
    short = write(tmp_path, months=3, last=LAST)
    assert all(bill.billed.items() <= bills[bill.name].billed.items() for bill in short)


@pytest.mark.parametrize("last", [date(2026, 3, 1), date(2026, 2, 28), date(2024, 2, 29), date(2025, 12, 31)])
def test_any_day_can_be_the_last_one(tmp_path: Path, last: date) -> None:
    for bill in write(tmp_path, months=2, last=last):
        assert list(bill.billed) == [BillingPeriod.of(last).previous().month, BillingPeriod.of(last).month]
        assert all(total > 0 for totals in bill.billed.values() for total in totals.values())


def test_a_month_of_all_bills_together_stays_small(year: tuple[Path, dict[str, SampleBill]]) -> None:
    directory, bills = year
    months = [READERS[name](directory, bill) for name, bill in bills.items()]
    for month in months[0]:
        assert 1500 < sum(len(rows[month]) for rows in months) < 5000
    assert sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) < 8_000_000


def test_spending_grows_over_the_year_and_one_month_has_an_anomaly(
    year: tuple[Path, dict[str, SampleBill]],
) -> None:
    directory, bills = year
    logs: dict[str, Decimal] = {}
    for rows in _legacy(directory, bills["fernwick-aws"]).values():
        for row in rows:
            if row["lineItem/UsageType"] == "DataProcessing-Bytes":
                day = row["lineItem/UsageStartDate"][:10]
                logs[day] = logs.get(day, Decimal(0)) + amount(row["lineItem/UnblendedCost"])
    usual = sorted(logs.values())[len(logs) // 2]
    spike = {day for day, cost in logs.items() if cost > 4 * usual}
    assert spike == {f"2026-03-{day:02}" for day in range(9, 15)}
    billed = [total["USD"] for total in bills["simple-cloud"].billed.values()]
    assert billed[-2] > billed[0]


def test_a_database_moves_from_one_service_to_another_with_a_month_in_both(
    year: tuple[Path, dict[str, SampleBill]],
) -> None:
    directory, bills = year
    months = {
        name: [
            month
            for month, rows in _legacy(directory, bills["fernwick-aws"]).items()
            if any(name in row["lineItem/ResourceId"] for row in rows)
        ]
        for name in ("tracking-mysql", "tracking-aurora")
    }
    assert months["tracking-mysql"][-1] == months["tracking-aurora"][0] == "2025-12"
    assert months["tracking-mysql"][0] == "2025-06"
    assert months["tracking-aurora"][-1] == "2026-05"


def test_account_ids_that_begin_with_zeros_keep_them(year: tuple[Path, dict[str, SampleBill]]) -> None:
    directory, bills = year
    legacy = {row["lineItem/UsageAccountId"] for row in _legacy(directory, bills["fernwick-aws"])["2026-04"]}
    cur2 = {row["line_item_usage_account_id"] for row in _cur2(directory, bills["loftline-aws"])["2026-04"]}
    assert {"041700259318", "093316420057"} <= legacy
    assert "000914773205" in cur2
    assert all(len(account) == 12 for account in legacy | cur2)


def test_the_last_closed_month_of_anycost_has_two_drops_and_its_manifest_names_the_newer(
    year: tuple[Path, dict[str, SampleBill]],
) -> None:
    directory, bills = year
    for month in (directory / bills["simple-cloud"].location).iterdir():
        drops = sorted(path.name for path in month.iterdir() if path.is_dir())
        assert len(drops) == (2 if month.name == "20260401-20260501" else 1)
        assert manifest(month / "manifest.json") == {"version": "1.3.0", "current_drop_id": drops[-1]}
        assert all(re.fullmatch(r"\d{8}T\d{6}Z", drop) for drop in drops)


def test_months_of_the_legacy_report_have_one_or_two_parts_and_recent_ones_an_older_assembly(
    year: tuple[Path, dict[str, SampleBill]],
) -> None:
    directory, bills = year
    report = directory / bills["fernwick-aws"].location / "fernwick-daily"
    parts = {len(manifest(path)["reportKeys"]) for path in report.glob("*/fernwick-daily-Manifest.json")}
    assemblies = {month.name: sum(path.is_dir() for path in month.iterdir()) for month in report.iterdir()}
    assert parts == {1, 2}
    assert {month for month, count in assemblies.items() if count == 2} == {"20260401-20260501", "20260501-20260601"}
    assert set(assemblies.values()) == {1, 2}


def test_simple_cloud_uses_each_line_item_type_of_the_format(year: tuple[Path, dict[str, SampleBill]]) -> None:
    directory, bills = year
    months = _anycost(directory, bills["simple-cloud"])
    assert {row["lineitem/type"] for rows in months.values() for row in rows} == {
        *("Usage", "Tax", "Support", "Purchase", "Fee", "Discount", "Credit", "Adjustment"),
        *("CommittedUsePurchase", "CommittedUseVacancy", "CommittedUseRecurringFee"),
    }


def test_the_cost_types_of_a_simple_cloud_month_have_equal_totals_but_differ_row_by_row(
    year: tuple[Path, dict[str, SampleBill]],
) -> None:
    directory, bills = year
    kinds = ("discounted", "amortized", "discounted_amortized")
    for month, rows in _anycost(directory, bills["simple-cloud"]).items():
        for kind in kinds:
            total = sum(amount(row[f"cost/{kind}_cost"] or row["cost/cost"]) for row in rows)
            assert total == bills["simple-cloud"].billed[month]["USD"]
            assert any(amount(row[f"cost/{kind}_cost"] or row["cost/cost"]) != amount(row["cost/cost"]) for row in rows)


def test_simple_cloud_keeps_to_the_rules_of_the_common_bill_format(year: tuple[Path, dict[str, SampleBill]]) -> None:
    directory, bills = year
    for month, rows in _anycost(directory, bills["simple-cloud"]).items():
        for row in rows:
            assert row["time/usage_start"].startswith(month)
            assert row["resource/id"] or not any(value for key, value in row.items() if "tag:" in key)
            numbers = [value for key, value in row.items() if key.startswith("cost/") or key == "usage/amount"]
            assert all(re.fullmatch(r"(-?\d+(\.\d+)?)?", number) for number in numbers)
    assert any(row["k8s/labels"].startswith('{"app"') for row in rows)
