"""The explorer in a browser: the question, its chart and table, and the address that holds it all."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import SESSION, Site

DAILY = "/explorer?by=ServiceName&by=RegionId&granularity=day&range=last-30-days&compare=before&look=area&top=5"


def query(page: Page) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(page.url).query)


def drawn(page: Page) -> None:
    """Wait until every chart of the page is there."""
    expect(page.locator("[data-chart]:not([data-drawn])")).to_have_count(0)
    expect(page.locator("[data-chart] svg").first).to_be_visible()


def test_without_a_question_it_asks_for_services_by_month(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/explorer")
    assert query(page) == [("by", "ServiceName"), ("range", "last-12-months")]
    drawn(page)


def test_what_is_chosen_is_asked_at_once_and_stands_in_the_address(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/explorer")
    page.get_by_label("Group by").focus()
    page.get_by_label("Group by").select_option("RegionId")
    page.wait_for_url(re.compile("by=RegionId"))
    expect(page.get_by_label("Group by")).to_be_focused()
    page.get_by_label("Metric").select_option("billed")
    page.wait_for_url(re.compile("metric=billed"))
    page.get_by_label("Then by").select_option("Tags.team")
    page.wait_for_url(re.compile("by=Tags.team"))
    page.get_by_label("Tax").uncheck()
    page.wait_for_url(re.compile("category=Usage"))
    page.get_by_label("Compare with the period before").check()
    page.wait_for_url(re.compile("compare=before"))
    page.get_by_title("Lines").click()
    page.wait_for_url(re.compile("look=lines"))
    asked = query(page)
    assert asked[:3] == [("metric", "billed"), ("by", "RegionId"), ("by", "Tags.team")]
    assert ("category", "Tax") not in asked
    expect(page.get_by_role("columnheader", name="Change, %").first).to_be_visible()
    drawn(page)


def test_the_back_button_goes_from_question_to_question(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/explorer")
    first = page.url
    page.get_by_label("Group by").select_option("RegionId")
    page.wait_for_url(re.compile("by=RegionId"))
    page.get_by_label("Each", exact=True).select_option("quarter")
    page.wait_for_url(re.compile("granularity=quarter"))
    page.go_back()
    page.wait_for_url(re.compile("by=RegionId&range"))
    expect(page.get_by_label("Each", exact=True)).to_have_value("month")
    page.go_back()
    page.wait_for_url(first)
    expect(page.get_by_label("Group by")).to_have_value("ServiceName")
    drawn(page)
    page.go_forward()
    page.wait_for_url(re.compile("by=RegionId"))
    expect(page.get_by_label("Group by")).to_have_value("RegionId")


def test_a_shared_address_shows_another_person_the_same(site: Site, visit: Visit) -> None:
    mine, theirs = visit(site, "viewer"), visit(site, "administrator")
    mine.goto("/explorer")
    mine.get_by_label("Group by").select_option("ServiceProviderName")
    mine.wait_for_url(re.compile("by=ServiceProviderName"))
    theirs.goto(mine.url)
    assert theirs.locator("tbody").all_inner_texts() == mine.locator("tbody").all_inner_texts()
    assert theirs.locator("tbody").first.inner_text()
    assert theirs.url == mine.url


def test_each_currency_has_a_total_a_chart_and_a_table_of_its_own(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/explorer?by=x_Connection&range=all")
    totals = site.outlay("costs")["totals"]
    assert set(totals) == {"EUR", "USD"}
    shown = [text.replace(",", "") for text in page.locator(".outlay-total").all_inner_texts()]
    assert shown == [f"{round(float(totals[unit]), 2):.2f} {unit}" for unit in ("EUR", "USD")]
    assert page.locator("[data-chart] svg").count() == 2
    tables = page.locator(".outlay-table").all_inner_texts()
    connections = [set(re.findall(r"^[a-z][\w-]+", table, re.MULTILINE)) for table in tables]
    assert not connections[0] & connections[1]


def test_custom_days_wait_until_both_are_given(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer", width=PHONE)
    page.goto("/explorer")
    page.get_by_label("Days").select_option("custom")
    expect(page.get_by_label("First day")).to_be_focused()
    page.get_by_label("First day").fill("2026-10-05")
    page.get_by_label("Last day").fill("2026-10-09")
    page.get_by_role("button", name="Show these days").click()
    page.wait_for_url(re.compile("from=2026-10-05&to=2026-10-09"))
    expect(page.get_by_label("First day")).to_have_value("2026-10-05")


def test_a_filter_is_found_by_searching_its_values(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/explorer?by=RegionId")
    page.get_by_text("Add a filter").click()
    page.get_by_label("Column").select_option("ServiceName")
    page.get_by_label("Search the values of Service").fill("elastic")
    expect(page.get_by_label("Amazon Simple Storage Service")).to_have_count(0)
    page.get_by_label("Amazon Elastic Compute Cloud").check()
    page.get_by_role("button", name="Apply the filter").click()
    page.wait_for_url(re.compile("is.ServiceName=Amazon"))
    assert ("is.ServiceName", "Amazon Elastic Compute Cloud") in query(page)
    expect(page.get_by_role("link", name="Remove the filter Service is Amazon Elastic Compute Cloud")).to_be_visible()
    page.get_by_text("Add a filter").click()
    page.get_by_label("Column").select_option("RegionId")
    page.get_by_label("Which").select_option("filled")
    expect(page.get_by_text("no value is needed")).to_be_visible()
    page.get_by_role("button", name="Apply the filter").click()
    page.wait_for_url(re.compile("filled.RegionId=1"))
    page.get_by_role("link", name="Remove the filter Service is Amazon Elastic Compute Cloud").click()
    page.wait_for_url(lambda url: "is.ServiceName" not in url)
    assert ("filled.RegionId", "1") in query(page)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("metric=cheap", "There is no metric"),
        ("by=Nonsense", "A charge has no column"),
        ("granularity=hour&range=all", "31 days"),
        ("range=all&compare=before", "there is no period before"),
        ("look=pie", "There is no chart"),
        ("lines=99999999", "lines"),
        ("from=2026-13", "is no date"),
        ("surprise=1", "has no parameter"),
    ],
)
def test_an_address_that_is_no_question_is_told_in_the_form(site: Site, address: str, said: str) -> None:
    answer = site.ask(f"/explorer?{address}", "viewer")
    assert answer.status_code == 400
    assert said in answer.text
    assert 'id="q-metric"' in answer.text


def test_without_scripts_the_form_leads_to_the_same_address(site: Site) -> None:
    sent = "go=1&metric=billed&by=ServiceName&by=&range=last-month&from=2020-01-01&to=&granularity=day&top=10"
    added = "&new-column=RegionId&new-operator=not&new-value=us-east-1"
    answer = site.ask(f"/explorer?{sent}{added}", "viewer")
    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        "/explorer?metric=billed&by=ServiceName&granularity=day&range=last-month&not.RegionId=us-east-1"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_answer_is_accessible_and_fits(site: Site, visit: Visit, width: int, theme: Theme) -> None:
    page = visit(site, "viewer", width=width, theme=theme)
    page.goto(f"{DAILY}&not.RegionId=us-west-2")
    drawn(page)
    page.get_by_role("link", name="The numbers of the chart").click()
    expect(page.get_by_role("heading", name="The numbers of the chart").first).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_text("Add a filter").click()
    page.get_by_label("Column").select_option("ServiceName")
    expect(page.get_by_label("Search the values of Service")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])


def test_several_values_are_chosen_and_taken_away_in_the_list(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/explorer?by=RegionId&is.ServiceName=AWS%20Lambda&is.ServiceName=Compute")
    page.get_by_text("Add a filter").click()
    page.get_by_label("Column").select_option("ServiceName")
    expect(page.get_by_label("AWS Lambda")).to_be_checked()
    page.get_by_label("AWS Lambda").uncheck()
    page.get_by_label("AmazonCloudWatch").check()
    page.get_by_label("Search the values of Service").fill("queue")
    page.get_by_label("Queue", exact=True).or_(page.get_by_label("Nordlicht Queue")).first.wait_for()
    expect(page.get_by_label("AmazonCloudWatch")).to_be_checked()
    expect(page.get_by_label("AWS Lambda")).to_have_count(0)
    page.get_by_label("Nordlicht Queue").check()
    page.get_by_role("button", name="Apply the filter").click()
    page.wait_for_url(re.compile("Nordlicht"))
    chosen = [value for name, value in query(page) if name == "is.ServiceName"]
    assert chosen == ["AmazonCloudWatch", "Compute", "Nordlicht Queue"]


def test_when_it_is_busy_the_question_stays_as_it_is(site: Site, browser: Browser) -> None:
    # Not by `visit`: a page that is refused says so in its console.
    context = browser.new_context(base_url=site.url)
    context.add_cookies([{"name": SESSION, "value": site.home.cookies["viewer"], "url": site.url}])
    page = context.new_page()
    page.goto("/explorer")
    page.route("**/explorer?go=1*", lambda route: route.fulfill(status=503, body="<p>Too much at once.</p>"))
    page.get_by_label("Group by").select_option("RegionId")
    expect(page.locator("#explorer-problem")).to_contain_text("Too much at once")
    expect(page.get_by_label("Group by")).to_have_value("RegionId")
    assert "by=ServiceName" in page.url
    context.close()


def test_without_bills_it_says_so(empty_site: Site, visit: Visit) -> None:
    page = visit(empty_site, "viewer", width=PHONE)
    page.goto("/explorer")
    expect(page.get_by_text("There are no charges yet")).to_be_visible()
    page.goto("/explorer/charges")
    expect(page.get_by_text("No charge fits")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
