"""DuckDB: the default engine. It goes to disk when memory is short, and never to the network by itself."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from outlay.engine import sandbox
from outlay.engine.addresses import S3Access, extension, is_remote, listed, reach
from outlay.engine.base import Input, Limits, Session, Shape, Told
from outlay.engine.parse import NUMBER
from outlay.engine.reader import Batch, Reader, ahead
from outlay.engine.twins import own_names
from outlay.errors import Bug, DiskFull, OutlayError, TooSlow, Unavailable
from outlay.focus.columns import COLUMNS

_ROW_GROUP = 30_720
# Ordinary text repeats within a row group; ids do not, and a dictionary of them costs more than it saves.
_DICTIONARY = 20_000
# Rows of a large result that are in memory at once.
_BATCH = 20_000


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
    ) -> None:
        """`reads_again` keeps what was read of files in memory, as far as there is room: the lake's never change."""
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
        # Mappings join many rows to small tables, in that order. Nothing is known of the size of Arrow tables, and a
        # guess would build hash tables of the bill instead.
        self._con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        self._con.execute(f"SET GLOBAL parquet_metadata_cache = {str(reads_again).lower()}")
        self._secrets = threading.Lock()

    def versions(self) -> str:
        _ = extension()
        return f"DuckDB {duckdb.__version__} with httpfs of the same version"

    def close(self) -> None:
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
    ) -> Iterator[ir.Table]:
        loader = _Loader(self._con, shape)
        with _translated(spool):
            for number, batch in enumerate(ahead(Reader(shape, limits).batches(files))):
                progress(number, 0)
                told.extend(batch.findings)
                if batch.columns and batch.table.num_columns:
                    loader.load(batch)
                    yield self.ibis.table(loader.view)
            loader.drop()

    def prepare(self, table: ir.Table) -> str:
        return str(self.ibis.compile(table))

    def rows(self, query: str) -> list[dict[str, Any]]:
        with _translated(self._scratch):
            # Through Arrow: DuckDB's own rows need a library of time zones for aware times.
            rows: list[dict[str, Any]] = self._con.execute(query).to_arrow_table().to_pylist()
        return rows

    def write(self, query: str, into: Path, name: str) -> list[Path]:
        path = into / f"{name}.parquet"
        with _translated(into):
            written = self._con.execute(
                f"COPY ({query}) TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
                f"ROW_GROUP_SIZE {_ROW_GROUP}, DICTIONARY_SIZE_LIMIT {_DICTIONARY})"
            ).fetchone()
        if written and written[0]:
            return [path]
        path.unlink(missing_ok=True)
        return []

    def write_file(self, table: ir.Table, path: Path, format: str, options: Mapping[str, Any] | None = None) -> None:
        how = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}[format]
        with _translated(path):
            self._con.execute(f"COPY ({self.ibis.compile(table)}) TO '{_quoted(path)}' ({how})")

    def charges(self, addresses: Sequence[str]) -> ir.Table:
        # The same files are the same table: expressions made of two askings for it go together.
        name = f"charges_{hashlib.sha256(chr(10).join(addresses).encode()).hexdigest()[:16]}"
        source = f"read_parquet({listed(addresses)})" if addresses else self._made([])
        if is_remote(addresses):
            reach(self._con, self._access)
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {source}")
        return self.ibis.table(name)

    @contextmanager
    def asking(self, seconds: float) -> Iterator[Session]:
        con = self._con.cursor()
        session = _Session(con, self._reach, self._scratch, seconds)
        timer = threading.Timer(seconds, session.interrupt)
        timer.daemon = True
        try:
            con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            timer.start()
            yield session
        finally:
            timer.cancel()
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
        self._con.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM made_rows")
        self._con.unregister("made_rows")
        return name

    def query(self, sql: str, addresses: Sequence[str]) -> pa.Table:
        """One read-only statement over the table `charges`, and nothing else of this machine.

        Raises OutlayError's UsageError with DuckDB's own words for a bad statement.
        """
        return sandbox.query(sql, addresses, self._scratch, bounds=self._bounds, access=self._access)


class _Session:
    """See `engine.base.Session`."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, reach: Callable[[Any], None], scratch: Path, seconds: float
    ) -> None:
        self._con = con
        self._reach = reach
        self._scratch = scratch
        self._seconds = seconds
        self._views = 0
        self._is_over = threading.Event()

    def files(self, addresses: Sequence[str], schema: ibis.Schema) -> ir.Table:
        """A view by its own name: a table of the engine would be looked up in the engine, and slower."""
        self._views += 1
        name = f"files_{self._views}"
        with self._asked():
            if is_remote(addresses):
                self._reach(self._con)
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM read_parquet({listed(addresses)})")
        return ibis.table(schema, name=name)

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        with self._asked():
            rows: list[dict[str, Any]] = self._con.execute(_sql(table)).to_arrow_table().to_pylist()
        return rows

    def batches(self, table: ir.Table) -> Iterator[pa.RecordBatch]:
        with self._asked():
            yield from self._con.execute(_sql(table)).to_arrow_reader(_BATCH)

    def interrupt(self) -> None:
        self._is_over.set()
        with suppress(duckdb.ConnectionException):
            self._con.interrupt()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            if self._is_over.is_set():
                raise self._too_slow()
            with _translated(self._scratch):
                yield
        except (Bug, duckdb.IOException, OSError) as error:
            # An interrupt looks like any other error of the query; through Arrow, like one of the system.
            if self._is_over.is_set():
                raise self._too_slow() from error
            if isinstance(error, Bug):
                raise
            raise Unavailable(
                f"A file of the lake could not be read: {_first_line(error)}.", next="Ask again, or run outlay doctor."
            ) from error

    def _too_slow(self) -> TooSlow:
        return TooSlow(
            f"The question was stopped; it may take {self._seconds:g} seconds.",
            next="Ask for fewer days, columns or filters, or raise OUTLAY_QUESTION_SECONDS.",
        )


class _Loader:
    """Makes the view of raw rows for one batch after another, and the table of what depends on a key alone."""

    view = "raw_rows"

    def __init__(self, con: duckdb.DuckDBPyConnection, shape: Shape) -> None:
        self._con = con
        self._shape = shape
        con.execute("CREATE OR REPLACE TEMP TABLE raw_details (key VARCHAR, details VARCHAR)")

    def load(self, batch: Batch) -> None:
        self._con.register("arrow_batch", batch.table)
        source = self._as_text(batch)
        joined = self._details(batch, source)
        name = _text(batch.file.name)
        selected = ", ".join(self._selection(batch))
        self._con.execute(
            f"CREATE OR REPLACE TEMP VIEW {self.view} AS SELECT {selected + ', ' if selected else ''}"
            f"{'raw_details.details AS _details, ' if joined else ''}{name} AS _file, {NUMBER} AS _row "
            f"FROM {source} {joined}"
        )

    def drop(self) -> None:
        self._con.execute("DROP TABLE IF EXISTS raw_text; DROP TABLE IF EXISTS raw_details")
        self._con.unregister("arrow_batch")

    def _wanted(self, batch: Batch) -> list[str]:
        wanted = set(self._shape.wanted(batch.columns))
        return [column for column in batch.columns if column in wanted]

    def _as_text(self, batch: Batch) -> str:
        """Parquet's own types as text, worked out once: both the audit and the mapping read it."""
        if all(_is_text(type_) for type_ in batch.table.schema.types[:-1]):
            return "arrow_batch"
        types = dict(zip(batch.table.column_names, batch.table.schema.types, strict=True))
        parts = [_cast(column, types[column]) for column in batch.table.column_names]
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE raw_text AS SELECT {', '.join(parts)} FROM arrow_batch")
        return "raw_text"

    def _selection(self, batch: Batch) -> list[str]:
        """The wanted columns; a map under its name with `@map`, a JSON object as text and as a map."""
        types = dict(zip(batch.table.column_names, batch.table.schema.types, strict=True))
        objects = set(self._shape.json(batch.columns))
        own = own_names(batch.table)
        selected = []
        for column in self._wanted(batch):
            name = own[column]
            if pa.types.is_map(types[name]):
                selected.append(f"{_name(name)} AS {_name(name + '@map')}")
                continue
            selected.append(_name(name))
            if column in objects:
                selected.append(f"{_object(_name(name))} AS {_name(name + '@map')}")
        return selected

    def _details(self, batch: Batch, source: str) -> str:
        """Make the details of keys that are new in this batch. The join that brings them to the rows, or nothing."""
        key, details = self._shape.detail_key(batch.columns), self._shape.details(batch.columns)
        if key is None or not details:
            return ""
        for table in batch.details or self._of_parquet(batch):
            types = dict(zip(table.column_names, table.schema.types, strict=True))
            own = own_names(table)
            objects = {own[column] for column in self._shape.json(batch.columns) if column in own}
            merged = _merged([(name, own[column]) for name, column in details], types, objects)
            self._con.register("arrow_details", table)
            self._con.execute(
                f"INSERT INTO raw_details SELECT {_name(own[key])}, {merged} FROM arrow_details "
                f"WHERE {_name(own[key])} NOT IN (SELECT key FROM raw_details) GROUP BY {_name(own[key])}"
            )
            self._con.unregister("arrow_details")
        return f"LEFT JOIN raw_details ON {source}.{_name(own_names(batch.table)[key])} = raw_details.key"

    def _of_parquet(self, batch: Batch) -> list[pa.Table]:
        return [batch.table] if batch.is_parquet else []


def _merged(
    details: Sequence[tuple[str, str]], types: Mapping[str, pa.DataType | None], objects: Collection[str]
) -> str:
    """One JSON object of a key's details, by the first value found of each; null when there are none."""
    parts: list[str] = []
    for name, column in details:
        value = f"any_value({_name(column)})"
        if _is_map(types.get(column)):
            parts.append(_prefixed(name, f"{value}::MAP(VARCHAR, VARCHAR)"))
        elif column in objects:
            parts.append(_prefixed(name, _object(value)))
        else:
            parts.append(f"[{{key: {_text(name)}, value: {value}::VARCHAR}}]")
    kept = f"list_filter({' || '.join(parts)}, lambda e: e.value <> '')"
    return f"CASE WHEN len({kept}) > 0 THEN to_json(map_from_entries({kept}))::VARCHAR END"


def _prefixed(prefix: str, value: str) -> str:
    """A map's entries with a prefix before each key; none of no map."""
    renamed = f"lambda e: {{key: {_text(prefix)} || e.key, value: e.value}}"
    return f"coalesce(list_transform(map_entries({value}), {renamed}), [])"


def _is_map(type_: pa.DataType | None) -> bool:
    return type_ is not None and pa.types.is_map(type_)


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _object(name: str) -> str:
    """A JSON object's text as a map, null for anything else; a look at the first letter is cheap where it is blank.

    JSON may name a key twice, a map may not: then the first value counts.
    """
    keys = f"json_keys({name})"
    pointer = "'/' || replace(replace(k, '~', '~0'), '/', '~1')"
    firsts = f"list_transform(list_distinct({keys}), lambda k: json_extract_string({name}, {pointer}))"
    return (
        f"CASE WHEN {name}[1] = '{{' AND json_valid({name}) THEN CASE WHEN len({keys}) = list_unique({keys}) "
        f"THEN CAST({name}::JSON AS MAP(VARCHAR, VARCHAR)) ELSE map(list_distinct({keys}), {firsts}) END END"
    )


# Arrow's types → the text of a value as a bill would write it; the first that fits.
_TEXTS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (_is_text, "{}"),
    (pa.types.is_map, "CAST({} AS MAP(VARCHAR, VARCHAR))"),
    (pa.types.is_timestamp, "strftime({}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%fZ')"),
    (pa.types.is_date, "strftime({}, '%Y-%m-%d')"),
    (pa.types.is_nested, "to_json({})::VARCHAR"),
    (pa.types.is_binary, "decode({})"),
    (pa.types.is_large_binary, "decode({})"),
    (lambda type_: True, "CAST({} AS VARCHAR)"),
)


def _cast(column: str, type_: pa.DataType) -> str:
    """One column as text; the row's number stays a number."""
    if column == NUMBER:
        return NUMBER
    template = next(template for fits, template in _TEXTS if fits(type_))
    return f"{template.format(_name(column))} AS {_name(column)}"


def _sql(table: ir.Table) -> str:
    return str(ibis.to_sql(table, dialect="duckdb", pretty=False))


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextmanager
def _translated(place: Path) -> Iterator[None]:
    """A full disk is told as such; anything else that DuckDB says of Outlay's own queries is a bug."""
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
        raise
    except duckdb.Error as error:
        raise Bug(
            f"The engine refused a query of Outlay's own: {_first_line(error)}.", next="Please report this."
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(".")
