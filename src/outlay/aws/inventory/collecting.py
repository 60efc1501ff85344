"""Everything in one account: every kind in every enabled region, several at a time.

A kind in a region is whole or told as not seen: what answers half a page and fails leaves nothing. Nothing that is
refused keeps the rest from being looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from outlay.aws.faults import ENABLED_REGIONS
from outlay.aws.inventory.base import Abandoned, Kind, Look, Resource
from outlay.aws.inventory.kinds import KINDS
from outlay.aws.inventory.side_by_side import SideBySide
from outlay.aws.sessions import Session
from outlay.errors import AccessError, Denied, OutlayError

# A call that is throttled is made so often: the waits add up to about a minute.
ATTEMPTS = 8
THREADS = 8
_HOME_REGIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_REGIONS = "regions"


@dataclass(frozen=True)
class Home:
    """The account of a session, as STS tells it."""

    account: str
    partition: str

    @property
    def region(self) -> str:
        """Where AWS tells of what lies in no region."""
        return _HOME_REGIONS.get(self.partition, "us-east-1")


@dataclass(frozen=True)
class Trouble:
    """What was not seen: a kind in a region, or, of `is_part`, a part of each of its resources.

    `action` is the permission that is missing, blank where that is not what is wrong.
    """

    kind: str
    region: str
    action: str
    message: str
    next: str
    is_part: bool = False


@dataclass(frozen=True)
class Piece:
    """All resources of a kind in a region, blank for the whole account; None when they were not seen as a whole."""

    kind: Kind
    region: str
    resources: tuple[Resource, ...] | None
    troubles: tuple[Trouble, ...] = ()


def home(session: Session) -> Home:
    """Raises AccessError for credentials that are wrong."""
    caller = session.ask("sts", "GetCallerIdentity")
    return Home(caller["Account"], caller["Arn"].split(":")[1])


def regions(sessions: Sequence[Session], at: Home) -> tuple[tuple[str, ...], Trouble | None]:
    """Those that the account has enabled. Where that may not be seen, those that every account has, with why."""

    def listed(session: Session) -> tuple[str, ...]:
        told = session.ask("ec2", "DescribeRegions", region=at.region)
        return tuple(sorted(each["RegionName"] for each in told["Regions"]))

    try:
        return _first(sessions, listed), None
    except AccessError as error:
        usual = sorted(each for each in ENABLED_REGIONS if _partition(each) == at.partition)
        return tuple(usual), _trouble(_REGIONS, at.region, error)


def _partition(region: str) -> str:
    return next(
        (name for start, name in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if region.startswith(start)), "aws"
    )


def collect(
    sessions: Sequence[Session],
    at: Home,
    *,
    kinds: Sequence[Kind] = KINDS,
    is_over: Callable[[], bool] = lambda: False,
    still: Callable[[], None] = lambda: None,
    threads: int = THREADS,
) -> Iterator[Piece]:
    """A piece for each kind and region, as they come. `sessions` are of one account: what one may not see, another may.

    Ends early when `is_over`, which is asked often, and from other threads. `still` is called often, by who takes the
    pieces, however long the next one takes.
    """
    names, trouble = regions(sessions, at)
    looks = [(kind, name) for name in names for kind in kinds if kind.is_regional]
    looks += [(kind, "") for kind in kinds if not kind.is_regional]
    if trouble:
        yield Piece(Kind(_REGIONS, "regions", (trouble.action,), lambda _: iter(())), trouble.region, None, (trouble,))
    over = threading.Event()

    def ends() -> bool:
        return over.is_set() or is_over()

    try:
        with suppress(Abandoned):
            yield from SideBySide(looks, lambda look: piece(sessions, at, *look, is_over=ends), threads, ends, still)
    finally:
        over.set()


def piece(
    sessions: Sequence[Session], at: Home, kind: Kind, region: str, *, is_over: Callable[[], bool] = lambda: False
) -> Piece:
    """Raises Abandoned when it is over before the end."""
    looks: list[Look] = []

    def seen(session: Session) -> tuple[Resource, ...]:
        looks.append(Look(session, at.account, at.partition, region or at.region, kind.size, is_over))
        # Pages may overlap when something is made or deleted between them.
        return tuple({each.id: each for each in kind.find(looks[-1])}.values())

    try:
        found = _first(sessions, seen)
    except OutlayError as error:
        return Piece(kind, region, None, (_trouble(kind.name, region, error),))
    except (KeyError, TypeError, ValueError) as error:
        message = f"AWS's answer about {kind.title}s is not as it is described: {type(error).__name__}."
        odd = Trouble(
            kind.name, region, "", message, "It is looked at again. If it stays, report it with this message."
        )
        return Piece(kind, region, None, (odd,))
    missing = (_trouble(kind.name, region, each, is_part=True) for each in looks[-1].missing.values())
    return Piece(kind, region, found, tuple(missing))


T = TypeVar("T")


def _first(sessions: Sequence[Session], ask: Callable[[Session], T]) -> T:
    """Of the first session that is not denied it. Raises what the first of them was told."""
    session, *others = sessions
    try:
        return ask(session)
    except Denied:
        for other in others:
            with suppress(Denied):
                return ask(other)
        raise


def _trouble(kind: str, region: str, error: OutlayError, *, is_part: bool = False) -> Trouble:
    action = error.action if isinstance(error, Denied) else ""
    return Trouble(kind, region, action, error.message, error.next, is_part)
