"""Spark: the engine past one machine. Files are read by the one strict reader; mapping and questions run on Spark."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import coalesce

from outlay.engine.base import Input, Limits, Session, Shape, Told
from outlay.engine.duckdb import DuckDb
from outlay.engine.spark_faults import ANY, first_line, translated
from outlay.engine.timed import TimedSession
from outlay.engine.twins import real
from outlay.errors import SetupError
from outlay.focus.columns import COLUMNS

_RAW_VIEW = "raw_rows"
_LOCAL = "SPARK_LOCAL_DIRS"
_CONFIG = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    # The casts that `formats.values` makes are tried ones; anything else that does not fit must not pass as null.
    "spark.sql.ansi.enabled": "true",
    # A sum of two amounts keeps its 18 places; by default Spark gives one up to make room before the point.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # Tag keys, and so the columns of raw rows, may differ by case alone.
    "spark.sql.caseSensitive": "true",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    "spark.sql.legacy.charVarcharAsString": "true",
    "spark.ui.enabled": "false",
}


class Spark:
    """See `engine.base.Engine`. `master` is a Spark master's address; a `session` that exists is used instead."""

    name = "spark"
    writings = 1

    def __init__(self, reader: DuckDb, *, master: str, session: SparkSession | None = None) -> None:
        self._reader = reader
        self._owns = session is None
        self.session = session or _session(master)
        for key, value in _CONFIG.items():
            if key.startswith("spark.sql."):
                self.session.conf.set(key, value)
        self.ibis = ibis.pyspark.connect(self.session)

    def close(self) -> None:
        self._reader.close()
        # A driver that has ended needs no stop, and why it did is told already.
        with suppress(*ANY):
            if self._owns:
                self.session.stop()

    def batches(
        self,
        files: Sequence[Input],
        shape: Shape,
        limits: Limits,
        spool: Path,
        told: Told,
        progress: Callable[[int, int], None],
    ) -> Generator[ir.Table, None, None]:
        """One batch with everything, because Spark bounds its own memory; columns that a file lacks are null."""
        raw = spool / "raw"
        raw.mkdir()
        for number, table in enumerate(self._reader.batches(files, shape, limits, spool, told, progress)):
            self._reader.write_file(table, raw / f"{number:06}.parquet", "parquet")
        if any(raw.iterdir()):
            with translated(raw):
                frame = self.session.read.option("mergeSchema", "true").parquet(str(raw))
                table = self.table(_under_real_names(frame), _RAW_VIEW)
            yield table

    def prepare(self, table: ir.Table) -> ir.Table:
        return table

    def rows(self, query: ir.Table) -> list[dict[str, Any]]:
        with translated(_LOCAL):
            frame = self.session.sql(str(self.ibis.compile(query)))
            rows: list[dict[str, Any]] = frame.toArrow().to_pylist()
        return rows

    def write(self, charges: ir.Table, into: Path, name: str) -> Future[list[Path]]:
        done: Future[list[Path]] = Future()
        done.set_result(self._write(charges, into, name))
        return done

    def _write(self, charges: ir.Table, into: Path, name: str) -> list[Path]:
        folder = into / name
        with translated(into):
            frame = self.session.sql(str(self.ibis.compile(charges)))
            frame.sortWithinPartitions("ChargePeriodStart").write.parquet(str(folder))
        parts = sorted(path for path in folder.glob("part-*.parquet"))
        written = [part.rename(into / f"{name}-{number:04}.parquet") for number, part in enumerate(parts)]
        shutil.rmtree(folder)
        return [path for path in written if pq.read_metadata(path).num_rows]

    def charges(self, addresses: Sequence[str]) -> ir.Table:
        name = f"charges_{hashlib.sha256(chr(10).join(addresses).encode()).hexdigest()[:16]}"
        with translated(_LOCAL):
            frame = self.session.read.parquet(*addresses) if addresses else self._made([])
            return self.table(frame, name)

    def table_of(self, charges: Sequence[Mapping[str, Any]]) -> ir.Table:
        made = [tuple(sorted((name, str(value)) for name, value in row.items())) for row in charges]
        digest = hashlib.sha256(repr(made).encode()).hexdigest()[:16]
        with translated(_LOCAL):
            return self.table(self._made(charges), f"made_{digest}")

    def _made(self, charges: Sequence[Mapping[str, Any]]) -> DataFrame:
        schema = ibis.schema({column.name: column.type for column in COLUMNS})
        rows = [tuple(row.get(name) for name in schema) for row in charges]
        return self.session.createDataFrame(rows, schema=_spark_schema(schema))

    def write_file(self, table: ir.Table, path: Path, format: str) -> None:
        folder = path.with_name(f".{path.name}.parts")
        try:
            with translated(path.parent):
                frame = self.session.sql(str(self.ibis.compile(table))).coalesce(1)
                frame.write.option("header", "true").format(format).save(str(folder))
            (part,) = folder.glob("part-*")
            part.rename(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def asking(self) -> Iterator[Session]:
        yield _Session(self)

    def query(self, sql: str, addresses: Sequence[str], where: str = "") -> pa.Table:
        """SQL is answered by DuckDB, whose sandbox keeps it read-only and inside the lake."""
        return self._reader.query(sql, addresses, where)

    def versions(self) -> str:
        return f"{self._reader.versions()}, Spark {self.session.version}"

    def table(self, frame: DataFrame, name: str) -> ir.Table:
        frame.createOrReplaceTempView(name)
        return self.ibis.table(name)


class _Session(TimedSession):
    """See `engine.base.Session`. Spark knows the jobs of a question by its group, and files by their addresses."""

    texts_last = False

    def __init__(self, engine: Spark) -> None:
        super().__init__()
        self._engine = engine
        self._group = f"question-{secrets.token_hex(8)}"

    def files(self, addresses: Sequence[str], schema: ibis.Schema) -> ir.Table:
        digest = hashlib.sha256(chr(10).join(addresses).encode()).hexdigest()[:16]
        return self._engine.table(self._engine.session.read.parquet(*addresses), f"files_{digest}")

    def text(self, table: ir.Table) -> str:
        return str(self._engine.ibis.compile(table))

    def run(self, text: str, marks: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._arrow(text).to_pylist()
        return rows

    def batches(self, table: ir.Table) -> Iterator[pa.RecordBatch]:
        yield from self._arrow(self.text(table)).to_batches()

    def _arrow(self, sql: str) -> pa.Table:
        if self.is_over.is_set():
            raise self.too_slow()
        context = self._engine.session.sparkContext
        context.setJobGroup(self._group, "a question", interruptOnCancel=True)
        try:
            return self._engine.session.sql(sql).toArrow()
        except (Py4JJavaError, PySparkException) as error:
            if not self.is_over.is_set():
                raise
            raise self.too_slow() from error

    def stop(self) -> None:
        self._engine.session.sparkContext.cancelJobGroup(self._group)


def _under_real_names(frame: DataFrame) -> DataFrame:
    """Columns that differ by case alone need no other names here. Which of two had one is a matter of the file."""
    by_name: dict[str, list[str]] = {}
    for column in frame.columns:
        by_name.setdefault(real(column), []).append(column)
    if list(by_name) == frame.columns:
        return frame
    return frame.select(
        *(coalesce(*(frame[_quoted(each)] for each in own)).alias(name) for name, own in by_name.items())
    )


def _quoted(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _session(master: str) -> SparkSession:
    builder = SparkSession.builder.master(master).appName("outlay")
    for key, value in _CONFIG.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except ANY as error:
        raise SetupError(
            f"Spark did not start: {first_line(error)}.",
            next="Let JAVA_HOME name a Java 17 or 21, and OUTLAY_SPARK_MASTER a master that runs.",
        ) from error


def _spark_schema(schema: ibis.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema.to_pyarrow(), prefer_timestamp_ntz=False)
