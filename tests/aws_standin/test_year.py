"""A year of a payer's bill in each of AWS's four formats, against a table that no code of the project has worked out.

The table is `year/totals.csv`. `year/work_out.py` made it from the raw legacy reports in the buckets, by AWS's own
words for their columns; a test has it made again, shut off from the project. When the sample bills are changed on
purpose, `python -m tests.aws_standin.year` writes it anew, and what has changed in it is to be looked at.

Fernwick's year is in dollars, with discounts as rows; one of Loftline's months is beside it, in euros and with net
columns, in which it buys a Savings Plan and has a credit and a refund. The companies work on two days of a month, which
is enough: each month has its closing rows. `year/bills.py` says which payer's export is CSV and which Parquet, which is
overwritten and which a new version each time, and of which granularity: the three newer formats are read both as CSV
and as Parquet, all four in both ways of delivering.
"""

from __future__ import annotations

import csv
import gc
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

import outlay
from outlay.state.new import NewConnection
from tests.aws_standin.organisation import EXTERNAL_ID, Organisation
from tests.aws_standin.year.bills import FORMS, TABLE, fill, raw_reports, worked_out
from tests.payers import aws

# A process fills the buckets once.
pytestmark = pytest.mark.xdist_group("a year of AWS")

BY = ("BillingAccountId", "SubAccountId", "ServiceName")
METRICS = ("billed", "effective")
# Payer, month, account, service, currency: the two costs.
Totals = dict[tuple[str, ...], tuple[Decimal, ...]]


@dataclass(frozen=True)
class Filled:
    organisation: Organisation
    environ: Mapping[str, str]


@pytest.fixture(scope="module", autouse=True)
def few_collections() -> Iterator[None]:
    """Planning fifty deliveries makes many small objects: a tenth of the time goes without looking them through."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    with aws() as (organisation, environ):
        fill(organisation)
        yield Filled(organisation, environ)


@pytest.fixture
def environ(filled: Filled, outlay_home: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Set after the fixture that takes away what is the developer's."""
    for name, value in filled.environ.items():
        monkeypatch.setenv(name, value)
    return filled.environ


def table() -> Totals:
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = ("payer", "month", "account", "service", "currency")
    return {tuple(row[key] for key in keys): tuple(Decimal(row[each]) for each in METRICS) for row in rows}


def test_the_table_is_what_the_raw_bills_give_without_any_code_of_the_project(filled: Filled, tmp_path: Path) -> None:
    assert worked_out(raw_reports(filled.organisation, tmp_path)) == TABLE.read_bytes()


def test_the_table_is_of_a_year_of_dollars_and_a_month_of_euros() -> None:
    months = {currency: {month for _, month, _, _, each in table() if each == currency} for currency in ("USD", "EUR")}
    assert (len(months["USD"]), len(months["EUR"])) == (12, 1)
    assert len({account for _, _, account, _, _ in table()}) == 14


@pytest.mark.parametrize("name", FORMS)
def test_a_year_in_each_format_gives_the_table_by_account_service_and_month(
    filled: Filled, environ: Mapping[str, str], outlay_home: Path, name: str
) -> None:
    with outlay.open(home=outlay_home, threads=1) as o:
        for member, form in zip(filled.organisation.members, FORMS[name], strict=True):
            access = {"role_arn": member.role_arn, "external_id": EXTERNAL_ID}
            location = f"s3://{member.bucket}/{form.prefix}"
            o.add(NewConnection(member.bucket, "aws", location, export=name, **access))
        results = o.ingest()
        assert {result.outcome for result in results} == {"committed"}
        answers = [o.costs(by=BY, metric=metric) for metric in METRICS]
    billed, effective = (
        {(row.values[0], f"{row.period:%Y-%m}", *row.values[1:], row.unit): row.amount for row in answer.rows}
        for answer in answers
    )
    assert {key: (billed[key], effective[key]) for key in billed.keys() | effective.keys()} == table()
    if name == "cur-2":
        assert told("effective") == {key: effective for key, (_, effective) in table().items()}


def told(metric: str) -> dict[tuple[str, ...], Decimal]:
    """As the command answers."""
    by = [word for column in BY for word in ("--by", column)]
    command = [sys.executable, "-m", "outlay.cli", "costs", *by, "--metric", metric, "--json"]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    rows = json.loads(ran.stdout)["rows"]
    payer, *others = BY
    return {
        (row[payer], row["period"][:7], *(row[column] for column in others), row["currency"]): Decimal(row["cost"])
        for row in rows
    }
