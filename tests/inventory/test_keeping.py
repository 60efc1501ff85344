"""Looks become a history: found, changed, gone, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.table import Table

from outlay.aws.inventory.collecting import Piece
from outlay.errors import UsageError
from outlay.inventory.keeping import keep
from outlay.lake import resources, tidy
from tests.inventory.conftest import ACCOUNT, HOUR, NOW, OTHER, Stock, piece, refused, volume


def test_before_the_first_look_nothing_is_known(stock: Stock) -> None:
    assert stock.there() == []
    assert stock.table.known(ACCOUNT) == {}


def test_a_resource_is_found_once_however_often_it_is_seen(stock: Stock) -> None:
    assert stock.keep(piece(volume())).changes == {"found": 1}
    assert stock.keep(piece(volume()), at=NOW + HOUR).changes == {}
    (seen,) = stock.there()
    assert (seen.id, seen.state, seen.tags, seen.details) == ("vol-1", "in-use", {"team": "web"}, {"gib": 30})
    assert (seen.since, seen.found, seen.created) == (NOW, NOW, datetime(2025, 11, 1, tzinfo=UTC))
    assert [each.change for each in stock.changes("vol-1")] == ["found"]


def test_what_changed_is_told_with_what_it_was_and_since_when(stock: Stock) -> None:
    stock.keep(piece(volume()))
    detached = volume(state="available", tags={"team": "shop"}, details={"gib": 40})
    assert stock.keep(piece(detached), at=NOW + HOUR).changes == {"changed": 1}
    (seen,) = stock.there()
    assert (seen.state, seen.since, seen.found) == ("available", NOW + HOUR, NOW)
    first, second = stock.changes("vol-1")
    assert (first.change, first.fields) == ("found", {})
    assert second.fields == {"state": ("in-use", "available"), "tags.team": ("web", "shop"), "gib": (30, 40)}
    assert (second.at, second.as_dict()["fields"]["gib"]) == (NOW + HOUR, {"before": 30, "after": 40})


def test_what_is_gone_is_marked_gone_and_stays(stock: Stock) -> None:
    stock.keep(piece(volume(), volume("vol-2")))
    assert stock.keep(piece(volume("vol-2")), at=NOW + HOUR).changes == {"gone": 1}
    assert stock.ids() == ["vol-2"]
    (gone,) = stock.there(state="gone")
    assert (gone.id, gone.since, gone.details, gone.tags) == ("vol-1", NOW + HOUR, {"gib": 30}, {"team": "web"})
    assert stock.ids(with_gone=True) == ["vol-1", "vol-2"]
    assert stock.keep(piece(volume("vol-2")), at=NOW + 2 * HOUR).changes == {}


def test_what_comes_back_is_found_again(stock: Stock) -> None:
    for number, look in enumerate([piece(volume()), piece(), piece(volume())]):
        stock.keep(look, at=NOW + number * HOUR)
    assert [each.change for each in stock.changes("vol-1")] == ["found", "gone", "found"]
    assert stock.there()[0].since == NOW + 2 * HOUR


def test_what_was_not_seen_as_a_whole_stays_as_it_was(stock: Stock) -> None:
    stock.keep(piece(volume()), piece(volume("vol-2", region="us-east-1"), region="us-east-1"))
    outcome = stock.keep(refused(), piece(region="us-east-1"), at=NOW + HOUR)
    assert outcome.changes == {"gone": 1}
    assert [each.action for each in outcome.troubles] == ["ec2:DescribeVolumes"]
    assert stock.ids() == ["vol-1"]


def test_a_region_that_was_not_looked_at_keeps_its_resources(stock: Stock) -> None:
    stock.keep(piece(volume()))
    stock.keep(piece(region="us-east-1"), at=NOW + HOUR)
    assert stock.ids() == ["vol-1"]


def test_a_bucket_is_gone_wherever_it_lay(stock: Stock) -> None:
    bucket = volume("shop", region="us-west-2", kind="s3-bucket", arn="arn:aws:s3:::shop")
    stock.keep(piece(bucket, kind="s3-bucket", region=""))
    stock.keep(piece(kind="s3-bucket", region=""), at=NOW + HOUR)
    assert stock.there(state="gone")[0].region == "us-west-2"


def test_a_bucket_whose_region_may_not_be_seen_lies_where_it_lay(stock: Stock) -> None:
    bucket = volume("shop", region="us-west-2", kind="s3-bucket", arn="arn:aws:s3:::shop")
    hidden = replace(bucket, region="")
    stock.keep(piece(bucket, kind="s3-bucket", region=""))
    for number, each in enumerate([hidden, bucket], 1):
        assert stock.keep(piece(each, kind="s3-bucket", region=""), at=NOW + number * HOUR).changes == {}
    assert [(each.region, each.since) for each in stock.there(with_gone=True)] == [("us-west-2", NOW)]


def test_a_bucket_whose_region_was_never_seen_is_there_once_when_it_is(stock: Stock) -> None:
    bucket = volume("shop", region="us-west-2", kind="s3-bucket", arn="arn:aws:s3:::shop")
    for number, each in enumerate([replace(bucket, region=""), bucket]):
        stock.keep(piece(each, kind="s3-bucket", region=""), at=NOW + number * HOUR)
    assert [each.region for each in stock.there()] == ["us-west-2"]


def test_a_look_that_is_over_before_its_end_keeps_nothing(stock: Stock) -> None:
    stock.keep(piece(volume()))
    stock.keep(piece(volume("vol-2")), at=NOW + HOUR, is_over=lambda: True)
    assert stock.ids() == ["vol-1"]


def test_the_order_of_changes_is_kept_by_a_clock_that_was_put_back(stock: Stock) -> None:
    stock.keep(piece(volume()), at=NOW)
    stock.keep(piece(volume(state="available")), at=NOW - timedelta(hours=5))
    assert stock.there()[0].state == "available"
    assert [each.change for each in stock.changes("vol-1")] == ["found", "changed"]


@pytest.mark.parametrize("first", [ACCOUNT, OTHER])
def test_a_resource_that_moves_to_another_account_is_there_once(first: str, stock: Stock) -> None:
    """Whichever of the two is looked at first after the move."""
    bucket = volume("shop", kind="s3-bucket", arn="arn:aws:s3:::shop", region="eu-west-1")
    moved = replace(bucket, account=OTHER)
    empty = piece(kind="s3-bucket", region="")
    stock.keep(piece(bucket, kind="s3-bucket", region=""))
    looks = {ACCOUNT: empty, OTHER: piece(moved, kind="s3-bucket", region="")}
    for account in (first, *(each for each in looks if each != first)):
        stock.keep(looks[account], account=account, at=NOW + HOUR)
        there = [each.account for each in stock.there()]
        assert there == ([OTHER] if account == OTHER or first == OTHER else [])
    assert [each.account for each in stock.there(with_gone=True)] == [ACCOUNT, OTHER]


def test_users_of_the_same_name_in_two_accounts_are_two(stock: Stock) -> None:
    for account in (ACCOUNT, OTHER):
        user = volume("ada", account=account, kind="iam-user", region="", arn=f"arn:aws:iam::{account}:user/ada")
        stock.keep(piece(user, kind="iam-user", region=""), account=account)
    assert [each.account for each in stock.there(kind="iam-user")] == [ACCOUNT, OTHER]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"kind": "ec2-volume"}, ["vol-a", "vol-b", "vol-c"]),
        ({"kind": "ec2-image"}, []),
        ({"account": OTHER}, ["vol-c"]),
        ({"region": "us-east-1"}, ["vol-b"]),
        ({"state": "available"}, ["vol-b"]),
        ({"tag": "team"}, ["vol-a", "vol-c"]),
        ({"tag": "team=shop"}, ["vol-c"]),
        ({"tag": "team="}, []),
        ({"text": "VOL-A"}, ["vol-a"]),
        ({"text": "Data%"}, ["vol-b"]),
        ({"text": f":{OTHER}:"}, ["vol-c"]),
        ({"limit": 1, "offset": 1}, ["vol-b"]),
    ],
)
def test_resources_are_found_by_filters(wanted: dict[str, str], ids: list[str], stock: Stock) -> None:
    stock.keep(
        piece(volume("vol-a")),
        piece(volume("vol-b", region="us-east-1", state="available", tags={}, name="data%1"), region="us-east-1"),
    )
    stock.keep(piece(volume("vol-c", account=OTHER, tags={"team": "shop"})), account=OTHER)
    assert stock.ids(**wanted) == ids


def test_a_kind_that_is_none_is_refused(stock: Stock) -> None:
    stock.keep(piece(volume()))
    with pytest.raises(UsageError, match="no kind of resource"):
        stock.there(kind="ship")


def test_many_files_of_an_account_become_one_and_say_the_same(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    stock.keep(piece(volume("vol-9", account=OTHER)), account=OTHER)
    for number in range(3):
        stock.keep(piece(volume(details={"gib": number})), at=NOW + number * HOUR)
    before, told = len(stock.table.files()), stock.changes("vol-1")
    monkeypatch.setattr(resources, "FILES", 3)
    assert stock.table.tidy(ACCOUNT)
    assert (before, len(stock.table.files())) == (4, 2)
    assert stock.changes("vol-1") == told
    assert stock.ids() == ["vol-1", "vol-9"]


def test_tidying_the_lake_leaves_the_resources_and_sweeps_what_their_table_needs_no_more(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        stock.keep(piece(volume(details={"gib": number})), at=NOW + number * HOUR)
    monkeypatch.setattr(resources, "FILES", 3)
    assert stock.table.tidy(ACCOUNT)
    told, before = stock.changes("vol-1"), stock.data()
    later = datetime.now(UTC) + timedelta(days=9)
    done = tidy(stock.lake, lambda *_: False, now=later, grace=HOUR)
    # Three of one row, and the one that took their place.
    assert (len(before), len(stock.data())) == (4, 1)
    assert done.files_removed > 3
    assert stock.changes("vol-1") == told
    assert len(stock.there()) == 1
    again = tidy(stock.lake, lambda *_: False, now=later, grace=HOUR)
    assert again.files_removed == 0
    stock.keep(piece(), at=NOW + 9 * HOUR)
    assert stock.there() == []


def test_a_commit_that_another_account_overtakes_is_made_again(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    table = stock.table
    commits: list[tuple[str, str]] = []
    load = stock.lake.load

    def overtaken(name: tuple[str, str]) -> object:
        """The other commits between the look at the table and the commit to it."""
        there = load(name)
        if not commits:
            commits.append(name)
            stock.keep(piece(volume("vol-2", account=OTHER)), account=OTHER)
        return there

    stock.keep(piece(volume("vol-0", account=OTHER)), account=OTHER)
    known = table.known(ACCOUNT)
    monkeypatch.setattr(stock.lake, "load", overtaken)
    assert known == {}
    keep(_Blind(stock.lake), ACCOUNT, [piece(volume())], NOW)
    assert stock.ids(account=ACCOUNT) == ["vol-1"]
    assert stock.ids(account=OTHER, with_gone=True) == ["vol-0", "vol-2"]


def test_a_commit_of_which_nobody_knows_whether_it_was_made_is_made_once(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, asked = Table.append, list[bool]()

    def unsure(there: Table, *args: Any, **more: Any) -> None:
        """The first is not made, the second is."""
        asked.append(len(asked) == 1)
        if asked[-1]:
            append(there, *args, **more)
        raise CommitStateUnknownException("The connection ended.")

    monkeypatch.setattr(Table, "append", unsure)
    assert stock.keep(piece(volume())).changes == {"found": 1}
    monkeypatch.undo()
    assert asked == [False, True]
    wanted = {resources.Key("ec2-volume", "eu-west-1", "vol-1"): 1}
    assert [row["version"] for row in stock.table.rows(ACCOUNT, wanted)] == [1]
    assert stock.keep(piece(), at=NOW + HOUR).changes == {"gone": 1}


class _Blind(resources.Resources):
    """One that does not look at the table before it commits."""

    def known(self, account: str) -> dict[resources.Key, resources.Known]:
        return {}

    def tidy(self, account: str) -> bool:
        return False


def test_pieces_are_made_into_rows_one_by_one(stock: Stock) -> None:
    """So that memory holds the resources of few, however many there are."""
    made: list[int] = []
    seen: list[int] = []

    def pieces() -> Iterator[Piece]:
        for number in range(4):
            made.append(number)
            yield piece(*(volume(f"vol-{number}-{each}") for each in range(250)), region=f"region-{number}")

    outcome = keep(stock.table, ACCOUNT, pieces(), NOW, still=lambda: seen.append(len(made)))
    assert (outcome.seen, seen) == (1000, [1, 2, 3, 4])
    assert len(stock.there(limit=10)) == 10
