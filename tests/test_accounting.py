"""Accounts in the bills of two payers in two currencies, read from the stand-in of AWS."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from outlay import accounting, connecting, overlapping
from outlay.app import Outlay
from outlay.errors import UnknownName, UsageError
from outlay.state.new import NewConnection
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import EXTERNAL_ID, FERNWICK_GROUP, LINKED, LOFTLINE_GROUP, bill, export
from tests.aws_standin.standin import statement
from tests.payers import LAST, MAY, World, world

FERNWICK, LOFTLINE = FERNWICK_GROUP.account, LOFTLINE_GROUP.account

# A process reads the two bills once; tests take away what they add.
pytestmark = pytest.mark.xdist_group("payers")


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("payers")) as made:
        made.add_payer("fernwick", made.organisation.fernwick)
        made.standin.deny("organizations:ListAccounts")
        made.add_payer("loftline", made.organisation.loftline)
        made.standin.allow("organizations:ListAccounts")
        yield made


@pytest.fixture
def payers(read: World, outlay_home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name, value in read.environ.items():
        monkeypatch.setenv(name, value)
    return read


@pytest.fixture
def o(payers: World) -> Outlay:
    return payers.o


def test_every_account_of_both_payers_is_listed_with_what_it_cost(o: Outlay) -> None:
    found = accounting.accounts(o, month="2026-05")
    by_payer = {payer: {each.account for each in found.rows if each.payer == payer} for payer in LINKED}
    for payer, linked in LINKED.items():
        assert by_payer[payer] <= {payer, *linked}
        # The bill is of two days: an account without use in them does not stand in it.
        assert len(by_payer[payer]) > 4
    assert {each.first for each in found.rows} == {each.last for each in found.rows} == {"2026-05"}
    totals = o.costs(start="2026-05", end="2026-05").totals
    assert set(totals) == {"USD", "EUR"}
    for currency, total in totals.items():
        assert sum(each.costs.get(currency, Decimal(0)) for each in found.rows) == total


def test_an_id_that_begins_with_a_zero_keeps_it(o: Outlay) -> None:
    assert any(each.account.startswith("0") for each in accounting.accounts(o).rows)


def test_only_accounts_whose_access_outlay_has_are_connected(o: Outlay) -> None:
    found = {each.account: each for each in accounting.accounts(o).rows}
    assert {account for account, each in found.items() if each.is_connected} == {FERNWICK, LOFTLINE}
    assert found[FERNWICK].connected_by == ("fernwick",)
    assert found[FERNWICK].connections == ("fernwick",)


def test_names_and_units_are_organizations_where_it_shows_them(o: Outlay) -> None:
    found = {each.account: each for each in accounting.accounts(o).rows}
    for account, name in LINKED[FERNWICK].items():
        if account in found:
            assert found[account].name == name
            assert found[account].unit in ("Production", "Development", "Shared")
    assert found[FERNWICK].unit == ""
    # Loftline's role was denied the list: its names are those of the bill, its units are not visible.
    assert {each.unit for each in found.values() if each.payer == LOFTLINE} == {None}
    assert accounting.unseen(o) == {
        "loftline": "The access may not list the organisation's accounts: that takes organizations:ListAccounts."
    }


@pytest.mark.parametrize("access", ["key", "profile"])
def test_a_key_and_a_profile_get_the_names_too_and_a_denial_is_told_and_asked_about_again(
    payers: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, access: str
) -> None:
    from outlay.state.models import AccountBehind, NamedAccount

    member, name = payers.organisation.fernwick, f"by-{access}"
    key = payers.standin.add_user(member.account, name, statement("s3:*", "organizations:*"))
    config = tmp_path / "config"
    config.write_text(f"[profile bills]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    given = {
        "key": {"access_key_id": key.id, "secret_access_key": key.secret},
        "profile": {"profile": "bills"},
    }
    connecting.add(payers.o, NewConnection(name, "aws", f"s3://{member.bucket}/nothing-here", **given[access]))
    NamedAccount.objects.filter(payer=member.account).delete()
    payers.standin.deny("organizations:ListAccounts")
    list(payers.o.ingest([name]))
    assert "organizations:ListAccounts" in accounting.unseen(payers.o)[name]
    assert payers.o.connection(name).status.status == "pending-data"
    assert not NamedAccount.objects.filter(payer=member.account).exists()
    payers.standin.allow("organizations:ListAccounts")
    looked = AccountBehind.objects.get(connection=name).looked_at
    AccountBehind.objects.filter(connection=name).update(looked_at=looked - timedelta(hours=1))
    # As long ago as that, the access was there already.
    _older(name)
    list(payers.o.ingest([name]))
    assert name not in accounting.unseen(payers.o)
    named = {row.account: (row.name, row.unit) for row in NamedAccount.objects.filter(payer=member.account)}
    assert {account: called for account, (called, _) in named.items()} == member.payer.accounts | {
        member.account: member.payer.name
    }
    assert {unit for _, unit in named.values()} == {"", "Production", "Development", "Shared"}
    connecting.remove(payers.o, name)


def test_the_organisation_is_asked_once_a_day(payers: World) -> None:
    from outlay.state.models import AccountBehind

    before = AccountBehind.objects.get(connection="fernwick").looked_at
    (result,) = payers.o.ingest(["fernwick"])
    assert result.outcome == "unchanged"
    assert AccountBehind.objects.get(connection="fernwick").looked_at == before


def test_a_month_without_charges_costs_nothing_and_keeps_the_accounts(o: Outlay) -> None:
    found = accounting.accounts(o, month="2026-04")
    assert found.rows
    assert all(each.costs == {} for each in found.rows)


@pytest.mark.parametrize("asked", [{"month": "May"}, {"metric": "quantity"}], ids=["month", "metric"])
def test_what_cannot_be_asked_is_told(o: Outlay, asked: dict[str, str]) -> None:
    with pytest.raises(UsageError) as error:
        accounting.accounts(o, **asked)
    assert error.value.field in asked


# Linked accounts

RESEARCH = min(LINKED[LOFTLINE])
STAGING = next(account for account, name in LINKED[FERNWICK].items() if name == "fernwick-staging")


def linked(name: str, role: str) -> NewConnection:
    return NewConnection(name, "linked", "", role_arn=role, external_id=EXTERNAL_ID)


@pytest.fixture
def staging(payers: World) -> Iterator[None]:
    """Connected, and seen to be well."""
    connecting.add(payers.o, linked("staging", payers.role(STAGING, f"outlay-{secrets.token_hex(4)}")))
    assert list(payers.o.ingest(["staging"])) == []
    yield
    connecting.remove(payers.o, "staging")


def test_a_linked_connection_needs_only_its_access_and_says_through_whom_its_charges_come(payers: World) -> None:
    o, new = payers.o, linked("staging", payers.role(STAGING))
    (step,) = connecting.test(o, new).steps
    assert (step.state, STAGING in step.said, FERNWICK in step.said) == ("done", True, True)
    assert connecting.add(o, new).status.status == "pending-data"
    assert list(o.ingest(["staging"])) == []
    status = o.connection("staging").status
    assert (status.status, "through fernwick" in status.reason) == ("healthy", True)
    found = {each.account: each for each in accounting.accounts(o).rows}
    assert (found[STAGING].is_connected, found[STAGING].connected_by) == (True, ("staging",))
    connecting.remove(o, "staging")


def test_a_linked_connection_without_its_payer_says_that_no_data_can_arrive_and_why(payers: World) -> None:
    o, stranger = payers.o, "777766665555"
    payers.standin.add_organisation("444433332222", "elsewhere", {"Shared": {stranger: "stranger"}})
    connecting.add(o, linked("stranger", payers.role(stranger)))
    assert list(o.ingest(["stranger"])) == []
    status = o.connection("stranger").status
    assert status.status == "pending-data"
    assert status.reason.startswith("No billing data can arrive: charges of a linked account stand in the bill of")
    assert "444433332222" in status.reason
    assert "outlay connections add aws" in status.next


def test_a_linked_connection_whose_payer_bills_nothing_for_it_waits_for_the_payer(payers: World) -> None:
    o, unused = payers.o, "111100009999"
    payers.standin.join(FERNWICK, unused, "unused")
    connecting.add(o, linked("unused", payers.role(unused)))
    assert list(o.ingest(["unused"])) == []
    status = o.connection("unused").status
    assert (status.status, "connected by fernwick" in status.reason) == ("pending-data", True)


def test_a_payer_is_not_taken_for_a_linked_account(payers: World) -> None:
    o, role = payers.o, payers.organisation.fernwick.role_arn
    (step,) = connecting.test(o, linked("mistaken", role)).steps
    assert step.state == "failed"
    connecting.add(o, linked("mistaken", role))
    (result,) = o.ingest(["mistaken"])
    assert result.outcome == "failed"
    status = o.connection("mistaken").status
    assert (status.status, "is no linked one" in status.reason) == ("failing", True)
    connecting.remove(o, "mistaken")


def _older(name: str) -> None:
    """No longer one whose permissions may be too new."""
    from outlay.state.models import Connection

    Connection.objects.filter(name=name).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_linked_access_that_is_denied_fails_and_says_what_to_do(payers: World) -> None:
    o = payers.o
    connecting.add(o, replace(linked("denied", payers.role(RESEARCH)), external_id="another-id-0001"))
    (result,) = o.ingest(["denied"])
    assert result.outcome == "failed"
    assert o.connection("denied").status.status == "pending-data"
    _older("denied")
    status = o.connection("denied").status
    assert status.status == "failing"
    assert status.next
    connecting.remove(o, "denied")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"location": "s3://bucket/path"}, "location"),
        ({"access_of": "fernwick"}, "access_of"),
        ({"name": "A b"}, "name"),
    ],
    ids=["location", "access_of", "name"],
)
def test_what_a_linked_connection_cannot_have_is_refused(o: Outlay, changes: dict[str, str], field: str) -> None:
    assert set(connecting.faults(o, replace(linked("good", ""), **changes))) == {field}


# Counting only connected accounts


@pytest.mark.usefixtures("staging")
def test_what_counts_and_what_is_ignored_are_together_the_bill_in_every_currency(payers: World) -> None:
    o = payers.o
    whole, proofs = o.costs(start="2026-05", end="2026-05").totals, reconciled(o)
    runs = o.runs()[1]
    for name in ("fernwick", "loftline"):
        accounting.count_only_connected(o, name, is_on=True)
    some, left_out = o.costs(start="2026-05", end="2026-05").totals, accounting.ignored(o, month="2026-05").totals
    assert set(left_out) == set(whole) == {"USD", "EUR"}
    assert all(left_out.values())
    assert {currency: some.get(currency, Decimal(0)) + left_out[currency] for currency in whole} == whole
    # By single charges, in SQL and in an export, too.
    (found,) = o.sql("select sum(EffectiveCost) as total from charges where BillingCurrency = 'USD'").to_pylist()
    assert found["total"] == some["USD"]
    exported = o.charges.filter(o.charges.BillingCurrency == "EUR").EffectiveCost.sum()
    assert Decimal(exported.to_pyarrow().as_py()) == some["EUR"]
    assert (reconciled(o), all(proofs)) == (proofs, True)
    # The accounts are still listed with what they cost, and say that they do not count.
    listed = accounting.accounts(o, month="2026-05").rows
    for currency, total in whole.items():
        assert sum(each.costs.get(currency, Decimal(0)) for each in listed) == total
    assert {each.account for each in listed if each.is_counted} == {FERNWICK, STAGING, LOFTLINE}
    for name in ("fernwick", "loftline"):
        accounting.count_only_connected(o, name, is_on=False)
    assert o.costs(start="2026-05", end="2026-05").totals == whole
    assert accounting.ignored(o).all == {}
    assert o.runs()[1] == runs
    assert [act.sentence for act in connecting.acts(o, "fernwick")[:2]] == [
        "changed which accounts count: every one.",
        "changed which accounts count: connected ones alone.",
    ]


@pytest.mark.usefixtures("staging")
def test_what_is_ignored_stands_in_numbers_where_the_connection_is_shown(payers: World) -> None:
    o = payers.o
    accounting.count_only_connected(o, "fernwick", is_on=True)
    shown, told = (command(o, "connections", "show", "fernwick", *words) for words in ((), ("--json",)))
    ignored = accounting.ignored(o)
    accounting.count_only_connected(o, "fernwick", is_on=False)
    assert json.loads(told)["ignored"] == ignored.of("fernwick")
    (amount,) = ignored.all["fernwick"].values()
    assert amount
    assert f"{amount:,.2f} USD in all months" in shown
    assert "ignored" not in command(o, "connections", "show", "fernwick")


def command(o: Outlay, *words: str) -> str:
    """What it prints, of the same home."""
    environ = {**os.environ, "OUTLAY_HOME": str(o.settings.home)}
    ran = subprocess.run(
        [sys.executable, "-m", "outlay.cli", *words], stdout=subprocess.PIPE, env=environ, check=True, text=True
    )
    return ran.stdout


def reconciled(o: Outlay) -> list[bool]:
    views = [view for name in ("fernwick", "loftline") for view in o.periods(name)]
    return [view.reconciliation is not None and view.reconciliation.holds for view in views]


def test_connecting_one_more_account_brings_its_charges_back(payers: World) -> None:
    o = payers.o
    accounting.count_only_connected(o, "loftline", is_on=True)
    before = accounting.ignored(o, month="2026-05").of("loftline")["ignored"]["EUR"]
    connecting.add(o, linked("research", payers.role(RESEARCH, "outlay-again")))
    after = accounting.ignored(o, month="2026-05").of("loftline")["ignored"]["EUR"]
    (research,) = [each for each in accounting.accounts(o, month="2026-05").rows if each.account == RESEARCH]
    assert Decimal(before) - Decimal(after) == research.costs["EUR"] != 0
    accounting.count_only_connected(o, "loftline", is_on=False)
    connecting.remove(o, "research")


@pytest.mark.usefixtures("staging")
def test_only_a_payers_bill_can_leave_accounts_out(o: Outlay) -> None:
    with pytest.raises(UsageError) as error:
        accounting.count_only_connected(o, "staging", is_on=True)
    assert error.value.field == "only_connected"
    assert accounting.ignored(o).of("staging")["only_connected"] is False


# Several payers


def test_the_consolidated_view_holds_both_payers_each_in_its_currency(o: Outlay) -> None:
    by_payer = o.costs(by=("BillingAccountId", "connection"), start="2026-05", end="2026-05")
    assert {(*row.values, row.unit) for row in by_payer.rows} == {
        (FERNWICK, "fernwick", "USD"),
        (LOFTLINE, "loftline", "EUR"),
    }
    for name, member in (("fernwick", "USD"), ("loftline", "EUR")):
        (view,) = o.periods(name)
        assert view.reconciliation is not None
        billed = o.costs(metric="billed", where=[f"connection={name}"]).totals
        assert billed == {member: view.reconciliation.sums[member]["BilledCost"][1]}
    overview = o.overview(date(2026, 5, 3))
    assert {month.unit: month.so_far for month in overview.months} == by_payer.totals
    assert {line.unit for line in overview.providers.lines} == {"USD", "EUR"}


def test_a_focus_export_of_a_payer_whose_cur_is_connected_counts_once(payers: World) -> None:
    o, member = payers.o, payers.organisation.loftline
    before = o.costs(by=["BillingAccountId"], metric="billed").totals
    client = payers.standin.client("bcm-data-exports", member.account)
    client.create_export(Export=export("focus", member.bucket, region=member.region, table="FOCUS_1_2_AWS"))
    deliver(payers.standin, member.account, "focus", MAY, bill(member.payer, MAY, LAST))
    place, role = f"s3://{member.bucket}/exports", {"role_arn": member.role_arn, "external_id": EXTERNAL_ID}
    connecting.add(o, NewConnection("loftline-focus", "aws", place, export="focus", **role))
    (result,) = o.ingest(["loftline-focus"])
    assert result.outcome == "committed", result
    assert o.costs(by=["BillingAccountId"], metric="billed").totals == before
    overlap = overlapping.chosen(o, ["loftline-focus"])
    assert (overlap.payer, overlap.older, overlap.newer) == (LOFTLINE, "loftline", "loftline-focus")
    (month,) = overlap.months
    # The same line items, billed alike by both exports.
    assert month.costs["loftline"]["billed"] == month.costs["loftline-focus"]["billed"] == {"EUR": before["EUR"]}
    for choice, counted in (("loftline-focus", {"loftline-focus"}), ("", {"loftline"})):
        overlapping.choose(o, overlap, choice)
        answer = o.costs(by=["connection"], metric="billed")
        assert {row.values[0] for row in answer.rows if row.unit == "EUR"} == counted
        assert answer.totals == before
    connecting.remove(o, "loftline-focus", purge=True)
    assert not overlapping.found(o).overlaps


# Reports


def test_the_reports_of_all_accounts_are_together_the_bill(o: Outlay) -> None:
    reports = [
        accounting.report(o, each.account, month="2026-05", payer=each.payer) for each in accounting.accounts(o).rows
    ]
    for metric in ("billed", "effective"):
        totals = o.costs(metric=metric, start="2026-05", end="2026-05").totals
        for currency, total in totals.items():
            lines = [line for report in reports for line in report.lines if line.currency == currency]
            assert sum(getattr(line, metric) for line in lines) == total


def test_an_account_that_does_not_count_has_a_report_of_what_it_cost(o: Outlay) -> None:
    """Those who see only theirs see the same as before, and that it does not count."""
    before = accounting.report(o, STAGING, month="2026-05")
    accounting.count_only_connected(o, "fernwick", is_on=True)
    try:
        report = accounting.report(o, STAGING, month="2026-05")
        assert (report.lines, report.account.is_counted) == (before.lines, False)
        assert report.lines
        assert "do not count" in report.as_html()
        assert "do not count" not in before.as_html()
    finally:
        accounting.count_only_connected(o, "fernwick", is_on=False)


def test_a_report_is_of_that_account_alone(o: Outlay) -> None:
    found = accounting.report(o, STAGING, month="2026-05")
    where = [f"SubAccountId={STAGING}"]
    assert {currency: amounts[1] for currency, amounts in found.totals.items()} == o.costs(where=where).totals
    assert (found.account.payer, found.account.name) == (FERNWICK, "fernwick-staging")
    assert accounting.report(o, STAGING, month="2026-04").lines == ()


@pytest.mark.parametrize("account", ["", "999", "=1+1"])
def test_an_account_that_no_bill_holds_has_no_report(o: Outlay, account: str) -> None:
    with pytest.raises(UnknownName) as error:
        accounting.report(o, account)
    assert error.value.next
