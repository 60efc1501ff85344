"""`outlay accounts`."""

from __future__ import annotations

from tests.cli.conftest import Outlay
from tests.cli.drops import Drops


def test_accounts_are_listed_with_the_costs_of_a_month(outlay: Outlay, acme: Drops) -> None:
    told = outlay("accounts", "--month", "2026-05", "--json").json
    (only,) = told["accounts"]
    assert (only["costs"], only["connected"]) == ({"USD": "3.3"}, True)
    assert (only["first_seen"], only["last_seen"], only["unit"]) == ("2026-05", "2026-06", None)
    shown = outlay("accounts", "--month", "2026-05")
    assert shown.code == 0
    assert "3.30 USD" in shown.out
    assert "not visible" in shown.out


def test_without_a_bill_it_says_what_to_do(outlay: Outlay) -> None:
    assert "next: Add a connection" in outlay("accounts").out


def test_a_month_that_is_none_is_refused(outlay: Outlay) -> None:
    refused = outlay("accounts", "--month", "May")
    assert refused.code == 2
    assert "Write a month such as 2026-05." in refused.err


def test_a_linked_account_is_added_without_a_location(outlay: Outlay) -> None:
    role = "arn:aws:iam::012345678901:role/outlay"
    made = outlay("connections", "add", "linked", "web-prod", "--role-arn", role, "--json").json
    assert (made["kind"], made["location"], made["status"]) == ("linked", "", "pending-data")
    assert "outlay ingest web-prod" in outlay("connections", "show", "web-prod").out


def test_only_a_payers_connection_can_leave_accounts_out(outlay: Outlay, acme: Drops) -> None:
    refused = outlay("connections", "set", "acme", "--only-connected", "yes")
    assert refused.code == 2
    assert "no bill of an AWS payer" in refused.err
    outlay("connections", "add", "aws", "main", "--location", acme.folder)
    assert outlay("connections", "set", "main", "--only-connected", "yes", "--json").json["only_connected"] is True
    assert "connected accounts alone" in outlay("connections", "set", "main", "--check-every", "30").out
    assert outlay("connections", "set", "main", "--only-connected", "no", "--json").json["only_connected"] is False


def test_an_accounts_report_is_printed_in_each_form(outlay: Outlay, acme: Drops) -> None:
    (account,) = outlay("accounts", "--month", "2026-05", "--json").json["accounts"]
    words = ("account-report", account["account"], "--month", "2026-05")
    told = outlay(*words, "--json").json
    assert told["totals"] == {"USD": {"billed": "3.3", "effective": "3.3"}}
    assert "3.30" in outlay(*words).out
    head, *lines = outlay(*words, "--format", "csv").out.splitlines()
    assert head.startswith("month,payer,account")
    assert len(lines) == len(told["lines"])
    assert outlay(*words, "--format", "html").out.startswith("<!doctype html>")
    assert "no charges in that month" in outlay("account-report", account["account"], "--month", "2026-01").out
    assert outlay(*words, "--format", "csv", "--json").code == 2
    refused = outlay("account-report", "nobody")
    assert (refused.code, "outlay accounts" in refused.err) == (2, True)
