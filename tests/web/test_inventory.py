"""What runs, by the API: the same as the commands, with a history that was written into the site's lake."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import outlay
from outlay.inventory.keeping import keep
from outlay.lake.resources import Resources
from tests.inventory.conftest import ACCOUNT, HOUR, piece, volume
from tests.web.sites import Site
from tests.web.tokens import Api, token


@pytest.fixture(scope="module")
def api(empty_site: Site) -> Api:
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    with outlay.open(home=empty_site.home.home, threads=1) as o:
        table = Resources(o.lake)
        there = [volume(f"vol-{number}") for number in range(3)]
        keep(table, ACCOUNT, [piece(*there)], at)
        keep(table, ACCOUNT, [piece(*there[:2], volume("=cmd()", state="available"))], at + HOUR)
    return Api(empty_site, token(empty_site, "viewer", "read"))


def test_resources_are_told_as_the_command_tells_them(empty_site: Site, api: Api) -> None:
    told = api.get("resources")
    assert [each["id"] for each in told] == ["=cmd()", "vol-0", "vol-1"]
    assert told == empty_site.outlay("inventory", "list")
    assert [each["id"] for each in api.get("resources", state="gone")] == ["vol-2"]
    assert api.get("resources", kind="ec2-volume", tag="team=web", gone="true", text="VOL-2")


def test_resources_come_a_page_at_a_time_and_as_csv(api: Api) -> None:
    page = api.ask("resources", params={"limit": "1", "offset": "1"})
    assert (page.headers["X-Total-Count"], [each["id"] for each in page.json()]) == ("3", ["vol-0"])
    lines = api.ask("resources", params={"format": "csv", "limit": "1"}).text.splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("ec2-volume,'=cmd(),")


def test_a_resource_is_told_with_its_changes(empty_site: Site, api: Api) -> None:
    (told,) = api.get("resource", id="vol-2")
    assert [each["change"] for each in told["changes"]] == ["gone", "found"]
    assert [told] == empty_site.outlay("inventory", "show", "vol-2")
    assert api.ask("resource", params={"id": "vol-none"}).status_code == 404
    assert api.ask("resources", params={"kind": "ship"}).status_code == 400


def test_accounts_are_told_as_the_command_tells_them(empty_site: Site, api: Api) -> None:
    assert api.get("inventory") == empty_site.outlay("inventory", "accounts")
