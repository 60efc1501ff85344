"""Signing in and out, with a password; guessers, sessions, and where one goes on to."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import requests

from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import NAMES, PASSWORD, SESSION, Site

WRONG = "The name or the password is not right."


def sign_in(
    site: Site, name: str, password: str, session: requests.Session | None = None, **more: str
) -> requests.Response:
    session = session or site.session()
    session.get(f"{site.url}/sign-in", timeout=60)
    headers = {"X-CSRFToken": session.cookies["outlay-csrf"] or "", "Referer": f"{site.url}/sign-in"}
    told = {"login": name, "password": password, **more}
    return session.post(f"{site.url}/sign-in", data=told, headers=headers, allow_redirects=False, timeout=60)


def test_one_signs_in_goes_on_to_the_page_one_wanted_and_signs_out(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site)
    page.goto("/account/tokens")
    assert page.url.endswith("/sign-in?next=%2Faccount%2Ftokens")
    page.get_by_label("Name").fill(NAMES["viewer"])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account/tokens")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/account/tokens")
    assert "/sign-in" in page.url


def test_a_wrong_password_is_told_where_it_was_typed(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, width=PHONE, theme="dark")
    page.goto("/sign-in")
    page.get_by_label("Name").fill("somebody")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    assert page.get_by_role("alert").inner_text().strip() == WRONG
    assert page.get_by_label("Password").input_value() == ""
    assert (axe(page), overflow(page)) == ([], [])


def test_signing_in_begins_a_new_session(shared_site: Site) -> None:
    session = shared_site.session()
    session.cookies.set(SESSION, "x" * 32, domain="127.0.0.1")
    assert sign_in(shared_site, NAMES["viewer"], PASSWORD, session).status_code == 302
    assert session.cookies[SESSION] != "x" * 32
    planted = shared_site.session()
    planted.cookies.set(SESSION, "x" * 32)
    assert planted.get(f"{shared_site.url}/account", allow_redirects=False, timeout=60).status_code == 302


def test_signing_out_ends_the_session_on_the_server(shared_site: Site) -> None:
    session = shared_site.session()
    sign_in(shared_site, NAMES["viewer"], PASSWORD, session)
    kept = session.cookies[SESSION] or ""
    session.post(f"{shared_site.url}/sign-out", headers=shared_site.csrf(session), timeout=60)
    again = shared_site.session()
    again.cookies.set(SESSION, kept)
    answer = again.get(f"{shared_site.url}/account", allow_redirects=False, timeout=60)
    assert answer.status_code == 302


def test_sessions_that_are_over_are_removed_when_somebody_signs_in(shared_site: Site) -> None:
    with closing(sqlite3.connect(shared_site.home.home / "state.db")) as database:
        database.execute("INSERT INTO django_session VALUES (?, '', '2020-01-01 00:00:00')", ("x" * 40,))
        database.commit()
        assert sign_in(shared_site, NAMES["viewer"], PASSWORD).status_code == 302
        (left,) = database.execute("SELECT count(*) FROM django_session WHERE expire_date < '2021-01-01'").fetchone()
    assert left == 0


def test_a_letter_that_no_text_has_is_refused_before_any_database_sees_it(shared_site: Site) -> None:
    assert sign_in(shared_site, "a\0b", PASSWORD).status_code == 400
    assert shared_site.ask("/connections/a%00b", "viewer").status_code == 400


def test_signing_out_takes_more_than_a_link(shared_site: Site) -> None:
    assert shared_site.ask("/sign-out", "viewer").status_code == 405


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\t//evil",
    ],
)
def test_nobody_is_sent_on_to_another_site(shared_site: Site, elsewhere: str) -> None:
    answer = sign_in(shared_site, NAMES["viewer"], PASSWORD, next=elsewhere)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    signed_in = shared_site.ask("/sign-in", "viewer", params={"next": elsewhere})
    assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/")
    assert "evil" not in shared_site.ask("/sign-in", params={"next": elsewhere}).text


def test_signing_up_is_neither_offered_nor_possible(shared_site: Site) -> None:
    assert "sign up" not in shared_site.ask("/sign-in").text.lower()
    for path in ("/signup", "/accounts/signup/", "/sign-up", "/account/signup"):
        assert shared_site.ask(path, method="POST").status_code == 404


def test_a_guesser_is_held_up_and_cannot_tell_which_names_exist(shared_site: Site) -> None:
    shared_site.outlay("users", "add", "grace")
    said = {}
    for name in ("grace", "nobody-of-that-name"):
        texts = [sign_in(shared_site, name, f"guess {number}").text for number in range(8)]
        said[name] = [WRONG in text for text in texts]
        assert "Too many attempts failed. Wait" in texts[-1]
        # Not even the right password is looked at meanwhile, so that nobody learns that it was right.
        assert WRONG not in texts[-1]
    assert (
        said["grace"] == said["nobody-of-that-name"] == [True] * 5 + [False] * 3
        or said["grace"] == said["nobody-of-that-name"]
    )


def test_a_changed_password_ends_the_other_sessions(shared_site: Site, visit: Visit) -> None:
    link = shared_site.outlay("users", "add", "linus")["link"].partition(":8000")[2]
    page = visit(shared_site)
    page.goto(link)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url("**/")
    elsewhere = shared_site.session()
    assert sign_in(shared_site, "linus", PASSWORD, elsewhere).status_code == 302
    page.goto("/account")
    page.get_by_label("Password now").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("password")
    page.get_by_label("New password, again").fill("password")
    page.get_by_role("button", name="Change the password").click()
    assert "too common" in page.locator(".invalid-feedback").inner_text()
    page.get_by_label("Password now").fill(PASSWORD)
    for label in ("New password", "New password, again"):
        page.get_by_label(label, exact=True).fill("another-walk-by-the-sea")
    page.get_by_role("button", name="Change the password").click()
    assert "Your password is changed" in page.get_by_role("status").inner_text()
    assert elsewhere.get(f"{shared_site.url}/account", allow_redirects=False, timeout=60).status_code == 302
