"""`outlay drop`."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from outlay.storage import open_place
from tests.cli.conftest import OUTLAY, Outlay
from tests.drops.reading import MAY, costs
from tests.layouts.conftest import set_all
from tests.services.s3 import S3

HEAD = "time/usage_start,cost/cost,resource/service,lineitem/id\n"


@pytest.fixture
def bills(tmp_path: Path) -> Path:
    (tmp_path / "may.csv").write_text(HEAD + "2026-05-01,1.50,Compute,a\n2026-05-02,2.25,Storage,b\n")
    (tmp_path / "more.csv").write_text(HEAD + "2026-05-02,3.25,Storage,b\n2026-05-03,10000.0001,Network,c\n")
    return tmp_path


@pytest.fixture
def where(bills: Path, outlay: Outlay) -> Path:
    """Two drops of May: `one`, and the current `two`."""
    where = bills / "drops"
    assert outlay("drop", "publish", bills / "may.csv", "--to", where, "--drop-id", "one").code == 0
    assert outlay("drop", "publish", bills / "more.csv", "--to", where, "--append", "--drop-id", "two").code == 0
    return where


def test_a_file_is_published(outlay: Outlay, bills: Path) -> None:
    ran = outlay("drop", "publish", bills / "may.csv", "--to", bills / "new", "--period", "2026-05", "--drop-id", "one")
    assert ran.out.startswith("2026-05: one is current, with 2 rows in 1 file, cost 3.75.\n")
    assert costs(open_place(str(bills / "new"))) == ["1.50", "2.25"]


def test_an_append_tells_what_was_carried_over(outlay: Outlay, where: Path) -> None:
    ran = outlay("drop", "publish", where.parent / "more.csv", "--to", where, "--append", "--json")
    (told,) = ran.json["drops"]
    assert (told["rows"], told["carried"], told["replaced"], told["before"]) == (3, 1, 2, "two")
    assert told["sums"] == {"cost/cost": "10004.7501"}
    again = outlay("drop", "publish", where.parent / "may.csv", "--to", where, "--append", "--key", "day")
    assert "1 row carried over from " in again.out


def test_a_query_gives_rows(outlay: Outlay, bills: Path) -> None:
    sql = f"select * from read_csv('{bills}/may.csv', all_varchar = true)"
    ran = outlay("drop", "publish", "--sql", sql, "--to", bills / "new")
    assert ran.out.startswith("2026-05: ")
    floats = 'select \'2026-05-01\' as "time/usage_start", 0.1::double as "cost/cost"'
    refused = outlay("drop", "publish", "--sql", floats, "--to", bills / "new")
    assert (refused.code, refused.out) == (1, "")
    assert "cost/cost is a float" in refused.err
    assert "Nothing was published." in refused.err
    assert outlay("drop", "publish", "--sql", floats, "--to", bills / "new", "--floats").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "x"], "Give files, or a query with --sql."),
        (["a.csv", "--sql", "select 1", "--to", "x"], "Give files, or a query with --sql."),
        (["a.csv", "--to", "x", "--key", "day"], "--key is for --append."),
        (["a.csv"], "--to is missing"),
        (["nowhere.csv", "--to", "x"], "There is no file or folder nowhere.csv."),
        (["a.csv", "--to", "s3://bucket"], "s3://bucket is the root of the bucket"),
        (["a.csv", "--to", "x", "--period", "May"], "'May' is not a billing period"),
    ],
)
def test_wrong_usage_says_what_is_right(
    outlay: Outlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = outlay("drop", "publish", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "\nnext: " in ran.err


def test_drops_are_listed(outlay: Outlay, where: Path) -> None:
    lines = outlay("drop", "list", where, "2026-05").out.splitlines()
    assert lines[0].split() == ["drop", "state", "written", "(UTC)", "files", "bytes", "rows", "cost"]
    assert {tuple(line.split())[:2] for line in lines[2:]} == {("two", "current"), ("one", "earlier")}
    assert {tuple(line.split())[-2:] for line in lines[2:]} == {("3", "10,004.75"), ("2", "3.75")}
    told = outlay("drop", "list", where, "2026-05", "--json").json
    assert {(each["drop_id"], each["rows"], each["sums"]["cost/cost"]) for each in told} == {
        ("two", 3, "10004.7501"),
        ("one", 2, "3.75"),
    }
    quick = outlay("drop", "list", where, "2026-05", "--quick", "--json").json
    assert {each["rows"] for each in quick} == {None}


def test_periods_are_listed(outlay: Outlay, where: Path, tmp_path: Path) -> None:
    assert outlay("drop", "list", where, "--json").json == [{"period": MAY, "current_drop_id": "two"}]
    assert "2026-05   two" in outlay("drop", "list", where).out
    assert "There are no drops of 2026-07 at " in outlay("drop", "list", where, "2026-07").out
    (tmp_path / "empty").mkdir()
    assert "next: Publish one with outlay drop publish." in outlay("drop", "list", tmp_path / "empty").out
    assert outlay("drop", "list", tmp_path / "nowhere").code == 1


def test_a_drop_is_shown(outlay: Outlay, where: Path) -> None:
    shown = outlay("drop", "show", where, "2026-05").out
    assert "rows       3\n" in shown
    assert [line.split()[0] for line in shown.splitlines()[-3:]] == ["Network", "Storage", "Compute"]
    told = outlay("drop", "show", where, "2026-05", "one", "--json").json
    assert told["services"] == [
        {"service": "Storage", "rows": 1, "cost": "2.25"},
        {"service": "Compute", "rows": 1, "cost": "1.5"},
    ]


def test_drops_are_compared(outlay: Outlay, where: Path) -> None:
    shown = outlay("drop", "diff", where, "2026-05", "one").out
    assert "1 row in both, 1 only in the first, 2 only in the second.\n" in shown
    assert "1 line item is in both with other values.\n" in shown
    told = outlay("drop", "diff", where, "2026-05", "one", "two", "--json").json
    assert told["rows"] == {"same": 1, "gone": 1, "new": 2}
    assert [each["service"] for each in told["services"]] == ["Network", "Storage"]


def test_the_manifest_is_pointed_back(outlay: Outlay, where: Path) -> None:
    ran = outlay("drop", "revert", where, "2026-05", "one")
    assert ran.out == "one is the current drop of 2026-05: 2 rows, cost 3.75.\nBefore it was two, which stays.\n"
    assert outlay("drop", "revert", where, "2026-05", "two", "--json").json["before"] == "one"
    unknown = outlay("drop", "revert", where, "2026-05", "three")
    assert (unknown.code, "There are: " in unknown.err) == (2, True)


@pytest.mark.parametrize(("typed", "is_done"), [("2026-05", True), ("yes", False), ("", False)])
def test_emptying_asks(outlay: Outlay, where: Path, monkeypatch: pytest.MonkeyPatch, typed: str, is_done: bool) -> None:
    assert outlay("drop", "empty", where, "2026-05").code == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    ran = outlay("drop", "empty", where, "20260501-20260601")
    assert (ran.code, "is empty: its current drop is " in ran.out) == ((0, True) if is_done else (2, False))
    assert (costs(open_place(str(where))) == []) is is_done


def test_an_emptied_period_says_how_to_undo_it(outlay: Outlay, where: Path) -> None:
    said = outlay("drop", "empty", where, "2026-05", "--yes").out
    assert said.endswith(f"next: To undo it, run outlay drop revert {where} 2026-05 two.\n")
    assert outlay("drop", "revert", where, "2026-05", "two").code == 0
    assert outlay("drop", "empty", where, "2026-05", "--json", "--yes").json["before"] == "two"


def test_pruning_asks_and_keeps_what_is_young(outlay: Outlay, where: Path) -> None:
    assert outlay("drop", "prune", where).out == "0 drops and 0 bytes removed.\n"
    old = ("drop", "prune", where, "2026-05", "--keep", "0", "--older-than", "0")
    asked = outlay(*old)
    assert (asked.code, "Removing 1 drop wants a confirmation." in asked.err) == (2, True)
    (gone,) = outlay(*old, "--yes", "--json").json["removed"]
    assert (gone["drop_id"], gone["state"]) == ("one", "earlier")
    assert [each["drop_id"] for each in outlay("drop", "list", where, "2026-05", "--json").json] == ["two"]
    assert outlay("drop", "prune", where, "--keep", "-1").code == 2


def test_drops_lie_on_s3_as_well(outlay: Outlay, s3: S3, bills: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(s3.environ, monkeypatch)
    ran = outlay("drop", "publish", bills / "may.csv", "--to", s3.url("acme"), "--json")
    (told,) = ran.json["drops"]
    assert told["location"] == s3.url(f"acme/{MAY}/{told['drop_id']}")
    assert outlay("drop", "show", s3.url("acme"), "2026-05", "--json").json["rows"] == 2
    refused = outlay("drop", "list", s3.url("acme"), "--profile", "nobody")
    assert (refused.code, "nobody" in refused.err) == (1, True)


def test_a_published_drop_comes_in_with_equal_sums(outlay: Outlay, where: Path) -> None:
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "Acme", "--location", where)
    assert outlay("ingest").code == 0
    (period,) = outlay("periods", "acme", "--json").json
    assert (period["rows"], period["delivery"].startswith("two-")) == (3, True)
    assert outlay("sql", "select sum(BilledCost) as cost from charges", "--json").json == [{"cost": "10004.7501"}]


def test_progress_is_shown_on_a_terminal_and_leaves_nothing_behind(bills: Path, outlay_home: Path) -> None:
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = f"'{OUTLAY}' drop publish '{bills}/may.csv' --to '{bills}/new'"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0
    assert "2026-05 writing the manifest" in done.stdout
    assert "is current, with 2 rows" in done.stdout
