"""What lies at a path is found and checked: files, drops, months and whole folders, on disk and in a bucket."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from outlay.engine import open_engine
from outlay.errors import NotFound, OutlayError, UnknownName, UsageError
from outlay.ingest.checking import CheckResult
from outlay.ingest.lint import Wish, check
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place, open_place
from tests.ingest.world import MAY, as_csv, point, put_drop, row
from tests.services.s3 import S3, Request

JUNE = MAY.next()


@dataclass(frozen=True)
class Shelf:
    """The folder of an adaptor's months, and what a check says of a path in it."""

    place: Place
    path: str
    checked: Callable[[Wish], list[CheckResult]]

    def check(self, below: str = "", period: BillingPeriod | None = None, drop: str | None = None) -> list[CheckResult]:
        return self.checked(Wish(f"{self.path}/{below}".rstrip("/"), period, drop))

    def one(self, below: str = "", period: BillingPeriod | None = None, drop: str | None = None) -> CheckResult:
        (result,) = self.check(below, period, drop)
        return result

    def codes(self, below: str = "") -> list[str]:
        return [each.code for result in self.check(below) for each in result.findings]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Wish], list[CheckResult]]]:
    settings = Settings.read({}, home=tmp_path_factory.mktemp("home"), threads=2)
    engine = open_engine(settings, writes=False)
    yield lambda wish: list(check(engine, settings, wish, open_place))
    engine.close()


@pytest.fixture
def folder(tmp_path: Path, checker: Callable[[Wish], list[CheckResult]]) -> Shelf:
    path = str(tmp_path / "out")
    return Shelf(open_place(path, create=True), path, checker)


@pytest.fixture(params=["folder", "s3"])
def shelf(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, checker: Callable[[Wish], list[CheckResult]]
) -> Shelf:
    if request.param == "folder":
        made: Shelf = request.getfixturevalue("folder")
        return made
    s3: S3 = request.getfixturevalue("s3")
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    path = s3.url("drops/acme")
    return Shelf(open_place(path), path, checker)


def june(cost: str) -> dict[str, str]:
    return {**row(cost), "time/usage_start": "2026-06-03T10:00:00Z"}


def test_the_current_drop_of_each_month_is_checked(shelf: Shelf) -> None:
    put_drop(shelf.place, [row("x")], "old")
    put_drop(shelf.place, [row("1"), row("2")], "new")
    put_drop(shelf.place, [june("3")], "j1", JUNE)
    may, later = shelf.check()
    assert (may.period, may.drop, may.rows, may.files) == (MAY, "new", 2, (f"{MAY.id}/new/a.csv.gz",))
    assert (later.period, later.drop, later.findings) == (JUNE, "j1", ())
    assert may.folder == shelf.path


def test_one_month_is_chosen(shelf: Shelf) -> None:
    put_drop(shelf.place, [row("1")], "d1")
    put_drop(shelf.place, [june("3")], "j1", JUNE)
    assert shelf.one(period=JUNE).period == JUNE
    assert shelf.one(f"{MAY.id}").period == MAY
    with pytest.raises(UnknownName, match="20260701-20260801"):
        shelf.check(period=JUNE.next())
    with pytest.raises(UsageError, match="is 20260501-20260601, not 20260601-20260701"):
        shelf.check(MAY.id, period=JUNE)


def test_a_drop_that_is_not_current_is_checked_by_its_id(shelf: Shelf) -> None:
    put_drop(shelf.place, [row("x")], "old")
    put_drop(shelf.place, [row("1")], "new")
    for result in (shelf.one(drop="old"), shelf.one(MAY.id, drop="old"), shelf.one(period=MAY, drop="old")):
        assert (result.drop, [each.code for each in result.findings]) == ("old", ["number-invalid"])
        assert result.findings[0].file == f"{MAY.id}/old/a.csv.gz"
    with pytest.raises(UnknownName) as error:
        shelf.check(drop="gone")
    assert error.value.next == "There is old, new."
    with pytest.raises(UsageError):
        shelf.check(drop="../old")


def test_a_drop_of_two_months_is_chosen_by_the_month(shelf: Shelf) -> None:
    put_drop(shelf.place, [row("1")], "d1")
    put_drop(shelf.place, [june("3")], "d1", JUNE)
    with pytest.raises(UsageError, match="2026-05, 2026-06"):
        shelf.check(drop="d1")
    assert shelf.one(period=JUNE, drop="d1").period == JUNE


def test_a_drop_before_its_manifest_is_written_is_checked_by_its_id(shelf: Shelf) -> None:
    shelf.place.write(f"{MAY.id}/d1/a.csv.gz", gzip.compress(as_csv([row("1")])))
    with pytest.raises(NotFound, match=r"no manifest\.json in 20260501-20260601"):
        shelf.check()
    assert shelf.one(drop="d1").rows == 1


def test_months_without_a_manifest_are_told_beside_the_others(shelf: Shelf) -> None:
    put_drop(shelf.place, [june("1")], "j1", JUNE)
    shelf.place.write(f"{MAY.id}/d1/a.csv.gz", gzip.compress(as_csv([row("1")])))
    about, later = shelf.check()
    assert [(each.code, each.file) for each in about.findings] == [("drops-unpublished", MAY.id)]
    assert not about.is_bad
    assert later.rows == 1


def test_the_folder_of_a_drop_has_the_month_of_the_folder_above(shelf: Shelf) -> None:
    put_drop(shelf.place, [june("1")], "d1")
    result = shelf.one(f"{MAY.id}/d1")
    assert (result.period, result.drop, [each.code for each in result.findings]) == (MAY, "d1", ["outside-period"])
    assert result.findings[0].file == "a.csv.gz"


def test_a_file_in_a_drop_has_the_month_of_its_folder(shelf: Shelf) -> None:
    put_drop(shelf.place, [june("1")], "d1")
    result = shelf.one(f"{MAY.id}/d1/a.csv.gz")
    assert (result.period, [each.code for each in result.findings]) == (MAY, ["outside-period"])
    assert shelf.one(f"{MAY.id}/d1/a.csv.gz", period=JUNE).findings == ()


def test_a_file_anywhere_has_the_month_of_its_rows(shelf: Shelf) -> None:
    shelf.place.write("made/a.csv.gz", gzip.compress(as_csv([june("1")])))
    result = shelf.one("made/a.csv.gz")
    assert (result.period, result.rows, result.files) == (JUNE, 1, (f"{shelf.path}/made/a.csv.gz",))
    assert shelf.one("made").period == JUNE


def test_a_plain_csv_is_checked_and_told_to_be_packed(shelf: Shelf) -> None:
    shelf.place.write("made/a.csv", as_csv([row("x"), row("1")]))
    result = shelf.one("made/a.csv")
    assert {each.code for each in result.findings} == {"csv-not-packed", "number-invalid"}
    assert result.rows == 2


def test_a_drop_with_other_files_is_told_as_the_ingest_tells_it_and_read_as_far_as_it_can_be(shelf: Shelf) -> None:
    put_drop(shelf.place, [row("x")], "d1")
    for name in ("b.csv", "c.parquet", "_SUCCESS", ".hidden/x"):
        shelf.place.write(f"{MAY.id}/d1/{name}", as_csv([row("y")]))
    told = [(each.code, each.file) for each in shelf.one(f"{MAY.id}/d1").findings]
    assert sorted(told) == [
        ("drop-file-unknown", "b.csv"),
        ("drop-file-unknown", "c.parquet"),
        ("number-invalid", "a.csv.gz"),
        ("number-invalid", "b.csv"),
    ]
    assert shelf.one(drop="d1").counts == {"drop-file-unknown": 2, "number-invalid": 2}
    assert shelf.codes() == ["drop-file-unknown", "drop-file-unknown"]


def test_a_file_of_another_kind_is_told_and_not_read(folder: Shelf) -> None:
    folder.place.write("made/a.parquet", b"PAR1")
    assert folder.codes("made/a.parquet") == ["drop-file-unknown"]


def test_what_is_wrong_with_manifests_and_folders_is_told(shelf: Shelf) -> None:
    shelf.place.write("20260501-20260701/manifest.json", b"{}")
    shelf.place.write(f"{MAY.id}/manifest.json", b"{}")
    point(shelf.place, "gone", JUNE)
    assert shelf.codes() == ["period-invalid", "manifest-key-missing", "drop-not-found"]
    assert all(each.is_bad for each in shelf.check())


def test_an_empty_drop_is_told(shelf: Shelf) -> None:
    put_drop(shelf.place, [], "d1")
    assert shelf.codes() == ["drop-empty"]
    assert shelf.codes(f"{MAY.id}/d1") == ["drop-empty"]


def test_an_empty_folder_is_an_empty_drop_where_its_month_is_known(folder: Shelf) -> None:
    (Path(folder.path) / MAY.id / "d1").mkdir(parents=True)
    (Path(folder.path) / "other").mkdir()
    assert folder.codes(f"{MAY.id}/d1") == ["drop-empty"]
    with pytest.raises(NotFound, match="holds neither CBF"):
        folder.check("other")


@pytest.mark.parametrize("below", ["gone", "gone/a.csv.gz", "gone/20260501-20260601"])
def test_a_path_that_is_not_there_is_told(shelf: Shelf, below: str) -> None:
    with pytest.raises(OutlayError) as error:
        shelf.check(below)
    assert isinstance(error.value, NotFound | UnknownName)
    assert error.value.next


def test_the_root_of_a_bucket_cannot_hold_months(shelf: Shelf, checker: Callable[[Wish], list[CheckResult]]) -> None:
    if shelf.place.location.is_folder:
        pytest.skip("the root of a disk is not to be listed")
    open_place(f"s3://{shelf.place.location.bucket}").write(f"{MAY.id}/manifest.json", b"{}")
    with pytest.raises(UsageError, match="cannot lie in the root"):
        checker(Wish(f"s3://{shelf.place.location.bucket}"))


def test_a_drop_option_with_a_file_or_a_drop_is_wrong(folder: Shelf) -> None:
    put_drop(folder.place, [row("1")], "d1")
    with pytest.raises(UsageError):
        folder.check(f"{MAY.id}/d1/a.csv.gz", drop="d1")
    with pytest.raises(UnknownName):
        folder.check(f"{MAY.id}/d1", drop="d1")


def test_a_check_reads_and_never_writes(shelf: Shelf, request: pytest.FixtureRequest) -> None:
    put_drop(shelf.place, [row("1")], "d1")
    before = shelf.place.list()
    shelf.check()
    assert shelf.place.list() == before
    if not shelf.place.location.is_folder:
        s3: S3 = request.getfixturevalue("s3")
        with s3.recorded() as requests:
            shelf.check()
        assert sorted(each.kind for each in requests) == ["GetObject", "GetObject", "ListObjectsV2"]


def test_a_drop_that_changes_while_it_is_fetched_is_told(
    s3: S3, monkeypatch: pytest.MonkeyPatch, checker: Callable[[Wish], list[CheckResult]]
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    place = open_place(s3.url("drops/acme"))
    put_drop(place, [row("1")], "d1")

    def is_data(request: Request) -> bool:
        return request.kind == "GetObject" and request.key.endswith(".csv.gz")

    s3.meanwhile(is_data, lambda: s3.put(f"drops/acme/{MAY.id}/d1/a.csv.gz", gzip.compress(as_csv([row("7")]))))
    with pytest.raises(OutlayError) as error:
        checker(Wish(s3.url("drops/acme")))
    assert error.value.next == "Check again when nobody writes there."
