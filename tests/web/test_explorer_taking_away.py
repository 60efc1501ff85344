"""Exports as CSV, Parquet and PNG, and saved views."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import Home, Site

ASKED = "/explorer?by=ServiceName&range=last-month"


def downloaded(page: Page, entry: str, folder: Path) -> Path:
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.locator(".dropdown-menu.show").get_by_text(entry).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def totals(rows: list[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for currency, amount in rows:
        found[currency] = found.get(currency, Decimal(0)) + amount
    return found


@pytest.fixture
def known(site: Site) -> dict[str, Decimal]:
    answer = site.ask("/explorer/export/answer.csv?granularity=none&range=last-month", "viewer")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    return {row["currency"]: Decimal(row["cost"]) for row in rows}


def test_an_answer_is_exported_to_the_last_digit(
    site: Site, visit: Visit, tmp_path: Path, known: dict[str, Decimal]
) -> None:
    page = visit(site, "viewer")
    page.goto(ASKED)
    path = downloaded(page, "The answer as CSV", tmp_path)
    assert re.fullmatch(r"outlay-effective-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv", path.name)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert list(rows[0]) == ["period", "ServiceName", "currency", "cost"]
    assert totals([(row["currency"], Decimal(row["cost"])) for row in rows]) == known
    page.keyboard.press("Escape")
    table = pq.read_table(downloaded(page, "The answer as Parquet", tmp_path))
    assert totals([(row["currency"], row["cost"]) for row in table.to_pylist()]) == known


def test_charges_are_exported_with_every_column(site: Site, known: dict[str, Decimal], tmp_path: Path) -> None:
    answer = site.ask("/explorer/export/charges.csv?by=ServiceName&range=last-month", "viewer")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="outlay-charges-effective-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert totals([(row["BillingCurrency"], Decimal(row["EffectiveCost"])) for row in rows]) == known
    parquet = site.ask("/explorer/export/charges.parquet?by=ServiceName&range=last-month", "viewer")
    path = tmp_path / "charges.parquet"
    path.write_bytes(parquet.content)
    assert pq.read_table(path).num_rows == len(rows)
    assert not list((site.home.home / "spool").glob("export-*"))


def test_only_a_few_files_are_made_or_fetched_at_once(seeded: Home, site: Site) -> None:
    path = "/explorer/export/charges.csv?range=all"
    done = subprocess.run(
        [sys.executable, "-m", "tests.web.fetching", seeded.cookies["viewer"], path],
        env=dict(site.environ),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout)
    assert (set(told["opened"]), told["refused"], told["again"]) == ({200}, [503, "30"], 200)
    assert told["size"] > 1_000
    # One after another, no number of them is too many.
    assert [site.ask(path, "viewer").status_code for _ in range(6)] == [200] * 6


def test_cells_that_a_spreadsheet_would_run_are_harmless(site: Site) -> None:
    answer = site.ask("/explorer/export/answer.csv?by=Tags.%3Dcmd&range=last-month", "viewer")
    assert answer.text.splitlines()[0] == "period,Tags.=cmd,currency,cost"
    other = site.ask("/explorer/export/answer.csv?by=Tags.team&range=last-month", "viewer")
    for row in csv.reader(io.StringIO(other.text)):
        assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row)


@pytest.mark.parametrize("path", ["answer.xlsx", "secrets.csv", "answer.", "charges.CSV"])
def test_what_cannot_be_exported_is_not_there(site: Site, path: str) -> None:
    assert site.ask(f"/explorer/export/{path}?range=all", "viewer").status_code == 404


def test_the_chart_is_a_picture(site: Site, visit: Visit, tmp_path: Path) -> None:
    page = visit(site, "viewer", theme="dark")
    page.goto(ASKED)
    expect(page.locator("[data-chart] svg").first).to_be_visible()
    path = downloaded(page, "The chart in USD as PNG", tmp_path)
    assert path.name == "outlay-effective-USD.png"
    picture = path.read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    size = (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24]))
    assert size == (2400, 1280)


def test_a_view_is_saved_shared_found_and_removed(site: Site, visit: Visit) -> None:
    mine, theirs = visit(site, "administrator", width=PHONE), visit(site, "viewer")
    name = "Services of last month, for the steering committee of finance and platform"
    mine.goto(f"{ASKED}&look=lines")
    asked = mine.url
    mine.get_by_role("button", name="Saved views").click()
    mine.get_by_role("button", name="Save this view").click()
    mine.get_by_label("Name").fill(name)
    mine.get_by_label("Show it to everybody").check()
    mine.get_by_role("button", name="Save", exact=True).click()
    expect(mine.get_by_text(f"{name} is saved.")).to_be_visible()
    assert mine.url == asked
    theirs.goto("/explorer")
    theirs.get_by_role("button", name="Saved views").click()
    theirs.get_by_role("link", name=name).click()
    theirs.wait_for_url(asked)
    theirs.goto("/explorer/views")
    expect(theirs.get_by_text("shared by ada")).to_be_visible()
    expect(theirs.get_by_role("button", name="Remove")).to_have_count(0)
    mine.goto("/explorer/views")
    assert (axe(mine), overflow(mine)) == ([], [])
    mine.get_by_role("button", name=re.compile(f"Remove.*{name}")).click()
    expect(mine.get_by_text("No saved views yet")).to_be_visible()


def test_a_view_of_ones_own_is_seen_by_nobody_else(site: Site) -> None:
    told = {"name": "mine", "query": "by=RegionId&range=all"}
    assert site.ask("/explorer/views", "administrator", "POST", data=told).status_code == 302
    assert "mine" not in site.ask("/explorer/views", "viewer").text.partition("<main")[2]
    page = site.ask("/explorer/views", "administrator").text
    found = re.search(r"/explorer/views/(\d+)/remove", page)
    assert found is not None
    assert site.ask(found[0], "viewer", "POST").status_code == 404
    assert site.ask(found[0], "administrator", "POST").status_code == 302


def test_a_view_of_the_same_name_takes_the_place_of_the_one_before(site: Site) -> None:
    for query in ("by=RegionId&range=all", "by=ServiceName&range=all"):
        site.ask("/explorer/views", "viewer", "POST", data={"name": "same", "query": query})
    page = site.ask("/explorer/views", "viewer").text
    assert page.count(">same<") == 1
    assert "by=ServiceName" in page


@pytest.mark.parametrize(
    "told",
    [
        {"name": "", "query": "range=all"},
        {"name": "x" * 81, "query": "range=all"},
        {"name": "a\x00b", "query": "range=all"},
        {"name": "good", "query": "metric=nonsense"},
        {"name": "good", "query": "next=https://evil.example"},
    ],
)
def test_a_view_that_is_none_is_not_saved(site: Site, told: dict[str, str]) -> None:
    assert site.ask("/explorer/views", "viewer", "POST", data=told).status_code == 400
