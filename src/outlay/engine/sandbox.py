"""Read-only SQL over the charges, and over nothing else of this machine or the network.

A DuckDB of its own, made for one statement: it knows the lake's files by name, then gives up every other access and
lets nobody change that. What may be read could be written, too, hence one SELECT only.
Source: DuckDB, "Securing DuckDB".
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa

from outlay.engine.addresses import S3Access, is_remote, listed, reach
from outlay.errors import UsageError
from outlay.focus.columns import COLUMNS

ALLOWED = (
    "Write one SELECT over the table charges, such as: select ServiceName, sum(BilledCost) from charges group by 1."
)
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(\s+ANALYZE\b)?(?P<explained>.*)", re.IGNORECASE | re.DOTALL)
_BATCH = 50_000
_BETWEEN_INTERRUPTS = 0.05


@dataclass(frozen=True)
class Bounds:
    """What one query may use: bytes of memory, threads, bytes on disk, bytes of its answer, seconds (None: any)."""

    memory: int = 512 * 1024**2
    threads: int = 2
    disk: int = 20 * 1024**3
    answer: int = 512 * 1024**2
    seconds: float | None = None


def query(
    sql: str,
    addresses: Sequence[str],
    scratch: Path,
    *,
    where: str = "",
    bounds: Bounds | None = None,
    access: S3Access | None = None,
) -> pa.Table:
    """The answer to one SELECT (or EXPLAIN of one) over `charges`: the rows of the Parquet files at `addresses`.

    `where` is a condition of Outlay's own that those rows fulfil.

    Amounts are exact decimals, times aware. Raises UsageError with DuckDB's words for anything else.
    """
    bounds = bounds or Bounds()
    statement = _only_statement(sql)
    # What lies in a temporary folder can be read by the query: it gets a new one.
    own = scratch / f"sql-{secrets.token_hex(8)}"
    own.mkdir(parents=True)
    try:
        with duckdb.connect(":memory:", config=_config(own, bounds)) as con, _told():
            _show_charges(con, addresses, access or S3Access(), where)
            _lock(con, addresses)
            return _answer(con, statement, bounds)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _only_statement(sql: str) -> str:
    statements = _parsed(sql)
    if len(statements) != 1:
        raise UsageError(f"There are {len(statements) or 'no'} statements, where one is wanted.", next=ALLOWED)
    (statement,) = statements
    if statement.type == duckdb.StatementType.EXPLAIN:
        return _explained(sql)
    _check(statement)
    return statement.query


def _explained(sql: str) -> str:
    """Written anew from its parts: EXPLAIN ANALYZE runs what it explains, so that must be a SELECT as well."""
    found = _EXPLAIN.fullmatch(sql)
    parts = _parsed(found["explained"]) if found else []
    if found is None or len(parts) != 1:
        raise UsageError("This EXPLAIN is not of a SELECT.", next="Write EXPLAIN or EXPLAIN ANALYZE, then one SELECT.")
    _check(parts[0])
    return f"EXPLAIN {'ANALYZE ' if found[1] else ''}{parts[0].query}"


def _parsed(sql: str) -> list[duckdb.Statement]:
    # A command's bytes that are no UTF-8 come as halves of pairs, which DuckDB cannot take.
    if sql.encode("utf-8", "replace").decode() != sql:
        raise UsageError("The statement is not text in UTF-8.", next=ALLOWED)
    try:
        return duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"The statement cannot be read. {_said(error)}", next=ALLOWED) from error


def _check(statement: duckdb.Statement) -> None:
    if statement.type != duckdb.StatementType.SELECT:
        raise UsageError(
            f"{statement.type.name} is not allowed: queries only read, and only the charges.", next=ALLOWED
        )


def _config(own: Path, bounds: Bounds) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": f"{bounds.memory // 1024**2}MiB",
        "threads": bounds.threads,
        "temp_directory": str(own),
        "max_temp_directory_size": f"{bounds.disk // 1024**2}MiB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_persistent_secrets": False,
        # A query may not look into Python's own variables.
        "python_enable_replacements": False,
    }


def _show_charges(con: duckdb.DuckDBPyConnection, addresses: Sequence[str], access: S3Access, where: str) -> None:
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    if not addresses:
        empty = ibis.schema({column.name: column.type for column in COLUMNS}).to_pyarrow().empty_table()
        con.register("empty_charges", empty)
        con.execute("CREATE TABLE charges AS FROM empty_charges")
        con.unregister("empty_charges")
        return
    if is_remote(addresses):
        reach(con, access)
    condition = f" WHERE {where}" if where else ""
    con.execute(f"CREATE VIEW charges AS SELECT * FROM read_parquet({listed(addresses)}){condition}")  # noqa: S608


def _lock(con: duckdb.DuckDBPyConnection, addresses: Sequence[str]) -> None:
    con.execute(f"SET allowed_paths = {listed(addresses)}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _answer(con: duckdb.DuckDBPyConnection, statement: str, bounds: Bounds) -> pa.Table:
    """Read in a thread, as DuckDB hears of nothing while it works: a query is ended by an interrupt from outside."""
    with ThreadPoolExecutor(1, "outlay-sql") as pool:
        reading = pool.submit(_read, con, statement, bounds)
        try:
            return reading.result(bounds.seconds)
        except TimeoutError as error:
            raise UsageError(
                f"The query took longer than {bounds.seconds} seconds.",
                next="Read fewer rows, or ask for less at once.",
            ) from error
        finally:
            # Also when the user stops the command: the pool would wait for the end of the query. An interrupt that
            # comes before the query has begun is lost, hence again and again.
            while not reading.done():
                con.interrupt()
                wait([reading], _BETWEEN_INTERRUPTS)


def _read(con: duckdb.DuckDBPyConnection, statement: str, bounds: Bounds) -> pa.Table:
    """Taken in batches, as what Python holds is not in DuckDB's memory limit."""
    reader = con.execute(statement).to_arrow_reader(_BATCH)
    batches, size = [], 0
    for batch in reader:
        size += batch.nbytes
        if size > bounds.answer:
            raise UsageError(
                f"The answer is larger than {bounds.answer // 1024**2} MiB.",
                next="Sum or filter in the query, add a LIMIT, or write files with outlay export.",
            )
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except duckdb.PermissionException as error:
        raise UsageError(f"Queries reach nothing but the charges. {_said(error)}", next=ALLOWED) from error
    except duckdb.OutOfMemoryException as error:
        raise UsageError(
            f"The query needs more memory or disk than it may use. {_said(error)}",
            next="Read fewer rows or columns, or raise OUTLAY_MEMORY.",
        ) from error
    except duckdb.IOException as error:
        raise UsageError(
            f"A file of the lake could not be read. {_said(error)}",
            next="Ask again: the lake may have changed meanwhile.",
        ) from error
    except duckdb.Error as error:
        raise UsageError(
            _said(error), next="Correct the query. outlay sql 'describe charges' lists the columns."
        ) from error


def _said(error: BaseException) -> str:
    """DuckDB's first line, without the excerpt of the query that follows it."""
    line = str(error).partition("\n")[0].rstrip(". ") or type(error).__name__
    return f"{line}."
