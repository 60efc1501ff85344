"""What the API changes, for whom, and that nobody else changes anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outlay.period import BillingPeriod
from outlay.storage import open_place
from tests.ingest.world import put_drop, row
from tests.web.sites import NAMES, Site
from tests.web.tokens import Api, token

JUNE = BillingPeriod(2026, 6)
KEY = "a" * 36 + "VERY"


@pytest.fixture(scope="module")
def api(empty_site: Site) -> Api:
    return Api(empty_site, token(empty_site))


@pytest.fixture
def folder(empty_site: Site, request: pytest.FixtureRequest) -> Path:
    """Of a test's own, below what the installation allows."""
    made: Path = empty_site.home.folder / "drops" / request.node.name
    made.mkdir(parents=True)
    return made


def deliver(folder: Path, cost: str, drop: str) -> None:
    charge = row(cost, time__usage_start=f"{JUNE.month}-03T10:00:00Z")
    put_drop(open_place(str(folder)), [charge], drop, JUNE)


def added(api: Api, name: str, folder: Path, **more: Any) -> Any:
    new = {"name": name, "kind": "anycost", "cloud_provider": "Acme", "location": f"file://{folder}", **more}
    return api.ask("connections", "POST", json=new)


def test_a_connection_is_added_and_shown(api: Api, folder: Path) -> None:
    answer = added(api, "added", folder, expect_every=24, check_every=30, bring_from="2026-01")
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/connections/added")
    assert (answer.json()["status"], answer.json()["location"]) == ("pending-data", f"file://{folder}")
    shown = api.get("connections/added")
    assert (shown["expect_every"], shown["check_every"], shown["bring_from"]) == (24, 30, "2026-01")
    assert [(act["who"], act["what"]) for act in api.get("connections/added/acts")] == [
        (NAMES["administrator"], "added")
    ]


def test_a_connection_is_changed_in_what_is_given_alone(api: Api, folder: Path) -> None:
    added(api, "changed", folder, expect_every=24)
    change = {"check_every": 5, "count_from": "2026-02", "cloud_provider": "Other"}
    shown = api.ask("connections/changed", "PATCH", json=change).json()
    assert (shown["check_every"], shown["count_from"], shown["cloud_provider"]) == (5, "2026-02", "Other")
    assert shown["expect_every"] == 24
    assert api.ask("connections/changed", "PATCH", json={"expect_every": None}).json()["expect_every"] is None
    refused = api.ask("connections/changed", "PATCH", json={"location": "file:///elsewhere"})
    assert (refused.status_code, refused.json()["where"]) == (422, "body.location")
    wrong = {"check_every": 7, "export": "daily", "count_from": "2026-03", "count_to": "2026-02"}
    assert api.ask("connections/changed", "PATCH", json=wrong).status_code == 400
    now = api.get("connections/changed")
    assert (now["check_every"], now["export"], now["count_from"]) == (5, None, "2026-02")
    assert len(api.get("connections/changed/acts")) == 4
    assert api.ask("connections/changed", "PATCH", json={"export": "daily"}).json()["export"] == "daily"


def test_a_connection_is_paused_resumed_and_removed(api: Api, folder: Path) -> None:
    added(api, "short", folder)
    assert api.ask("connections/short/pause", "POST").json()["status"] == "paused"
    refused = api.ask("connections/short/check", "POST")
    assert (refused.status_code, refused.json()["code"]) == (400, "usage")
    assert api.ask("connections/short/resume", "POST").json()["status"] == "pending-data"
    assert api.ask("connections/short/check", "POST").status_code == 202
    assert api.ask("connections/short/stop", "POST").json() == {"name": "short", "stopping": False}
    assert api.ask("connections/short", "DELETE").json() == {"name": "short", "removed": True, "charges_removed": 0}
    assert api.ask("connections/short").status_code == 404


def test_a_place_is_tested_step_by_step_before_anything_is_saved(api: Api, folder: Path) -> None:
    deliver(folder, "1.5", "d1")
    new = {"name": "tried", "kind": "anycost", "cloud_provider": "Acme", "location": f"file://{folder}"}
    told = api.ask("test", "POST", json=new).json()
    assert (told["ok"], told["periods"]) == (True, [JUNE.month])
    assert api.ask("connections/tried").status_code == 404
    added(api, "tried", folder)
    assert api.ask("connections/tried/test", "POST").json() == told


def test_an_earlier_delivery_is_made_live(api: Api, empty_site: Site, folder: Path) -> None:
    added(api, "twice", folder)
    for cost, drop in (("1.5", "d1"), ("2.25", "d2")):
        deliver(folder, cost, drop)
        empty_site.outlay("ingest", "twice")
    now = api.get("connections/twice/periods/2026-06")
    first = now["earlier"][0]
    told = api.get("connections/twice/periods/2026-06/compare", before=first, after=now["delivery"])
    assert told["totals"][0]["change"] == "0.75"
    path = "connections/twice/periods/2026-06/live"
    assert api.ask(path, "POST", json={"delivery": "nothing"}).status_code == 404
    answer = api.ask(path, "POST", json={"delivery": first})
    assert answer.json()["delivery"] == first
    assert api.get("costs", where="connection=twice")["totals"] == {"USD": "1.5"}
    seen = api.get("connections/twice/periods/2026-06/deliveries")
    assert [(each["live"], each["kept"]) for each in seen] == [(False, True), (True, True)]
    assert "reverted" in [act["what"] for act in api.get("connections/twice/acts")]
    assert api.ask("connections/twice?purge=true", "DELETE").json()["charges_removed"] == 1


def test_a_connection_is_moved_and_the_month_of_the_change_is_changed(api: Api, empty_site: Site, folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    (folder / "first").mkdir()
    added(api, "before", folder / "first", expect_every=24)
    deliver(folder / "first", "1.5", "d1")
    deliver(other, "2", "d1")
    empty_site.outlay("ingest", "before")
    path, wanted = "connections/before/move", {"name": "after", "month": "2026-06"}
    same = api.ask(path, "POST", json={**wanted, "location": f"file://{folder}/first"})
    assert (same.status_code, same.json()["where"]) == (400, "location")
    out = api.ask(path, "POST", json={**wanted, "location": "file:///etc"})
    assert (out.status_code, out.json()["where"]) == (400, "folder")
    answer = api.ask(path, "POST", json={**wanted, "location": f"file://{other}"})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/connections/after")
    empty_site.outlay("ingest", "after")
    shown = api.get("connections/after")
    assert (shown["expect_every"], shown["count_from"]) == (24, "2026-06")
    assert (api.get("connections/before")["status"], api.get("connections/before")["count_to"]) == ("paused", "2026-05")
    (move,) = api.get("connections/before/moves")
    sums = {"old": {"USD": "1.5"}, "new": {"USD": "2"}, "difference": {"USD": "0.5"}}
    both = {"month": "2026-06", **sums, "counted": "new"}
    told = {"month": "2026-06", "state": "counting", "both": [both], "stand_ins": []}
    assert move == {"old": "before", "new": "after", **told}
    (move,) = api.ask("connections/after/moves", "PATCH", json={"month": "2026-07"}).json()
    assert (move["month"], move["both"][0]["counted"]) == ("2026-07", "old")
    assert api.ask("connections/before/moves", "PATCH", json={"month": "2026-07"}).status_code == 400
    acts = api.get("connections/before/acts")
    assert [(act["who"] == "Outlay", act["what"]) for act in acts][:2] == [(True, "paused"), (False, "moved")]


def test_the_amount_on_a_paper_invoice_is_entered_and_forgotten(api: Api, empty_site: Site, folder: Path) -> None:
    added(api, "paper", folder)
    charge = row("1.5", time__usage_start=f"{JUNE.month}-03T10:00:00Z", bill__invoice_id="I1")
    put_drop(open_place(str(folder)), [charge], "d1", JUNE)
    empty_site.outlay("ingest", "paper")
    path = "connections/paper/periods/2026-06/invoices"
    assert [(each["invoice"], each["charges"], each["on_paper"]) for each in api.get(path)] == [("I1", "1.5", None)]
    wanted = {"invoice": "I1", "currency": "USD", "amount": "1.25"}
    (told,) = api.ask(path, "PUT", json=wanted).json()
    assert (told["on_paper"], told["difference"]) == ("1.25", "0.25")
    assert api.get(path) == [told]
    (told,) = api.ask(path, "PUT", json={**wanted, "amount": ""}).json()
    assert told["on_paper"] is None
    assert api.ask(path, "PUT", json={**wanted, "amount": "much"}).status_code == 422
    assert [act["what"] for act in api.get("connections/paper/acts")].count("invoice") == 2


def test_channels_are_added_tried_switched_and_removed_without_showing_their_secrets(
    api: Api, empty_site: Site
) -> None:
    hush = "hush-in-an-address"
    new = {"name": "Team", "kind": "webhook", "url": f"http://127.0.0.1:9/{hush}", "events": ["late"]}
    answer = api.ask("channels", "POST", json=new)
    channel = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1/channels/{channel['id']}")
    secret = channel.pop("secret")
    assert len(secret) > 30
    assert (channel["where"], channel["events"], channel["on"]) == ("127.0.0.1", ["late"], True)
    path = f"channels/{channel['id']}"
    assert api.get(path) == channel
    assert api.get("channels") == [channel] == empty_site.outlay("notices", "list")
    tried = api.ask(f"{path}/test", "POST")
    assert (tried.status_code, tried.json()["state"], tried.json()["event"]) == (202, "waiting", "test")
    assert api.get("notices") == [tried.json()] == empty_site.outlay("notices", "log")
    assert api.ask(path, "PATCH", json={"on": False}).json() == channel | {"on": False}
    for page in (api.ask("channels"), api.ask("notices"), api.ask(path)):
        assert hush not in page.text
        assert secret not in page.text
    assert api.ask(path, "DELETE").json() == {"name": "Team", "removed": True}
    assert api.ask(path).status_code == 404
    assert hush not in empty_site.log.read_text()


@pytest.mark.parametrize(
    ("new", "where"),
    [
        ({"kind": "webhook", "url": "ftp://example.com"}, "url"),
        ({"kind": "webhook", "url": "https://ada:hush@example.com"}, "url"),
        ({"kind": "slack", "url": "https://example.com", "host": "example.com"}, "host"),
        ({"kind": "email", "host": "h", "sender": "a@example.com", "recipients": ["nobody"]}, "recipients"),
        ({"kind": "email", "host": "h", "sender": "a@example.com"}, "recipients"),
        ({"kind": "email", "host": "h", "port": 10**9}, "body.port"),
        ({"kind": "slack", "url": "https://example.com", "events": []}, "body.events"),
        ({"kind": "pigeon"}, "body.kind"),
    ],
)
def test_a_wrong_channel_is_refused_with_its_field(api: Api, new: dict[str, Any], where: str) -> None:
    answer = api.ask("channels", "POST", json={"name": "Wrong", **new})
    assert (answer.json()["where"], answer.status_code in (400, 422)) == (where, True)
    assert "hush" not in answer.text
    assert "Wrong" not in [each["name"] for each in api.get("channels")]


def test_channels_and_notices_are_for_administrators(empty_site: Site) -> None:
    viewer = Api(empty_site, token(empty_site, "viewer", "write"))
    for path in ("channels", "channels/1", "notices"):
        assert viewer.ask(path).status_code == 403
    assert Api(empty_site, token(empty_site, scope="read")).ask("channels").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("name", "two words", "body.name"),
        ("kind", "gcp", "body.kind"),
        ("location", "s3://bucket\x00/path", "body.location"),
        ("check_every", 10**30, "body.check_every"),
        ("expect_every", 0, "body.expect_every"),
        ("colour", "red", "body.colour"),
        ("location", "file:///etc", "folder"),
        ("location", "{folder}/../../..", "folder"),
        ("location", "s3://bucket", "location"),
        ("role_arn", "arn:aws:iam::1:role/x", "role_arn"),
        ("cloud_provider", " ", "cloud_provider"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_added(
    api: Api, empty_site: Site, field: str, value: Any, where: str
) -> None:
    folder = empty_site.home.folder
    text = value.replace("{folder}", str(folder)) if isinstance(value, str) else value
    good = {"name": "wrong", "kind": "anycost", "cloud_provider": "Acme", "location": f"file://{folder}"}
    answer = api.ask("connections", "POST", json={**good, field: text})
    assert answer.status_code in (400, 422)
    assert answer.json()["where"] == where
    assert answer.json()["next"]
    assert "wrong" not in [each["name"] for each in api.get("connections", limit=200)]


def test_an_access_key_is_sealed_and_in_no_answer(api: Api, empty_site: Site) -> None:
    new = {"name": "keyed", "kind": "aws", "location": "s3://bills-of-acme/cur"}
    keyed = {**new, "access_key_id": "AKIAABCDEFGHIJKLMNOP", "secret_access_key": KEY}
    assert api.ask("connections", "POST", json=keyed).status_code == 201
    wrong = api.ask("connections", "POST", json={**keyed, "name": "keyed2", "access_key_id": "short"})
    too_long = api.ask("connections", "POST", json={**keyed, "name": "keyed2", "secret_access_key": KEY * 10})
    assert (wrong.status_code, too_long.status_code) == (400, 422)
    shown = api.ask("connections/keyed")
    assert shown.json()["access_key"] == "…MNOP"
    again = api.ask("connections/keyed", "PATCH", json={"check_every": 10})
    assert again.json()["access_key"] == "…MNOP"
    for answer in (shown, again, wrong, too_long, api.ask("connections")):
        assert KEY not in answer.text
        assert "AKIAABCDEFGHIJKL" not in answer.text
    assert KEY.encode() not in (empty_site.home.home / "state.db").read_bytes()
    assert KEY not in empty_site.log.read_text()


@pytest.mark.parametrize(
    ("role", "scope", "of"),
    [
        ("viewer", "read", None),
        ("viewer", "write", None),
        ("administrator", "read", None),
        ("viewer", "write", "administrator"),
    ],
)
def test_a_token_that_may_not_write_changes_nothing(
    empty_site: Site, api: Api, role: str, scope: str, of: str | None
) -> None:
    weak = Api(empty_site, token(empty_site, role, scope, of=of))
    before = api.get("connections", limit=200)
    paths = weak.get("openapi.json")["paths"]
    writing = [(path, method) for path, its in paths.items() for method in its if method != "get"]
    assert len(writing) >= 10
    for path, method in writing:
        filled = path.removeprefix("/api/v1/").replace("{name}", "keyed").replace("{period}", "2026-06")
        filled = filled.replace("{number}", "1")
        answer = weak.ask(filled, method.upper(), json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
    assert api.get("connections", limit=200) == before


@pytest.mark.parametrize("body", ["", "{", "[1]", "null", '"text"', "\x00", '{"delivery": "' + "a" * 3_000_000 + '"}'])
def test_a_body_that_is_none_is_refused(api: Api, body: str) -> None:
    answer = api.ask("connections", "POST", data=body.encode(), headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.json()["next"]
