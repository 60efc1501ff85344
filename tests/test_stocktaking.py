"""From a connection to the history of what runs in its account: against moto's server, under access control."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay import stocktaking
from outlay.app import Outlay
from outlay.aws.policies.purposes import PURPOSES
from outlay.cli.failing import run
from outlay.errors import Busy, UnknownName
from outlay.inventory.asking import Wanted
from outlay.state.new import NewConnection
from outlay.worker.ending import Ending
from tests.aws.company import corrected
from tests.aws.inventory_samples import Account
from tests.aws.test_inventory import Front
from tests.aws_standin.standin import StandIn, statement

REGION = "eu-west-1"
ACCOUNT, OTHER, OUTLAYS = "007712340001", "007712340002", "007712340009"
DISCOVER = tuple(
    each.as_dict() for purpose in PURPOSES if purpose.name == "discover-resources" for each in purpose.statements
)


class Place:
    """Two accounts with a volume each, an instance in one, and roles by which Outlay may look through them."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self.front = Front(standin.gate.application, regions=(REGION,), without_snapshots=True)
        standin.gate.application = self.front
        self.accounts = {account: Account(standin, account, REGION) for account in (ACCOUNT, OTHER)}
        self.volumes = {account: at.tag(at.volume()) for account, at in self.accounts.items()}
        self.roles = {account: self.role(account, "looks", *DISCOVER) for account in self.accounts}
        self.key = standin.add_user(OUTLAYS, "outlay", statement("sts:AssumeRole"))

    def role(self, account: str, name: str, *statements: dict[str, Any]) -> str:
        return self.standin.add_role(account, name, *statements, trusts=f"arn:aws:iam::{OUTLAYS}:root")


@pytest.fixture(scope="module")
def standing() -> Iterator[Place]:
    with corrected(), closing(StandIn()) as standin:
        yield Place(standin)


@pytest.fixture
def place(standing: Place, outlay_home: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("AWS_ENDPOINT_URL", standing.standin.endpoint)
    for name, value in standing.key.environ.items():
        monkeypatch.setenv(name, value)
    return standing


@pytest.fixture
def o(place: Place) -> Iterator[Outlay]:
    with outlay.open(threads=1) as opened:
        yield opened


def connect(o: Outlay, name: str, role: str, **more: Any) -> None:
    o.add(NewConnection(name, "linked", "", role_arn=role, **more))


def volumes(o: Outlay, **wanted: Any) -> list[tuple[str, str]]:
    _, found = stocktaking.resources(o, Wanted(kind="ec2-volume", **wanted))
    return [(each.account, each.id) for each in found]


def test_the_resources_of_a_connected_account_are_seen_when_they_are_due(o: Outlay, place: Place) -> None:
    assert stocktaking.look_at_next(o) is None
    connect(o, "one", place.roles[ACCOUNT])
    said = stocktaking.look_at_next(o)
    assert said is not None
    assert said.startswith(f"{ACCOUNT}: ")
    assert (ACCOUNT, place.volumes[ACCOUNT]) in volumes(o)
    # Not due again for six hours.
    assert stocktaking.look_at_next(o) is None
    (looked,) = stocktaking.accounts(o)
    assert looked.row.looked_at
    assert looked.row.next_at == looked.row.looked_at + timedelta(hours=6)
    assert (looked.is_connected, looked.row.troubles, looked.counts["ec2-volume"]) == (True, [], len(volumes(o)))


def test_two_connections_of_one_account_look_once(o: Outlay, place: Place) -> None:
    connect(o, "one", place.roles[ACCOUNT])
    connect(o, "two", place.roles[ACCOUNT])
    before = place.front.asked["DescribeVolumes"]
    assert stocktaking.look_at_next(o)
    assert stocktaking.look_at_next(o) is None
    assert place.front.asked["DescribeVolumes"] - before == 1
    assert stocktaking.connected(o) == [ACCOUNT]


def test_what_one_connection_may_not_see_another_of_the_account_shows(o: Outlay, place: Place) -> None:
    blind = place.role(ACCOUNT, "sees-no-volumes", statement("ec2:DescribeRegions", "ec2:DescribeAddresses"))
    connect(o, "a-blind", blind)
    assert stocktaking.look_at_next(o)
    (looked,) = stocktaking.accounts(o)
    missing = {(each["kind"], each["action"]): each["regions"] for each in looked.row.troubles}
    assert missing[("ec2-volume", "ec2:DescribeVolumes")] == [REGION]
    assert missing[("s3-bucket", "s3:ListAllMyBuckets")] == []
    assert volumes(o) == []
    connect(o, "b-seeing", place.roles[ACCOUNT])
    stocktaking.look_at(o, ACCOUNT)
    (looked,) = stocktaking.accounts(o)
    assert (looked.row.troubles, looked.row.connection) == ([], "a-blind")
    assert volumes(o)


def test_an_access_that_is_refused_is_told_and_tried_again_soon(o: Outlay, place: Place) -> None:
    connect(o, "wrong", f"arn:aws:iam::{ACCOUNT}:role/not-there")
    said = stocktaking.look_at_next(o)
    assert said is not None
    assert "were not seen" in said
    (looked,) = stocktaking.accounts(o)
    assert (looked.row.failures, looked.row.looked_at) == (1, None)
    assert "external id" in looked.row.said + looked.row.next
    assert looked.row.next_at
    assert looked.row.next_at - datetime.now(UTC) < timedelta(minutes=2)


def test_an_account_that_fails_unexpectedly_waits_and_keeps_no_other_waiting(
    o: Outlay, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, account in (("one", ACCOUNT), ("two", OTHER)):
        connect(o, name, place.roles[account])
    from outlay.aws.inventory import collecting
    from outlay.worker.worker import Worker

    collect = collecting.collect

    def breaks(sessions: Any, at: Any, **more: Any) -> Any:
        if at.account == ACCOUNT:
            raise AttributeError("a secret")
        return collect(sessions, at, **more)

    monkeypatch.setattr(collecting, "collect", breaks)
    worker = Worker(o, Ending())
    assert [worker.take_stock() for _ in range(3)] == [False, True, False]
    one, two = (looked.row for looked in stocktaking.accounts(o))
    assert two.looked_at
    assert (one.failures, one.looked_at, one.lease_holder) == (1, None, "")
    assert "AttributeError" in one.said
    assert "secret" not in one.said


def test_a_look_that_ends_with_its_worker_stays_due_and_keeps_nothing(o: Outlay, place: Place) -> None:
    connect(o, "one", place.roles[ACCOUNT])
    stocktaking.look_at_next(o, is_over=lambda: True)
    assert volumes(o) == []
    assert stocktaking.look_at_next(o)
    assert volumes(o)


def test_an_account_under_a_look_is_not_looked_through_twice(o: Outlay, place: Place) -> None:
    from outlay.state import inventory

    connect(o, "one", place.roles[ACCOUNT])
    lease = inventory.claim(ACCOUNT, datetime.now(UTC))
    assert lease is not None
    assert stocktaking.look_at_next(o) is None
    with pytest.raises(Busy):
        stocktaking.look_at(o, ACCOUNT)
    inventory.release(lease)
    assert stocktaking.look_at(o, ACCOUNT)


def test_a_lease_is_kept_while_one_kind_takes_longer_than_it(
    o: Outlay, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the users of IAM may, of which each is several calls."""
    connect(o, "one", place.roles[ACCOUNT])
    from outlay.aws.inventory import collecting
    from outlay.aws.inventory.base import Kind, Look
    from outlay.state import inventory

    renewed, calls = threading.Event(), list[None]()
    still = inventory.Lease.still

    def kept(lease: inventory.Lease) -> None:
        calls.append(still(lease))
        if len(calls) == 3:
            renewed.set()

    def slow(look: Look) -> Iterator[Any]:
        assert renewed.wait(60), "Nobody said that it goes on."
        yield from ()

    monkeypatch.setattr(inventory.Lease, "still", kept)
    only = (Kind("iam-user", "IAM user", (), slow, is_regional=False),)
    monkeypatch.setattr(collecting, "collect", partial(collecting.collect, kinds=only))
    assert stocktaking.look_at(o, ACCOUNT) == f"{ACCOUNT}: 0 resources."


def test_an_account_that_is_not_connected_cannot_be_looked_through(o: Outlay, place: Place) -> None:
    connect(o, "one", place.roles[ACCOUNT])
    with pytest.raises(UnknownName, match=OTHER):
        stocktaking.look_at(o, OTHER)


def test_a_paused_connection_is_not_looked_by(o: Outlay, place: Place) -> None:
    connect(o, "one", place.roles[ACCOUNT])
    o.pause("one")
    assert stocktaking.look_at_next(o) is None


def test_the_setting_turns_it_off(place: Place) -> None:
    with outlay.open(threads=1, inventory_hours=0) as o:
        connect(o, "one", place.roles[ACCOUNT])
        assert stocktaking.look_at_next(o) is None


def test_a_worker_takes_stock_beside_its_checks(o: Outlay, place: Place) -> None:
    connect(o, "one", place.roles[ACCOUNT])
    from outlay.worker.worker import Worker

    worker = Worker(o, Ending())
    assert worker.take_stock()
    assert volumes(o)
    assert not worker.take_stock()


# The commands


def call(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run(list(words)) == 0
    return capsys.readouterr().out


def test_the_commands_list_show_and_tell_of_accounts(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert "No AWS account is connected" in call(capsys, "inventory", "list")
    assert "No AWS account is connected" in call(capsys, "inventory", "accounts")
    call(capsys, "connections", "add", "linked", "one", "--role-arn", place.roles[ACCOUNT])
    assert "not yet" in call(capsys, "inventory", "accounts")
    assert f"{ACCOUNT}: " in call(capsys, "inventory", "look")
    volume = place.volumes[ACCOUNT]
    words = ("inventory", "list", "--kind", "ec2-volume", "--tag", "team=web")
    (told,) = json.loads(call(capsys, *words, "--json"))
    assert (told["id"], told["account"], told["tags"]) == (volume, ACCOUNT, {"Name": "shop", "team": "web"})
    shown = call(capsys, *words)
    assert volume in shown
    assert "1 resource." in shown
    head, line = call(capsys, *words, "--format", "csv").splitlines()
    assert head == "kind,id,name,state,region,account,since,found,created,arn,tags"
    assert line.startswith(f"ec2-volume,{volume},shop,available,{REGION},{ACCOUNT},")
    (whole,) = json.loads(call(capsys, "inventory", "show", volume, "--json"))
    assert [each["change"] for each in whole["changes"]] == ["found"]
    assert (whole["details"]["gib"], whole["arn"]) == (30, told["arn"])
    page = call(capsys, "inventory", "show", told["arn"])
    assert "tag team" in page
    assert "found" in page
    assert "No resource fits" in call(capsys, "inventory", "list", "--region", "nowhere")
    (account,) = json.loads(call(capsys, "inventory", "accounts", "--json"))
    assert account["kinds"]["ec2-volume"] >= 1
    assert run(["inventory", "list", "--kind", "ship"]) == 2
    assert run(["inventory", "show", "vol-none"]) == 2
