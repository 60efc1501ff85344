"""What a publish writes, by the letter of the AnyCost document, and what it does before and after."""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import outlay
from outlay.drops.drops import Drops, open_drops
from outlay.drops.packing import Sizes
from outlay.drops.shelf import manifest_of
from outlay.errors import (
    Changed,
    DeliveryError,
    DiskFull,
    NotFound,
    Overtaken,
    PartlyPublished,
    SetupError,
    Unavailable,
    Unsure,
    UsageError,
)
from outlay.settings import Settings
from outlay.storage import Place, open_place
from tests.drops.conftest import Clock
from tests.drops.reading import JUNE, MAY, costs, current, manifest, row, rows_of, total
from tests.ingest.world import World
from tests.layouts.shelf import Shelf
from tests.services.disk import fill, small_disk
from tests.services.s3 import S3

FIRST = "20260519T154516Z"


def files(place: Place) -> list[str]:
    return [file.path for file in place.list()]


def test_a_drop_lies_as_the_documents_say(anywhere: Drops) -> None:
    (done,) = anywhere.publish([row("1.10"), row(Decimal("2.25"))], "2026-05").drops
    place = anywhere.place
    assert files(place) == [f"{MAY}/{FIRST}/data_export-0001.csv.gz", f"{MAY}/manifest.json"]
    assert manifest(place) == {"version": "1.3.0", "current_drop_id": FIRST}
    assert costs(place) == ["1.10", "2.25"]
    assert (done.drop_id, done.rows, done.files, done.sums) == (FIRST, 2, 1, {"cost/cost": Decimal("3.35")})
    assert done.location == str(place.location.join(MAY, FIRST))


def test_a_second_drop_of_the_same_second_has_an_id_of_its_own(anywhere: Drops) -> None:
    for cost in ("1", "2", "3"):
        anywhere.publish([row(cost)], "2026-05")
    assert current(anywhere.place) == f"{FIRST}-3"
    assert [costs(anywhere.place, MAY, drop) for drop in (FIRST, f"{FIRST}-2", f"{FIRST}-3")] == [["1"], ["2"], ["3"]]


def test_files_hold_a_million_rows_at_most_and_each_has_the_header(drops: Drops) -> None:
    assert drops.sizes.rows == 1_000_000
    (done,) = (
        replace(drops, sizes=Sizes(rows=1000))
        .publish((row(number, str(number)) for number in range(2500)), "2026-05")
        .drops
    )
    names = [file.name for file in drops.place.list(f"{MAY}/{FIRST}")]
    assert names == [f"data_export-{number:04}.csv.gz" for number in (1, 2, 3)]
    texts = [gzip.decompress(drops.place.read(f"{MAY}/{FIRST}/{name}")).decode() for name in names]
    assert [text.count("\n") - 1 for text in texts] == [1000, 1000, 500]
    assert {text.partition("\n")[0] for text in texts} == {"time/usage_start,cost/cost,lineitem/id"}
    assert sorted(int(each) for each in costs(drops.place)) == list(range(2500))
    assert (done.rows, done.files, done.sums["cost/cost"]) == (2500, 3, Decimal(sum(range(2500))))


def test_a_file_that_grows_large_is_followed_by_another(drops: Drops) -> None:
    small = replace(drops, sizes=Sizes(bytes=1000))
    (done,) = small.publish((row(number, f"{number * 7919:x}") for number in range(140_000)), "2026-05").drops
    assert (done.files, done.rows) == (3, 140_000)
    assert len(rows_of(drops.place)) == 140_000


def test_every_file_has_the_columns_that_come_late(drops: Drops) -> None:

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(20_000):
            late = {"resource__id": "vm/1", "resource/tag:Team": "a,b", "resource/tag:team": "x"}
            yield row(number, 'quoted "id",\n', **(late if number > 15_000 else {}))

    replace(drops, sizes=Sizes(rows=5000)).publish(rows(), "2026-05")
    heads = {
        gzip.decompress(drops.place.read(file.path)).decode().partition("\n")[0]
        for file in drops.place.list(f"{MAY}/{FIRST}")
    }
    assert heads == {"time/usage_start,cost/cost,lineitem/id,resource/id,resource/tag:Team,resource/tag:team"}
    found = rows_of(drops.place)
    assert sum("resource/tag:Team" in each for each in found) == 4999
    assert total(drops.place) == sum(range(20_000))
    assert {each["lineitem/id"] for each in found} == {'quoted "id",\n'}


def test_the_gzip_header_tells_how_many_files_there_are(drops: Drops) -> None:
    drops.publish([row(1)], "2026-05")
    content = drops.place.read(f"{MAY}/{FIRST}/data_export-0001.csv.gz")
    assert re.match(rb".{10}data_export-000001-of-000001\.csv\0", content, re.DOTALL)
    assert struct.unpack("<I", content[-4:]) == (len(gzip.decompress(content)),)


@pytest.mark.parametrize(
    "text",
    ["a,b", 'say "hi"', "two\nlines", "cr\r\nlf", " spaces ", "=1+1", "ümit 日本", "'", ";", "\t", "-", "NULL", "\\"],
)
def test_any_text_comes_out_as_it_went_in(drops: Drops, text: str) -> None:
    drops.publish([row(1, text), row(2, "plain")], "2026-05")
    assert rows_of(drops.place)[0]["lineitem/id"] == text


def test_outlay_brings_in_what_was_published_with_equal_sums(anywhere: Drops, tmp_path: Path) -> None:
    tags = {"resource/tag:Team": "a", "resource/tag:team": "x,\ny"}
    rows = [
        row(
            round(Decimal(number) / 7000, 18),
            f"i{number}",
            1 + number % 28,
            cost__amortized_cost=f"0.{number}",
            resource__id=f"vm/{number}",
            **tags,
        )
        for number in range(300)
    ]
    (done,) = replace(anywhere, sizes=Sizes(rows=100)).publish(rows, "2026-05").drops
    world = World(tmp_path / "home", anywhere.place)
    result = world.one()
    assert result.outcome == "committed"
    assert world.total() == done.sums["cost/cost"] == sum(each["cost/cost"] for each in rows)
    assert world.total("x_AmortizedCost") == done.sums["cost/amortized_cost"]
    assert (len(world.rows()), done.files) == (300, 3)
    assert dict(world.rows()[0]["Tags"]) == {"Team": "a", "team": "x,\ny"}
    world.close()


def test_rows_of_several_months_go_to_their_own_periods(anywhere: Drops) -> None:
    rows = [row("1", month=5), row("2", month=6), row("4", month=5)]
    may, june = anywhere.publish(rows).drops
    assert (may.period.month, may.rows, june.period.month, june.rows) == ("2026-05", 2, "2026-06", 1)
    assert (costs(anywhere.place), costs(anywhere.place, JUNE)) == (["1", "4"], ["2"])


def test_the_month_of_a_row_is_that_of_its_time_in_utc(drops: Drops) -> None:
    rows = [{"time/usage_start": time, "cost/cost": "1"} for time in ("2026-05-31T22:00:00-04:00", "2026-06-01")]
    (done,) = drops.publish(rows).drops
    assert done.period.month == "2026-06"
    assert [each["time/usage_start"] for each in rows_of(drops.place, JUNE)] == [
        "2026-06-01T02:00:00Z",
        "2026-06-01T00:00:00Z",
    ]


def test_a_row_outside_the_period_is_told_and_nothing_is_published(anywhere: Drops) -> None:
    with pytest.raises(DeliveryError, match=r"rows, row 2: time/usage_start is '2026-06-03") as told:
        anywhere.publish([row("1"), row("2", month=6)], "2026-05")
    assert [each.code for each in told.value.findings] == ["outside-period"]
    assert files(anywhere.place) == []


def test_no_rows_are_not_an_empty_period(drops: Drops) -> None:
    drops.publish([row("1")], "2026-05")
    text: pa.Array[Any] = pa.array([], pa.string())
    given: list[Any] = [[], pa.table({"time/usage_start": text, "cost/cost": text})]
    for nothing in given:
        with pytest.raises(UsageError, match="There are no rows to publish"):
            drops.publish(nothing, "2026-05")
    assert costs(drops.place) == ["1"]


def test_a_drop_id_may_be_given_once(anywhere: Drops) -> None:
    anywhere.publish([row("1")], "2026-05", drop_id="close-1")
    with pytest.raises(UsageError, match="2026-05 has a drop close-1 already"):
        anywhere.publish([row("2")], "2026-05", drop_id="close-1")
    assert (current(anywhere.place), costs(anywhere.place)) == ("close-1", ["1"])


@pytest.mark.parametrize("drop_id", ["", "a/b", "..", "a b", "manifest.json", ".hidden", "x\n", "é"])
def test_a_drop_id_that_is_no_plain_name_is_refused(drops: Drops, drop_id: str) -> None:
    with pytest.raises(UsageError, match="cannot be the id of a drop"):
        drops.publish([row("1")], "2026-05", drop_id=drop_id)


@pytest.mark.parametrize("period", ["May", "2026-13", "20260501-20260701", ""])
def test_what_is_no_month_is_refused(drops: Drops, period: str) -> None:
    with pytest.raises(UsageError, match="Write 2026-05 or 20260501-20260601"):
        drops.publish([row("1")], period)


def test_the_root_of_a_bucket_is_refused(s3: S3, s3_shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="is the root of the bucket"):
        outlay.publish([row("1")], to=f"s3://{s3.bucket}", period="2026-05")


def test_the_function_publishes_into_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    (done,) = outlay.publish([row("1")], to=str(tmp_path / "new" / "acme"), period="2026-05").drops
    place = open_place(str(tmp_path / "new" / "acme"))
    assert (costs(place), current(place)) == (["1"], done.drop_id)
    assert re.fullmatch(r"\d{8}T\d{6}Z", done.drop_id)


def test_a_bucket_that_is_not_there_is_told(s3: S3, s3_shelf: Shelf) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        outlay.publish([row("1")], to="s3://nowhere-7f3a/acme", period="2026-05")


def test_the_aws_sdks_credentials_are_used(s3: S3, s3_shelf: Shelf) -> None:
    outlay.publish([row("1")], to=s3.url("acme"), period="2026-05")
    assert costs(open_place(s3.url("acme"))) == ["1"]


# Append


def test_an_append_carries_over_what_does_not_come_again(anywhere: Drops) -> None:
    anywhere.publish([row("1", "a", 1), row("2", "b", 1), row("4", "a", 2)], "2026-05")
    (done,) = anywhere.publish([row("10", "a", 2), row("20", "c", 2)], "2026-05", mode="append").drops
    assert costs(anywhere.place) == ["1", "10", "2", "20"]
    assert (done.rows, done.carried, done.replaced, done.before) == (4, 2, 1, FIRST)
    assert done.sums["cost/cost"] == 33


def test_a_day_that_is_sent_again_counts_once(drops: Drops) -> None:
    for _ in range(3):
        drops.publish([row("1", "a", 1), row("2", "a", 1), row("4", "b", 1)], mode="append")
    assert costs(drops.place) == ["1", "2", "4"]


def test_the_caller_names_another_key(drops: Drops) -> None:
    drops.publish([row("1", "a", 1), row("2", "b", 1), row("4", "c", 2)], "2026-05")
    drops.publish([{"time/usage_start": "2026-05-01", "cost/cost": "8"}], "2026-05", mode="append", key=("day",))
    assert costs(drops.place) == ["4", "8"]
    drops.publish([{"time/usage_start": "2026-05-02T10:30:00Z", "cost/cost": "5"}], mode="append", key=("hour",))
    assert costs(drops.place) == ["5", "8"]
    drops.publish([row("16", "x", 9, resource__id="r")], "2026-05", mode="append", key=("resource/id",))
    assert costs(drops.place) == ["16", "5", "8"]


def test_an_append_keeps_columns_that_differ_by_case_alone(drops: Drops) -> None:
    tags = {"resource__id": "vm/1", "resource/tag:Team": "A", "resource/tag:team": "b"}
    drops.publish([row("1", "a", **tags)], "2026-05")
    drops.publish([row("2", "b", **{"resource__id": "vm/2", "resource/tag:TEAM": "c"})], "2026-05", mode="append")
    first, second = sorted(rows_of(drops.place), key=lambda each: each["cost/cost"])
    assert (first["resource/tag:Team"], first["resource/tag:team"], "resource/tag:TEAM" in first) == ("A", "b", False)
    assert {name for name in second if "tag" in name} == {"resource/tag:TEAM"}


def test_an_append_takes_drops_that_others_have_written(drops: Drops) -> None:
    text = "cost/cost,x/own,time/usage_start,lineitem/id\n1.5,mine,2026-05-01 00:00:00+00:00,a\n2,,2026-05-02,a\n"
    drops.place.write(f"{MAY}/theirs/part.csv.gz", gzip.compress(text.encode()))
    drops.place.write(f"{MAY}/manifest.json", b'{"version": "1.0.0", "current_drop_id": "theirs"}')
    drops.publish([row("3", "a", 2)], "2026-05", mode="append")
    assert costs(drops.place) == ["1.5", "3"]
    assert [each.get("x/own") for each in rows_of(drops.place)] == [None, "mine"]


def test_an_append_to_nothing_and_to_an_emptied_period_is_a_first_drop(drops: Drops, clock: Clock) -> None:
    drops.publish([row("1")], mode="append")
    drops.empty("2026-05")
    (done,) = drops.publish([row("2")], mode="append").drops
    assert (costs(drops.place), done.carried, done.replaced) == (["2"], 0, 0)


def test_a_row_without_its_key_cannot_be_appended(drops: Drops) -> None:
    with pytest.raises(DeliveryError, match="lineitem/id is blank, so a repeated row") as told:
        drops.publish([row("1"), row("2", "")], mode="append")
    assert [(each.code, each.row) for each in told.value.findings] == [("key-missing", 2)]


@pytest.mark.parametrize("key", [(), ("nonsense",), "day", ("day", "Day")])
def test_a_key_that_is_no_column_is_refused(drops: Drops, key: Any) -> None:
    with pytest.raises(UsageError, match="is no key by which"):
        drops.publish([row("1")], mode="append", key=key)


def test_an_append_to_a_drop_that_cannot_be_read_changes_nothing(drops: Drops) -> None:
    drops.place.write(f"{MAY}/bad/part.csv.gz", gzip.compress(b"time/usage_start,cost/cost\n2026-05-01,1e5\n"))
    drops.place.write(f"{MAY}/manifest.json", b'{"current_drop_id": "bad"}')
    with pytest.raises(DeliveryError, match="The drop bad of 2026-05 cannot be read"):
        drops.publish([row("1")], mode="append")
    assert current(drops.place) == "bad"
    drops.place.write(f"{MAY}/manifest.json", b'{"current_drop_id": "gone"}')
    with pytest.raises(DeliveryError, match="names the drop gone, of which nothing exists"):
        drops.publish([row("1")], mode="append")
    drops.place.write(f"{MAY}/manifest.json", b"not JSON")
    with pytest.raises(DeliveryError, match="does not say which drop is current"):
        drops.publish([row("1")], mode="append")
    drops.publish([row("1")], mode="replace")
    assert costs(drops.place) == ["1"]


# Two at once


class Meanwhile:
    """Does something when a step begins."""

    def __init__(self, name: str, happens: Callable[[], object], period: str = "2026-05") -> None:
        self._at, self._happens = (period, name), happens

    def begins(self, period: str, step: str) -> None:
        if (period, step) == self._at:
            self._happens()

    def progress(self, period: str, step: str, done: int) -> None: ...

    def ends(self, period: str, step: str) -> None: ...


@pytest.mark.parametrize("mode", ["replace", "append"])
@pytest.mark.parametrize("before", [[], [row("1", "old")]], ids=["no-manifest", "manifest"])
def test_of_two_publishers_one_is_told_that_it_lost(anywhere: Drops, before: list[Any], mode: Any) -> None:
    if before:
        anywhere.publish(before, "2026-05")
    other = Meanwhile("upload", lambda: anywhere.publish([row("2", "winner")], "2026-05"))
    with pytest.raises(Overtaken, match="Another publisher changed 2026-05 meanwhile") as told:
        anywhere.publish([row("4", "loser")], "2026-05", mode=mode, observer=other)
    assert isinstance(told.value, Changed)
    assert f"outlay drop list {anywhere.place.location} 2026-05" in told.value.next
    assert costs(anywhere.place) == ["2"]
    assert "4" in {cost for each in anywhere.of("2026-05") for cost in costs(anywhere.place, MAY, each.drop.id)}


def test_a_manifest_that_is_taken_away_meanwhile_is_a_lost_race(anywhere: Drops) -> None:
    anywhere.publish([row("1")], "2026-05")
    other = Meanwhile("commit", lambda: anywhere.place.delete([f"{MAY}/manifest.json"]))
    with pytest.raises(Overtaken, match="no drop is current"):
        anywhere.publish([row("2")], "2026-05", observer=other)


def test_of_several_months_the_others_are_published_when_one_lost(drops: Drops) -> None:
    other = Meanwhile("commit", lambda: drops.publish([row("8", month=6)], "2026-06"), period="2026-06")
    rows = [row("1", month=5), row("2", month=6), row("4", month=7)]
    with pytest.raises(PartlyPublished, match="2026-05, 2026-07 is published, 2026-06 is not") as told:
        drops.publish(rows, observer=other)
    assert [each.period.month for each in told.value.published] == ["2026-05", "2026-07"]
    assert isinstance(told.value.failed["2026-06"], Overtaken)
    assert (costs(drops.place), costs(drops.place, JUNE)) == (["1"], ["8"])


def test_no_month_becomes_current_before_all_are_uploaded(s3: S3, s3_shelf: Shelf) -> None:
    to = s3.url("acme")
    s3.fail(lambda request: request.kind == "PutObject" and JUNE in request.key, status=403)
    with pytest.raises(SetupError, match="cannot be written to") as told:
        outlay.publish([row("1", month=5), row("2", month=6)], to=to)
    assert "s3:PutObject" in told.value.next
    assert "what was current before is current still" in told.value.next.lower()
    assert [file.name for file in open_place(to).list()] == ["data_export-0001.csv.gz"]


def test_a_lost_answer_to_the_manifest_is_no_lost_race(s3: S3, s3_shelf: Shelf, clock: Clock) -> None:
    """The store has written it, the answer is lost, and the second try finds that somebody has changed it: itself."""
    drops = open_drops(s3.url("acme"), now=clock)
    s3.meanwhile(
        lambda request: request.kind == "PutObject" and "manifest" in request.key,
        lambda: s3.put(f"acme/{MAY}/manifest.json", manifest_of(FIRST)),
    )
    (done,) = drops.publish([row("1")], "2026-05").drops
    assert (done.drop_id, current(drops.place)) == (FIRST, FIRST)


# What was uploaded is looked at


def test_what_is_not_what_was_sent_does_not_become_current(anywhere: Drops) -> None:
    anywhere.publish([row("1")], "2026-05")
    path = f"{MAY}/{FIRST}-2/data_export-0001.csv.gz"
    size = len(anywhere.place.read(f"{MAY}/{FIRST}/data_export-0001.csv.gz"))
    damage = Meanwhile("verify", lambda: anywhere.place.write(path, b"x" * size))
    with pytest.raises(Unavailable, match=r"data_export-0001.csv.gz is not what was sent"):
        anywhere.publish([row("2")], "2026-05", observer=damage)
    assert costs(anywhere.place) == ["1"]


def test_a_file_of_somebody_else_in_the_drop_does_not_become_current(drops: Drops) -> None:
    alien = f"{MAY}/{FIRST}/data_export-0002.csv.gz"
    damage = Meanwhile("verify", lambda: drops.place.write(alien, b"x"))
    with pytest.raises(Unavailable, match="other files lie there"):
        drops.publish([row("2")], "2026-05", observer=damage)
    assert f"{MAY}/manifest.json" not in files(drops.place)


def test_the_spool_is_empty_after_a_publish_and_after_a_failure(drops: Drops) -> None:
    drops.publish([row("1")], "2026-05")
    with pytest.raises(DeliveryError):
        drops.publish([row("x")], "2026-05")
    assert list(drops.settings.spool.iterdir()) == []


@pytest.mark.parametrize("full", ["spool", "drops"])
def test_a_full_disk_is_told_and_leaves_the_former_drop_current(tmp_path: Path, settings: Settings, full: str) -> None:
    with small_disk(tmp_path / "disk", "size=2m") as disk:
        places = {"spool": tmp_path / "spool", "drops": tmp_path / "drops", full: disk / full}
        drops = open_drops(str(places["drops"]), settings=replace(settings, spool=places["spool"]), create=True)
        drops.publish([row("1")], "2026-05")
        fill(disk / "filler")
        with pytest.raises(DiskFull):
            drops.publish((row(number, f"{number * 7919:x}") for number in range(50_000)), "2026-05")
        assert costs(drops.place) == ["1"]
        (disk / "filler").unlink()
        drops.publish([row("2")], "2026-05")
        assert costs(drops.place) == ["2"]


def test_a_service_that_fails_is_told_with_what_to_do(s3: S3, s3_shelf: Shelf) -> None:
    to = s3.url("acme")
    outlay.publish([row("1")], to=to, period="2026-05")
    s3.fail("PutObject", status=400)
    with pytest.raises(Unavailable, match="could not be written to") as told:
        outlay.publish([row("2")], to=to, period="2026-05")
    assert told.value.next == "Try again. What was current before is current still."
    assert costs(open_place(to)) == ["1"]


def test_a_service_that_is_busy_for_a_while_is_asked_again(s3: S3, s3_shelf: Shelf) -> None:
    s3.fail("PutObject", status=503, times=2)
    outlay.publish([row("1")], to=s3.url("acme"), period="2026-05")
    assert costs(open_place(s3.url("acme"))) == ["1"]


def test_a_manifest_that_cannot_be_written_leaves_the_former_drop_current(
    s3: S3, s3_shelf: Shelf, clock: Clock
) -> None:
    drops = open_drops(s3.url("acme"), now=clock)
    drops.publish([row("1")], "2026-05")
    s3.fail(lambda request: request.kind == "PutObject" and "manifest" in request.key, status=400)
    with pytest.raises(Unavailable, match="could not be written to") as told:
        drops.publish([row("2")], "2026-05")
    assert not isinstance(told.value, Unsure)
    assert costs(drops.place) == ["1"]


def test_when_nobody_can_say_whether_the_manifest_was_written_it_says_so(s3: S3, s3_shelf: Shelf, clock: Clock) -> None:
    drops = open_drops(s3.url("acme"), now=clock)
    gone = Meanwhile("commit", lambda: s3.fail(lambda request: "manifest" in request.key, status=400, times=2))
    with pytest.raises(Unsure, match=f"Whether {FIRST} is the current drop of 2026-05 now is not known") as told:
        drops.publish([row("1")], "2026-05", observer=gone)
    assert "outlay drop list" in told.value.next
