"""What the sample organisation has, as the raw rows of its bills say, and by what intervals they are delivered."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from outlay.demo.files import Row
from outlay.period import BillingPeriod
from tests.aws_standin.delivering import deliver
from tests.aws_standin.focus_rows import focus_rows
from tests.aws_standin.granularity import in_intervals
from tests.aws_standin.organisation import LINKED, PAYERS, Organisation, bill, export, report

LAST = date(2026, 9, 4)
PERIOD = BillingPeriod(2026, 9)
GRANULARITIES = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "MONTHLY": timedelta(days=30)}
# What stands in a bill once a month, whatever the granularity.
OF_A_MONTH = {"Fee", "RIFee", "Tax", "Credit", "Refund", "EdpDiscount", "PrivateRateDiscount", "SavingsPlanUpfrontFee"}


@pytest.fixture(scope="module")
def year() -> dict[str, list[Row]]:
    """Twelve closed months, by payer."""
    months = [BillingPeriod.of(LAST).shift(-ago) for ago in range(12, 0, -1)]
    return {payer.account: [row for month in months for row in bill(payer, month, LAST)] for payer in PAYERS}


def test_there_are_two_payers_with_twelve_linked_accounts_and_each_has_charges(year: dict[str, list[Row]]) -> None:
    assert (len(year), sum(map(len, LINKED.values()))) == (2, 12)
    for payer, rows in year.items():
        assert {row["bill_payer_account_id"] for row in rows} == {payer}
        assert {row["line_item_usage_account_id"] for row in rows} == {payer, *LINKED[payer]}


def test_one_payer_pays_in_dollars_and_one_in_euros(year: dict[str, list[Row]]) -> None:
    currencies = [{row["line_item_currency_code"] for row in rows} for rows in year.values()]
    assert currencies == [{"USD"}, {"EUR"}]


def test_each_payer_has_commitments_credits_refunds_and_tax(year: dict[str, list[Row]]) -> None:
    wanted = {
        *("DiscountedUsage", "RIFee"),
        *("SavingsPlanCoveredUsage", "SavingsPlanNegation", "SavingsPlanRecurringFee"),
        *("Credit", "Refund", "Tax", "Fee", "Usage"),
    }
    for rows in year.values():
        assert wanted <= {row["line_item_line_item_type"] for row in rows}


def test_each_payer_buys_from_another_seller_on_the_marketplace(year: dict[str, list[Row]]) -> None:
    for rows in year.values():
        bought = [row for row in rows if row["bill_billing_entity"] == "AWS Marketplace"]
        assert {"Usage", "Fee"} == {row["line_item_line_item_type"] for row in bought}
        assert not {row["line_item_legal_entity"] for row in bought} & {row["bill_invoicing_entity"] for row in rows}


def test_discounts_are_rows_in_one_bill_and_net_columns_in_the_other(year: dict[str, list[Row]]) -> None:
    has_rows, has_net = (
        [any(is_so(row) for row in rows) for rows in year.values()]
        for is_so in (
            lambda row: row["line_item_line_item_type"] == "EdpDiscount",
            lambda row: "line_item_net_unblended_cost" in row,
        )
    )
    assert (has_rows, has_net) == ([True, False], [False, True])


def test_each_commitment_is_bought_partly_upfront_within_the_year(year: dict[str, list[Row]]) -> None:
    fernwick, loftline = year.values()
    assert [
        row for row in fernwick if row["line_item_line_item_type"] == "Fee" and "reservation_reservation_a_r_n" in row
    ]
    assert [row for row in loftline if row["line_item_line_item_type"] == "SavingsPlanUpfrontFee"]


# Granularity


@pytest.mark.parametrize("payer", PAYERS, ids=str)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_rows_are_of_the_interval_asked_for_and_every_sum_stays(payer: Any, granularity: str) -> None:
    rows = bill(payer, PERIOD, LAST)
    delivered = in_intervals(rows, granularity)
    for row in delivered:
        length = time(row, "line_item_usage_end_date") - time(row, "line_item_usage_start_date")
        if row["line_item_line_item_type"] not in OF_A_MONTH:
            assert length == GRANULARITIES[granularity]
    assert sums(delivered) == sums(rows)
    assert sums(focus_rows(delivered)) == sums(focus_rows(rows))
    keys = [(row["identity_line_item_id"], row["identity_time_interval"]) for row in delivered]
    assert len(set(keys)) == len(keys)


def time(row: Row, name: str) -> datetime:
    found = row[name]
    assert isinstance(found, datetime)
    return found


def sums(rows: Iterable[Row]) -> dict[tuple[object, ...], Decimal]:
    """Of every amount, by account, line item type and service."""
    found: defaultdict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        what = (row.get("line_item_usage_account_id"), row.get("line_item_line_item_type"), row.get("ServiceName"))
        for name, value in row.items():
            if isinstance(value, Decimal) and not name.endswith("_rate"):
                found[(*what, row.get("SubAccountId"), row.get("line_item_product_code"), name)] += value
    return {key: value for key, value in found.items() if value}


def test_a_quantity_at_a_price_is_its_cost_in_every_hour() -> None:
    """What AWS says of `pricing/publicOnDemandRate`, so that no sum is right by a row that is wrong."""
    hours = in_intervals(bill(PAYERS[0], PERIOD, date(2026, 9, 1)), "HOURLY")
    priced = [row for row in hours if row.get("pricing_public_on_demand_rate")]
    assert priced
    for row in priced:
        amount, cost = row["line_item_usage_amount"], row["pricing_public_on_demand_cost"]
        assert isinstance(amount, Decimal)
        assert amount * Decimal(str(row["pricing_public_on_demand_rate"])) == cost


@pytest.mark.parametrize(("granularity", "length"), GRANULARITIES.items())
def test_reports_and_exports_are_delivered_by_the_granularity_of_their_definition(
    organisation: Organisation, granularity: str, length: timedelta
) -> None:
    member, standin = organisation.fernwick, organisation.standin
    cur, exports = (standin.client(name, member.account) for name in ("cur", "bcm-data-exports"))
    cur.put_report_definition(ReportDefinition=report("legacy", member.bucket, TimeUnit=granularity))
    settings = {"TIME_GRANULARITY": granularity}
    for name, table in (("cur2", "COST_AND_USAGE_REPORT"), ("focus", "FOCUS_1_2_AWS")):
        definition = export(name, member.bucket, table=table, settings=settings, parquet=False)
        exports.create_export(Export=definition)
    rows = [row for row in bill(member.payer, PERIOD, LAST) if row["line_item_line_item_type"] == "Usage"][:40]
    for name, start, end in (
        ("legacy", "lineItem/UsageStartDate", "lineItem/UsageEndDate"),
        ("cur2", "line_item_usage_start_date", "line_item_usage_end_date"),
        ("focus", "ChargePeriodStart", "ChargePeriodEnd"),
    ):
        delivered = deliver(standin, member.account, name, PERIOD, rows)
        lengths = {
            datetime.fromisoformat(row[end]) - datetime.fromisoformat(row[start])
            for row in read(organisation, delivered.keys[0])
        }
        assert lengths == {length}


def test_focus_1_0_has_no_choice_of_granularity_and_rows_of_an_hour(organisation: Organisation) -> None:
    member, standin = organisation.fernwick, organisation.standin
    definition = export("focus", member.bucket, table="FOCUS_1_0_AWS", parquet=False)
    standin.client("bcm-data-exports", member.account).create_export(Export=definition)
    rows = [row for row in bill(member.payer, PERIOD, LAST) if row["line_item_line_item_type"] == "Usage"][:2]
    delivered = deliver(standin, member.account, "focus", PERIOD, rows)
    assert len(read(organisation, delivered.keys[0])) == 48


def read(organisation: Organisation, key: str) -> list[Mapping[str, str]]:
    client = organisation.standin.client("s3", organisation.fernwick.account)
    body = client.get_object(Bucket=organisation.fernwick.bucket, Key=key)["Body"].read()
    return list(csv.DictReader(io.StringIO(gzip.decompress(body).decode())))
