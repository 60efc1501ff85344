"""Update in a browser, on the stand-in: another export is found, tested and gone on with, and one goes back again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from outlay.period import BillingPeriod
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import EXTERNAL_ID, Organisation, bill, build, export, report
from tests.aws_standin.standin import StandIn
from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import NAMES, Home, Site, serving
from tests.web.tokens import Api, token

PATIENCE = 30_000
AUGUST, SEPTEMBER = BillingPeriod(2026, 8), BillingPeriod(2026, 9)
BUCKET = "fernwick-billing"


@dataclass(frozen=True)
class Aws:
    """A site whose AWS is the stand-in: `payer` reads a legacy report of two months, and an export has one of them."""

    site: Site
    organisation: Organisation

    @property
    def access(self) -> tuple[str, ...]:
        return ("--role-arn", self.organisation.fernwick.role_arn, "--external-id", EXTERNAL_ID)

    def counted(self) -> dict[str, list[str]]:
        """Which connections count, by month."""
        answer = Api(self.site, token(self.site)).get("costs", by="connection", granularity="month", metric="billed")
        found: dict[str, list[str]] = {}
        for row in answer["rows"]:
            found.setdefault(row["period"][:7], []).append(row["x_Connection"])
        return found


@pytest.fixture(scope="module")
def aws(bare: Home) -> Iterator[Aws]:
    bare.put_back()
    standin = StandIn()
    try:
        organisation = build(standin)
        member = organisation.fernwick
        standin.client("cur", member.account).put_report_definition(ReportDefinition=report("legacy", BUCKET))
        exports = standin.client("bcm-data-exports", member.account)
        exports.create_export(Export=export("newer", BUCKET, prefix="exports"))
        exports.create_export(Export=export("in-focus", BUCKET, table="FOCUS_1_2_AWS", prefix="focus"))
        for name, periods in (("legacy", (AUGUST, SEPTEMBER)), ("newer", (SEPTEMBER,))):
            for period in periods:
                rows = bill(member.payer, period, date(period.year, period.month_number, 1))
                deliver(standin, member.account, name, period, rows)
        environ = {
            **organisation.own_key.environ,
            "AWS_ENDPOINT_URL": standin.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
        with serving(bare, environ) as site:
            made = Aws(site, organisation)
            place = ("--location", f"s3://{BUCKET}/cur", "--export", "legacy")
            site.outlay("connections", "add", "aws", "payer", *place, *made.access)
            site.outlay("ingest", "payer")
            yield made
    finally:
        standin.close()


def _looks(page: Page) -> None:
    assert (axe(page), overflow(page)) == ([], [])


def _use(page: Page, export: str) -> None:
    """Each field that it fills in is checked anew."""
    page.get_by_role("button", name=f"Use {export}").click()
    page.wait_for_load_state("networkidle")


def test_another_export_is_picked_tested_gone_on_with_and_gone_back_from(aws: Aws, visit: Visit) -> None:
    page = visit(aws.site, "administrator")
    page.goto("/connections/payer")
    page.get_by_role("link", name="Update", exact=True).click()
    page.get_by_role("link", name="Export or bucket").click()
    name = page.get_by_label("Connection Name", exact=True)
    assert name.input_value() == "payer-cur2"
    assert page.get_by_label("Month of the change").input_value() == ""
    page.get_by_role("button", name="Find exports").click()
    expect(page.locator("[data-export=newer]")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("[data-export=legacy]")).to_contain_text("In use now")
    assert page.get_by_label("Bucket Name").input_value() == ""
    _use(page, "in-focus")
    assert name.input_value() == "payer-focus"
    _use(page, "newer")
    assert name.input_value() == "payer-cur2"
    _looks(page)
    # A path that is wrong is told, and nothing is saved.
    page.get_by_label("Bucket Path").fill("exports/wrong")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Test it and go on there").click()
    expect(page.locator("#test")).to_contain_text("The bills lie at s3://fernwick-billing/exports", timeout=PATIENCE)
    expect(page.get_by_label("Save it although the test fails")).to_be_visible()
    _looks(page)
    assert aws.site.ask("/connections/payer-cur2", "viewer").status_code == 404
    page.get_by_role("button", name="Use exports as path").click()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Test it and go on there").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("payer-cur2", timeout=PATIENCE)
    move = page.locator("#move-payer-cur2")
    expect(move).to_contain_text("It waits for the first month that payer-cur2 holds in full")
    assert aws.counted() == {"2026-08": ["payer"], "2026-09": ["payer"]}
    aws.site.outlay("ingest", "payer-cur2")
    page.reload()
    expect(move).to_contain_text("payer-cur2 from September 2026 on")
    row = move.get_by_role("row", name="September 2026")
    expect(row.locator("[data-difference]")).to_have_text("none")
    assert row.get_by_label("Counts").count() == 1
    assert aws.counted() == {"2026-08": ["payer"], "2026-09": ["payer-cur2"]}
    _looks(page)
    page.get_by_role("link", name="Go back to payer").click()
    expect(page.locator("main")).to_contain_text("payer counts everything again and is checked")
    _looks(page)
    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("payer")
    expect(page.locator("main")).to_contain_text(f"{NAMES['administrator']} went back: it counts everything again")
    assert aws.counted() == {"2026-08": ["payer"], "2026-09": ["payer"]}
    page.goto("/connections/payer-cur2")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
    page.get_by_role("button", name="Go on with it again").click()
    expect(move).to_contain_text("payer-cur2 from September 2026 on")
    assert aws.counted() == {"2026-08": ["payer"], "2026-09": ["payer-cur2"]}
    aws.site.outlay("connections", "remove", "payer-cur2", "--purge", "--yes")


@pytest.mark.parametrize(("width", "theme"), [(PHONE, "light"), (WIDE, "dark")], ids=["phone", "dark"])
def test_the_pages_of_a_change_fit(aws: Aws, visit: Visit, width: int, theme: Theme) -> None:
    new = ("--location", f"s3://{BUCKET}/exports", "--export", "newer", "--as", f"payer-{theme}")
    aws.site.outlay("connections", "update", "payer", *new)
    aws.site.outlay("ingest", f"payer-{theme}")
    page = visit(aws.site, "administrator", width=width, theme=theme)
    base = f"/connections/payer-{theme}"
    for path in (base, f"{base}/edit", f"{base}/move", f"{base}/back", "/connections/payer"):
        page.goto(path)
        _looks(page)
    page.goto(f"{base}/back")
    page.get_by_label("It is removed, with its charges").check()
    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_role("status").first).to_contain_text("payer counts everything again")
    assert aws.site.ask(base, "viewer").status_code == 404


def test_credentials_that_fail_their_test_are_not_saved_unless_somebody_insists(aws: Aws, visit: Visit) -> None:
    page = visit(aws.site, "administrator")
    aws.site.outlay("connections", "add", "aws", "keyed", "--location", f"s3://{BUCKET}/cur", *aws.access)
    page.goto("/connections/keyed/edit")
    page.get_by_label("Assume a role").check()
    page.get_by_label("Role ARN").fill(f"{aws.organisation.fernwick.role_arn}-other")
    page.get_by_label("External id", exact=True).fill(EXTERNAL_ID)
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("so keyed keeps the one it has", timeout=PATIENCE)
    expect(page.locator("#test [data-step=access]")).to_have_attribute("data-state", "failed")
    _looks(page)
    page.get_by_label("Save it although the test fails").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Changed: access")
    expect(page.locator("[data-access-said]")).to_contain_text("-other")


def test_the_api_updates_goes_back_and_on(aws: Aws) -> None:
    api = Api(aws.site, token(aws.site))
    wanted = {"name": "payer-api", "location": f"s3://{BUCKET}/exports/wrong", "export": "newer"}
    refused = api.ask("connections/payer/move", "POST", json=wanted)
    assert (refused.status_code, "The bills lie at" in refused.json()["next"]) == (400, True)
    answer = api.ask("connections/payer/move", "POST", json={**wanted, "location": f"s3://{BUCKET}/exports"})
    assert answer.status_code == 201, answer.text
    told: Any = api.get("connections/payer-api/moves")
    assert (told[0]["state"], told[0]["month"], told[0]["both"]) == ("waiting", None, [])
    aws.site.outlay("ingest", "payer-api")
    (told,) = api.get("connections/payer-api/moves")
    assert (told["state"], told["month"], told["both"][0]["difference"]) == ("counting", "2026-09", {"USD": "0"})
    back = api.ask("connections/payer-api/back", "POST", json={"then": "check"})
    assert (back.status_code, back.json()["name"]) == (200, "payer")
    assert aws.counted()["2026-09"] == ["payer"]
    assert api.get("connections/payer-api")["status"] != "paused"
    assert api.ask("connections/payer-api/back", "POST", json={}).status_code == 400
    (told,) = api.ask("connections/payer-api/forward", "POST", json={"month": "2026-09"}).json()
    assert (told["state"], aws.counted()["2026-09"]) == ("counting", ["payer-api"])
    assert [act["what"] for act in api.get("connections/payer-api/acts")][:2] == ["forward", "back"]
    role = {"role_arn": f"{aws.organisation.fernwick.role_arn}-other", "external_id": EXTERNAL_ID}
    kept = api.ask("connections/payer-api", "PATCH", json=role)
    assert (kept.status_code, kept.json()["where"]) == (400, "access")
    assert api.ask("connections/payer-api", "PATCH", json={**role, "untested": True}).status_code == 200
    api.ask("connections/payer-api/back", "POST", json={"then": "remove"})
    assert api.ask("connections/payer-api").status_code == 404


def test_commands_update_show_and_go_back(aws: Aws) -> None:
    place = ("--location", f"s3://{BUCKET}/exports", "--export", "newer")
    assert aws.site.outlay("connections", "update", "payer", *place)["state"] == "waiting"
    aws.site.outlay("ingest", "payer-cur2")
    (shown,) = aws.site.outlay("connections", "moves", "payer")
    assert shown == Api(aws.site, token(aws.site)).get("connections/payer/moves")[0]
    assert (shown["month"], shown["both"][0]["counted"]) == ("2026-09", "new")
    told = _told(aws, "moves", "payer")
    assert "payer counts up to the month before 2026-09, payer-cur2 from 2026-09 on." in told
    assert "difference" in told
    back = _told(aws, "go-back", "payer-cur2", "--yes")
    assert "payer counts everything again, and is checked. payer-cur2 counts nothing. It is paused." in back
    assert "payer-cur2 from 2026-09 on" in _told(aws, "go-on", "payer-cur2", "--month", "2026-09")
    aws.site.outlay("connections", "go-back", "payer-cur2", "--then", "remove", "--yes")
    assert "payer has another access now, and can read with it." in _told(aws, "update", "payer", *aws.access)


def _told(aws: Aws, *words: str) -> str:
    """What a command says to people, in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "outlay.cli", "connections", *words],
        env=dict(aws.site.environ),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return " ".join(done.stdout.split())
