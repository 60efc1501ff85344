"""A catalog that cannot go on: nothing is half done, and the user is told what to do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlay.errors import DiskFull, SetupError
from outlay.lake import Lake, open_lake
from outlay.settings import Settings
from tests.lake.deliveries import bring, partition, stage, total
from tests.services.disk import fill, small_disk

MAY = partition()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", "size=512k") as made:
        yield made


@pytest.fixture
def lake(disk: Path, tmp_path: Path) -> Iterator[Lake]:
    """A lake whose catalog lies on a small disk of its own, with one delivery."""
    opened = open_lake(Settings.read({"OUTLAY_CATALOG": f"sqlite:///{disk}/catalog.db"}, home=tmp_path / "home"))
    bring(opened, MAY, "d1", [1], tmp_path / "spool")
    yield opened
    opened.close()


def test_a_catalog_whose_disk_is_full_is_told_and_keeps_the_live_data(lake: Lake, disk: Path, tmp_path: Path) -> None:
    files = stage(lake, MAY, "d2", [2], tmp_path / "spool")
    fill(disk / "filler")
    with pytest.raises(DiskFull) as raised:
        lake.replace(MAY, "d2", files, expected="d1")
    assert raised.value.message == f"The lake's catalog sqlite:///{disk}/catalog.db has no space left to grow."
    assert raised.value.next
    (disk / "filler").unlink()
    assert total(lake.live()[MAY].files) == 1
    lake.replace(MAY, "d2", files, expected="d1")
    assert total(lake.live()[MAY].files) == 2


def test_a_catalog_that_is_read_only_is_told_and_still_read(lake: Lake, disk: Path, tmp_path: Path) -> None:
    files = stage(lake, MAY, "d2", [2], tmp_path / "spool")
    lake.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(SetupError, match="cannot be written to") as raised:
        lake.replace(MAY, "d2", files, expected="d1")
    assert raised.value.next
    assert total(lake.live()[MAY].files) == 1


def test_a_new_catalog_without_room_is_told(disk: Path, tmp_path: Path) -> None:
    fill(disk / "filler")
    with pytest.raises(DiskFull, match="has no space left"):
        open_lake(Settings.read({"OUTLAY_CATALOG": f"sqlite:///{disk}/catalog.db"}, home=tmp_path / "home"))


def test_a_catalog_that_is_gone_is_told(lake: Lake, disk: Path) -> None:
    lake.close()
    (disk / "catalog.db").write_bytes(b"something else" * 1000)
    with pytest.raises(SetupError, match="is damaged, or its disk is") as raised:
        lake.live()
    assert raised.value.next
