"""What an ingest tells when not the bill is at fault, but its place, its disk or Outlay: brought about for real."""

from __future__ import annotations

import copy
import gzip
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest

from outlay.errors import DiskFull
from outlay.formats import FORMATS, Context
from outlay.formats.cbf import Cbf
from outlay.formats.raw import Raw
from outlay.ingest.result import RunResult
from outlay.lake import Partition
from outlay.storage import open_place
from tests.ingest.world import MAY, World, as_csv, row
from tests.services.disk import fill, small_disk
from tests.services.s3 import S3, Request

ALWAYS = 1000


@pytest.fixture
def on_s3(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A drop of 12 is live, and a newer one waits."""
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    made = World(tmp_path / "home", open_place(s3.url("bills/acme")))
    made.drop([row("12")])
    assert made.one().outcome == "committed"
    made.drop([row("5")], "d2")
    yield made
    made.close()


def is_data(request: Request) -> bool:
    return request.kind == "GetObject" and request.key.endswith(".csv.gz")


def is_listing(request: Request) -> bool:
    return request.kind == "ListObjectsV2"


def is_manifest(request: Request) -> bool:
    return request.kind == "GetObject" and request.key.endswith("manifest.json")


def failed_for(result: RunResult, code: str) -> None:
    """The run failed, said why and what to do, and will be tried again."""
    (told,) = result.findings
    assert (result.outcome, told.code, result.counts) == ("failed", code, {code: 1})
    assert told.message
    assert told.next


FAULTS: list[tuple[str, Callable[[Request], bool], int, str]] = [
    ("listing", is_listing, 403, "permission-missing"),
    ("manifest", is_manifest, 403, "permission-missing"),
    ("data", is_data, 403, "permission-missing"),
    ("listing", is_listing, 503, "source-unavailable"),
    ("data", is_data, 503, "source-unavailable"),
]


@pytest.mark.parametrize(("of", "which", "status", "code"), FAULTS, ids=[f"{of}-{code}" for of, _, _, code in FAULTS])
def test_a_place_that_refuses_or_fails_keeps_the_live_data_and_is_tried_again(
    on_s3: World, s3: S3, of: str, which: Callable[[Request], bool], status: int, code: str
) -> None:
    with s3_fault(s3, which, status):
        failed_for(on_s3.one(), code)
    assert on_s3.total() == Decimal(12)
    assert on_s3.one().outcome == "committed"
    assert on_s3.total() == Decimal(5)


@contextmanager
def s3_fault(s3: S3, which: Callable[[Request], bool], status: int) -> Iterator[None]:
    is_on = True
    s3.fail(lambda request: is_on and which(request), status=status, times=ALWAYS)
    yield
    is_on = False


def test_a_connection_that_is_cut_again_and_again_is_tried_again_later(on_s3: World, s3: S3) -> None:
    s3.cut(is_data, after=10, times=1)
    result = on_s3.one()
    if result.outcome != "committed":
        failed_for(result, "source-unavailable")
        assert on_s3.one().outcome == "committed"
    assert on_s3.total() == Decimal(5)


def test_a_bucket_that_does_not_exist_is_told(on_s3: World) -> None:
    on_s3.place = open_place("s3://no-such-bucket-of-acme/bills")
    failed_for(on_s3.one(), "source-not-found")
    assert on_s3.total() == Decimal(12)


def test_a_folder_that_is_gone_is_told(world: World) -> None:
    world.drop([row("12")])
    world.one()
    shutil.rmtree(world.place.location.path)
    failed_for(world.one(), "source-not-found")
    assert world.total() == Decimal(12)


def test_files_that_change_whenever_they_are_read_are_given_up_for_now(on_s3: World, s3: S3) -> None:
    key, costs = f"bills/acme/{MAY.id}/d2/a.csv.gz", iter(range(100, 200))
    s3.meanwhile(is_data, lambda: s3.put(key, gzip.compress(as_csv([row(str(next(costs)))]))), times=ALWAYS)
    with s3.recorded() as requests:
        result = on_s3.one()
    failed_for(result, "source-changing")
    assert sum(is_data(request) for request in requests) == 4
    assert on_s3.total() == Decimal(12)


def test_a_file_that_changes_once_while_it_is_read_comes_in_as_it_is_then(on_s3: World, s3: S3) -> None:
    key = f"bills/acme/{MAY.id}/d2/a.csv.gz"
    s3.meanwhile(is_data, lambda: s3.put(key, gzip.compress(as_csv([row("7")]))))
    assert on_s3.one().outcome == "committed"
    assert on_s3.total() == Decimal(7)


def noise(rows: int, length: int) -> list[dict[str, str]]:
    """Rows that do not pack well."""
    return [row("1", lineitem__description=os.urandom(length).hex()) for _ in range(rows)]


# What lies on the small disk, its mount options, the bill: as many rows with so many random bytes each.
DISKS = {
    "fetched": ("spool", "size=1m", 600, 2000),
    "mapped": ("spool", "size=512k", 600, 400),
    "opened": ("spool", "size=1m,nr_inodes=3", 1, 10),
    "staged": ("lake", "size=1m", 600, 2000),
}


@pytest.mark.parametrize("moment", DISKS)
def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path, moment: str) -> None:
    setting, options, rows, length = DISKS[moment]
    place = open_place(str(tmp_path / "bills" / "acme"), create=True)
    with small_disk(tmp_path / "small", options) as disk:
        where: dict[str, Any] = {setting: disk if setting == "spool" else str(disk)}
        made = World(tmp_path / "home", place, **where)
        try:
            made.drop(noise(rows, length))
            failed_for(made.one(), "disk-full")
            assert made.lake.live() == {}
            made.drop([row("12")], "d2")
            if moment != "opened":
                assert made.one().outcome == "committed"
                assert made.total() == Decimal(12)
        finally:
            made.close()


def test_a_spool_that_cannot_be_written_to_is_told_with_its_own_way_out(tmp_path: Path) -> None:
    place = open_place(str(tmp_path / "bills" / "acme"), create=True)
    with small_disk(tmp_path / "small", "size=1m") as disk:
        made = World(tmp_path / "home", place, spool=disk)
        try:
            made.drop([row("12")])
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            result = made.one()
            failed_for(result, "setup")
            assert f"{disk}/acme-{MAY.id}" in result.findings[0].message
            assert "OUTLAY_SPOOL" in result.findings[0].next
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            assert made.one().outcome == "committed"
        finally:
            made.close()


def test_a_disk_that_fills_between_staging_and_commit_keeps_the_live_data(tmp_path: Path) -> None:
    place = open_place(str(tmp_path / "bills" / "acme"), create=True)
    with small_disk(tmp_path / "small", "size=4m") as disk:
        made = World(tmp_path / "home", place, lake=str(disk))
        try:
            made.drop([row("12")])
            done = made.one()
            partition = Partition("acme", MAY)
            (live,) = made.lake.live()[partition].files
            other = shutil.copy(live.removeprefix("file://"), tmp_path / "other.parquet")
            addresses = made.lake.stage(partition, "d2", [Path(other)], {})
            fill(disk / "filler")
            with pytest.raises(DiskFull):
                made.lake.replace(partition, "d2", addresses, expected=done.delivery)
            (disk / "filler").unlink()
            assert made.lake.live()[partition].delivery == done.delivery
            assert made.total() == Decimal(12)
            made.lake.replace(partition, "d2", addresses, expected=done.delivery)
            assert made.lake.live()[partition].delivery == "d2"
        finally:
            made.close()


class Forgetful(Cbf):
    """Loses a row that costs nothing, which no total shows."""

    def charges(self, raw: Raw, context: Context) -> ir.Table:
        charges = super().charges(raw, context)
        return charges.filter(charges.BilledCost != 0)


def test_a_mapping_that_loses_a_row_is_rejected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.drop([row("12")])
    world.one()
    monkeypatch.setitem(FORMATS, "cbf", Forgetful())
    world.drop([row("5"), row("0")], "d2")
    result = world.one()
    (told,) = result.findings
    assert (result.outcome, told.code) == ("rejected", "rows-not-reconciled")
    assert told.message == "2 rows in, 0 dropped, 0 added by splits, but 1 rows out."
    assert world.total() == Decimal(12)


def test_a_mapping_that_changes_an_amount_is_rejected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled = copy.copy(FORMATS["cbf"])
    by_column = {rule.column: rule for rule in spoiled.rules}
    listed = by_column["ListCost"]
    monkeypatch.setitem(FORMATS, "cbf", spoiled)
    swapped = copy.copy(by_column["BilledCost"])
    object.__setattr__(swapped, "of", listed.of)
    spoiled.rules = tuple(swapped if rule.column == "BilledCost" else rule for rule in spoiled.rules)
    world.drop([row("5", cost__on_demand_cost="6")])
    result = world.one()
    (told,) = result.findings
    assert (result.outcome, told.code) == ("rejected", "not-reconciled")
    assert told.message == "BilledCost of account (none) is 5 USD in the bill but 6 in the charges."
    assert world.lake.live() == {}
