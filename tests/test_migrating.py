"""From a legacy report to CUR 2.0 or FOCUS, on the stand-in: equal totals before and after, each month once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay import connecting
from outlay.app import Outlay
from outlay.demo.files import Row
from outlay.errors import UsageError
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import EXTERNAL_ID, bill, export, report
from tests.aws_standin.standin import statement
from tests.payers import World, world

pytestmark = pytest.mark.xdist_group("migrating")

MONTHS = [BillingPeriod(2026, number) for number in (7, 8, 9)]
JULY, AUGUST, SEPTEMBER = (period.month for period in MONTHS)
ELSEWHERE = "fernwick-exports"
FOCUS = "FOCUS_1_2_AWS"
By = dict[tuple[str, ...], Decimal]


@dataclass(frozen=True)
class Company:
    """Its legacy report holds July to September, each of two days, and `payer` has read them."""

    made: World
    bills: dict[BillingPeriod, list[Row]]

    @property
    def o(self) -> Outlay:
        return self.made.o

    @property
    def account(self) -> str:
        return self.made.organisation.fernwick.account

    def exported(self, name: str, bucket: str, **how: Any) -> NewConnection:
        """An export that is made, and the connection that could read it; nothing is delivered."""
        self.made.standin.client("bcm-data-exports", self.account).create_export(
            Export=export(name, bucket, prefix=name, **how)
        )
        return self.reading(name, f"s3://{bucket}/{name}")

    def reading(self, name: str, location: str) -> NewConnection:
        return NewConnection(f"payer-{name}", "aws", location, export=name)

    def deliver(self, name: str, *periods: BillingPeriod, late: bool = False) -> None:
        """`late`: as of an export that was made on the second day."""
        for period in periods:
            rows = self.bills[period]
            kept = [row for row in rows if not late or _is_late(row, period)]
            deliver(self.made.standin, self.account, name, period, kept)

    def totals(self) -> By:
        """By month, account and service."""
        answer = self.o.costs(["SubAccountId", "ServiceName"], granularity="month", metric="billed")
        found = {(f"{row.period:%Y-%m}", *map(str, row.values)): row.amount for row in answer.rows}
        return {key: amount for key, amount in found.items() if amount}

    def by_connection(self) -> dict[str, str]:
        """Which one counts, by month. A month that counts twice has both."""
        found: dict[str, str] = {}
        for each in sorted(self.o.counted()):
            month = each.period.month
            found[month] = f"{found[month]} and {each.connection}" if month in found else each.connection
        return found

    def move(self, new: NewConnection, month: str = "", **how: Any) -> None:
        connecting.move(self.o, "payer", new, month, keeps_access=True, by="ada", **how)

    def ingest(self, *names: str) -> set[str]:
        return {result.outcome for result in self.o.ingest(names)}

    def put_back(self) -> None:
        """Without whatever has gone on with the payer."""
        for view in self.o.connections():
            if view.row.name.startswith("payer-"):
                connecting.remove(self.o, view.row.name, purge=True)
        self.o.set_counted("payer", "", "")
        connecting.resume(self.o, "payer")


def _is_late(row: Row, period: BillingPeriod) -> bool:
    """Fees and taxes are of the first day all the same."""
    is_fee = row["line_item_line_item_type"] in ("Fee", "RIFee", "Tax", "Credit")
    return is_fee or str(row["line_item_usage_start_date"]) >= f"{period.month}-02"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with world(tmp_path_factory.mktemp("migrating")) as made:
        member = made.organisation.fernwick
        made.standin.add_bucket(member.account, ELSEWHERE)
        made.standin.permit_role(member.account, "outlay-reads-bills", *_reading(member.bucket, ELSEWHERE))
        bills = {each: bill(member.payer, each, date(each.year, each.month_number, 2)) for each in MONTHS}
        company = Company(made, bills)
        made.standin.client("cur", member.account).put_report_definition(
            ReportDefinition=report("legacy", member.bucket)
        )
        company.deliver("legacy", *MONTHS)
        place = NewConnection("payer", "aws", f"s3://{member.bucket}/cur", export="legacy")
        made.o.add(replace(place, role_arn=member.role_arn, external_id=EXTERNAL_ID))
        assert company.ingest("payer") == {"committed"}
        yield company


def _reading(*buckets: str) -> list[dict[str, Any]]:
    resources = tuple(f"arn:aws:s3:::{bucket}{below}" for bucket in buckets for below in ("", "/*"))
    return [
        statement("s3:Get*", "s3:List*", resources=resources),
        statement("cur:DescribeReportDefinitions", "bcm-data-exports:List*", "bcm-data-exports:Get*"),
    ]


@pytest.fixture
def company(read: Company, outlay_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    for name, value in read.made.environ.items():
        monkeypatch.setenv(name, value)
    yield read
    read.put_back()


@pytest.mark.parametrize(
    ("name", "how", "bucket"),
    [
        ("cur2", {}, "fernwick-billing"),
        ("cur2-elsewhere", {}, ELSEWHERE),
        ("focus", {"table": FOCUS}, "fernwick-billing"),
        ("focus-elsewhere", {"table": FOCUS}, ELSEWHERE),
    ],
    ids=["CUR 2.0, new prefix", "CUR 2.0, new bucket", "FOCUS 1.2, new prefix", "FOCUS 1.2, new bucket"],
)
def test_a_migration_has_equal_totals_before_and_after_by_account_service_and_month(
    company: Company, name: str, how: dict[str, Any], bucket: str
) -> None:
    before = company.totals()
    assert len({account for _, account, _ in before}) > 5
    new = company.exported(name, bucket, **how)
    company.deliver(name, *MONTHS[1:])
    company.move(new)
    assert company.totals() == before
    assert company.ingest(new.name) == {"committed"}
    assert company.by_connection() == {JULY: "payer", AUGUST: new.name, SEPTEMBER: new.name}
    assert company.totals() == before
    (move,) = connecting.moves(company.o, new.name)
    assert (move.month, move.state) == (AUGUST, "counting")
    assert [each.month for each in move.overlaps] == [SEPTEMBER, AUGUST]
    assert [set(each.difference.values()) for each in move.overlaps] == [{Decimal(0)}] * 2
    connecting.go_back(company.o, new.name, by="ada")
    assert set(company.by_connection().values()) == {"payer"}
    assert company.totals() == before
    connecting.go_on(company.o, new.name, by="ada")
    assert company.by_connection() == {JULY: "payer", AUGUST: new.name, SEPTEMBER: new.name}
    assert company.totals() == before


def test_at_every_moment_of_a_change_each_month_counts_once(company: Company) -> None:
    before, all_from_old = company.totals(), dict.fromkeys((JULY, AUGUST, SEPTEMBER), "payer")
    new = company.exported("awaited", ELSEWHERE)
    company.move(new, SEPTEMBER)
    o = company.o
    # Nothing is delivered yet: the old one counts the month all the same, and is checked on.
    company.ingest(new.name)
    assert company.by_connection() == all_from_old
    assert o.connection("payer").row.paused_at is None
    (move,) = connecting.moves(o, "payer")
    assert move.stand_ins == ((SEPTEMBER, "payer"),)
    company.deliver("awaited", MONTHS[1])
    company.ingest(new.name)
    assert company.by_connection() == all_from_old
    company.deliver("awaited", MONTHS[2])
    company.ingest(new.name)
    assert company.by_connection() == {**all_from_old, SEPTEMBER: new.name}
    connecting.change_month(o, new.name, AUGUST, by="ada")
    assert company.by_connection() == {JULY: "payer", AUGUST: new.name, SEPTEMBER: new.name}
    # A month that only the new one holds when somebody goes back counts from it, until the old one has it.
    october = BillingPeriod(2026, 10)
    rows = bill(company.made.organisation.fernwick.payer, october, date(2026, 10, 1))
    deliver(company.made.standin, company.account, "awaited", october, rows)
    company.ingest(new.name)
    connecting.go_back(o, new.name, by="ada")
    assert company.by_connection() == {**all_from_old, october.month: new.name}
    assert company.totals().keys() > before.keys()
    assert o.connection("payer").row.paused_at is None
    assert o.connection(new.name).row.paused_at is not None
    connecting.remove(o, new.name)
    assert company.by_connection() == all_from_old
    assert company.totals() == before


def test_the_month_is_the_first_that_begins_on_its_first_day(company: Company) -> None:
    new = company.exported("begun-late", ELSEWHERE)
    company.move(new)
    company.deliver("begun-late", MONTHS[1], late=True)
    company.ingest(new.name)
    (move,) = connecting.moves(company.o, new.name)
    assert (move.state, move.month, len(move.overlaps)) == ("waiting", "", 1)
    assert move.overlaps[0].difference["USD"] < 0
    assert set(company.by_connection().values()) == {"payer"}
    company.deliver("begun-late", MONTHS[2])
    company.ingest(new.name)
    (move,) = connecting.moves(company.o, new.name)
    assert (move.state, move.month) == ("counting", SEPTEMBER)
    (told, *_) = connecting.acts(company.o, new.name)
    assert told.who == "Outlay"
    assert "from 2026-09 on, the first month that it holds in full" in told.said


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("s3://fernwick-billing/tried/wrong", "The bills lie at s3://fernwick-billing/tried"),
        ("s3://fernwick-nowhere/tried", "does not do, so payer goes on as before"),
    ],
    ids=["a part too many", "no bucket"],
)
def test_a_test_that_fails_links_and_pauses_nothing(company: Company, location: str, said: str) -> None:
    if not company.made.standin.data_exports.named(company.account, "tried"):
        company.exported("tried", "fernwick-billing")
        company.deliver("tried", MONTHS[2])
    new = company.reading("tried", location)
    with pytest.raises(connecting.Untried) as told:
        company.move(new)
    assert said in f"{told.value} {told.value.next}"
    assert [view.row.name for view in company.o.connections()] == ["payer"]
    assert company.o.connection("payer").row.paused_at is None
    company.move(new, untested=True)
    assert company.o.connection(new.name).row.moved_from_id == "payer"


def test_credentials_that_do_not_do_replace_none(company: Company) -> None:
    from outlay.state.changing import Settings

    row = company.o.connection("payer").row
    good, wrong = row.role_arn, f"{row.role_arn}-other"

    def wanted(role: str) -> Settings:
        return Settings(row.location, keeps_access=False, role_arn=role, external_id=EXTERNAL_ID)

    with pytest.raises(connecting.Untried, match="keeps the one it has") as told:
        connecting.change(company.o, "payer", wanted(wrong), by="ada")
    assert told.value.field == "access"
    assert company.o.connection("payer").row.role_arn == good
    assert connecting.change(company.o, "payer", wanted(wrong), untested=True, by="ada") == ["access"]
    assert company.o.connection("payer").row.role_arn == wrong
    assert connecting.change(company.o, "payer", wanted(good), by="ada") == ["access"]
    assert company.o.connection("payer").row.role_arn == good


def test_another_export_at_the_same_place_is_another_place(company: Company) -> None:
    with pytest.raises(UsageError, match="reads that place already"):
        company.move(company.reading("legacy", "s3://fernwick-billing/cur"))
    company.made.standin.client("bcm-data-exports", company.account).create_export(
        Export=export("beside", "fernwick-billing", prefix="cur")
    )
    company.deliver("beside", MONTHS[0])
    before = company.totals()
    company.move(company.reading("beside", "s3://fernwick-billing/cur"), keeps_old=True)
    company.ingest("payer-beside")
    assert company.by_connection() == {JULY: "payer-beside", AUGUST: "payer", SEPTEMBER: "payer"}
    assert company.totals() == before
    assert company.o.connection("payer").row.paused_at is None


def test_who_goes_back_may_remove_it_and_move_on_to_another(company: Company) -> None:
    new = company.exported("given-up", ELSEWHERE)
    company.deliver("given-up", MONTHS[2])
    company.move(new)
    company.ingest(new.name)
    with pytest.raises(UsageError, match="goes on in payer-given-up already"):
        company.move(company.reading("legacy", f"s3://{ELSEWHERE}/other"))
    connecting.go_back(company.o, new.name, then="remove", by="ada")
    assert [view.row.name for view in company.o.connections()] == ["payer"]
    assert set(company.by_connection().values()) == {"payer"}
    whats = [each.what for each in connecting.acts(company.o, "payer")]
    assert whats[0] == "back"
    assert "moved" in whats
