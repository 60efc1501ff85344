"""Files that are only written where nothing or the expected content lies: in a folder, on S3 and on Azure."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from outlay.errors import DiskFull, NotFound, SetupError
from outlay.storage import open_place
from tests.layouts.shelf import Shelf
from tests.services.disk import fill, small_disk, without_rights
from tests.services.s3 import S3


def test_a_file_is_created_once(shelf: Shelf) -> None:
    assert shelf.place.create("a/b.csv", b"first") is True
    assert shelf.place.create("a/b.csv", b"second") is False
    assert shelf.place.read("a/b.csv") == b"first"
    assert [file.path for file in shelf.place.list()] == ["a/b.csv"]


def test_a_file_is_swapped_while_it_is_what_was_seen(shelf: Shelf) -> None:
    assert shelf.place.versioned("a/manifest.json") is None
    assert shelf.place.swap("a/manifest.json", b"1", None) is True
    seen = shelf.place.versioned("a/manifest.json")
    assert seen is not None
    assert shelf.place.swap("a/manifest.json", b"other", None) is False
    assert shelf.place.swap("a/manifest.json", b"22", seen[1]) is True
    assert shelf.place.swap("a/manifest.json", b"333", seen[1]) is False
    again = shelf.place.versioned("a/manifest.json")
    assert again is not None
    assert (seen[0], again[0], seen[1] != again[1]) == (b"1", b"22", True)
    assert [file.path for file in shelf.place.list()] == ["a/manifest.json"]


def test_a_file_that_is_gone_is_not_swapped(shelf: Shelf) -> None:
    shelf.put("manifest.json", b"1")
    seen = shelf.place.versioned("manifest.json")
    assert seen is not None
    shelf.remove("manifest.json")
    assert shelf.place.swap("manifest.json", b"2", seen[1]) is False
    assert shelf.place.list() == []


def test_the_same_content_written_again_to_a_folder_is_another_version(folder_shelf: Shelf) -> None:
    folder_shelf.place.swap("m", b"1", None)
    seen = folder_shelf.place.versioned("m")
    assert seen is not None
    assert folder_shelf.place.swap("m", b"1", seen[1]) is True
    assert folder_shelf.place.swap("m", b"1", seen[1]) is False


def test_of_many_who_swap_the_same_version_of_a_file_in_a_folder_one_succeeds(folder_shelf: Shelf) -> None:
    place = folder_shelf.place
    with ThreadPoolExecutor(8) as pool:
        for turn in range(20):
            seen = place.versioned("m")
            expected = seen[1] if seen else None
            done = list(
                pool.map(
                    lambda n, turn=turn, expected=expected: place.swap("m", f"{turn}-{n}".encode(), expected), range(8)
                )
            )
            assert done.count(True) == 1
            assert place.read("m") == f"{turn}-{done.index(True)}".encode()


def test_the_first_bytes_of_a_file_are_read(shelf: Shelf) -> None:
    shelf.put("a", b"0123456789")
    assert shelf.place.beginning("a", 4) == b"0123"


def test_a_bucket_that_is_not_there_is_told(s3: S3, s3_shelf: Shelf) -> None:
    place = open_place("s3://nowhere-7f3a/x")
    with pytest.raises(NotFound):
        place.create("a", b"1")


def test_a_folder_that_may_not_be_written_to_is_told(folder_shelf: Shelf) -> None:
    folder_shelf.put("a", b"1")
    with without_rights(Path(folder_shelf.place.location.path)), pytest.raises(SetupError):
        folder_shelf.place.create("b", b"1")


def test_a_full_disk_is_told_and_keeps_what_was_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        place = open_place(str(disk))
        place.swap("m", b"old", None)
        seen = place.versioned("m")
        assert seen is not None
        fill(disk / "filler")
        with pytest.raises(DiskFull):
            place.swap("m", b"x" * 100_000, seen[1])
        with pytest.raises(DiskFull):
            place.create("new", b"x" * 100_000)
        os.unlink(disk / "filler")
        assert place.read("m") == b"old"
        assert place.swap("m", b"new", seen[1]) is True
