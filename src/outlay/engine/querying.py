"""One query over files of this machine, its rows a bit at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from outlay.errors import DiskFull, UsageError

_BATCH = 65_536
# Beside what reads and writes the rows, it may use so much before it goes to disk.
_MEMORY = 192 * 1024**2


def stream(sql: str, scratch: Path, *, threads: int, memory: int = _MEMORY) -> Iterator[pa.RecordBatch]:
    """The rows of one SELECT, in no order of their own. It runs as the user who asks, who may read any file.

    Raises UsageError with DuckDB's words, and DiskFull when `scratch` has no room for what does not fit in memory.
    """
    own = scratch / "duckdb"
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory // 1024**2}MiB",
        "threads": threads,
        "temp_directory": str(own),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    try:
        with duckdb.connect(":memory:", config=config) as con, _told(scratch):
            con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            statements = con.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UsageError("The query is not one SELECT.", next="Write one SELECT that gives the rows.")
            yield from con.execute(statements[0]).to_arrow_reader(_BATCH)
    finally:
        shutil.rmtree(own, ignore_errors=True)


@contextmanager
def _told(scratch: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise DiskFull(
            f"The query ran out of memory or of space at {scratch}.", next="Free some space there."
        ) from error
    except duckdb.Error as error:
        line = str(error).partition("\n")[0].rstrip(". ")
        raise UsageError(f"The query failed: {line}.", next="Correct the query.") from error


def listed(paths: list[Path]) -> str:
    """Files as a literal of SQL, for `read_parquet`."""
    return "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths) + "]"
