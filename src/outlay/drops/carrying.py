"""Append: the rows of the current drop go into the new one, but for those that the new rows replace.

A repeated row is known by a key, by default its UTC day and its `lineitem/id`: a day that is sent again counts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from outlay.drops.checking import START
from outlay.drops.reading import Staged, stage
from outlay.drops.rows import Chunk
from outlay.drops.shelf import Drop
from outlay.engine.base import Told
from outlay.engine.querying import listed, stream
from outlay.errors import UsageError
from outlay.findings import KEPT_PER_CODE, finding
from outlay.formats.cbf import KNOWN, TAG
from outlay.settings import Settings
from outlay.storage import Place

# Not columns: the UTC day and hour of `time/usage_start`, as so many letters of it.
DAY, HOUR = "day", "hour"
_OF_START = {DAY: len("2026-05-01"), HOUR: len("2026-05-01T13")}
DAY_AND_ITEM = (DAY, "lineitem/id")


def check_key(key: Sequence[str]) -> None:
    """Raises UsageError for a key that is empty or has what is no column."""
    odd = [name for name in key if name not in _OF_START and name not in KNOWN and not name.startswith(TAG)]
    if isinstance(key, str) or not key or odd:
        raise UsageError(
            f"{odd[0] if odd else key!r} is no key by which a repeated row is known.",
            next="Name columns of CBF, or 'day' or 'hour' in UTC, such as ('day', 'lineitem/id').",
            field="key",
        )


def check_filled(key: Sequence[str], chunk: Chunk, table: pa.Table, told: Told) -> None:
    """Tells of rows that have no key: sent again, they would count twice."""
    for name in key:
        if name in (*_OF_START, START):
            continue
        blank = np.asarray(table[name].is_null()) if name in table.column_names else np.ones(table.num_rows, np.bool_)
        places = np.flatnonzero(blank)
        for at in places[:KEPT_PER_CODE]:
            told.add(finding("key-missing", file=chunk.source, row=int(chunk.numbers[at]), column=name))
        if len(places) > KEPT_PER_CODE:
            told.counts["key-missing"] += len(places) - KEPT_PER_CODE


def _keyed(table: pa.Table, key: Sequence[str]) -> dict[str, Any]:
    """The columns of the key, `k0`, `k1`, …"""
    nothing = pa.nulls(table.num_rows, pa.string())

    def values(name: str) -> Any:
        if name in _OF_START:
            return pc.utf8_slice_codeunits(table[START], 0, _OF_START[name])
        return table[name] if name in table.column_names else nothing

    return {f"k{number}": values(name) for number, name in enumerate(key)}


class _Keyed(Staged):
    """Rows with their key beside them."""

    key: Sequence[str] = ()

    def add(self, table: pa.Table) -> None:
        if table.num_rows:
            keys = _keyed(table, self.key)
            self.columns += [name for name in table.column_names if name not in self.columns]
            self.rows += table.num_rows
            own: dict[str, Any] = {self.own(name): table[name] for name in table.column_names}
            self._write(pa.table({**own, **keys}))


class Carrier:
    """Carries the rows of one drop over, with memory that does not grow: what is large lies in `folder`."""

    def __init__(self, place: Place, drop: Drop, settings: Settings, folder: Path, key: Sequence[str]) -> None:
        self._place, self._drop, self._settings, self._folder, self._key = place, drop, settings, folder, key
        self._old = _Keyed(folder / "old", [])
        self._old.key = key
        self._keys = Staged(folder / "keys", [f"k{number}" for number in range(len(key))])
        self.carried = 0

    @property
    def replaced(self) -> int:
        return self._old.rows - self.carried

    def replaces(self, table: pa.Table) -> None:
        """These rows are new: what has their key is left behind."""
        # Few keys differ where whole days are one.
        keys = pa.table(_keyed(table, self._key))
        self._keys.add(keys.group_by(keys.column_names).aggregate([]))

    def kept(self) -> Iterator[pa.Table]:
        """The rows of the drop that stay, to be asked for after the last `replaces`. Raises DeliveryError."""
        self._keys.close()
        stage(self._place, self._drop, self._settings, self._folder, self._old)
        if not self._old.files:
            return
        for batch in stream(self._query(), self._folder, threads=self._settings.threads):
            table = pa.Table.from_batches([batch])
            self.carried += table.num_rows
            yield self._old.real(table)

    def _query(self) -> str:
        old, new = (f"read_parquet({listed(each.files)}, union_by_name = true)" for each in (self._old, self._keys))
        columns = ", ".join(f"o.c{number}" for number in range(len(self._old.columns)))
        same = " AND ".join(f"o.k{number} = n.c{number}" for number in range(len(self._key)))
        if not self._keys.files:
            return f"SELECT {columns} FROM {old} o"  # noqa: S608 - columns and files of its own naming
        return f"SELECT {columns} FROM {old} o WHERE NOT EXISTS (SELECT 1 FROM {new} n WHERE {same})"  # noqa: S608

    def close(self) -> None:
        self._old.close()
        self._keys.close()
