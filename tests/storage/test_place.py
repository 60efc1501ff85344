"""What a place does, be it a folder, S3 or Azure, and what it raises when it cannot."""

from __future__ import annotations

import os
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from outlay.errors import AccessError, Changed, Denied, DiskFull, NotFound, SetupError, Unavailable
from outlay.storage import Place, StoredFile, open_place
from outlay.storage.place import made_folder
from tests.layouts.conftest import set_all
from tests.layouts.shelf import Shelf
from tests.services.disk import fill, small_disk, without_rights
from tests.services.s3 import S3
from tests.storage.answers import answer, free_port

SECRET = "do-not-tell-7f3a"
FULL_DISK = Path("/dev/full")


def paths(place: Place) -> list[str]:
    return [file.path for file in place.list()]


def test_files_are_listed_in_order_with_size_etag_and_time(shelf: Shelf) -> None:
    shelf.put("b/2.csv", b"12345")
    shelf.put("a.csv", b"1")
    first, second = shelf.place.list()
    assert [(first.path, first.size), (second.path, second.size)] == [("a.csv", 1), ("b/2.csv", 5)]
    assert (second.name, first.etag != second.etag) == ("2.csv", True)
    assert first.modified.utcoffset() is not None


def test_only_what_lies_below_the_folder_itself_is_listed(shelf: Shelf) -> None:
    for path in ("a/1", "ab/2", "a/b/3"):
        shelf.put(path)
    assert [file.path for file in shelf.place.list("a")] == ["a/1", "a/b/3"]
    assert paths(shelf.below("a")) == ["1", "b/3"]


@pytest.mark.parametrize("name", ["a b", "ü", "日本", "50%", "%20", "a+b=c&d", "q?#[]{}~", "it's", "..x", "x..y"])
def test_names_of_all_sorts_are_listed_read_and_fetched(shelf: Shelf, name: str, tmp_path: Path) -> None:
    shelf.put(f"{name}/{name}.csv", b"content")
    (file,) = shelf.place.list()
    assert file.path == f"{name}/{name}.csv"
    assert shelf.place.read(file.path, etag=file.etag) == b"content"
    shelf.place.download(file, tmp_path / "spooled")
    assert (tmp_path / "spooled").read_bytes() == b"content"


def test_the_marker_of_the_place_itself_is_not_listed(s3: S3, s3_shelf: Shelf) -> None:
    s3.put(f"{s3_shelf.place.location.path}/", b"")
    s3_shelf.put("a.csv")
    assert paths(s3_shelf.place) == ["a.csv"]


def test_an_empty_folder_is_told_from_none(shelf: Shelf) -> None:
    shelf.mark("empty")
    shelf.put("full/a.csv")
    files = shelf.place.list()
    assert [shelf.place.has_folder(name, files) for name in ("empty", "full", "emp", "none", "x" * 5000)] == [
        *(True, True, False, False, False)
    ]


def test_a_missing_folder_has_no_files_but_a_missing_place_is_not_found(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.place.list("nothing/here") == []
    with pytest.raises(NotFound, match="nowhere"):
        open_place(str(tmp_path / "nowhere"))
    gone = open_place(str(tmp_path / "gone"), create=True)
    (tmp_path / "gone").rmdir()
    with pytest.raises(NotFound, match="gone"):
        gone.list()


def test_what_changed_since_it_was_listed_is_not_read(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("a.csv", b"one")
    (file,) = shelf.place.list()
    shelf.put("a.csv", b"two")
    with pytest.raises(Changed, match=r"a\.csv"):
        shelf.place.read(file.path, etag=file.etag)
    with pytest.raises(Changed, match=r"a\.csv"):
        shelf.place.download(file, tmp_path / "spooled")


def test_what_is_gone_is_changed_when_it_was_listed_and_else_not_found(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("a.csv", b"one")
    (file,) = shelf.place.list()
    shelf.remove("a.csv", "a.csv")
    with pytest.raises(NotFound):
        shelf.place.read("a.csv")
    with pytest.raises(Changed):
        shelf.place.read("a.csv", etag=file.etag)
    with pytest.raises(Changed):
        shelf.place.download(file, tmp_path / "spooled")


def test_a_file_uploaded_is_there_whole(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(b"content")
    shelf.place.upload(tmp_path / "local", "x/y.parquet")
    assert shelf.place.read("x/y.parquet") == b"content"


def test_a_file_shorter_than_it_was_listed_is_unavailable(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("a.csv", b"12345")
    (file,) = shelf.place.list()
    longer = StoredFile(file.path, 9, file.etag, file.modified)
    with pytest.raises(Unavailable, match="ended after 5 of 9 bytes"):
        shelf.place.download(longer, tmp_path / "spooled")


def test_a_transfer_that_is_always_cut_off_is_unavailable(s3: S3, s3_shelf: Shelf, tmp_path: Path) -> None:
    s3_shelf.put("a.csv", b"x" * 100_000)
    (file,) = s3_shelf.place.list()
    s3.cut(after=1000, times=100)
    with pytest.raises(Unavailable, match=r"a\.csv"):
        s3_shelf.place.download(file, tmp_path / "spooled")


@pytest.mark.skipif(not FULL_DISK.exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_as_such(shelf: Shelf) -> None:
    shelf.put("a.csv", b"x" * 1000)
    (file,) = shelf.place.list()
    with pytest.raises(DiskFull, match="/dev/full"):
        shelf.place.download(file, FULL_DISK)


def test_a_lake_on_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "size=64k") as disk:
        place = open_place(str(disk))
        fill(disk / "filler")
        with pytest.raises(DiskFull, match=str(disk)):
            place.write("a/b", b"x" * 10_000)


def test_a_lake_that_cannot_be_written_to_is_a_matter_of_the_installation(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "size=64k") as disk:
        place = open_place(str(disk))
        (disk / "a.csv").write_bytes(b"1")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        writes: list[Callable[[], None]] = [lambda: place.write("b/c", b"x"), lambda: place.delete(["a.csv"])]
        for write in writes:
            with pytest.raises(SetupError, match="cannot be written to: Read-only file system") as raised:
                write()
            assert "OUTLAY_LAKE" in raised.value.next
        assert place.read("a.csv") == b"1"


def test_a_spool_that_cannot_be_written_to_is_no_matter_of_grants_on_a_bucket(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("a.csv", b"1")
    (file,) = shelf.place.list()
    spool = tmp_path / "spool"
    spool.mkdir()
    with without_rights(spool), pytest.raises(SetupError) as raised:
        made_folder(spool / "run-1")
    assert raised.value.message == f"{spool}/run-1 cannot be written to: Permission denied."
    assert "OUTLAY_SPOOL" in raised.value.next
    if not shelf.place.location.is_folder:
        with without_rights(spool), pytest.raises(SetupError, match="Permission denied"):
            shelf.place.download(file, spool / "a.csv")


def test_a_folder_of_bills_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "bills"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"1")
    place = open_place(str(folder))
    looks: list[Callable[[], object]] = [place.list, lambda: place.read("a.csv")]
    for look in looks:
        with without_rights(folder, mode=0), pytest.raises(Denied) as raised:
            look()
        assert "Let the credentials in use list and read it" in raised.value.next


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("a//b.csv", "empty part ('//')"),
        ("a/../b.csv", "'.' or '..'"),
        ("a/./b.csv", "'.' or '..'"),
        ("a\tb", "control"),
    ],
)
def test_a_key_that_cannot_be_addressed_is_named(s3: S3, s3_shelf: Shelf, key: str, reason: str) -> None:
    s3.put(f"{s3_shelf.place.location.path}/{key}", b"x")
    with pytest.raises(AccessError) as raised:
        s3_shelf.place.list()
    assert reason in raised.value.message
    assert repr(key)[1:-1] in raised.value.message
    assert raised.value.next


def test_a_name_on_disk_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff.csv")).write_bytes(b"x")
    with pytest.raises(AccessError, match="not UTF-8"):
        open_place(str(tmp_path)).list()


def test_a_missing_bucket_is_not_found(s3: S3, s3_shelf: Shelf) -> None:
    with pytest.raises(NotFound, match="s3://no-such-bucket/a"):
        open_place("s3://no-such-bucket/a").list()


@pytest.mark.parametrize("kind", ["ListObjectsV2", "GetObject"])
@pytest.mark.parametrize(
    ("status", "error"), [(403, Denied), (500, Unavailable), (503, Unavailable)], ids=["denied", "fault", "slow-down"]
)
def test_what_s3_answers_becomes_an_error_of_ours_without_a_secret(
    s3: S3, monkeypatch: pytest.MonkeyPatch, kind: str, status: int, error: type[AccessError]
) -> None:
    set_all(s3.environ | {"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SECRET}, monkeypatch)
    s3.put("bills/a.csv", b"x")
    place = open_place(s3.url("bills"))
    s3.fail(kind, status=status, times=100)
    with pytest.raises(error) as raised:
        place.list() if kind == "ListObjectsV2" else place.read("a.csv")
    assert f"s3://{s3.bucket}/bills" in raised.value.message
    assert raised.value.next
    assert_no_secret(raised.value, s3)


def test_a_fault_that_passes_is_tried_again(s3: S3, s3_shelf: Shelf) -> None:
    s3_shelf.put("a.csv", b"x")
    s3.fail("ListObjectsV2", times=2)
    assert paths(s3_shelf.place) == ["a.csv"]


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AccessDenied"])
def test_wrong_credentials_are_denied(s3: S3, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Real S3 tells each of these in the body of a 403; listings hand it on as text alone."""
    set_all(s3.environ | {"AWS_SECRET_ACCESS_KEY": SECRET}, monkeypatch)
    with answer(403, f"<Error><Code>{code}</Code><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>") as endpoint:
        place = open_place("s3://bucket/bills", endpoint=endpoint)
        for ask in (place.list, lambda: place.read("a.csv")):
            with pytest.raises(Denied) as raised:
                ask()
            assert_no_secret(raised.value, s3)


def test_a_server_that_is_gone_is_unavailable(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(s3.environ | {"AWS_SECRET_ACCESS_KEY": SECRET}, monkeypatch)
    place = open_place("s3://bucket/bills", endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable) as raised:
        place.list()
    assert "?" not in raised.value.message, "a query can hold a signature"
    assert_no_secret(raised.value, s3)


def test_the_signature_of_a_shared_access_address_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}/account"
    set_all({"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_STORAGE_ENDPOINT": endpoint}, monkeypatch)
    monkeypatch.setenv("AZURE_STORAGE_SAS_KEY", f"sv=2024-11-04&sig={SECRET}")
    with pytest.raises(Unavailable) as raised:
        open_place("az://container/bills").list()
    assert SECRET not in str(raised.value)


def test_the_region_and_the_endpoint_come_from_the_environment(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(s3.environ | {"AWS_REGION": "eu-central-1"}, monkeypatch)
    s3.put("bills/a.csv", b"x")
    with s3.recorded() as requests:
        assert paths(open_place(s3.url("bills"))) == ["a.csv"]
    assert "/eu-central-1/s3/" in requests[0].headers["authorization"]


def assert_no_secret(error: AccessError, s3: S3) -> None:
    assert SECRET not in f"{error}"
    assert "Signature=" not in f"{error}"
    assert SECRET not in "".join(traceback.format_exception_only(error))
