"""CBF over HTTP, as an adaptor that was written for CloudZero speaks to the site."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from outlay.settings import Settings
from tests.web.conftest import Visit
from tests.web.sites import Home, Site, serving, working
from tests.web.tokens import Api, token

ROW = {"time/usage_start": "2026-05-03T10:00:00Z", "cost/cost": "1.50", "resource/service": "Compute"}


@dataclass(frozen=True)
class Stream:
    """A connection that is sent to, by a token that may do nothing else."""

    site: Site
    name: str
    key: str

    def ask(self, path: str = "", method: str = "GET", **more: Any) -> requests.Response:
        headers = {"Authorization": self.key, **more.pop("headers", {})}
        url = f"{self.site.url}/v2/connections/billing/anycost/{self.name}/billing_drops{path}"
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, headers=headers, timeout=60, **more)

    def send(self, *rows: dict[str, str], headers: dict[str, str] | None = None, **told: Any) -> requests.Response:
        return self.ask(method="POST", json={"data": list(rows), **told}, headers=headers or {})

    def costs(self, month: str = "2026-05") -> list[str]:
        return sorted(row["cost/cost"] for row in self.ask(f"/{month}").json()["billing_drop"])


@pytest.fixture(scope="module")
def site(bare: Home) -> Iterator[Site]:
    with serving(bare, {"OUTLAY_STREAM_BODY": "64KiB", "OUTLAY_STREAM_ROWS": "50", "OUTLAY_STREAM_WAIT": "1"}) as site:
        yield site


@pytest.fixture(scope="module")
def api(site: Site) -> Api:
    return Api(site, token(site))


@pytest.fixture(scope="module")
def key(site: Site) -> str:
    return token(site, scope="send")


@pytest.fixture
def stream(site: Site, api: Api, key: str, request: pytest.FixtureRequest) -> Stream:
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[-90:]
    new = {"name": name, "kind": "stream", "cloud_provider": "Acme"}
    assert api.ask("connections", "POST", json=new).status_code == 201
    return Stream(site, name, key)


def cost(amount: str, hour: str = "03T10", **more: str) -> dict[str, str]:
    return {**ROW, "time/usage_start": f"2026-05-{hour}:00:00Z", "cost/cost": amount, **more}


def test_a_body_is_kept_and_answered_as_cloudzero_does(stream: Stream) -> None:
    answer = stream.send(cost("1"), cost("2"), month="2026-05", operation="replace_drop")
    told = answer.json()
    assert (answer.status_code, list(told)) == (200, ["connection"])
    assert told["connection"] | {"drop_id": ""} == {"drop_id": "", "month": "2026-05", "row_count": 2}
    assert stream.ask().json() == {"billing_drops": [told["connection"]]}
    assert stream.ask("/2026-05").json() == {"billing_drop": [cost("1"), cost("2")]}


def test_all_three_operations_do_what_they_say(stream: Stream) -> None:
    stream.send(cost("1"), cost("2", "04T00"))
    stream.send(cost("4"), operation="sum")
    assert stream.costs() == ["1", "2", "4"]
    stream.send(cost("8", "04T00"), operation="replace_hourly", month="2026-05-01T00:00:00Z")
    assert stream.costs() == ["1", "4", "8"]
    stream.send(cost("16"))
    assert stream.costs() == ["16"]


def test_what_is_sent_comes_in_and_is_proved(stream: Stream, api: Api) -> None:
    stream.send(cost("1.25", **{"resource/id": "vm/1", "resource/tag:team": "maps"}), cost("2"))
    stream.send(cost("0.000000000000000001"), operation="sum")
    with working(stream.site):
        wait_until(lambda: [each["rows"] for each in api.get(f"connections/{stream.name}/periods")] == [3])
    (period,) = api.get(f"connections/{stream.name}/periods")
    assert period["reconciled"]
    billed = period["sums"]["USD"]["BilledCost"]
    assert Decimal(billed["in"]) == Decimal(billed["out"]) == Decimal("3.250000000000000001")
    asked = {"by": "Tags.team", "where": f"x_Connection={stream.name}", "metric": "billed", "from": "2026-05"}
    shown = api.get("costs", **asked)
    assert [line["cost"] for line in shown["rows"] if line.get("Tags.team") == "maps"] == ["1.25"], shown
    assert api.get(f"connections/{stream.name}")["status"] == "healthy"


def wait_until(is_so: Any) -> None:
    """Each look takes the site a moment; a worker that is stuck ends it."""
    for _ in range(600):
        if is_so():
            return
        threading.Event().wait(0.1)
    pytest.fail("It did not come to that.")


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer "], ids=["plain", "Bearer", "bearer"])
def test_the_key_is_sent_with_and_without_bearer(stream: Stream, prefix: str) -> None:
    assert stream.ask(headers={"Authorization": f"{prefix}{stream.key}"}).status_code == 200


def test_others_are_sent_away_in_the_shape_of_that_api(stream: Stream, site: Site) -> None:
    keys = ["", "Bearer", "outlay_nonsense", token(site, "viewer", "read"), token(site, scope="read")]
    for each in keys:
        answer = stream.ask(headers={"Authorization": each})
        assert (answer.status_code, list(answer.json())) == (403, ["message"]), each
    assert stream.ask(headers={"Authorization": token(site)}).status_code == 200


def test_a_token_that_sends_reads_nothing_else(site: Site, key: str) -> None:
    refused = Api(site, key).ask("connections")
    assert (refused.status_code, refused.json()["message"]) == (403, "This token may only send CBF.")


def test_a_viewer_makes_no_token_that_sends(site: Site) -> None:
    form = {"name": "mine", "role": "viewer", "scope": "send", "days": "30"}
    assert site.ask("/account/tokens", "viewer", "POST", data=form).status_code == 422


def test_a_bad_row_is_told_with_its_place_and_changes_nothing(stream: Stream) -> None:
    stream.send(cost("1"))
    bad = [cost("2"), cost("1,50"), {**cost("3"), "time/usage_start": "5/1/2026"}, cost("4", "01T00", cost="x")]
    answer = stream.send(*bad, month="2026-05")
    told = answer.json()
    assert (answer.status_code, told["error"]["type"]) == (400, "invalid_request")
    assert {(each["row"], each["field"], each["value"]) for each in told["errors"]} == {
        (2, "cost/cost", "1,50"),
        (3, "time/usage_start", "5/1/2026"),
    }
    assert "Row 2, cost/cost" in told["error"]["message"] or "Row 3, time/usage_start" in told["error"]["message"]
    assert all(each["reason"] and each["next"] for each in told["errors"])
    assert stream.costs() == ["1"]


def test_a_row_of_another_month_is_refused(stream: Stream) -> None:
    answer = stream.send({**ROW, "time/usage_start": "2026-06-01T00:00:00Z"}, month="2026-05")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "outside-period")


def test_unknown_columns_are_no_reason_to_refuse(stream: Stream) -> None:
    row = {**ROW, "resource/shape": "VM.Standard2", "billing/unit": "h"}
    assert stream.send(row).status_code == 200
    assert stream.ask("/2026-05").json() == {"billing_drop": [row]}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"data": [{"cost/cost": 1}]}', b"\xff"], ids=["no", "list", "n", "b"]
)
def test_what_is_no_body_is_400(stream: Stream, content: bytes) -> None:
    answer = stream.ask(method="POST", data=content)
    assert (answer.status_code, set(answer.json()["error"])) == (400, {"message", "type"})


def test_limits_are_413(stream: Stream) -> None:
    large = stream.send(cost("1", **{"resource/id": "x" * 70_000}))
    assert (large.status_code, list(large.json())) == (413, ["message"])
    many = stream.send(*[cost("1")] * 51)
    assert (many.status_code, list(many.json())) == (413, ["message"])
    assert stream.ask().json() == {"billing_drops": []}


def test_the_same_key_gets_the_same_answer_errors_included(stream: Stream) -> None:
    once = {"cloudzero-idempotency-key": "a key of any length " * 20}
    first = stream.send(cost("1"), operation="sum", headers=once)
    assert stream.send(cost("1"), operation="sum", headers=once).json() == first.json()
    assert stream.costs() == ["1"]
    wrong = {"cloudzero-idempotency-key": "wrong"}
    refused = stream.send(cost("x"), headers=wrong)
    again = stream.send(cost("1"), headers=wrong)
    assert (again.status_code, again.json()) == (400, refused.json())


def test_bodies_of_one_month_at_once_are_queued_and_none_is_lost(stream: Stream) -> None:
    answers: list[int] = []
    senders = [
        threading.Thread(target=lambda n=n: answers.append(stream.send(cost(str(n)), operation="sum").status_code))
        for n in range(1, 9)
    ]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert answers == [200] * 8
    assert stream.costs() == [str(number) for number in range(1, 9)]


def test_validate_says_what_sending_would_and_keeps_nothing(stream: Stream) -> None:
    good = stream.ask("/validate", "POST", json={"data": [cost("1"), {**cost("2"), "billing/unit": "h"}]}).json()
    assert (good["valid"], good["row_count"], good["month"]) == (True, 2, "2026-05")
    assert "column-unknown" in {each["code"] for each in good["warnings"]}
    bad = stream.ask("/validate", "POST", json={"data": [cost("x")]})
    assert bad.json() == stream.send(cost("x")).json()
    assert stream.ask().json() == {"billing_drops": []}


def test_what_is_not_there_is_404(stream: Stream, api: Api) -> None:
    assert stream.ask("/2026-05").status_code == 404
    assert stream.ask("/whenever").status_code == 404
    other = Stream(stream.site, "nobody", stream.key)
    assert (other.send(ROW).status_code, list(other.send(ROW).json())) == (404, ["message"])


def test_where_other_bills_lie_is_not_told_to_who_may_only_send(stream: Stream, api: Api, bare: Home) -> None:
    folder = bare.folder / "elsewhere"
    folder.mkdir()
    new = {"name": "a-folder", "kind": "focus", "location": str(folder)}
    assert api.ask("connections", "POST", json=new).status_code == 201
    answer = Stream(stream.site, "a-folder", stream.key).send(ROW)
    assert answer.status_code == 404
    assert "a-folder brings its bills in from elsewhere" in answer.json()["message"]
    assert str(bare.folder) not in answer.text


def test_an_address_has_its_methods(stream: Stream) -> None:
    answer = stream.ask(method="DELETE")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_a_form_is_no_way_around_the_limits(stream: Stream) -> None:
    """Programs that name no kind of content send what looks like a form."""
    content = b'{"data": [{"time/usage_start": "2026-05-01", "cost/cost": "1"}]}'
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert stream.ask(method="POST", data=content, headers=kind).status_code == 200


def test_a_removed_connection_takes_what_was_sent_along(stream: Stream, site: Site, api: Api) -> None:
    stream.send(cost("1"))
    folder = site.home.home / "streams" / stream.name
    assert list(folder.rglob("stream.json"))
    assert api.ask(f"connections/{stream.name}?purge=true", "DELETE").status_code == 200
    assert not list(folder.rglob("*.*"))


def test_a_place_of_ones_own_is_refused(api: Api) -> None:
    new = {"name": "placed", "kind": "stream", "cloud_provider": "Acme", "location": "s3://bucket/path"}
    answer = api.ask("connections", "POST", json=new)
    assert answer.status_code == 400
    assert "kept by Outlay itself" in answer.json()["message"]


def test_a_person_adds_one_and_sees_where_to_send(site: Site, visit: Visit) -> None:
    page = visit(site, "administrator")
    page.goto("/add-connection")
    page.get_by_role("link", name="Get started with CBF over HTTP").click()
    page.get_by_label("Cloud Provider").fill("LLM Gateway")
    page.get_by_label("Connection Name").fill("llm-gateway")
    page.get_by_role("button", name="Save").click()
    address = f"{site.url}/v2/connections/billing/anycost/llm-gateway/billing_drops"
    expect(page.get_by_label("Address to send to")).to_have_value(address)
    expect(page.get_by_text("API tokens that may send CBF")).to_be_visible()
    page.get_by_role("link", name="Update").click()
    page.get_by_label("Check every", exact=True).fill("30")
    expect(page.get_by_text("Another folder")).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("every 30 minutes")).to_be_visible()


def test_the_defaults_are_those_that_are_documented() -> None:
    settings = Settings.read({})
    assert (settings.stream_body, settings.stream_rows) == (20 * 1024**2, 0)


def test_what_was_answered_outlives_a_kill_of_the_site(tmp_path: Path, users_alone: Home) -> None:
    home = users_alone.copied(tmp_path)
    with serving(home) as site:
        made = Api(site, token(site)).ask(
            "connections", "POST", json={"name": "killed", "kind": "stream", "cloud_provider": "Acme"}
        )
        assert made.status_code == 201
        stream = Stream(site, "killed", token(site, scope="send"))
        assert stream.send(cost("1"), headers={"cloudzero-idempotency-key": "once"}, operation="sum").status_code == 200
        os.kill(site.process, signal.SIGKILL)
    with serving(home) as again:
        stream = Stream(again, "killed", stream.key)
        assert stream.costs() == ["1"]
        stream.send(cost("1"), headers={"cloudzero-idempotency-key": "once"}, operation="sum")
        assert stream.costs() == ["1"]
