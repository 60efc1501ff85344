"""A map column made of columns, whole batches at a time: many times faster than by an expression on each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# The column of the map that `Shape.tags` asks for.
TAGS = "_tags"


def with_tags(table: pa.Table, columns: Sequence[tuple[str, str]]) -> pa.Table:
    """`table` with the map of its `columns`, given as (key, column), beside them: blank values have no key.

    Of columns with one key the first that is filled counts; no keys at all is null. A table whose columns are not
    all text is left as it is: what their values are as text is for the engine to say.
    """
    if not columns or not all(pa.types.is_string(table.schema.field(column).type) for _, column in columns):
        return table
    by_key: dict[str, pa.Array[Any]] = {}
    for key, column in columns:
        text = _filled(table[column])
        by_key[key] = pc.coalesce(by_key[key], text) if key in by_key else text
    return table.append_column(TAGS, _map_of(by_key))


def _filled(column: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    text = column.combine_chunks()
    lengths = np.asarray(pc.fill_null(pc.call_function("binary_length", [text]), 1))
    return text if lengths.all() else pc.if_else(pa.array(lengths > 0), text, pa.scalar(None, pa.string()))


def _map_of(by_key: dict[str, pa.Array[Any]]) -> pa.Array[Any]:
    texts = list(by_key.values())
    rows = len(texts[0])
    is_filled = np.column_stack([np.asarray(text.is_valid()) for text in texts])
    counts = is_filled.sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    # Row by row, and within a row in the order of the keys.
    at_row, at_key = np.nonzero(is_filled)
    values = pa.concat_arrays(texts).take(pa.array(at_key * rows + at_row, pa.int64()))
    keys = pa.array(list(by_key), pa.string()).take(pa.array(at_key, pa.int64()))
    # A null offset makes its entry null; the last one only ends the list.
    nulls = np.append(counts == 0, False)
    made: pa.Array[Any] = pa.MapArray.from_arrays(pa.array(offsets, pa.int32(), mask=nulls), keys, values)  # type: ignore[call-overload]
    return made
