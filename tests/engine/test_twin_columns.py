"""Columns that differ by case alone: DuckDB takes their names for one, and bills do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outlay.engine import Input, Limits, Shape, Told
from outlay.engine.duckdb import DuckDb
from outlay.engine.twins import apart, real
from outlay.formats.raw import Raw

LIMITS = Limits(unpacked=10**9, ratio=200, columns=50, row=20_000)
COLUMNS = ("Team", "id", "team", "TEAM", "labels", "Labels", "sku", "size", "Size")
VALUES = ("a", "r-1", "b", "c", '{"x": "1"}', '{"x": "2"}', "s-1", "4", "8")
DETAILS = (("first", "size"), ("second", "Size"))
SHAPE = Shape(
    header=lambda file, columns: [],
    wanted=lambda columns: [column for column in columns if column.lower() != "size"],
    json=lambda columns: [column for column in columns if column.lower() == "labels"],
    details=lambda columns: DETAILS,
    detail_key=lambda columns: "sku",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDb]:
    made = DuckDb(memory_limit=256 * 1024**2, threads=2, spool=tmp_path_factory.mktemp("spool"))
    yield made
    made.close()


def as_csv(folder: Path) -> Path:
    def line(cells: Sequence[str]) -> str:
        return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)

    (folder / "f.csv").write_text(f"{line(COLUMNS)}\n{line(VALUES)}\n")
    return folder / "f.csv"


def as_parquet(folder: Path) -> Path:
    pq.write_table(pa.table([pa.array([value]) for value in VALUES], names=list(COLUMNS)), folder / "f.parquet")
    return folder / "f.parquet"


def as_typed_parquet(folder: Path) -> Path:
    """The numbers are no text, so that all columns are copied."""
    values = [pa.array([int(value)]) if value.isdigit() else pa.array([value]) for value in VALUES]
    pq.write_table(pa.table(values, names=list(COLUMNS)), folder / "f.parquet")
    return folder / "f.parquet"


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_typed_parquet])
def test_twin_columns_come_under_their_own_names(engine: DuckDb, tmp_path: Path, write: Any) -> None:
    path, told = write(tmp_path), Told()
    files = [Input(path, path.name, path.stat().st_size)]
    found: list[dict[str, Any]] = []
    for table in engine.batches(files, SHAPE, LIMITS, tmp_path, told, lambda done, of: None):
        raw = Raw.of(table)
        assert {*COLUMNS} - {"size", "Size"} <= raw.columns
        texts = {name: raw.text(name) for name in ("Team", "team", "TEAM", "id")}
        maps = {name: raw.map(name)["x"] for name in ("labels", "Labels")}
        picked = table.select(details=table["_details"], **dict(zip("abcdef", (texts | maps).values(), strict=True)))
        found += engine.rows(engine.prepare(picked))
    assert told.findings == []
    letters = {"a": "a", "b": "b", "c": "c", "d": "r-1", "e": "1", "f": "2"}
    assert found == [{"details": '{"first":"4","second":"8"}', **letters}]


def test_names_are_told_apart_however_they_are_written() -> None:
    names = ["a", "A", "b", "a\u2063", "A\u2063", "á", "Á"]
    unique = apart(names)
    assert len({name.casefold() for name in unique}) == len(names)
    assert [real(name) for name in unique] == ["a", "A", "b", "a", "A", "á", "Á"]


def test_a_key_that_json_names_twice_has_its_first_value(engine: DuckDb, tmp_path: Path) -> None:
    text = '{""a/b~"": ""1"", ""a/b~"": ""2"", ""c"": {""d"": 1}}'
    (tmp_path / "f.csv").write_text(f'labels\n"{text}"\n"{{""a/b~"": ""3""}}"\n')
    shape = Shape(header=lambda f, c: [], wanted=lambda columns: columns, json=lambda columns: columns)
    files = [Input(tmp_path / "f.csv", "f.csv", 1)]
    found: list[Any] = []
    for table in engine.batches(files, shape, LIMITS, tmp_path, Told(), lambda done, of: None):
        found += [dict(row["labels@map"]) for row in engine.rows(engine.prepare(table.order_by("_row")))]
    assert found == [{"a/b~": "1", "c": '{"d":1}'}, {"a/b~": "3"}]


def test_a_key_that_a_parquet_map_names_twice_has_its_first_value(engine: DuckDb, tmp_path: Path) -> None:
    maps = [[("a", "1"), ("b", "2"), ("a", "3")], None, [], [("b", "4")], [("c", None), ("c", "5")]]
    table = pa.table({"labels": pa.array(maps, pa.map_(pa.string(), pa.string())), "id": [*"vwxyz"]})
    pq.write_table(table, tmp_path / "f.parquet")
    shape = Shape(header=lambda f, c: [], wanted=lambda columns: columns, json=lambda columns: ())
    files = [Input(tmp_path / "f.parquet", "f.parquet", 1)]
    found: list[Any] = []
    for each in engine.batches(files, shape, LIMITS, tmp_path, Told(), lambda done, of: None):
        found += [row["labels@map"] for row in engine.rows(engine.prepare(each.order_by("_row")))]
    assert found == [[("a", "1"), ("b", "2")], None, [], [("b", "4")], [("c", None)]]


def test_a_parquet_file_that_names_a_column_twice_is_told(engine: DuckDb, tmp_path: Path) -> None:
    path, told = tmp_path / "f.parquet", Told()
    pq.write_table(pa.table([pa.array(["1"]), pa.array(["2"])], names=["a", "a"]), path)
    shape = Shape(header=lambda f, c: [], wanted=lambda columns: columns, json=lambda columns: ())
    files = [Input(path, "f.parquet", path.stat().st_size)]
    assert list(engine.batches(files, shape, LIMITS, tmp_path, told, lambda done, of: None)) == []
    assert [(each.code, each.file, each.column) for each in told.findings] == [("column-duplicate", "f.parquet", "a")]
