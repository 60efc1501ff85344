"""`outlay check`: for people, for programs, and as annotations on GitHub."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest

from outlay.cli.findings import as_annotations
from outlay.cli.lines import Lines, lines_of
from outlay.findings import finding
from tests.cli.conftest import OUTLAY, Outlay
from tests.cli.drops import Drops
from tests.ingest.world import as_csv, row
from tests.services.s3 import S3


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Paths are told as they were written."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(path: Path, *rows: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = as_csv(rows)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_a_good_file_is_told_in_two_lines(outlay: Outlay, here: Path) -> None:
    put(here / "a.csv.gz", row("12"), row("20.5"))
    ran = outlay("check", "a.csv.gz")
    first, last = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert first == "a.csv.gz  2026-05  1 file  2 rows  32.50 USD  good"
    assert last.startswith("1 file with 2 rows checked in ")
    assert last.endswith(" s: nothing amiss.")


def test_errors_are_told_with_place_value_reason_and_next_and_end_with_1(outlay: Outlay, here: Path) -> None:
    put(here / "a.csv.gz", row("1"), *[row("1e3")] * 5)
    ran = outlay("check", "a.csv.gz")
    assert ran.code == 1
    assert ran.out.splitlines()[1:-1] == [
        *(
            f"  error: a.csv.gz, row {number}: cost/cost is '1e3', not a plain decimal such as -12.30."
            for number in (2, 3, 4)
        ),
        "  … and 2 more of this kind",
        "  next: Mend the adaptor or the export and deliver the period again; the live data stays until then.",
    ]
    assert ran.out.splitlines()[-1].endswith(": 5 errors.")


def test_warnings_end_with_0_unless_they_are_to_count(outlay: Outlay, here: Path) -> None:
    put(here / "a.csv.gz", {**row("1"), "time/usage_start": "2026-05-03T10:00:00"})
    ran = outlay("check", "a.csv.gz")
    assert (ran.code, ran.out.splitlines()[-1].rpartition(": ")[2]) == (0, "1 warning.")
    assert outlay("check", "a.csv.gz", "--strict").code == 1
    put(here / "b.csv.gz", row("1"))
    assert outlay("check", "b.csv.gz", "--strict").code == 0


def test_the_document_tells_everything(outlay: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["1.10", "2.20"])
    drops.drop("2026-06", ["x", "2"], resource__id="a:b:c")
    ran = outlay("check", drops.folder, "--json")
    may, june = ran.json["checked"]
    assert ran.code == 1
    assert {name: ran.json[name] for name in ("path", "ok", "errors", "warnings")} == {
        "path": str(drops.folder),
        "ok": False,
        "errors": 1,
        "warnings": 0,
    }
    assert may == {
        "name": "20260501-20260601/d1",
        "period": "20260501-20260601",
        "drop": "d1",
        "folder": str(drops.folder),
        "files": ["20260501-20260601/d1/a.csv.gz"],
        "rows": 2,
        "sums": {
            "USD": dict.fromkeys(
                ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_AmortizedCost"), "3.3"
            )
        },
        "findings": [],
        "finding_counts": {},
    }
    (told,) = june["findings"]
    assert (told["code"], told["file"], told["row"], told["column"], told["value"], told["severity"]) == (
        "number-invalid",
        "20260601-20260701/d1/a.csv.gz",
        1,
        "cost/cost",
        "x",
        "error",
    )


def test_one_month_drop_and_currency_are_chosen(outlay: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["1.10"], "d1")
    drops.drop("2026-05", ["2.20"], "d2")
    drops.drop("2026-06", ["3.30"])
    ran = outlay("check", drops.folder, "--period", "2026-05", "--drop", "d1", "--currency", "EUR")
    assert ran.out.splitlines()[0] == "20260501-20260601/d1  2026-05  1 file  1 row  1.10 EUR  good"


def test_findings_are_annotations_of_files_and_lines_on_github(outlay: Outlay, here: Path) -> None:
    put(here / "out" / "made,1.csv", row("1", lineitem__description="two\nlines"), row("100%\nx"))
    ran = outlay("check", "out/made,1.csv", "--format", "github")
    assert ran.code == 1
    plain, number = ran.out.splitlines()[:-1]
    assert plain.startswith(
        "::error file=out/made%2C1.csv,title=csv-not-packed::out/made,1.csv is a plain CSV; a drop holds gzipped ones"
    )
    assert number.startswith(
        "::error file=out/made%2C1.csv,line=4,title=number-invalid::out/made,1.csv, row 2: cost/cost is "
        "'100%25\\nx', not a plain decimal such as -12.30. Mend the adaptor"
    )


def test_annotations_name_files_as_they_are_found_from_here(outlay: Outlay, here: Path) -> None:
    drop = here / "out" / "20260501-20260601" / "d1"
    put(drop / "a.csv.gz", row("x"))
    (drop.parent / "manifest.json").write_text('{"version": "9", "current_drop_id": "d1"}')
    expected = "::error file=out/20260501-20260601/d1/a.csv.gz,line=2,title=number-invalid::"
    for path in ("out", "out/", "out/20260501-20260601", "out/20260501-20260601/d1", "./out"):
        assert expected in outlay("check", path, "--format", "github").out, path
    said = outlay("check", "out", "--format", "github").out
    assert "::warning file=out/20260501-20260601/manifest.json,title=manifest-version-unknown::" in said


def test_only_the_first_of_each_kind_are_annotations(outlay: Outlay, here: Path) -> None:
    put(here / "a.csv.gz", *[row("x")] * 50)
    told = outlay("check", "a.csv.gz", "--format", "github").out.splitlines()[:-1]
    assert len(told) == 3
    assert told[2].endswith(" … and 47 more of this kind.")


def test_what_github_would_take_for_a_command_is_escaped() -> None:
    odd = finding("number-invalid", file="a:b%,c\r\n", row=1, column="cost/cost", value="%\r\n::", expected="one")
    (line,) = as_annotations([odd], {}, lambda told: (told.file or "", 2))
    assert line.startswith("::error file=a%3Ab%25%2Cc%0D%0A,line=2,title=number-invalid::a:b%25,c%0D%0A, row 1: ")
    assert "\n" not in line


def test_a_file_of_a_bucket_has_no_place_on_github() -> None:
    told = finding("value-missing", file="20260501-20260601/d1/a.csv.gz", row=1, column="cost/cost")
    assert Lines("s3://drops/acme", [told]).place(told) == ("", 2)
    (line,) = as_annotations([told], {}, Lines("s3://drops/acme", [told]).place)
    assert line.startswith("::error title=value-missing::20260501-20260601/d1/a.csv.gz, row 1: ")


def test_the_line_of_a_row_counts_the_line_breaks_in_fields_before_it(tmp_path: Path) -> None:
    content = b'"a\nb",c\r\n1,"x\ny"\r\n2,3\n"4",5\n'
    plain, packed, broken = (tmp_path / name for name in ("a.csv", "a.csv.gz", "b.csv.gz"))
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    broken.write_bytes(gzip.compress(content)[:-9])
    assert lines_of(plain, {1, 2, 3, 9}) == {1: 3, 2: 5, 3: 6}
    assert lines_of(packed, {2}) == {2: 5}
    assert lines_of(broken, {99}) == {}
    assert lines_of(tmp_path / "gone.csv", {1}) == {}


def test_a_drop_on_s3_is_checked_with_the_access_that_is_given(
    outlay: Outlay, s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    s3.put("drops/acme/20260501-20260601/d1/a.csv.gz", gzip.compress(as_csv([row("12")])))
    s3.put("drops/acme/20260501-20260601/manifest.json", b'{"version": "1.3.0", "current_drop_id": "d1"}')
    assert "12.00 USD  good" in outlay("check", s3.url("drops/acme")).out
    assert "12.00 USD  good" in outlay("check", s3.url("drops/acme/20260501-20260601/d1/a.csv.gz")).out
    ran = outlay("check", s3.url("drops/acme"), "--profile", "nobody")
    assert (ran.code, ran.out) == (1, "")
    assert "nobody" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gone.csv.gz"], 1, "does not exist"),
        (["."], 1, "holds neither CBF"),
        ([".", "--period", "May"], 2, "Write 2026-05 or 20260501-20260601."),
        ([".", "--json", "--format", "github"], 2, "contradict each other"),
        (["ftp://host/path"], 2, "cannot read"),
        ([], 2, "PATH is missing"),
    ],
)
def test_a_wrong_call_is_told_with_what_to_do(
    outlay: Outlay, here: Path, words: list[str], code: int, said: str
) -> None:
    ran = outlay("check", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "next: " in ran.err


def test_no_installation_is_needed_and_none_is_made(here: Path, tmp_path: Path) -> None:
    put(here / "a.csv.gz", row("1"))
    home = tmp_path / "fresh"
    environ = {**os.environ, "OUTLAY_HOME": str(home), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    done = subprocess.run([OUTLAY, "check", "a.csv.gz"], capture_output=True, text=True, check=False, env=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path for path in home.rglob("*") if path.is_file()] == []
