"""`sql`, `export`, `lake where` and `lake tidy`."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Outlay
from tests.cli.drops import Drops


def test_amounts_are_decimal_texts_in_json(outlay: Outlay, acme: Drops) -> None:
    sums = "sum(BilledCost) as billed, count(*) as n, max(BillingPeriodEnd) as e"
    ran = outlay("sql", f"select {sums} from charges", "--json")
    assert ran.json == [{"billed": "6.6", "n": 3, "e": "2026-07-01T00:00:00Z"}]


def test_every_type_comes_out_as_json(outlay: Outlay) -> None:
    query = """select 1.50 as d, null as n, true as b, 'NaN'::double as f, date '2026-05-01' as day, [1.5, 2] as l,
        map {'a': 1} as m, {'x': 1.0} as s, 'ab'::blob as z, 'é"\\n' as t, 1 as d, 1e30::double as e"""
    (row,) = outlay("sql", query, "--json").json
    assert row["d"] == "1.5"
    assert row["d_2"] == 1
    assert (row["n"], row["b"], row["f"], row["day"]) == (None, True, "nan", "2026-05-01")
    assert (row["l"], row["m"], row["s"], row["z"]) == (["1.5", "2"], {"a": 1}, {"x": "1"}, "6162")
    assert (row["t"], row["e"]) == ('é"\\n', 1e30)


def test_csv_of_sql_cannot_become_a_formula(outlay: Outlay) -> None:
    ran = outlay("sql", "select '=1+1' as a, -1.5 as b, null as c, 'x,y' as d", "--format", "csv")
    assert list(csv.reader(io.StringIO(ran.out))) == [["a", "b", "c", "d"], ["'=1+1", "-1.5", "", "x,y"]]


def test_a_long_answer_is_cut_at_the_terminal_and_says_so(outlay: Outlay) -> None:
    ran = outlay("sql", "select range as n from range(250)")
    assert "\n199" in ran.out.replace("  ", "")
    assert "… and 50 more rows." in ran.out
    assert len(outlay("sql", "select range from range(250)", "--json").json) == 250


def test_sql_is_taken_from_stdin(outlay: Outlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select 7 as n"))
    assert outlay("sql", "--json").json == [{"n": 7}]


@pytest.mark.parametrize(
    "query", ["drop table charges", "copy charges to 'x'", "select * from read_text('/etc/passwd')"]
)
def test_sql_that_does_more_than_read_the_charges_is_wrong_usage(outlay: Outlay, acme: Drops, query: str) -> None:
    ran = outlay("sql", query)
    assert (ran.code, ran.out) == (2, "")
    assert "next: Write one SELECT over the table charges" in ran.err


def test_an_export_is_a_file_a_month_and_connection(outlay: Outlay, acme: Drops, tmp_path: Path) -> None:
    ran = outlay("export", tmp_path / "focus", "--json")
    assert ran.json["files"] == [
        str(tmp_path / "focus" / "2026-05" / "acme.parquet"),
        str(tmp_path / "focus" / "2026-06" / "acme.parquet"),
    ]
    assert pq.read_table(ran.json["files"][0]).num_rows == 2
    written = outlay("export", "--focus", "1.0", "--format", "csv", tmp_path / "focus").out
    assert written == f"2 files of FOCUS 1.0 written to {tmp_path / 'focus'}.\n"


def test_an_export_that_cannot_be_written_is_told(outlay: Outlay, acme: Drops) -> None:
    ran = outlay("export", "/etc/passwd/x")
    assert ran.code == 1
    assert ran.err.startswith("error: /etc/passwd/x/2026-05 cannot be used: Not a directory.\nnext: ")
    assert outlay("export", "--focus", "9", "x").code == 2


def test_an_export_of_nothing_says_so(outlay: Outlay, tmp_path: Path) -> None:
    assert outlay("export", tmp_path / "focus").out.startswith("The lake holds no charges: nothing was written.\n")


def test_other_engines_find_the_lake_by_what_is_told(outlay: Outlay, acme: Drops) -> None:
    from pyiceberg.catalog import load_catalog

    told = outlay("lake", "where", "--json").json
    table = load_catalog(**told["catalog"]).load_table(told["table"])
    assert table.scan().to_arrow().num_rows == 3
    assert table.metadata_location == told["metadata"]
    shown = outlay("lake", "where").out
    assert told["location"] in shown
    assert f"iceberg_scan('{told['metadata']}')" in shown


def test_tidying_keeps_what_a_revert_needs(outlay: Outlay, acme: Drops) -> None:
    acme.drop("2026-05", ["100"], "d2")
    outlay("ingest")
    told = outlay("lake", "tidy", "--older-than", "0", "--json").json
    assert told["snapshots_expired"] > 0
    assert told["deliveries_removed"] == []
    (earlier,) = outlay("periods", "acme", "--json").json[1]["earlier"]
    assert outlay("revert", "acme", "2026-05", earlier).code == 0
    assert "The lake takes " in outlay("lake", "tidy").out


def test_tidying_removes_what_nobody_needs(outlay: Outlay, acme: Drops) -> None:
    outlay("connections", "remove", "acme", "--yes", "--purge")
    told = outlay("lake", "tidy", "--older-than", "0", "--json").json
    assert {(each["connection"], each["period"]) for each in told["deliveries_removed"]} == {
        ("acme", "20260501-20260601"),
        ("acme", "20260601-20260701"),
    }
    assert told["bytes_removed"] > 0


def test_roll_ups_of_small_bills_are_not_made(outlay: Outlay, acme: Drops) -> None:
    assert outlay("lake", "roll-up").out == "Roll-ups of 0 billing periods made.\n"
    assert outlay("lake", "roll-up", "--json").json == []
