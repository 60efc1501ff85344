"""Files that are gone, or cannot be written: told as such by whatever asks the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from outlay.engine.duckdb import DuckDb
from outlay.errors import Unavailable


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDb]:
    made = DuckDb(memory_limit=256 * 1024**2, threads=1, spool=tmp_path)
    yield made
    made.close()


def gone_before(engine: DuckDb, path: Path) -> Any:
    return engine.charges([str(path / "gone.parquet")])


def gone_after(engine: DuckDb, path: Path) -> Any:
    file = path / "there.parquet"
    engine.write_file(engine.table_of([{"BilledCost": 1}]), file, "parquet")
    charges = engine.charges([str(file)])
    file.unlink()
    return engine.rows(engine.prepare(charges))


def no_folder(engine: DuckDb, path: Path) -> Any:
    return engine.write_file(engine.table_of([{"BilledCost": 1}]), path / "gone" / "file.parquet", "parquet")


@pytest.mark.parametrize("ask", [gone_before, gone_after, no_folder])
def test_a_file_that_is_not_there_is_told_with_its_name_and_what_to_do(
    engine: DuckDb, tmp_path: Path, ask: Callable[[DuckDb, Path], Any]
) -> None:
    with pytest.raises(Unavailable, match=str(tmp_path)) as told:
        ask(engine, tmp_path)
    assert told.value.next
