"""DuckDB: the default engine. It goes to disk when memory is short, and never to the network by itself."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from outlay.engine import sandbox
from outlay.engine.addresses import S3Access, extension, is_remote, listed, reach
from outlay.engine.base import Input, Limits, Session, Shape, Told
from outlay.engine.loading import Loader
from outlay.engine.reader import Batch, Reader, ahead
from outlay.engine.timed import TimedSession
from outlay.errors import Bug, DiskFull, OutlayError, Unavailable
from outlay.focus.columns import COLUMNS

_ROW_GROUP = 122_880
# Ordinary text repeats within a row group; ids do not, and a dictionary of them costs more than it saves.
_DICTIONARY = 6_000
# How statements on batches are planned. Mappings join many rows to small tables, in that order: nothing is known of the
# size of Arrow tables, and a guess would build hash tables of the bill instead. And a statement that is planned on one
# batch runs on all others: what the first one's values were like must not shape it.
_PLANNED = (
    "SET disabled_optimizers = 'join_order,build_side_probe_side,statistics_propagation,compressed_materialization'"
)
# Rows of a large result that are in memory at once.
_BATCH = 20_000


class _Repeated:
    """Runs the statements of batches: each is planned the first time and from then on only run."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._names: dict[str, str] = {}

    def execute(self, statement: str) -> duckdb.DuckDBPyConnection:
        if statement not in self._names:
            name = f"again_{len(self._names)}"
            self._con.execute(f"PREPARE {name} AS {statement}")
            self._names[statement] = name
        return self._con.execute(f"EXECUTE {self._names[statement]}")

    def forget(self) -> None:
        for name in self._names.values():
            self._con.execute(f"DEALLOCATE {name}")
        self._names.clear()


class _Writer:
    """Maps and writes batches by a connection and a thread of its own."""

    def __init__(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        self.con = con
        self.name = name
        self.thread = ThreadPoolExecutor(1, name)
        self.repeated = _Repeated(con)
        self.loader: Loader | None = None

    def begin(self, shape: Shape) -> None:
        self.loader = Loader(self.con, shape, is_first=False)

    def load(self, batch: Batch) -> None:
        assert self.loader is not None  # noqa: S101 - a batch is of a reading that has begun
        self.loader.load(batch)

    def end(self) -> None:
        """After what is still being written."""
        self.thread.submit(self._end).result()

    def _end(self) -> None:
        self.repeated.forget()
        if self.loader is not None:
            self.loader.drop()
            self.loader = None

    def close(self) -> None:
        self.thread.shutdown()
        self.con.close()


class DuckDb:
    """See `engine.base.Engine`."""

    name = "duckdb"

    def __init__(
        self,
        *,
        memory_limit: int,
        threads: int,
        spool: Path,
        access: S3Access | None = None,
        reads_again: bool = False,
        writings: int = 1,
    ) -> None:
        """`reads_again` keeps what was read of files in memory, as far as there is room: the lake's never change.

        `writings` is how many batches may be mapped and written at once. Batches are small: with several under way
        each has one thread, which costs less than sharing them out.
        """
        self._bounds = sandbox.Bounds(memory=memory_limit, threads=threads)
        self._access = access or S3Access()
        self._scratch = spool / f"duckdb-{os.getpid()}-{secrets.token_hex(4)}"
        self.ibis = ibis.duckdb.connect(
            threads=threads,
            memory_limit=f"{memory_limit // 1024**2}MiB",
            temp_directory=str(self._scratch),
            autoinstall_known_extensions=False,
            autoload_known_extensions=False,
            enable_external_file_cache=reads_again,
            # Charges have no order of their own, and keeping that of the rows would leave one core idle.
            preserve_insertion_order=False,
        )
        self._con: duckdb.DuckDBPyConnection = self.ibis.con
        self._con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        self._con.execute(_PLANNED)
        self.writings = writings
        self._threads = threads
        self._writers = [_Writer(self._con.cursor(), f"writer-{number}") for number in range(writings)]
        for writer in self._writers:
            writer.con.execute(f"SET TimeZone = 'UTC'; {_PLANNED}")
        self._turns = cycle(self._writers)
        self._repeated = _Repeated(self._con)
        self._batch: Batch | None = None
        self._con.execute(f"SET GLOBAL parquet_metadata_cache = {str(reads_again).lower()}")
        self._secrets = threading.Lock()

    def versions(self) -> str:
        _ = extension()
        return f"DuckDB {duckdb.__version__} with httpfs of the same version"

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
        self.ibis.disconnect()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def batches(
        self,
        files: Sequence[Input],
        shape: Shape,
        limits: Limits,
        spool: Path,
        told: Told,
        progress: Callable[[int, int], None],
    ) -> Generator[ir.Table, None, None]:
        loader = Loader(self._con, shape)
        for writer in self._writers:
            writer.begin(shape)
        try:
            if self.writings > 1:
                self._con.execute("SET threads = 1")
            with _translated(spool):
                for number, batch in enumerate(ahead(Reader(shape, limits).batches(files))):
                    progress(number, 0)
                    told.extend(batch.findings)
                    if batch.columns and batch.table.num_columns:
                        loader.load(batch)
                        self._batch = batch
                        yield self.ibis.table(loader.view)
        finally:
            self._batch = None
            for writer in self._writers:
                writer.end()
            self._repeated.forget()
            loader.drop()
            self._con.execute(f"SET threads = {self._threads}")

    def prepare(self, table: ir.Table) -> str:
        return str(self.ibis.compile(table))

    def rows(self, query: str) -> list[dict[str, Any]]:
        with _translated(self._scratch):
            # Through Arrow: DuckDB's own rows need a library of time zones for aware times.
            execute = self._con.execute if self._batch is None else self._repeated.execute
            rows: list[dict[str, Any]] = execute(query).to_arrow_table().to_pylist()
        return rows

    def write(self, query: str, into: Path, name: str) -> Future[list[Path]]:
        writer = next(self._turns)
        return writer.thread.submit(self._write, writer, self._batch, query, into, name)

    def _write(self, writer: _Writer, batch: Batch | None, query: str, into: Path, name: str) -> list[Path]:
        # Always one name, so that the statement is the same for each batch.
        draft, path = into / f"{writer.name}.draft", into / f"{name}.parquet"
        with _translated(into):
            if batch is not None:
                writer.load(batch)
            execute = writer.con.execute if batch is None else writer.repeated.execute
            written = execute(
                f"COPY ({query}) TO '{_quoted(draft)}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
                f"ROW_GROUP_SIZE {_ROW_GROUP}, DICTIONARY_SIZE_LIMIT {_DICTIONARY})"
            ).fetchone()
        if written and written[0]:
            draft.rename(path)
            return [path]
        draft.unlink(missing_ok=True)
        return []

    def write_file(self, table: ir.Table, path: Path, format: str) -> None:
        how = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}[format]
        with _translated(path):
            self._con.execute(f"COPY ({self.ibis.compile(table)}) TO '{_quoted(path)}' ({how})")

    def charges(self, addresses: Sequence[str]) -> ir.Table:
        # The same files are the same table: expressions made of two askings for it go together.
        name = f"charges_{hashlib.sha256(chr(10).join(addresses).encode()).hexdigest()[:16]}"
        source = f"read_parquet({listed(addresses)})" if addresses else self._made([])
        if is_remote(addresses):
            reach(self._con, self._access)
        with _translated(self._scratch):
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {source}")
        return self.ibis.table(name)

    @contextmanager
    def asking(self) -> Iterator[Session]:
        con = self._con.cursor()
        try:
            con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            yield _Session(con, self._reach, self._scratch)
        finally:
            con.close()

    def _reach(self, con: duckdb.DuckDBPyConnection) -> None:
        # The secret belongs to all connections, and two of them may not make it at once.
        with self._secrets:
            reach(con, self._access)

    def table_of(self, charges: Sequence[Mapping[str, Any]]) -> ir.Table:
        return self.ibis.table(self._made(charges))

    def _made(self, charges: Sequence[Mapping[str, Any]]) -> str:
        schema = ibis.schema({column.name: column.type for column in COLUMNS})
        rows = [{name: row.get(name) for name in schema} for row in charges]
        name = f"made_{secrets.token_hex(8)}"
        self._con.register("made_rows", pa.Table.from_pylist(rows, schema=schema.to_pyarrow()))
        self._con.execute(f"CREATE TABLE {name} AS SELECT * FROM made_rows")
        self._con.unregister("made_rows")
        return name

    def query(self, sql: str, addresses: Sequence[str], where: str = "") -> pa.Table:
        """One read-only statement over the table `charges`, and nothing else of this machine.

        Raises OutlayError's UsageError with DuckDB's own words for a bad statement.
        """
        return sandbox.query(sql, addresses, self._scratch, where=where, bounds=self._bounds, access=self._access)


class _Session(TimedSession):
    """See `engine.base.Session`. Files have views that are numbered by session, so that texts last."""

    texts_last = True

    def __init__(self, con: duckdb.DuckDBPyConnection, reach: Callable[[Any], None], scratch: Path) -> None:
        super().__init__()
        self._con = con
        self._reach = reach
        self._scratch = scratch
        self._views = 0

    def files(self, addresses: Sequence[str], schema: ibis.Schema) -> ir.Table:
        """A view by its own name: a table of the engine would be looked up in the engine, and slower."""
        self._views += 1
        name = f"files_{self._views}"
        with self._asked():
            if is_remote(addresses):
                self._reach(self._con)
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM read_parquet({listed(addresses)})")
        return ibis.table(schema, name=name)

    def text(self, table: ir.Table) -> str:
        return _sql(table)

    def run(self, text: str, marks: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        if marks:
            # In one go: what a mark stands for may look like another.
            literals = {_literal(mark): _literal(meant) for mark, meant in marks.items()}
            text = re.sub("|".join(map(re.escape, literals)), lambda found: literals[found[0]], text)
        with self._asked():
            rows: list[dict[str, Any]] = self._con.execute(text).to_arrow_table().to_pylist()
        return rows

    def batches(self, table: ir.Table) -> Iterator[pa.RecordBatch]:
        with self._asked():
            yield from self._con.execute(_sql(table)).to_arrow_reader(_BATCH)

    def stop(self) -> None:
        with suppress(duckdb.ConnectionException):
            self._con.interrupt()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            if self.is_over.is_set():
                raise self.too_slow()
            with _translated(self._scratch):
                yield
        except (Bug, Unavailable) as error:
            # An interrupt looks like any other error of the query; through Arrow, like one of the system.
            if self.is_over.is_set():
                raise self.too_slow() from error
            raise


def _sql(table: ir.Table) -> str:
    return str(ibis.to_sql(table, dialect="duckdb", pretty=False))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _literal(text: str) -> str:
    """In DuckDB's SQL nothing but a quote has to be written otherwise."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _translated(place: Path) -> Iterator[None]:
    """A full disk and lost files are told as such; what else DuckDB says of Outlay's own queries is a bug."""
    try:
        yield
    except OutlayError:
        raise
    except duckdb.OutOfMemoryException as error:
        raise DiskFull(
            f"DuckDB ran out of memory or of space at {place}: {_first_line(error)}.",
            next="Raise OUTLAY_MEMORY, or free space for OUTLAY_SPOOL.",
        ) from error
    except (duckdb.IOException, OSError) as error:
        if "No space left" in str(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"No space is left at {place}.", next="Free some space there.") from error
        raise Unavailable(
            f"A file could not be read or written: {_first_line(error)}.", next="Try again, or run outlay doctor."
        ) from error
    except duckdb.Error as error:
        raise Bug(
            f"The engine refused a query of Outlay's own: {_first_line(error)}.", next="Please report this."
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(".")
