"""What every kind of resource has to do, against moto's server under access control; then a whole account."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from outlay.aws.inventory.base import Resource
from outlay.aws.inventory.collecting import Home, Piece, collect, home, piece, regions
from outlay.aws.inventory.kinds import KINDS, NAMES
from outlay.aws.inventory.side_by_side import SideBySide
from outlay.aws.policies.purposes import PURPOSES
from outlay.aws.sessions import Credentials, Session
from outlay.errors import Denied
from tests.aws.company import corrected
from tests.aws.inventory_samples import SAMPLES, Account
from tests.aws_standin.standin import EVERYTHING, Key, StandIn
from tests.services.s3 import read_request

REGION, OTHER_REGION = "eu-west-1", "us-west-2"
ACCOUNT = "330441205518"
DISCOVER = next(each for each in PURPOSES if each.name == "discover-resources")
# Of the others it gives all at once.
PAGED_BY_MOTO = ("ec2-instance", "load-balancer", "classic-load-balancer")
BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass
class Front:
    """Before moto: two enabled regions alone, calls that are counted, and refusals by operation, used up one by one.

    A refusal is a code and a status; None lets a call pass.
    """

    application: Any
    refusals: dict[str, list[tuple[str, int] | None]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    regions: Sequence[str] = (REGION, OTHER_REGION)
    meets: threading.Barrier | None = None
    # moto says that everybody's snapshots are one's own.
    without_snapshots: bool = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        kind = read_request(environ).kind
        self.asked[kind] += 1
        if self.meets and kind.startswith(("DescribeV", "DescribeI")):
            self.meets.wait(30)
        waiting = self.refusals.get(kind, [])
        if waiting and (refused := waiting.pop(0)):
            return self._refuse(start_response, *refused)
        if kind == "DescribeRegions":
            names = "".join(f"<item><regionName>{name}</regionName></item>" for name in self.regions)
            return _answer(start_response, 200, f"<R><regionInfo>{names}</regionInfo></R>")
        if kind == "DescribeSnapshots" and self.without_snapshots:
            return _answer(start_response, 200, "<R><snapshotSet/></R>")
        return cast(Iterable[bytes], self.application(environ, start_response))

    def _refuse(self, start_response: StartResponse, code: str, status: int) -> Iterable[bytes]:
        error = f"<Error><Code>{code}</Code><Message>said by a test</Message></Error>"
        return _answer(start_response, status, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>")


def _answer(start_response: StartResponse, status: int, text: str) -> Iterable[bytes]:
    start_response(f"{status} Said", [("Content-Type", "text/xml"), ("Content-Length", str(len(text)))])
    return [text.encode()]


@dataclass
class World:
    """An account with some of each kind in one region."""

    standin: StandIn
    front: Front
    ids: dict[str, list[str]]
    session: Session
    at: Home

    def look(self, name: str, *, session: Session | None = None, size: int | None = 5) -> Piece:
        kind = replace(BY_NAME[name], size=size if SAMPLES[name].is_paged else None)
        return piece([session or self.session], self.at, kind, REGION if kind.is_regional else "")

    def mine(self, found: Piece) -> dict[str, Resource]:
        """Without what moto brings along."""
        wanted = set(self.ids[found.kind.name])
        return {each.id: each for each in found.resources or () if each.id in wanted}

    def user(self, name: str, *statements: dict[str, Any]) -> Session:
        return session_of(self.standin, self.standin.add_user(ACCOUNT, name, *statements))

    def all_but(self, name: str, action: str) -> Session:
        return self.user(name, {"Effect": "Allow", "NotAction": [action], "Resource": "*"})


def session_of(standin: StandIn, key: Key) -> Session:
    return Session(Credentials(access_key=key.pair, endpoint=standin.endpoint))


@pytest.fixture(scope="module")
def account() -> Iterator[World]:
    """More than a page of most kinds."""
    with corrected(), closing(StandIn()) as standin:
        front = Front(standin.gate.application)
        standin.gate.application = front
        there = Account(standin, ACCOUNT, REGION)
        ids = {
            name: [sample.make(there, number) for number in range(6 if name in PAGED_BY_MOTO else 2)]
            for name, sample in SAMPLES.items()
        }
        session = session_of(standin, standin.add_user(ACCOUNT, "outlay", EVERYTHING))
        yield World(standin, front, ids, session, home(session))


@pytest.fixture
def world(account: World) -> Iterator[World]:
    yield account
    account.front.refusals.clear()
    account.front.meets = None


def test_every_kind_has_a_sample() -> None:
    assert list(SAMPLES) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_is_seen_with_its_arn_its_state_and_its_tags(name: str, world: World) -> None:
    found = world.look(name)
    assert not found.troubles
    seen = world.mine(found)[world.ids[name][0]]
    kind, sample = BY_NAME[name], SAMPLES[name]
    assert (seen.kind, seen.account) == (name, ACCOUNT)
    assert seen.region == (REGION if name != "iam-user" else "")
    assert seen.arn == sample.arn.format(region=REGION, account=ACCOUNT, id=seen.id)
    told = {**seen.details, "name": seen.name, "state": seen.state, "tags": seen.tags}
    assert {each: told.get(each) for each in sample.sees} == sample.sees
    assert kind.title


@pytest.mark.parametrize("name", NAMES)
def test_every_page_of_a_kind_is_read(name: str, world: World) -> None:
    before = world.front.asked[SAMPLES[name].call]
    found = world.look(name)
    assert sorted(world.mine(found)) == sorted(world.ids[name])
    pages = world.front.asked[SAMPLES[name].call] - before
    assert pages >= (2 if name in PAGED_BY_MOTO else 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_that_is_denied_is_told_with_the_missing_action(name: str, world: World) -> None:
    action = BY_NAME[name].actions[0]
    found = world.look(name, session=world.all_but(f"no-{name}", action))
    (trouble,) = found.troubles
    assert found.resources is None
    assert (trouble.kind, trouble.action, trouble.is_part) == (name, action, False)
    assert f"Allow {action} in its policy" in trouble.next


@pytest.mark.parametrize("name", [name for name in NAMES if SAMPLES[name].part])
def test_a_part_that_is_denied_is_told_once_and_the_kind_is_seen_without_it(name: str, world: World) -> None:
    part = SAMPLES[name].part
    found = world.look(name, session=world.all_but(f"half-{name}", part))
    assert sorted(world.mine(found)) == sorted(world.ids[name])
    assert [(each.action, each.is_part) for each in found.troubles] == [(part, True)]


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_that_is_throttled_is_asked_again(name: str, world: World) -> None:
    world.front.refusals[SAMPLES[name].call] = [("Throttling", 400)]
    found = world.look(name)
    assert not found.troubles
    assert sorted(world.mine(found)) == sorted(world.ids[name])
    assert world.front.refusals[SAMPLES[name].call] == []


def test_an_api_that_answers_a_page_and_fails_leaves_nothing(world: World) -> None:
    world.front.refusals["DescribeInstances"] = [None, *([("InternalError", 400)] * 3)]
    found = world.look("ec2-instance")
    assert found.resources is None
    assert [(each.action, each.region) for each in found.troubles] == [("", REGION)]
    assert "cannot answer ec2:DescribeInstances now" in found.troubles[0].message


def test_an_answer_that_is_not_as_described_is_told_and_leaves_nothing(world: World) -> None:
    class Odd(Session):
        def ask(self, *words: Any, **more: Any) -> Any:
            return {"Unheard": []}

    found = world.look("ec2-address", session=Odd(world.session.credentials))
    assert found.resources is None
    assert "not as it is described" in found.troubles[0].message


def test_the_discover_resources_policy_shows_every_kind(world: World) -> None:
    session = world.user("discovers", *(each.as_dict() for each in DISCOVER.statements))
    for name in NAMES:
        found = world.look(name, session=session)
        assert (name, found.troubles) == (name, ())
        assert sorted(world.mine(found)) == sorted(world.ids[name])


def test_every_action_of_a_kind_is_in_the_discover_resources_policy() -> None:
    allowed = [grant.action for each in DISCOVER.statements for grant in each.grants]
    needed = {action for kind in KINDS for action in kind.actions}
    assert [each for each in needed if not any(fnmatchcase(each, pattern) for pattern in allowed)] == []


# A whole account


FEW = tuple(BY_NAME[name] for name in ("ec2-instance", "ec2-volume", "s3-bucket"))


def test_every_kind_is_looked_for_in_every_enabled_region_and_once_where_there_is_none(world: World) -> None:
    found = list(collect([world.session], world.at, kinds=FEW))
    assert Counter((each.kind.name, each.region) for each in found) == Counter(
        [
            *((name, region) for name in ("ec2-instance", "ec2-volume") for region in (REGION, OTHER_REGION)),
            ("s3-bucket", ""),
        ]
    )


def test_regions_and_services_are_looked_at_side_by_side(world: World) -> None:
    # Each of the four calls waits until all four are under way.
    world.front.meets = threading.Barrier(4)
    found = list(collect([world.session], world.at, kinds=FEW[:2], threads=4))
    assert [each.troubles for each in found] == [()] * 4


def test_what_is_denied_keeps_nothing_else_from_being_seen(world: World) -> None:
    session = world.all_but("no-volumes", "ec2:DescribeVolumes")
    found = list(collect([session], world.at, kinds=FEW))
    assert {each.kind.name for each in found if each.resources is None} == {"ec2-volume"}
    assert sorted(each.region for each in found if each.resources is None) == [REGION, OTHER_REGION]


def test_what_one_access_may_not_see_another_of_the_account_may(world: World) -> None:
    blind = world.all_but("blind", "ec2:DescribeInstances")
    found = list(collect([blind, world.session], world.at, kinds=FEW[:1]))
    assert [each.troubles for each in found] == [(), ()]


def test_without_the_list_of_regions_those_are_looked_at_that_every_account_has(world: World) -> None:
    world.front.refusals["DescribeRegions"] = [("UnauthorizedOperation", 403)]
    names, trouble = regions([world.session], world.at)
    assert REGION in names
    assert "cn-north-1" not in names
    assert trouble is not None
    assert trouble.action == "ec2:DescribeRegions"


def test_a_look_that_is_over_ends_without_a_half_piece(world: World) -> None:
    asked = Counter[str]()

    def is_over() -> bool:
        asked["over"] += 1
        return asked["over"] > 6

    found = list(collect([world.session], world.at, kinds=FEW, is_over=is_over, threads=1))
    assert len(found) < 5
    assert all(each.resources is not None for each in found)


def test_credentials_that_are_wrong_are_told_before_anything_is_looked_for(world: World) -> None:
    wrong = Session(Credentials(access_key=("AKIAIOSFODNN7EXAMPLE", "x" * 40), endpoint=world.standin.endpoint))
    with pytest.raises(Denied) as told:
        home(wrong)
    assert told.value.reason == "wrong-key"


def test_who_waits_says_so_while_one_thing_takes_long() -> None:
    """In its own thread: that is how a lease is kept."""
    me, said = threading.get_ident(), list[int]()
    enough = threading.Event()

    def still() -> None:
        said.append(threading.get_ident())
        if len(said) == 3:
            enough.set()

    def work(number: int) -> int:
        assert enough.wait(60)
        return number

    assert list(SideBySide([1], work, 1, lambda: False, still)) == [1]
    assert set(said) == {me}


def test_what_goes_wrong_in_a_thread_is_raised_where_its_results_are_used() -> None:
    def work(number: int) -> int:
        raise ArithmeticError(number)

    with pytest.raises(ArithmeticError):
        list(SideBySide([1, 2], work, 2, lambda: False))
