"""Read-only SQL: what it answers, and everything that it must refuse."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outlay.engine.sandbox import Bounds, query
from outlay.errors import UsageError
from outlay.focus.columns import COLUMNS

Ask = Callable[..., pa.Table]
MOMENT = datetime(2026, 5, 3, 10, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake's file with two charges, one that no query was told of, and a secret beside it."""
    folder = tmp_path / "it's a lake"
    folder.mkdir()
    amounts = pa.array([Decimal("0.1"), Decimal("0.2")], pa.decimal128(38, 18))
    times = pa.array([MOMENT, MOMENT], pa.timestamp("us", "UTC"))
    rows = pa.table({"ServiceName": ["a", "b"], "BilledCost": amounts, "ChargePeriodStart": times})
    pq.write_table(rows, folder / "live.parquet")
    pq.write_table(rows, folder / "staged.parquet")
    (tmp_path / "secret.key").write_text("hush")
    return folder / "live.parquet"


@pytest.fixture
def ask(lake: Path, tmp_path: Path) -> Ask:
    def asked(sql: str, **bounds: Any) -> pa.Table:
        return query(sql, [f"file://{lake}"], tmp_path / "scratch", bounds=Bounds(**bounds))

    return asked


def test_amounts_come_out_as_exact_decimals(ask: Ask) -> None:
    answer = ask("select sum(BilledCost) as total from charges")
    assert answer.to_pylist() == [{"total": Decimal("0.300000000000000000")}]
    assert answer.schema.field("total").type == pa.decimal128(38, 18)


def test_times_come_out_in_utc(ask: Ask) -> None:
    (row,) = ask("select min(ChargePeriodStart) as first from charges").to_pylist()
    assert row["first"] == MOMENT
    assert row["first"].utcoffset() is not None


@pytest.mark.parametrize(
    "sql",
    [
        "select ServiceName, sum(BilledCost) from charges group by 1 order by 2 desc;",
        "with dear as (from charges where BilledCost > 0.1) select count(*) from dear",
        "FROM charges",
        "table charges",
        "describe charges",
        "summarize charges",
        "show tables",
        "explain select * from charges",
        "EXPLAIN ANALYZE select * from charges",
        "-- the dearest\nselect max(BilledCost) from charges /* of all */",
        "select * from charges pivot (sum(BilledCost) for ServiceName in ('a', 'b'))",
        "values (1), (2)",
    ],
)
def test_what_only_reads_the_charges_is_answered(ask: Ask, sql: str) -> None:
    assert ask(sql).num_rows > 0


def test_an_empty_lake_has_no_charges_but_all_their_columns(tmp_path: Path) -> None:
    answer = query("select * from charges", [], tmp_path)
    assert answer.num_rows == 0
    assert answer.column_names == [column.name for column in COLUMNS]
    assert answer.schema.field("BilledCost").type == pa.decimal128(38, 18)


REACHES = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('{home}/secret.key')",
    "select * from '{home}/secret.key'",
    "select * from read_parquet('{folder}/staged.parquet')",
    "select * from read_parquet('{folder}/*.parquet')",
    "select * from read_parquet('{folder}/../*/staged.parquet')",
    "select * from parquet_metadata('{folder}/staged.parquet')",
    "select * from glob('/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from read_json('/proc/self/environ')",
    "select * from read_text('http://127.0.0.1:1/latest/meta-data')",
    "select * from read_parquet('s3://bucket/key.parquet')",
    "select * from query('select * from read_text(''/etc/passwd'')')",
    "explain analyze select * from read_csv('/etc/passwd')",
    "select (select content from read_text('/etc/passwd')) from charges",
    "select * from duckdb_secrets(redact=false)",
]

WRITES = [
    "copy charges to '{home}/stolen.csv'",
    "copy charges to '{lake}'",
    "copy (select 1) to '{lake}' (format parquet)",
    "explain analyze copy (select 1) to '{lake}' (format parquet)",
    "EXPLAIN/**/ANALYZE copy (select 1) to '{lake}' (format parquet)",
    "explain (analyze) copy (select 1) to '{lake}' (format parquet)",
    "/* first */ explain analyze copy (select 1) to '{lake}' (format parquet)",
    "export database '{home}/all'",
    "create table mine as select 1",
    "create or replace view charges as select 1",
    "drop view charges",
    "insert into charges values (1)",
    "update charges set BilledCost = 0",
    "delete from charges",
    "truncate charges",
    "alter view charges rename to others",
]

CHANGES = [
    "attach '{home}/other.db'",
    "detach memory",
    "use memory",
    "install httpfs",
    "load httpfs",
    "load '{home}/evil.duckdb_extension'",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset allowed_paths",
    "pragma memory_limit='64GB'",
    "pragma enable_profiling",
    "call pragma_version()",
    "checkpoint",
    "vacuum",
    "begin",
    "prepare p as select 1",
    "create secret mine (type s3)",
    "create macro f() as 1",
]

STATEMENTS = [
    "select 1; select 2",
    "select 1; copy charges to '{lake}'",
    "",
    "-- nothing",
    "selec 1",
    "select nothing from charges",
    "select * from others",
    "select getenv('HOME')",
    "select \ud800",
]


@pytest.mark.parametrize("attack", [*REACHES, *WRITES, *CHANGES, *STATEMENTS])
def test_everything_else_is_refused_with_a_reason_and_changes_nothing(ask: Ask, lake: Path, attack: str) -> None:
    home = lake.parent.parent
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    said = {"home": home, "lake": str(lake).replace("'", "''"), "folder": str(lake.parent).replace("'", "''")}
    with pytest.raises(UsageError) as refused:
        ask(attack.format_map(said))
    assert refused.value.message
    assert refused.value.next
    assert "hush" not in str(refused.value)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("function", ["duckdb_settings()", "duckdb_views()", "duckdb_databases()"])
def test_what_duckdb_tells_of_itself_holds_no_secret(ask: Ask, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    assert "hush" not in str(ask(f"select * from {function}").to_pylist())


def test_a_python_variable_is_not_a_table(ask: Ask) -> None:
    prices = pa.table({"secret": ["hush"]})
    assert prices.num_rows
    with pytest.raises(UsageError, match="does not exist"):
        ask("select * from prices")


def test_an_answer_that_would_fill_the_memory_is_refused(ask: Ask) -> None:
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        ask("select * from range(100_000_000)", answer=1024**2)


def test_a_query_goes_to_disk_when_memory_is_short_and_leaves_nothing_there(ask: Ask, tmp_path: Path) -> None:
    texts = "select md5(range::varchar) as t from range(2_000_000) order by t"
    answer = ask(f"select count(distinct t) as n from ({texts}) where t > '8'", memory=128 * 1024**2)
    assert answer.to_pylist()[0]["n"] > 900_000
    assert not list((tmp_path / "scratch").glob("*"))


def test_a_query_that_needs_more_disk_than_it_may_use_is_refused(ask: Ask) -> None:
    with pytest.raises(UsageError, match="more memory or disk") as refused:
        ask("select list(md5(range::varchar)) from range(2_000_000)", memory=16 * 1024**2, disk=1024**2)
    assert "OUTLAY_MEMORY" in refused.value.next


def test_a_query_that_takes_too_long_is_ended(ask: Ask) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match=r"longer than 0\.2 seconds"):
        ask("select count(*) from range(1000000) a, range(1000000) b where a.range * b.range % 7 = 3", seconds=0.2)
    assert time.monotonic() - began < 20
