"""Batches of raw rows as DuckDB sees them: a view of text columns and maps over an Arrow table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from outlay.engine.base import Shape
from outlay.engine.maps import TAGS
from outlay.engine.parse import NUMBER
from outlay.engine.reader import Batch
from outlay.engine.twins import own_names

_FILE = "_file_name"


class _Source:
    """An Arrow table that DuckDB asks for each time it runs a statement: the name stays, the rows change."""

    def __init__(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        self._con = con
        self._name = name
        self._table: pa.Table | None = None

    def show(self, table: pa.Table) -> None:
        """Registering changes the catalog, and then prepared statements are planned again: only for other columns."""
        is_alike = self._table is not None and self._table.schema == table.schema
        self._table = table
        if not is_alike:
            self._con.register(self._name, self)

    def drop(self) -> None:
        if self._table is not None:
            self._con.unregister(self._name)
            self._table = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        assert self._table is not None  # noqa: S101 - it is registered by `show` alone
        return self._table.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]

    def __arrow_c_schema__(self) -> object:
        assert self._table is not None  # noqa: S101
        return self._table.schema.__arrow_c_schema__()


def _with_file(batch: Batch) -> pa.Table:
    """The batch with its file's path beside each row: the statements of one file are those of the next."""
    places = np.zeros(batch.table.num_rows, np.int8)
    return batch.table.append_column(_FILE, pa.DictionaryArray.from_arrays(places, pa.array([batch.file.name])))


class Loader:
    """Makes the view of raw rows for one batch after another, and the table of what depends on a key alone.

    The view is made anew only when its columns change: a statement that was prepared on it stays good until then.
    Two connections may each have a loader for the same batches: the first one makes the table for both.
    """

    view = "raw_rows"

    def __init__(self, con: duckdb.DuckDBPyConnection, shape: Shape, *, is_first: bool = True) -> None:
        self._con = con
        self._shape = shape
        self._batch, self._new_details = _Source(con, "arrow_batch"), _Source(con, "arrow_details")
        self._made = ""
        self._is_first = is_first
        if is_first:
            con.execute("CREATE OR REPLACE TABLE raw_details (key VARCHAR, details VARCHAR)")

    def load(self, batch: Batch) -> None:
        table = _with_file(batch)
        self._batch.show(table)
        source = self._as_text(batch, table)
        details = self._details(batch, source)
        tags = [TAGS] if TAGS in table.column_names else []
        selected = [*self._selection(batch), *tags, *details[:1], f"{_FILE} AS _file", f"{NUMBER} AS _row"]
        view = f"SELECT {', '.join(selected)} FROM {source} {' '.join(details[1:])}"
        made = f"{view} {table.schema}"
        if self._made != made:
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {self.view} AS {view}")
            self._made = made

    def drop(self) -> None:
        self._con.execute(f"DROP VIEW IF EXISTS {self.view}; DROP TABLE IF EXISTS raw_text")
        if self._is_first:
            self._con.execute("DROP TABLE IF EXISTS raw_details")
        self._batch.drop()
        self._new_details.drop()

    def _wanted(self, batch: Batch) -> list[str]:
        wanted = set(self._shape.wanted(batch.columns))
        return [column for column in batch.columns if column in wanted]

    def _as_text(self, batch: Batch, table: pa.Table) -> str:
        """Parquet's own types as text, worked out once a batch however many queries read it."""
        if all(_is_text(field.type) for field in batch.table.schema if field.name not in (NUMBER, TAGS)):
            return "arrow_batch"
        parts = [_cast(column, type_) for column, type_ in zip(table.column_names, table.schema.types, strict=True)]
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

    def _details(self, batch: Batch, source: str) -> tuple[str, ...]:
        """The column of details and the join that brings it to the rows; nothing where the bill has none.

        The details of keys that are new in this batch are made.
        """
        key, details = self._shape.detail_key(batch.columns), self._shape.details(batch.columns)
        if key is None or not details:
            return ()
        for table in (batch.details or self._of_parquet(batch)) if self._is_first else ():
            types = dict(zip(table.column_names, table.schema.types, strict=True))
            own = own_names(table)
            objects = {own[column] for column in self._shape.json(batch.columns) if column in own}
            merged = _merged([(name, own[column]) for name, column in details], types, objects)
            self._new_details.show(table)
            self._con.execute(
                f"INSERT INTO raw_details SELECT {_name(own[key])}, {merged} FROM arrow_details "
                f"WHERE {_name(own[key])} NOT IN (SELECT key FROM raw_details) GROUP BY {_name(own[key])}"
            )
        joined = f"LEFT JOIN raw_details ON {source}.{_name(own_names(batch.table)[key])} = raw_details.key"
        return ("raw_details.details AS _details", joined)

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


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
