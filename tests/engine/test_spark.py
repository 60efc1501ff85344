"""The engine past one machine says what DuckDB says: of the same bills the same charges, findings and proofs."""

from __future__ import annotations

import gc
import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pyarrow.parquet as pq
import pytest

from outlay.costs.desk import Desk
from outlay.costs.question import Question
from outlay.costs.rollup import Builder
from outlay.demo import (
    FERNWICK,
    LOFTLINE,
    NORDLICHT,
    Story,
    anycost_month,
    aws_month,
    focus_month,
    write_cur2,
    write_drop,
    write_focus_folder,
    write_legacy_cur,
)
from outlay.engine import Session, open_engine
from outlay.engine.spark import Spark
from outlay.errors import Bug, DiskFull, OutlayError, SetupError, TooSlow
from outlay.focus.columns import COLUMNS
from outlay.ingest.result import RunResult, Source
from outlay.settings import Settings
from outlay.storage import open_place
from tests.ingest.world import MAY, World, as_csv, point, row
from tests.services.disk import fill, small_disk
from tests.services.java import java_home

pytestmark = [
    pytest.mark.xdist_group("spark"),
    # PySpark leaves the closing of its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

JUNE = MAY.shift(1)
Charge = dict[str, Any]


def until(last: date) -> Story:
    return Story(last=last)


def anycost(bills: Path) -> None:
    """Tags, labels and amounts with more places than the lake keeps; the files differ in their columns."""
    rows = anycost_month(MAY, until(date(2026, 5, 16)))
    for number, each in enumerate(rows[::7]):
        places = ("0.1234567890123456785000001", "-1.0000000000000000005000000", "2.0000000000000000015000000")
        each["cost/cost"] = Decimal(places[number % 3])
        each["cost/discounted_cost"] = Decimal("0.3333333333333333333333333")
    # One file of them: DuckDB tells how many numbers it rounded by batch, and Spark's is the whole bill.
    write_drop(bills, rows, period=MAY, drop_id="d1")
    more = [
        row("1.5", resource__id="pod/1", k8s__cluster="kühl", k8s__labels='{"app": "web", "a/b": "x", "app": "api"}'),
        row("-2", resource__id="pod/2", k8s__labels='{"nested": {"a": [1, 2]}, "none": null, "": "blank"}'),
        row("0.000000000000000001", resource__id="pod/3") | {"resource/tag:Team": "a", "resource/tag:team": "b"},
        row("7", resource__id="pod/4", time__usage_end="2026-05-03T11:30:00.123456+02:00", usage__amount="3"),
        row("12", resource__id="pod/5", lineitem__type="Tax") | {"lineitem/description": 'said "5, 6"\nand left'},
    ]
    (bills / MAY.id / "d1" / "more.csv.gz").write_bytes(gzip.compress(as_csv(more)))


def legacy_cur(bills: Path) -> None:
    """Reserved Instances, Savings Plans, credits, and a negation that cancels less than it should."""
    rows = aws_month(FERNWICK, MAY, until(date(2026, 5, 6)))
    kinds = {str(each["line_item_line_item_type"]) for each in rows}
    assert {"DiscountedUsage", "RIFee", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "Credit"} <= kinds
    negation = next(each for each in rows if each["line_item_line_item_type"] == "SavingsPlanNegation")
    negation["line_item_unblended_cost"] = Decimal("-0.0000001")
    write_legacy_cur(bills, rows, report="acme", prefix="reports", period=MAY, parts=2)


def cur2(bills: Path) -> None:
    rows = aws_month(LOFTLINE, MAY, until(date(2026, 5, 12)))
    write_cur2(bills, rows, export="acme", prefix="exports", period=MAY, compression="parquet", parts=2)


def focus(bills: Path) -> None:
    """A loose file with rows of two periods, and a folder of a month."""
    june = until(date(2026, 6, 4))
    may_rows, june_rows = focus_month(NORDLICHT, MAY, june), focus_month(NORDLICHT, JUNE, june)
    (loose,) = write_focus_folder(bills, [*may_rows[:150], *june_rows], name="loose", period=MAY)
    loose.rename(bills / loose.name)
    write_focus_folder(bills, may_rows[-150:], name="month", period=MAY)


def bad_values(bills: Path) -> None:
    rows = [row("1"), row("1,5"), row("ten"), row("2", time__usage_start="2026-02-30T00:00:00Z"), row("1e5")]
    (bills / MAY.id / "d1").mkdir(parents=True)
    (bills / MAY.id / "d1" / "a.csv.gz").write_bytes(gzip.compress(as_csv(rows)))
    (bills / MAY.id / "d1" / "b.csv.gz").write_bytes(gzip.compress(as_csv([row("3"), row("")])))
    point(open_place(str(bills)), "d1")


def bad_file(bills: Path) -> None:
    (bills / MAY.id / "d1").mkdir(parents=True)
    (bills / MAY.id / "d1" / "a.csv.gz").write_bytes(gzip.compress(as_csv([row("1"), row("2")]) + b"3,4,5,6\n"))
    (bills / MAY.id / "d1" / "b.csv.gz").write_bytes(gzip.compress(as_csv([row("3")]))[:-9])
    point(open_place(str(bills)), "d1")


# Connection: kind, what lays its bills down.
DELIVERIES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "anycost": ("anycost", anycost),
    "legacy-cur": ("aws", legacy_cur),
    "cur2": ("aws", cur2),
    "focus": ("focus", focus),
    "bad-values": ("anycost", bad_values),
    "bad-file": ("anycost", bad_file),
}
GOOD = [name for name in DELIVERIES if not name.startswith("bad")]


@dataclass
class Both:
    """The same deliveries, brought in by each engine into a lake of its own."""

    duckdb: World
    spark: World
    bills: Path
    _results: dict[str, tuple[list[RunResult], list[RunResult]]] = field(default_factory=dict)

    def results(self, name: str) -> tuple[list[RunResult], list[RunResult]]:
        """DuckDB's and Spark's; each connection is checked once, for all the tests."""
        if name not in self._results:
            kind, write = DELIVERIES[name]
            write(self.bills / name)
            self._results[name] = self._check(self.duckdb, name, kind), self._check(self.spark, name, kind)
        return self._results[name]

    def _check(self, world: World, name: str, kind: str) -> list[RunResult]:
        world.place = open_place(str(self.bills / name))
        world.source = Source(name, kind, world.place.location, None, "Acme Cloud")
        return world.check()

    def files(self, world: World, name: str) -> list[str]:
        """Where the live files of a connection lie."""
        live = world.lake.live().items()
        return [file for partition, each in live if partition.connection == name for file in each.files]

    def charges(self, world: World, name: str, reader: World) -> list[Charge]:
        """What is live of a connection in a world's lake, as the engine of another world reads it."""
        charges = reader.engine.charges(self.files(world, name))
        return sorted((flat(each) for each in reader.engine.rows(reader.engine.prepare(charges))), key=place_of)


def flat(charge: Charge) -> Charge:
    """Entries of a map have no order."""
    return {name: sorted(value) if isinstance(value, list) else value for name, value in charge.items()}


def place_of(charge: Charge) -> tuple[str, int, Decimal]:
    """A raw row may make two charges: one for a Savings Plan's remainder stands at the first row of its sum."""
    return charge["x_SourceFile"], charge["x_SourceRow"], charge["BilledCost"]


def told(results: list[RunResult]) -> list[RunResult]:
    """Everything that results say, in the order in which they say it, but how long it took."""
    return [replace(each, steps=(), started=None, finished=None) for each in results]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Spark is started once: it takes longer to start than to do all of this."""
    folder = tmp_path_factory.mktemp("engines")
    place = open_place(str(folder / "bills"), create=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(java_home()))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        # Java's second compiler takes longer than it saves here.
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
        spark = World(folder / "spark", place, engine="spark", spark_master="local[2]")
    assert isinstance(spark.engine, Spark)
    # Little is shuffled, and 200 files for it take long.
    spark.engine.session.conf.set("spark.sql.shuffle.partitions", "2")
    duckdb = World(folder / "duckdb", place)
    assert (duckdb.engine.name, spark.engine.name) == ("duckdb", "spark")
    yield Both(duckdb, spark, folder / "bills")
    spark.close()
    duckdb.close()
    # Now, while their warnings are expected, and not during a test of other things.
    gc.collect()


@pytest.mark.parametrize("name", GOOD)
def test_spark_says_of_a_delivery_what_duckdb_says(both: Both, name: str) -> None:
    duckdb, spark = both.results(name)
    assert told(spark) == told(duckdb)
    assert [each.outcome for each in spark] == ["committed"] * (2 if name == "focus" else 1)
    assert all(each.reconciliation and each.reconciliation.holds for each in spark)


@pytest.mark.parametrize("name", GOOD)
def test_spark_makes_the_charges_that_duckdb_makes(both: Both, name: str) -> None:
    both.results(name)
    expected = both.charges(both.duckdb, name, reader=both.duckdb)
    assert expected
    assert both.charges(both.spark, name, reader=both.duckdb) == expected


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("bad-values", {"number-invalid", "time-invalid", "value-missing"}),
        ("bad-file", {"row-ragged", "file-truncated"}),
    ],
)
def test_spark_rejects_what_duckdb_rejects_for_the_same_reasons(both: Both, name: str, codes: set[str]) -> None:
    duckdb, spark = both.results(name)
    assert told(spark) == told(duckdb)
    assert [each.outcome for each in spark] == ["rejected"]
    assert set(spark[0].counts) == codes
    assert both.files(both.spark, name) == []


def test_files_that_spark_writes_are_like_those_of_duckdb(both: Both) -> None:
    both.results("anycost")
    like = both.files(both.duckdb, "anycost")[0]
    files = both.files(both.spark, "anycost")
    assert files
    for file in files:
        assert pq.read_schema(file).names == pq.read_schema(like).names
        assert pq.read_schema(file).types == pq.read_schema(like).types
        starts: list[Any] = pq.read_table(file, columns=["ChargePeriodStart"])["ChargePeriodStart"].to_pylist()
        assert starts == sorted(starts)


def test_spark_reads_its_charges_as_duckdb_reads_them(both: Both) -> None:
    both.results("anycost")
    read = both.charges(both.spark, "anycost", reader=both.spark)
    assert read == both.charges(both.spark, "anycost", reader=both.duckdb)


def test_sql_over_files_of_spark_is_answered(both: Both) -> None:
    both.results("anycost")
    sql = "SELECT count(*) AS rows, sum(BilledCost) AS billed FROM charges"
    answers = [world.engine.query(sql, both.files(world, "anycost")).to_pylist() for world in (both.spark, both.duckdb)]
    assert answers[0] == answers[1]
    assert answers[0][0]["rows"] > 300


def test_spark_answers_questions_as_duckdb_does_from_charges_and_from_roll_ups(both: Both, tmp_path: Path) -> None:
    both.results("anycost")
    lake, (partition,) = both.duckdb.lake, [each for each in both.duckdb.lake.live() if each.connection == "anycost"]
    only = ["x_Connection=anycost"]
    by_tag = Question.parse(by=["Tags.team", "ServiceName"], metric="real", top=3, granularity="day", where=only)
    by_resource = Question.parse(by=["ResourceId"], metric="quantity", where=only)
    expected = [Desk(lake, both.duckdb.engine).ask(question) for question in (by_tag, by_resource)]
    assert all(answer.rows for answer in expected)
    desk = Desk(lake, both.spark.engine)
    assert [desk.ask(question) for question in (by_tag, by_resource)] == expected
    assert desk.charges(by_tag).rows == Desk(lake, both.duckdb.engine).charges(by_tag).rows
    assert Builder(lake, both.duckdb.engine, tmp_path, smallest=0, repeats=1).build(partition)
    desk = Desk(lake, both.spark.engine)
    assert [desk.ask(question) for question in (by_tag, by_resource)] == expected


def test_a_question_that_spark_takes_too_long_for_is_stopped(both: Both) -> None:
    both.results("anycost")
    with both.spark.engine.asking() as session, session.limited(0.001), pytest.raises(TooSlow):
        ask_for_ever(session, both.files(both.duckdb, "anycost"))


def ask_for_ever(session: Session, files: list[str]) -> None:
    charges = session.files(files, charges_schema())
    while True:
        session.rows(charges.agg(count=charges.count()))


def charges_schema() -> ibis.Schema:
    return ibis.schema({column.name: column.type for column in COLUMNS})


def test_spark_without_its_package_is_told_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "outlay.engine.spark")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    settings = Settings.read({"OUTLAY_ENGINE": "spark"}, home=tmp_path)
    with pytest.raises(SetupError, match="Spark is not installed") as told_so:
        open_engine(settings)
    assert "pip install 'outlay[spark]'" in str(told_so.value.next)


def test_a_disk_that_is_full_when_spark_writes_is_told(both: Both, tmp_path: Path) -> None:
    both.results("anycost")
    engine = both.spark.engine
    charges = engine.charges(both.files(both.spark, "anycost"))
    with small_disk(tmp_path / "small", "size=64k") as disk:
        fill(disk / "filler")
        with pytest.raises(DiskFull, match=str(disk)) as raised:
            engine.write(engine.prepare(charges), disk, "00000")
        assert "OUTLAY_SPOOL" in raised.value.next
        with pytest.raises(DiskFull, match=str(disk)):
            engine.write_file(charges, disk / "charges.parquet", "parquet")
        assert not list(disk.glob(".charges*"))


def test_a_query_that_spark_refuses_is_a_bug(both: Both) -> None:
    table = both.spark.engine.table_of([{"ServiceName": "Compute"}])
    with pytest.raises(Bug, match="CAST_INVALID_INPUT") as raised:
        both.spark.engine.rows(table.select(number=table.ServiceName.cast("int64")))
    assert raised.value.next


def test_files_that_spark_does_not_find_are_told(both: Both, tmp_path: Path) -> None:
    with pytest.raises(OutlayError, match="PATH_NOT_FOUND") as raised:
        both.spark.engine.charges([str(tmp_path / "none.parquet")])
    assert raised.value.next


ENDED = """
import sys
from pathlib import Path
from outlay.engine import open_engine
from outlay.errors import SetupError
from outlay.settings import Settings
settings = Settings.read({"OUTLAY_ENGINE": "spark", "OUTLAY_SPARK_MASTER": sys.argv[2]}, home=Path(sys.argv[1]))
try:
    engine = open_engine(settings)
    table = engine.table_of([{"ServiceName": "Compute"}]).select("ServiceName")
    print(engine.rows(table))
    engine.session.sparkContext._gateway.proc.kill()
    for ask in (engine.rows, engine.rows):
        try:
            ask(table)
        except SetupError as error:
            print(error.message, error.next)
    engine.close()
except SetupError as error:
    print(error.message, error.next)
"""


@pytest.mark.parametrize(
    ("master", "said"),
    [
        ("local[1]", ["[{'ServiceName': 'Compute'}]", *["Spark's driver has ended. See that Spark runs"] * 2]),
        ("nonsense", ["Spark did not start: "]),
    ],
)
def test_spark_that_ends_or_never_begins_is_told(tmp_path: Path, master: str, said: list[str]) -> None:
    (tmp_path / "spool").mkdir()
    environ = {**os.environ, "JAVA_HOME": str(java_home()), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", ENDED, str(tmp_path), master], env=environ, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert [line[: len(start)] for line, start in zip(lines, said, strict=True)] == said, done.stderr
    assert done.returncode == 0, done.stderr


WITHOUT_JAVA = """
import sys
from pathlib import Path
from outlay.engine import Session, open_engine
from outlay.errors import SetupError
from outlay.settings import Settings
try:
    open_engine(Settings.read({"OUTLAY_ENGINE": "spark"}, home=Path(sys.argv[1])))
except SetupError as error:
    print(error.message, error.next)
"""


def test_spark_without_java_is_told_with_the_javas_that_it_runs_on(tmp_path: Path) -> None:
    environ = {**os.environ, "JAVA_HOME": str(tmp_path / "no-java")}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_JAVA, str(tmp_path)], env=environ, capture_output=True, text=True, check=False
    )
    assert "Spark did not start" in done.stdout, done.stderr
    assert "JAVA_HOME" in done.stdout
