"""What tidying removes, and above all what it leaves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.table import Table

from outlay.lake import Lake, Partition, Tidied, described, tidy
from outlay.lake.schema import MANIFESTS
from outlay.settings import Settings
from tests.lake.deliveries import bring, partition, stage, total

GRACE = timedelta(days=1)
MAY = partition()

Bring = Callable[..., None]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def tidied(lake: Lake, *kept: str, after: timedelta = 2 * GRACE) -> Tidied:
    """Tidy as if so much time had passed; the deliveries named are kept for `revert`."""
    return tidy(lake, lambda _, delivery: delivery in kept, now=datetime.now(UTC) + after, grace=GRACE)


def aged(lake: Lake, to: Partition, delivery: str, age: timedelta) -> None:
    """As if the delivery's files had been written so long ago."""
    then = time.time() - age.total_seconds()
    for file in (Path(lake.place.location.path) / to.folder / delivery).iterdir():
        os.utime(file, (then, then))


def stored(lake: Lake) -> set[str]:
    return {file.path for file in lake.place.list()}


def metadata(lake: Lake) -> set[str]:
    return {path for path in stored(lake) if path.startswith("metadata/")}


def scanned(table: Table, snapshot: int | None = None) -> Decimal:
    """What the charges cost as any reader of Iceberg sees them."""
    found = table.scan(selected_fields=("BilledCost",), snapshot_id=snapshot).to_arrow()
    return sum((each.as_py() for each in found["BilledCost"]), Decimal(0))


def plainly(settings: Settings) -> Any:
    """The catalog by what `outlay lake where` prints, as somebody else opens it."""
    return load_catalog("outlay", **described(settings))


def test_what_no_commit_points_at_goes_when_it_is_older_than_the_grace(lake: Lake, spool: Path) -> None:
    bring(lake, MAY, "live", [1], spool)
    for delivery, age in {"old": GRACE + timedelta(hours=1), "young": GRACE - timedelta(hours=1)}.items():
        stage(lake, MAY, delivery, [5, 6], spool)
        aged(lake, MAY, delivery, age)
    before = stored(lake)
    size = sum(file.size for file in lake.place.list())
    done = tidied(lake, after=timedelta(0))
    assert (done.deliveries_removed, done.files_removed, done.snapshots_expired) == (((MAY, "old"),), 3, 0)
    assert before - stored(lake) == {path for path in before if "/old/" in path}
    assert done.kept_bytes == size - done.bytes_removed == sum(file.size for file in lake.place.list())


def test_a_delivery_that_is_still_being_staged_stays_whole(lake: Lake, spool: Path) -> None:
    files = stage(lake, MAY, "half", [5, 6], spool)
    aged(lake, MAY, "half", 2 * GRACE)
    os.utime(files[1].removeprefix("file://"))
    assert tidied(lake, after=timedelta(0)).files_removed == 0
    lake.replace(MAY, "half", files, expected=None)
    assert total(lake.live()[MAY].files) == 11


def test_what_is_live_stays_however_old_it_is(lake: Lake, spool: Path) -> None:
    to = [partition(month, name) for month in (1, 2) for name in ("acme", "other")]
    for number, each in enumerate(to):
        bring(lake, each, "d1", [number, 100], spool)
    before = lake.live()
    tidied(lake, after=1000 * GRACE)
    assert lake.live() == before
    assert {at: total(live.files) for at, live in before.items()} == {each: 100 + n for n, each in enumerate(to)}
    assert [lake.note(each, "d1") is not None for each in to] == [True] * 4


def test_tidying_twice_finds_nothing_more(lake: Lake, spool: Path) -> None:
    for number in range(3):
        bring(lake, MAY, f"d{number}", [number], spool)
    assert tidied(lake).files_removed > 0
    again = tidied(lake)
    assert again.deliveries_removed == ()
    # The metadata that the first expiry replaced is still in the table's log, or young.
    assert scanned(lake.table()) == 2


def test_every_file_that_a_remaining_snapshot_needs_stays(lake: Lake, spool: Path) -> None:
    for number in range(4):
        bring(lake, MAY, f"d{number}", [number, 10], spool)
        aged(lake, MAY, f"d{number}", 30 * GRACE)
    done = tidied(lake, after=timedelta(0))
    assert (done.snapshots_expired, done.deliveries_removed) == (0, ())
    table = lake.table()
    said = [(each.snapshot_id, delivery) for each in table.snapshots() if (delivery := _delivery(each))]
    assert {delivery: scanned(table, snapshot) for snapshot, delivery in said} == {
        "d0": 10,
        "d1": 11,
        "d2": 12,
        "d3": 13,
    }


def test_a_kept_delivery_can_be_made_live_after_every_snapshot_that_knew_it_expired(lake: Lake, spool: Path) -> None:
    for number in range(4):
        bring(lake, MAY, f"d{number}", [number, 10], spool)
    done = tidied(lake, "d1")
    assert [delivery for _, delivery in done.deliveries_removed] == ["d0", "d2"]
    assert len(lake.table().snapshots()) == 1
    assert lake.staged(MAY, "d0") == []
    lake.replace(MAY, "d1", lake.staged(MAY, "d1"), expected="d3")
    assert total(lake.live()[MAY].files) == scanned(lake.table()) == 11


def test_an_emptied_period_stays_empty_and_can_be_filled_again(lake: Lake, spool: Path) -> None:
    bring(lake, MAY, "full", [7], spool)
    bring(lake, MAY, "empty", [], spool)
    tidied(lake, "full", "empty")
    assert lake.live() == {}
    assert lake.note(MAY, "empty") is not None
    lake.replace(MAY, "full", lake.staged(MAY, "full"), expected=None)
    tidied(lake, "full")
    assert total(lake.live()[MAY].files) == 7
    assert lake.note(MAY, "empty") is None


def test_a_lake_in_which_nothing_was_ever_committed_can_be_tidied(lake: Lake) -> None:
    before = stored(lake)
    assert tidied(lake).files_removed == 0
    assert stored(lake) == before


def test_thirty_replacements_leave_little_metadata_and_a_history_that_others_read(
    settings: Settings, lake: Lake, spool: Path
) -> None:
    other = partition(6)
    bring(lake, other, "june", [1000], spool)
    halfway = datetime.now(UTC)
    for number in range(30):
        if number == 15:
            time.sleep(0.01)  # Snapshots know the time to the millisecond.
            halfway = datetime.now(UTC)
        bring(lake, MAY, f"d{number}", [number, 10], spool)
    before, live = metadata(lake), lake.live()
    tidy(lake, lambda *_: False, now=halfway + GRACE, grace=GRACE)
    # What was swept is only what was written before; the second half is younger than the grace.
    after = metadata(lake)
    assert len(before - after) > 15
    assert lake.live() == live
    catalog = plainly(settings)
    table = catalog.load_table("outlay.charges")
    said = [each for each in table.snapshots() if _delivery(each)]
    assert [_delivery(each) for each in said] == [f"d{number}" for number in range(15, 30)]
    assert [scanned(table, each.snapshot_id) for each in said] == [1010 + number for number in range(15, 30)]
    assert scanned(table) == 1039
    catalog.close()


def test_no_snapshot_ever_shows_a_period_between_two_deliveries(lake: Lake, spool: Path) -> None:
    for number in range(2 * MANIFESTS):
        bring(lake, partition(1 + number % 3), f"d{number}", [1, 9], spool)
    table = lake.table()
    sums = [scanned(table, each.snapshot_id) for each in table.snapshots()]
    assert sums[:2] == [10, 20]
    assert set(sums[2:]) == {30}
    entries = [table.snapshot_as_of_timestamp(each.timestamp_ms) for each in table.history()]
    assert len(entries) >= 2 * MANIFESTS
    # One for each delivery, and now and then one that merges the manifests.
    assert len(sums) <= 2 * MANIFESTS + 5
    current = table.current_snapshot()
    assert current is not None
    assert len(current.manifests(table.io)) <= MANIFESTS + 2


def test_metadata_of_expired_snapshots_goes(settings: Settings, lake: Lake, spool: Path) -> None:
    for number in range(30):
        bring(lake, MAY, f"d{number}", [number], spool)
    tidied(lake)
    table = lake.table()
    lists = [path for path in metadata(lake) if path.endswith(".avro")]
    logs = [path for path in metadata(lake) if path.endswith(".metadata.json")]
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert len(lists) == 1 + len(snapshot.manifests(table.io))
    # `write.metadata.previous-versions-max`, and the current one.
    assert len(logs) <= 21
    catalog = plainly(settings)
    assert scanned(catalog.load_table("outlay.charges")) == 29
    catalog.close()


def test_the_catalogs_own_files_are_not_swept(settings: Settings, lake: Lake, spool: Path) -> None:
    bring(lake, MAY, "d1", [1], spool)
    strange = ["notes.txt", "other.db", "metadata/readme.txt"]
    for name in strange:
        lake.place.write(name, b"x")
    tidied(lake)
    assert set(strange) <= stored(lake)
    assert ("catalog.db" in stored(lake)) is (settings.catalog is None)


def _delivery(snapshot: Any) -> str | None:
    """The delivery that a snapshot brought in; none of one that only merged the table's own files."""
    said: str | None = snapshot.summary.get("outlay.delivery")
    return said
