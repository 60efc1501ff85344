"""The table of resources: one row a resource and change, kept as history. Rows are only ever added."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo
from pyiceberg.schema import Schema
from pyiceberg.table import ALWAYS_TRUE, Table
from pyiceberg.types import IcebergType, LongType, MapType, NestedField, StringType, TimestamptzType

from outlay.errors import Unavailable
from outlay.lake.lake import Lake
from outlay.lake.schema import PROPERTIES
from outlay.storage.faults import translated

NAMESPACE, TABLE = "outlay", "resources"
ROOT = "resources"
_COMMIT_SECONDS, _LONGEST_WAIT = 120, 2.0
# A commit's own name, by which it is seen whether it was made.
_NOTE = "outlay.commit"
# As objects of Python rows take many times the room.
_ROWS = 5_000
# Of so many files of an account one is made: each look adds one.
FILES = 60
# name: Ibis's type, Iceberg's, Arrow's
_TEXT: tuple[str, Callable[[], IcebergType], pa.DataType] = ("string", StringType, pa.string())
_TIME: tuple[str, Callable[[], IcebergType], pa.DataType] = (
    "timestamp('UTC', 6)",
    TimestamptzType,
    pa.timestamp("us", tz="UTC"),
)
_TAGS = pa.map_(pa.string(), pa.string())
_COLUMNS: dict[str, tuple[str, Callable[[], IcebergType], pa.DataType]] = {
    "account": _TEXT,
    "kind": _TEXT,
    "region": _TEXT,
    "id": _TEXT,
    "arn": _TEXT,
    "name": _TEXT,
    "state": _TEXT,
    "created": _TIME,
    "tags": ("map<string, string>", lambda: MapType(101, StringType(), 102, StringType(), value_required=False), _TAGS),
    # JSON of the kind's own fields.
    "details": _TEXT,
    # found, changed or gone
    "change": _TEXT,
    # 1, 2, …: the order of a resource's changes, whatever clocks say.
    "version": ("int64", LongType, pa.int64()),
    # When it was seen to be so.
    "at": _TIME,
    # Of all that is compared.
    "mark": _TEXT,
}
# What a file of the table has, for engines.
SCHEMA: Mapping[str, str] = {name: each[0] for name, each in _COLUMNS.items()}
ARROW = pa.schema([pa.field(name, each[2]) for name, each in _COLUMNS.items()])
_KNOWN = ("kind", "region", "id", "change", "version", "mark")


class Key(NamedTuple):
    """Which resource of an account."""

    kind: str
    region: str
    id: str


@dataclass(frozen=True, slots=True)
class Known:
    """The newest row of a resource."""

    version: int
    change: str
    mark: str


class Resources:
    """What was ever found. It is made by the first `add`; before that nothing is known."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def known(self, account: str) -> dict[Key, Known]:
        """The newest row of each resource of an account."""
        found: dict[Key, Known] = {}
        for batch in self._batches(account, _KNOWN):
            for row in batch.to_pylist():
                key = Key(row["kind"], row["region"], row["id"])
                if key not in found or found[key].version < row["version"]:
                    found[key] = Known(row["version"], row["change"], row["mark"])
        return found

    def rows(self, account: str, wanted: Mapping[Key, int]) -> Iterator[dict[str, Any]]:
        """Whole rows: those of these resources and versions. Memory holds a batch."""
        if not wanted:
            return
        for batch in self._batches(account, tuple(_COLUMNS)):
            keys = batch.select(["kind", "region", "id", "version"]).to_pylist()
            is_wanted = [wanted.get(Key(each["kind"], each["region"], each["id"])) == each["version"] for each in keys]
            for row in batch.filter(pa.array(is_wanted, pa.bool_())).to_pylist():
                yield {**row, "tags": dict(row["tags"] or ())}

    def add(self, account: str, rows: Sequence[pa.RecordBatch]) -> None:
        """In one commit. Raises Unavailable when others' commits kept winning, and what the lake raises."""
        table = pa.Table.from_batches(rows, ARROW)
        if table.num_rows:
            self._commit(account, lambda there, note: there.append(table, snapshot_properties=note))

    def tidy(self, account: str) -> bool:
        """Make one file of the account's many, once there are so many; was there anything to do?"""
        there = self.there()
        mine = EqualTo("account", account)  # type: ignore[call-arg, arg-type]
        if there is None or len(list(there.scan(row_filter=mine).plan_files())) < FILES:
            return False

        def rewrite(there: Table, note: dict[str, str]) -> None:
            rows = there.scan(row_filter=mine).to_arrow().cast(ARROW)
            there.overwrite(rows, overwrite_filter=mine, snapshot_properties=note)

        self._commit(account, rewrite)
        return True

    def files(self) -> list[str]:
        """Addresses of the files that hold all rows, for an engine to read."""
        table = self.there()
        if table is None:
            return []
        with self._lake.faults():
            return [task.file.file_path for task in table.scan().plan_files()]

    def _batches(self, account: str, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        table = self.there()
        if table is None:
            return
        mine = EqualTo("account", account) if account else ALWAYS_TRUE  # type: ignore[call-arg, arg-type]
        with self._lake.faults():
            for batch in table.scan(row_filter=mine, selected_fields=columns).to_arrow_batch_reader():
                for first in range(0, batch.num_rows, _ROWS):
                    yield batch.slice(first, _ROWS)

    def there(self) -> Table | None:
        """The Iceberg table as it is now; None before the first `add`."""
        with self._lake.faults():
            try:
                return self._lake.load((NAMESPACE, TABLE))
            except NoSuchTableError:
                return None

    def _made(self) -> Table:
        catalog = self._lake.catalog
        with suppress(NamespaceAlreadyExistsError):
            catalog.create_namespace(NAMESPACE)
        schema, place = _iceberg(), str(self._lake.place.location.join(ROOT))
        try:
            return catalog.create_table((NAMESPACE, TABLE), schema, location=place, properties=_properties())
        except TableAlreadyExistsError:
            return catalog.load_table((NAMESPACE, TABLE))

    def _commit(self, account: str, change: Callable[[Table, dict[str, str]], object]) -> None:
        deadline, wait = time.monotonic() + _COMMIT_SECONDS, 0.02
        note = {_NOTE: secrets.token_hex(8)}
        while time.monotonic() < deadline:
            place = self._lake.place.location
            with self._lake.faults(), translated(place, writing=place):
                there = self.there() or self._made()
                if _has(there, note[_NOTE]):
                    return
                try:
                    change(there, note)
                except (CommitFailedException, CommitStateUnknownException):
                    # Another account's commit came first, or nobody knows whether this one was made.
                    time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - jitter, not a secret
                    wait = min(wait * 2, _LONGEST_WAIT)
                    continue
                return
        raise Unavailable(
            f"The commit of the resources of {account} lost to others for {_COMMIT_SECONDS} seconds.",
            next="The next look tries again.",
        )


def _has(there: Table, note: str) -> bool:
    summaries = (snapshot.summary for snapshot in there.snapshots())
    return any(summary is not None and summary.additional_properties.get(_NOTE) == note for summary in summaries)


def _iceberg() -> Schema:
    return Schema(
        *(
            NestedField(number, name, each[1](), required=False)
            for number, (name, each) in enumerate(_COLUMNS.items(), 1)
        )
    )


def _properties() -> dict[str, str]:
    """As of charges; planning prunes by account, of which each file has one.

    It is no partition: engines take the folder's name for a number, and an account's leading zeros for nothing.
    """
    kept = {name: value for name, value in PROPERTIES.items() if ".metrics.column." not in name}
    return {**kept, "write.metadata.metrics.column.account": "full"}
