"""The page of accounts, and the same by the API."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import Site
from tests.web.tokens import Api, token


@pytest.fixture(scope="module")
def api(site: Site) -> Api:
    return Api(site, token(site, "viewer", "read"))


def test_the_api_tells_accounts_as_the_command_does(site: Site, api: Api) -> None:
    told = api.get("accounts")
    assert told == site.outlay("accounts")
    connected = api.get("accounts", connected="true")["accounts"]
    others = api.get("accounts", connected="false")["accounts"]
    assert len(connected) + len(others) == len(told["accounts"])
    assert connected
    assert others
    refused = api.ask("accounts", params={"metric": "quantity"})
    assert (refused.status_code, refused.json()["where"]) == (400, "metric")


def test_accounts_are_searched_filtered_and_sorted(site: Site, api: Api, visit: Visit) -> None:
    told = api.get("accounts")["accounts"]
    page = visit(site, "viewer")
    page.goto("/")
    page.get_by_role("link", name="Accounts").click()
    rows = page.locator("tr[data-account]")
    expect(rows).to_have_count(len(told))
    page.get_by_label("Connected", exact=True).select_option("no")
    expect(rows).to_have_count(sum(not each["connected"] for each in told))
    expect(page).to_have_url(re.compile("connected=no"))
    wanted = next(each["account"] for each in told if not each["connected"])
    page.get_by_label("Search accounts").fill(wanted)
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Not connected")
    page.goto("/accounts?sort=account")
    ids = rows.evaluate_all("rows => rows.map(row => row.dataset.account)")
    assert ids == sorted(each["account"] for each in told)
    page.get_by_label("Search accounts").fill("nobody-has-this")
    expect(page.get_by_text("No account fits")).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(WIDE, "light"), (PHONE, "dark")])
def test_the_page_of_accounts_is_accessible_and_fits(site: Site, visit: Visit, width: int, theme: Theme) -> None:
    page = visit(site, "viewer", width=width, theme=theme)
    page.goto("/accounts")
    expect(page.locator("tr[data-account]").first).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])


def test_without_a_bill_the_page_says_where_accounts_come_from(empty_site: Site, visit: Visit) -> None:
    page = visit(empty_site, "viewer")
    page.goto("/accounts")
    expect(page.get_by_text("No account is known yet")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])


def test_a_linked_account_is_connected_by_its_form_and_asks_for_no_bill(site: Site, visit: Visit) -> None:
    page = visit(site, "administrator", width=PHONE)
    page.goto("/add-connection")
    page.get_by_role("link", name="Get started with AWS linked account").click()
    expect(page.get_by_label("Bucket Name")).to_have_count(0)
    page.get_by_label("Connection Name").fill("web-prod")
    page.get_by_label("Role ARN").fill("arn:aws:iam::012345678901:role/outlay")
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="web-prod")).to_be_visible()
    expect(page.locator("[data-reason]")).to_have_text("Not checked yet.")
    expect(page.get_by_text("AWS linked account")).to_be_visible()
    expect(page.get_by_role("heading", name="Billing periods")).to_have_count(0)
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("link", name="Update", exact=True).click()
    expect(page.get_by_label("Location")).to_have_count(0)
    page.get_by_label("Minutes, from 5").or_(page.get_by_label("Check every")).fill("120")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("every 120 minutes")).to_be_visible()
    told = site.outlay("connections", "show", "web-prod")
    assert (told["kind"], told["location"], told["check_every"]) == ("linked", "", 120)
    page.goto("/connections")
    expect(page.locator("tr[data-connection=web-prod]")).to_contain_text("AWS linked account")


def test_a_linked_account_is_added_by_the_api_without_a_location(site: Site) -> None:
    api = Api(site, token(site, "administrator", "write"))
    made = api.ask("connections", "POST", json={"name": "web-dev", "kind": "linked", "profile": "dev"})
    assert (made.status_code, made.json()["kind"], made.json()["location"]) == (201, "linked", "")
    refused = api.ask("connections", "POST", json={"name": "x", "kind": "linked", "location": "s3://bucket/path"})
    assert (refused.status_code, refused.json()["where"]) == (400, "location")


def test_only_connected_accounts_count_while_the_switch_is_on(site: Site, visit: Visit) -> None:
    api = Api(site, token(site, "administrator", "write"))
    name = next(
        each["connections"][0] for each in api.get("accounts")["accounts"] if not each["connected"] and each["costs"]
    )
    whole = api.get("costs", where=f"connection={name}", granularity="none")["totals"]
    page = visit(site, "administrator", width=PHONE)
    page.goto(f"/connections/{name}")
    page.get_by_role("button", name="Count only connected accounts").click()
    expect(page.get_by_text("Only connected accounts count now.")).to_be_visible()
    told = api.get(f"connections/{name}/ignored")
    assert told["only_connected"]
    for currency, amount in told["ignored"].items():
        expect(page.locator("[data-ignored=month]")).to_contain_text(f"{Decimal(amount):,.2f} {currency}")
    some = api.get("costs", where=f"connection={name}", granularity="none")["totals"]
    for currency, total in whole.items():
        left_out = Decimal(told["ignored_in_all"].get(currency, "0"))
        assert Decimal(some.get(currency, "0")) + left_out == Decimal(total)
    assert some != whole
    assert (axe(page), overflow(page)) == ([], [])
    page.goto("/")
    expect(page.locator("[data-ignored]")).to_contain_text("Accounts that are not connected are left out")
    expect(page.locator("[data-ignored]")).to_contain_text(name)
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("link", name="Which accounts").click()
    expect(page.get_by_text("does not count").first).to_be_visible()
    changed = api.ask(f"connections/{name}", "PATCH", json={"only_connected": False})
    assert (changed.status_code, changed.json()["only_connected"]) == (200, False)
    assert api.get("costs", where=f"connection={name}", granularity="none")["totals"] == whole
    page.goto("/")
    expect(page.locator("[data-ignored]")).to_have_count(0)


def test_an_accounts_report_is_shown_printed_and_saved(site: Site, api: Api, visit: Visit) -> None:
    told = next(each for each in api.get("accounts")["accounts"] if not each["connected"] and each["costs"])
    page = visit(site, "viewer", width=PHONE)
    page.goto("/accounts")
    page.locator(f"tr[data-account='{told['account']}']").get_by_role("link", name=told["account"]).first.click()
    for currency, amount in told["costs"].items():
        shown = f"{Decimal(amount):,.2f} {currency}".replace("-", "−")
        expect(page.locator(f"[data-total={currency}]")).to_have_text(shown)
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")
    path = f"accounts/{told['account']}/report"
    report = api.get(path)
    assert {currency: total["effective"] for currency, total in report["totals"].items()} == told["costs"]
    assert report == site.outlay("account-report", told["account"])
    as_csv, as_html = (api.ask(path, params={"format": each}) for each in ("csv", "html"))
    assert len(as_csv.text.splitlines()) == len(report["lines"]) + 1
    assert as_html.headers["Content-Disposition"].endswith('.html"')
    assert api.ask("accounts/nobody/report").status_code == 404
    assert site.ask("/accounts/nobody/report", "viewer").status_code == 404
    assert site.ask(f"/accounts/{told['account']}/report.exe", "viewer").status_code == 404
