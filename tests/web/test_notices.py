"""The page of notices: channels of each kind are added, tried, switched and removed, and their secrets never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.notices.receivers import Receiver, http, smtp
from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import Site, working

SECRET = "hush-hush-token"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http() as started:
        yield started


def test_a_webhook_is_added_tried_switched_off_and_removed(empty_site: Site, visit: Visit, receiver: Receiver) -> None:
    page = visit(empty_site, "administrator")
    page.goto("/notices")
    page.get_by_role("link", name=re.compile("^Webhook")).click()
    page.get_by_label("Name").fill("FinOps")
    page.get_by_label("Address").fill("ftp://example.com")
    page.get_by_role("button", name="Add it").click()
    page.get_by_text("That is no address").wait_for()
    assert axe(page) == []
    page.get_by_label("Address").fill(f"{receiver.url}/{SECRET}")
    page.get_by_label("A delivery is rejected").uncheck()
    page.get_by_role("button", name="Add it").click()
    secret = page.get_by_label("The secret").input_value()
    assert len(secret) > 30
    page.goto("/notices")
    assert secret not in page.content()
    assert SECRET not in page.content()
    page.get_by_role("button", name="Send a test by FinOps").click()
    page.get_by_text("waits for the worker").wait_for()
    with working(empty_site):
        page.get_by_text(re.compile(r"FinOps ·\s+told")).wait_for(timeout=60_000)
    (posted,) = receiver.posted
    assert json.loads(posted.body)["event"] == "test"
    assert "X-Outlay-Signature" in posted.headers
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("button", name="Switch off FinOps").click()
    page.get_by_text("FinOps is off.").wait_for()
    page.get_by_role("button", name="Remove FinOps").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("FinOps is removed").wait_for()
    assert secret.encode() not in (empty_site.home.home / "state.db").read_bytes()


def test_the_pages_fit_a_phone_in_the_dark(empty_site: Site, visit: Visit) -> None:
    form = {"name": "A channel whose name is as long as names get in practice", "url": "https://hooks.example.com/x"}
    added = empty_site.ask("/notices/add/slack", "administrator", "POST", data={**form, "events": ["late"]})
    assert added.status_code == 302
    page = visit(empty_site, "administrator", width=PHONE, theme="dark")
    for path in ("notices", "notices/add/email", "notices/add/webhook", "notices/add/slack"):
        page.goto(f"/{path}")
        assert (path, axe(page), overflow(page)) == (path, [], [])


def test_a_mail_channel_is_added_and_its_password_is_nowhere(empty_site: Site) -> None:
    with smtp() as box:
        form = {
            "name": "Mail",
            "host": "127.0.0.1",
            "port": str(box.port),
            "security": "none",
            "username": "outlay",
            "password": SECRET,
            "sender": "outlay@example.com",
            "recipients": "ada@example.com, bo@example.com",
            "events": ["late", "final-changed"],
        }
        assert empty_site.ask("/notices/add/email", "administrator", "POST", data=form).status_code == 302
    text = empty_site.ask("/notices", "administrator").text
    assert "ada@example.com, bo@example.com by 127.0.0.1" in text
    assert SECRET not in text
    for file in empty_site.home.home.glob("state.db*"):
        assert SECRET.encode() not in file.read_bytes()
    taken = empty_site.ask("/notices/add/email", "administrator", "POST", data=form)
    assert taken.status_code == 422
    assert "There is a channel Mail already." in taken.text
    assert SECRET not in taken.text


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("email", "recipients", "ada@example.com, nobody"),
        ("email", "recipients", ","),
        ("email", "host", "smtp example"),
        ("email", "port", "70000"),
        ("email", "sender", "ada\r\nBcc: all@example.com"),
        ("webhook", "url", "https://user:secret@example.com/"),
        ("webhook", "url", "file:///etc/passwd"),
        ("slack", "url", "https:///nowhere"),
        ("slack", "url", "https://exa mple.com"),
        ("slack", "events", "everything"),
    ],
)
def test_a_wrong_field_adds_nothing(empty_site: Site, kind: str, field: str, value: str) -> None:
    form = {
        "name": "Wrong",
        "host": "smtp.example.com",
        "port": "25",
        "security": "tls",
        "events": "late",
        "sender": "a@example.com",
        "recipients": "b@example.com",
        "url": "https://example.com/",
        field: value,
    }
    answer = empty_site.ask(f"/notices/add/{kind}", "administrator", "POST", data=form)
    assert answer.status_code == 422
    assert "Wrong" not in empty_site.ask("/notices", "administrator").text
