"""Folders that connections may lie in."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlay.errors import UsageError
from outlay.storage.roots import allowed


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "bills").mkdir(parents=True)
    (tmp_path / "rooted").mkdir()
    return tmp_path / "root"


def test_a_folder_within_is_taken_as_it_really_lies(root: Path) -> None:
    (root / "link").symlink_to(root / "bills")
    for text in (f"{root}/bills", f"file://{root}/bills", f"{root}/link", f"{root}/../root/bills", f"{root}/bills/"):
        assert allowed(text, [root]).path == str(root / "bills")


def test_a_root_that_is_a_link_is_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "way-in").symlink_to(root)
    assert allowed(f"{tmp_path}/way-in/bills", [tmp_path / "way-in"]).path == str(root / "bills")


def test_what_lies_outside_is_refused_whether_it_exists_or_not(root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to(tmp_path / "rooted")
    (root / "up").symlink_to("..")
    told = []
    for text in (f"{root}/../rooted", f"{root}ed", f"{root}/out", f"{root}/up", "/", "/etc", "/etc/nowhere"):
        with pytest.raises(UsageError, match="outside") as error:
            allowed(text, [root])
        told.append(error.value.message.replace(text, "…"))
    assert len(set(told)) == 1


@pytest.mark.parametrize("text", ["", "bills", "~", "../bills", "s3://bucket/path", "/a\0b", "file:bills"])
def test_what_is_no_whole_path_is_refused(root: Path, text: str) -> None:
    with pytest.raises(UsageError, match="whole path"):
        allowed(text, [root])


def test_links_in_a_circle_and_files_are_no_folders(root: Path) -> None:
    (root / "circle").symlink_to(root / "circle")
    (root / "file").write_text("x")
    for name in ("circle", "file", "nowhere"):
        with pytest.raises(UsageError, match="folder"):
            allowed(f"{root}/{name}", [root])


@pytest.mark.parametrize("roots", [None, ()])
def test_without_roots_there_is_no_folder(root: Path, roots: None) -> None:
    with pytest.raises(UsageError, match="connects no folders"):
        allowed(str(root / "bills"), roots)
