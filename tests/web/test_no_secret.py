"""Secrets of every kind are put in; then every page, every answer of the API, every error and the log are searched."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from outlay.web.routes import ROUTES
from tests.web.sites import Site
from tests.web.tokens import Api, token

KEY_ID, KEY = "AKIAHUSHHUSHHUSH1234", "hushhush" * 5
ADDRESS, MAIL = "hush-in-an-address", "hush-of-the-mail-server"
KEYED = {
    "name": "keyed",
    "kind": "aws",
    "location": "s3://bills-of-acme/cur",
    "access_key_id": KEY_ID,
    "secret_access_key": KEY,
}
CHANNELS = (
    {"name": "hook", "kind": "webhook", "url": f"http://127.0.0.1:9/{ADDRESS}"},
    {"name": "slack", "kind": "slack", "url": f"http://127.0.0.1:9/{ADDRESS}"},
    {
        "name": "mail",
        "kind": "email",
        "host": "127.0.0.1",
        "sender": "a@example.com",
        "recipients": ["b@example.com"],
        "username": "outlay",
        "password": MAIL,
    },
)
# What places in paths stand for, by the name that the route gives them.
VALUES = {"name": "keyed", "number": "1", "kind": "webhook", "tile": "aws", "way": "json", "month": "2026-06"}


@pytest.fixture(scope="module")
def secrets(empty_site: Site) -> list[str]:
    """Every one that the site holds now."""
    text = token(empty_site)
    api = Api(empty_site, text)
    assert api.ask("connections", "POST", json=KEYED).status_code == 201
    told = [api.ask("channels", "POST", json=each) for each in CHANNELS]
    assert [each.status_code for each in told] == [201] * 3
    link = empty_site.outlay("users", "add", "late")["link"].rpartition("/")[2]
    keys = (empty_site.home.home / "secret.key").read_text().split()
    return [text, KEY, KEY_ID, ADDRESS, MAIL, told[0].json()["secret"], link, *keys]


def addresses() -> Iterator[str]:
    for route in ROUTES:
        if route.name != "api":
            yield "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda place: VALUES.get(place[1], "some"), route.path)


def test_no_page_and_no_answer_holds_a_secret(empty_site: Site, secrets: list[str]) -> None:
    api = Api(empty_site, secrets[0])
    described = api.get("openapi.json")["paths"]
    paths = [path.removeprefix("/api/v1/") for path, its in described.items() if "get" in its]
    filled = [re.sub(r"{(\w+)}", lambda place: VALUES.get(place[1], "ServiceName"), path) for path in paths]
    answers = [api.ask(path) for path in filled]
    answers += [empty_site.ask(path, "administrator", headers={}) for path in addresses() if path != "/sign-out"]
    assert sum(answer.status_code == 200 for answer in answers) > 25
    for answer in answers:
        # AWS itself is asked for these, and no test reaches it.
        is_of_aws = answer.url.endswith("/connections/keyed/exports")
        assert answer.status_code < 500 or (is_of_aws and answer.status_code == 502), answer.url
        whole = answer.text + repr(dict(answer.headers))
        assert [each for each in secrets if each in whole] == [], answer.url


def test_no_error_and_no_log_repeats_a_secret_that_was_sent(empty_site: Site, secrets: list[str]) -> None:
    api = Api(empty_site, secrets[0])
    answers = [
        api.ask("connections", "POST", json={**KEYED, "name": "two words"}),
        api.ask("connections", "POST", json=KEYED),
        api.ask("connections", "POST", json={**KEYED, "secret_access_key": [KEY]}),
        api.ask("test", "POST", json={**KEYED, "location": "nowhere"}),
        api.ask("connections/keyed", "PATCH", json={"secret_access_key": KEY, "access_key_id": "short"}),
        api.ask("channels", "POST", json={**CHANNELS[2], "port": 0}),
        api.ask("channels", "POST", json={**CHANNELS[0], "url": f"ftp://{ADDRESS}"}),
        Api(empty_site, f"{secrets[0]}x").ask("connections"),
    ]
    form = {"name": "two", "access": "key", "access_key_id": KEY_ID, "secret_access_key": KEY, "bucket": "B"}
    mail = {"name": "", "host": "h", "port": "587", "security": "tls", "password": MAIL, "events": ["late"]}
    pages = [
        empty_site.ask("/add-connection/aws", "administrator", "POST", data=form),
        empty_site.ask("/notices/add/email", "administrator", "POST", data=mail),
        empty_site.ask("/sign-in", None, "POST", data={"login": "ada", "password": MAIL}),
    ]
    # An id is no secret to whoever types it; what it opens is.
    hushed = [each for each in secrets if each != KEY_ID]
    assert [page.status_code for page in pages] == [422, 422, 200]
    assert {answer.status_code for answer in answers} == {400, 401, 422}
    for answer in (*answers, *pages):
        assert [each for each in hushed if each in answer.text] == [], answer.url
    log = empty_site.log.read_text()
    assert [each for each in secrets if each in log] == []


def test_numbers_in_addresses_may_be_of_any_size(empty_site: Site) -> None:
    huge = "9" * 40
    for route in ROUTES:
        if "<int:" in route.path:
            path = "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda place: huge if place[1] == "int" else "some", route.path)
            for method in ("GET", "POST"):
                assert empty_site.ask(path, "administrator", method).status_code < 500, path
