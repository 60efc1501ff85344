"""What the API refuses, and how it says so."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import requests

from tests.web.sites import Site
from tests.web.tokens import Api, token


@pytest.fixture(scope="module")
def api(empty_site: Site) -> Api:
    return Api(empty_site, token(empty_site, "viewer", "read"))


def told(answer: requests.Response) -> dict[str, str]:
    """The problem, which has just these words."""
    assert answer.headers["Content-Type"] == "application/json"
    found: dict[str, str] = answer.json()
    assert set(found) == {"code", "message", "next", "where"}
    assert all(found.values())
    return found


def test_nobody_is_told_anything_without_a_token(empty_site: Site) -> None:
    paths = requests.get(f"{empty_site.url}/api/v1/openapi.json", timeout=60).json()["paths"]
    assert len(paths) > 10
    for path, methods in paths.items():
        for method in methods:
            answer = empty_site.ask(path.replace("{", "").replace("}", ""), method=method.upper())
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert told(answer)["code"] == "no-token"


def test_a_session_is_no_token(empty_site: Site) -> None:
    assert empty_site.ask("/api/v1/connections", "administrator").status_code == 401


def test_a_token_is_no_session(api: Api, empty_site: Site) -> None:
    answer = api._session.get(f"{empty_site.url}/account", allow_redirects=False, timeout=60)  # noqa: SLF001
    assert answer.status_code == 302


def test_a_token_that_is_unknown_or_revoked_is_refused(empty_site: Site) -> None:
    assert told(Api(empty_site, "outlay_guess").ask("health"))["code"] == "bad-token"
    text = token(empty_site, "viewer", "read")
    api = Api(empty_site, text)
    assert api.ask("health").status_code == 200
    assert text not in empty_site.ask("/account/tokens", "viewer").text
    number = empty_site.ask("/account/tokens", "viewer").text.partition("/account/tokens/")[2].partition("/")[0]
    empty_site.ask(f"/account/tokens/{number}/revoke", "viewer", "POST")
    assert told(api.ask("health"))["code"] == "bad-token"


def test_a_token_that_is_too_old_is_refused(empty_site: Site) -> None:
    text = token(empty_site, "viewer", "read")
    api = Api(empty_site, text)
    assert api.ask("health").status_code == 200
    with closing(sqlite3.connect(empty_site.home.home / "state.db")) as database, database:
        database.execute(
            "UPDATE web_apitoken SET expires_at = '2026-01-01 00:00:00' WHERE last_characters = ?", (text[-4:],)
        )
    assert told(api.ask("health"))["code"] == "bad-token"


@pytest.mark.parametrize(
    ("path", "status", "code", "where"),
    [
        ("nowhere", 404, "not-found", "GET /api/v1/nowhere"),
        ("connections/none", 404, "unknown-name", "GET /api/v1/connections/none"),
        ("connections/a%00b", 422, "invalid", "path.name"),
        ("runs/1", 404, "unknown-name", "GET /api/v1/runs/1"),
        ("runs/99999999999999999999999999", 422, "invalid", "path.number"),
        ("runs?period=2026-13", 400, "usage", "GET /api/v1/runs"),
        ("connections?limit=100000000000000000000000", 422, "invalid", "query.limit"),
        ("connections?offset=-1", 422, "invalid", "query.offset"),
        ("costs?by=Service", 400, "unknown-name", "by"),
        ("costs?by=A&by=B&by=C", 422, "invalid", "query.by"),
        ("costs?metric=money", 400, "usage", "metric"),
        ("costs?format=xml", 422, "invalid", "query.format"),
        ("costs?from=2026-05&to=2026-04", 400, "usage", "to"),
        ("costs?colour=red", 400, "usage", "colour"),
        ("costs?top=-1&by=ServiceName", 400, "usage", "top"),
        ("charges?limit=201", 422, "invalid", "query.limit"),
        ("dimensions/Service/values", 404, "unknown-name", "GET /api/v1/dimensions/Service/values"),
        ("dimensions/ServiceName/keys", 400, "usage", "column"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(api: Api, path: str, status: int, code: str, where: str) -> None:
    answer = api.ask(path)
    problem = told(answer)
    assert (answer.status_code, problem["code"], problem["where"]) == (status, code, where)


def test_a_method_that_is_none_is_told_with_those_that_are(api: Api) -> None:
    answer = api.ask("costs", "DELETE")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert told(answer)["next"] == "Use GET."
