"""Links that are used once, the users page, and `outlay users`."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys

import pytest
import requests

from outlay.settings import Settings
from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import CSRF, NAMES, PASSWORD, Home, Site, serving


def first_link(home: Home) -> str:
    """As `outlay up` has it made, in a process of its own."""
    program = (
        "import sys; from outlay.settings import Settings; from outlay.web.accounts.links import first_link;"
        "sys.stdout.write(str(first_link(Settings.read())))"
    )
    words = [sys.executable, "-c", program]
    return subprocess.run(words, env=home.environ, stdout=subprocess.PIPE, text=True, check=True).stdout


def kept(home: Home) -> str:
    """All that the database holds, as text."""
    with sqlite3.connect(home.home / "state.db") as database:
        return "\n".join(database.iterdump())


def age_links(home: Home) -> None:
    with sqlite3.connect(home.home / "state.db") as database:
        database.execute("UPDATE web_signinlink SET expires_at = '2020-01-01 00:00:00'")


def path_of(link: str) -> str:
    return link.partition(":8000")[2]


def test_the_first_start_asks_for_the_first_administrator_once(
    tmp_path_factory: pytest.TempPathFactory, visit: Visit
) -> None:
    home = Home(tmp_path_factory.mktemp("first"), {})
    replaced, link = first_link(home), first_link(home)
    assert link.rpartition("/")[2] not in kept(home)
    with serving(home) as site:
        assert site.ask(replaced).status_code == 410
        page = visit(site, width=PHONE)
        page.goto(link)
        assert (axe(page), overflow(page)) == ([], [])
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password", exact=True).fill("ada")
        page.get_by_label("Password, again").fill("ada")
        page.get_by_role("button", name="Create the account").click()
        assert "too short" in page.locator(".invalid-feedback").inner_text()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password, again").fill(PASSWORD)
        page.get_by_role("button", name="Create the account").click()
        page.wait_for_url("**/")
        assert site.ask(link).status_code == 410
        assert site.outlay("users", "list")[0]["role"] == "administrator"
    assert first_link(home) == "None"


def test_a_link_that_is_too_old_is_over_and_says_what_to_do(shared_site: Site) -> None:
    path = path_of(shared_site.outlay("users", "add", "late")["link"])
    assert shared_site.ask(path).status_code == 200
    age_links(shared_site.home)
    for method in ("GET", "POST"):
        answer = shared_site.ask(path, method=method, data={"password": PASSWORD, "again": PASSWORD})
        assert answer.status_code == 410
        assert "outlay users link" in answer.text


def test_looking_at_a_link_does_not_use_it_up_and_using_it_does(shared_site: Site) -> None:
    path = path_of(shared_site.outlay("users", "add", "once")["link"])
    told = {"password": PASSWORD, "again": PASSWORD}
    assert [shared_site.ask(path).status_code for _ in range(3)] == [200] * 3
    assert shared_site.ask(path, method="POST", data=told).status_code == 302
    assert shared_site.ask(path, method="POST", data=told).status_code == 410


def test_a_new_link_ends_the_one_before(shared_site: Site) -> None:
    old = path_of(shared_site.outlay("users", "add", "twice")["link"])
    new = path_of(shared_site.outlay("users", "link", "twice")["link"])
    assert (shared_site.ask(old).status_code, shared_site.ask(new).status_code) == (410, 200)


def test_an_administrator_adds_a_user_changes_the_role_and_removes(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, "administrator")
    page.goto("/users")
    page.get_by_label("Name").fill("margaret")
    page.get_by_role("button", name="Add and make a link").click()
    link = page.get_by_label("The link").input_value()
    assert link.startswith(f"{shared_site.url}/link/")
    page.goto("/users")
    assert link not in page.content()
    page.get_by_role("button", name=re.compile("Make administrator.*margaret")).click()
    assert "margaret is an administrator now" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name=re.compile("Remove.*margaret")).click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("margaret is removed").wait_for()
    assert "margaret" not in [each["name"] for each in shared_site.outlay("users", "list")]


def test_a_name_that_is_taken_is_told_at_its_field(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, "administrator")
    page.goto("/users")
    page.get_by_label("Name").fill("ADA")
    page.get_by_role("button", name="Add and make a link").click()
    assert "already" in page.locator(".invalid-feedback").inner_text()


def test_the_last_administrator_stays_one(shared_site: Site) -> None:
    number = 1
    answer = shared_site.ask(f"/users/{number}/role", "administrator", "POST", data={"role": "viewer"})
    assert answer.status_code == 302
    shared_site.ask(f"/users/{number}/remove", "administrator", "POST")
    told = {each["name"]: each["role"] for each in shared_site.outlay("users", "list")}
    assert told[NAMES["administrator"]] == "administrator"
    assert "only administrator" in shared_site.ask("/users", "administrator").text


def test_a_removed_user_is_signed_out_at_once(shared_site: Site) -> None:
    path = path_of(shared_site.outlay("users", "add", "brief")["link"])
    session = shared_site.session()
    session.get(f"{shared_site.url}{path}", timeout=60)
    told = {"password": PASSWORD, "again": PASSWORD}
    session.post(f"{shared_site.url}{path}", data=told, headers=csrf(session, shared_site), timeout=60)
    assert session.get(f"{shared_site.url}/account", allow_redirects=False, timeout=60).status_code == 200
    shared_site.outlay("users", "remove", "brief", "--yes")
    assert session.get(f"{shared_site.url}/account", allow_redirects=False, timeout=60).status_code == 302


def csrf(session: requests.Session, site: Site) -> dict[str, str]:
    return {"X-CSRFToken": session.cookies[CSRF] or "", "Referer": f"{site.url}/"}


def test_links_begin_with_the_sites_address() -> None:
    assert Settings.read({"OUTLAY_URL": "https://outlay.example.com/"}).url == "https://outlay.example.com"
