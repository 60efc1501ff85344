"""Listing, showing, comparing, reverting, emptying and pruning drops."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.drops.drops import Drops, open_drops
from outlay.drops.packing import Sizes
from outlay.errors import DeliveryError, Overtaken, UnknownName
from outlay.storage import open_place
from tests.drops.conftest import Clock
from tests.drops.reading import JUNE, MAY, costs, current, manifest, row, rows_of
from tests.ingest.world import World
from tests.layouts.shelf import Shelf
from tests.services.s3 import S3

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
HEADER = b"time/usage_start,cost/cost\n"


def in_future(drops: Drops) -> Drops:
    """So that drops that were written just now are old."""
    return replace(drops, now=lambda: FUTURE)


def states(drops: Drops, period: str = "2026-05") -> dict[str, str]:
    return {each.drop.id: each.drop.state for each in drops.of(period, read=False)}


def test_drops_are_listed_with_times_rows_and_sums(anywhere: Drops) -> None:
    anywhere.publish([row("1.5")], "2026-05", drop_id="one")
    anywhere.publish([row("2"), row("3.25", cost__discounted_cost="3")], "2026-05", drop_id="two")
    by_id = {each.drop.id: each for each in anywhere.of("2026-05")}
    one, two = by_id["one"], by_id["two"]
    assert one.contents is not None
    assert two.contents is not None
    assert (one.drop.state, one.contents.rows, one.contents.sums) == ("earlier", 1, {"cost/cost": Decimal("1.5")})
    assert (two.drop.state, two.contents.rows, two.contents.cost) == ("current", 2, Decimal("5.25"))
    assert two.contents.sums["cost/discounted_cost"] == 3
    assert abs(two.drop.at - datetime.now(UTC)) < timedelta(minutes=5)
    told = two.as_dict()
    assert (told["rows"], told["sums"]["cost/cost"], told["state"]) == (2, "5.25", "current")
    assert [each.contents for each in anywhere.of("2026-05", read=False)] == [None, None]


def test_periods_are_listed_with_their_current_drop(anywhere: Drops) -> None:
    anywhere.publish([row("1", month=5), row("1", month=6)], drop_id="d")
    anywhere.place.write("notes/readme.txt", b"x")
    anywhere.place.write("20260701-20260801/lonely/data.csv.gz", gzip.compress(HEADER))
    assert [(each.period.month, each.current) for each in anywhere.periods()] == [
        ("2026-05", "d"),
        ("2026-06", "d"),
        ("2026-07", None),
    ]


def test_a_drop_that_lacks_a_file_is_unfinished(anywhere: Drops) -> None:
    small = replace(anywhere, sizes=Sizes(rows=2))
    rows = [row(number) for number in range(5)]
    for drop_id in ("whole", "lacks-3", "lacks-1", "empty-2", "current"):
        small.publish(rows, "2026-05", drop_id=drop_id)
    anywhere.place.delete([f"{MAY}/lacks-3/data_export-0003.csv.gz", f"{MAY}/lacks-1/data_export-0001.csv.gz"])
    anywhere.place.write(f"{MAY}/empty-2/data_export-0002.csv.gz", b"")
    anywhere.place.write(f"{MAY}/theirs/part-00.csv.gz", gzip.compress(HEADER))
    assert states(anywhere) == {
        "whole": "earlier",
        "lacks-3": "unfinished",
        "lacks-1": "unfinished",
        "empty-2": "unfinished",
        "current": "current",
        "theirs": "earlier",
    }
    with pytest.raises(DeliveryError, match="lacks-3 of 2026-05 is unfinished"):
        anywhere.revert("2026-05", "lacks-3")
    assert current(anywhere.place) == "current"


def test_a_drop_is_shown_with_its_services(drops: Drops) -> None:
    services = ["Compute", "Storage", None, "Compute"]
    drops.publish([row(number + 1, resource__service=each) for number, each in enumerate(services)], "2026-05")
    contents = drops.show("2026-05").contents
    assert contents is not None
    assert contents.services == {"Compute": (2, Decimal(5)), "": (1, Decimal(3)), "Storage": (1, Decimal(2))}
    assert contents.columns == ("time/usage_start", "cost/cost", "lineitem/id", "resource/service")


def test_sums_by_service_are_exact_beyond_eighteen_places(drops: Drops) -> None:
    tiny = "0." + "0" * 24 + "1"
    drops.publish([row("1", resource__service="a"), row(tiny, resource__service="a"), row("2", resource__service="b")])
    contents = drops.show("2026-05").contents
    assert contents is not None
    assert contents.services == {"b": (1, Decimal(2)), "a": (2, Decimal("1." + "0" * 24 + "1"))}
    assert contents.cost == Decimal("3." + "0" * 24 + "1")


def test_what_is_not_there_is_told_with_what_is(drops: Drops) -> None:
    with pytest.raises(UnknownName, match="2026-05 has no current drop"):
        drops.show("2026-05")
    drops.publish([row(1)], "2026-05", drop_id="one")
    with pytest.raises(UnknownName, match=r"2026-05 has no drop 'two' .* There are: one\."):
        drops.show("2026-05", "two")
    with pytest.raises(UnknownName):
        drops.revert("2026-06", "one")


def test_a_faulty_drop_is_listed_with_its_faults(drops: Drops) -> None:
    drops.place.write(f"{MAY}/bad/a.csv.gz", gzip.compress(HEADER + b"2026-05-01,1\n2026-05-01,1e5\n"))
    (listed,) = drops.of("2026-05")
    assert listed.contents is not None
    assert (listed.contents.rows, listed.contents.cost) == (2, Decimal(1))
    assert [each.code for each in listed.contents.findings] == ["number-invalid"]
    with pytest.raises(DeliveryError, match="The drop bad of 2026-05 would be rejected"):
        drops.revert("2026-05", "bad")


def test_two_drops_are_compared_by_rows_and_services(drops: Drops) -> None:
    same = [row("1", f"s{number}", resource__service="Compute") for number in range(5)]
    before = [*same, row("2", "x", resource__service="Storage"), row("3", "y"), row("3", "y")]
    after = [*same, row("2.5", "x", resource__service="Storage"), row("3", "y"), row("7", "z", resource__service="Net")]
    drops.publish(before, "2026-05", drop_id="before")
    drops.publish(after, "2026-05", drop_id="after")
    found = drops.diff("2026-05", "before")
    assert (found.first.id, found.second.id) == ("before", "after")
    assert (found.same, found.gone, found.new, found.changed) == (6, 2, 2, 1)
    assert [(each.service, each.rows, each.change) for each in found.services()] == [
        ("Net", (0, 1), Decimal(7)),
        ("", (2, 1), Decimal(-3)),
        ("Storage", (1, 1), Decimal("0.5")),
    ]
    assert found.as_dict()["services"][1] == {"service": None, "rows": [2, 1], "cost": ["6", "3"], "change": "-3"}
    none = drops.diff("2026-05", "after", "after")
    assert (none.gone, none.new, none.changed, none.services()) == (0, 0, 0, [])


def test_drops_of_other_columns_and_of_no_rows_are_compared(drops: Drops) -> None:
    drops.publish([{"time/usage_start": "2026-05-01", "cost/cost": "1"}], "2026-05", drop_id="narrow")
    drops.publish(
        [row("1", "a", **{"resource/id": "r", "resource/tag:B": "1", "resource/tag:b": "2"})], "2026-05", drop_id="wide"
    )
    empty = drops.empty("2026-05").drop_id
    found = drops.diff("2026-05", "narrow", "wide")
    assert (found.same, found.gone, found.new) == (0, 1, 1)
    found = drops.diff("2026-05", "wide", empty)
    assert (found.same, found.gone, found.new) == (0, 1, 0)
    found = drops.diff("2026-05", empty, empty)
    assert (found.same, found.gone, found.new) == (0, 0, 0)


def test_the_manifest_is_pointed_back(anywhere: Drops) -> None:
    anywhere.publish([row("1")], "2026-05", drop_id="one")
    anywhere.publish([row("2")], "2026-05", drop_id="two")
    done = anywhere.revert("2026-05", "one")
    assert (done.drop.id, done.before, done.contents.rows) == ("one", "two", 1)
    assert manifest(anywhere.place) == {"version": "1.3.0", "current_drop_id": "one"}
    assert states(anywhere) == {"one": "current", "two": "earlier"}


def test_a_revert_that_is_overtaken_says_so(s3: S3, s3_shelf: Shelf) -> None:
    drops = open_drops(s3.url("acme"))
    drops.publish([row("1")], "2026-05", drop_id="one")
    drops.publish([row("2")], "2026-05", drop_id="two")
    s3.meanwhile(
        lambda request: request.kind == "GetObject" and "/one/" in request.key and "range" not in request.headers,
        lambda: drops.publish([row("4")], "2026-05", drop_id="three"),
    )
    with pytest.raises(Overtaken, match="three is current, and one is not"):
        drops.revert("2026-05", "one")
    assert current(drops.place) == "three"


def test_an_emptied_period_has_a_header_alone_and_empties_the_ingest(drops: Drops, tmp_path: Path) -> None:
    drops.publish([row("1")], "2026-05", drop_id="one")
    world = World(tmp_path / "home", open_place(drops.place.location))
    world.check()
    assert world.total() == 1
    done = drops.empty("2026-05")
    (file,) = drops.place.list(f"{MAY}/{done.drop_id}")
    assert gzip.decompress(drops.place.read(file.path)) == HEADER
    assert (done.rows, done.files, done.before) == (0, 1, "one")
    world.check()
    assert world.total() == 0
    drops.revert("2026-05", "one")
    world.check()
    assert world.total() == 1
    world.close()


def test_a_period_without_anything_can_be_emptied(drops: Drops) -> None:
    done = drops.empty("2026-06")
    assert (current(drops.place, JUNE), rows_of(drops.place, JUNE)) == (done.drop_id, [])


def test_old_drops_are_pruned_and_the_current_one_never(anywhere: Drops) -> None:
    for number in range(6):
        anywhere.publish([row(number)], "2026-05", drop_id=f"d{number}")
    anywhere.revert("2026-05", "d0")
    anywhere.place.write(f"{MAY}/partial/data_export-0002.csv.gz", b"x")
    later = in_future(anywhere)
    assert [each.id for each in later.prunable(keep=6)] == ["partial"]
    assert {each.id for each in later.prunable("2026-05", keep=0)} == {"partial", "d1", "d2", "d3", "d4", "d5"}
    assert [each.id for each in anywhere.prunable(keep=0)] == []
    gone = list(later.prune(later.prunable(keep=2)))
    assert len(gone) == 4
    assert states(anywhere)["d0"] == "current"
    assert costs(anywhere.place) == ["0"]
    assert "partial" not in states(anywhere)
    list(later.prune(later.prunable(keep=0)))
    assert states(anywhere) == {"d0": "current"}


def test_a_drop_that_becomes_current_before_it_is_pruned_stays(drops: Drops) -> None:
    drops.publish([row(1)], "2026-05", drop_id="one")
    drops.publish([row(2)], "2026-05", drop_id="two")
    old = in_future(drops).prunable(keep=0)
    drops.revert("2026-05", "one")
    assert [each.id for each in drops.prune(old)] == []
    assert states(drops) == {"one": "current", "two": "earlier"}


def test_the_newest_drop_comes_first(a_second_at_a_time: Callable[[], Drops], clock: Clock) -> None:
    ids = [a_second_at_a_time().publish([row(number)], "2026-05").drops[0].drop_id for number in range(3)]
    assert [each.drop.id for each in a_second_at_a_time().of("2026-05")] == ids[::-1]
