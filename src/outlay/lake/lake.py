"""What is live, and the one commit that replaces a billing period."""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, ValidationException
from pyiceberg.expressions import And, BooleanExpression, EqualTo
from pyiceberg.table import Table

from outlay.errors import Bug, Changed, NotFound, Unavailable
from outlay.period import BillingPeriod
from outlay.storage import Place, StoredFile
from outlay.storage.faults import translated

ROOT = "charges"
NOTE = "delivery.json"
ROLLUPS = "rollups"
ROLLUP_NOTE = "rollups.json"
_COMMIT_SECONDS = 120
_LONGEST_WAIT = 2.0


class Partition(NamedTuple):
    """What is replaced as a whole: one billing period of one connection."""

    connection: str
    period: BillingPeriod

    @property
    def folder(self) -> str:
        return f"{ROOT}/{self.connection}/{self.period.id}"


@dataclass(frozen=True)
class Live:
    """The delivery that readers of a partition see: its files' addresses and how many charges they hold."""

    delivery: str
    files: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class Seen:
    """What was live as of one snapshot; None is that of a lake without any."""

    snapshot: int | None
    live: Mapping[Partition, Live]


class Lake:
    """The table of charges. Readers see whole deliveries only; every write goes through `replace`."""

    def __init__(self, catalog: Catalog, table: Table, place: Place) -> None:
        self.catalog = catalog
        self.place = place
        self._table = table
        self._seen: Seen | None = None
        self._seeing = threading.Lock()

    def close(self) -> None:
        """Let go of the catalog's connections."""
        self.catalog.close()

    def table(self) -> Table:
        """The Iceberg table as it is now."""
        return self._table.refresh()

    def live(self) -> dict[Partition, Live]:
        """What is live, read from the paths of the live files: no expiry of snapshots can lose it."""
        return _by_partition(self.table())

    def seen(self) -> Seen:
        """As `live`, but planned only when there is a new snapshot, and for threads that ask at once."""
        with self._seeing:
            # A table of its own: one that another thread commits to is changed under its reader.
            table = self.catalog.load_table(self._table.name())
            now = table.current_snapshot()
            snapshot = now.snapshot_id if now else None
            if self._seen is None or self._seen.snapshot != snapshot:
                self._seen = Seen(snapshot, _by_partition(table))
            return self._seen

    def live_of(self, partition: Partition) -> Live | None:
        return _live_of(self.table(), partition)

    def stage(self, partition: Partition, delivery: str, files: Sequence[Path], note: Mapping[str, Any]) -> list[str]:
        """Put a delivery's Parquet files and its note into the lake. Nothing points at them yet.

        Returns the addresses for `replace`. Names are new each time: a file that may be live is never written over.
        """
        folder = f"{partition.folder}/{delivery}"
        names = [f"{file.stem}-{secrets.token_hex(6)}.parquet" for file in files]
        for file, name in zip(files, names, strict=True):
            self.place.upload(file, f"{folder}/{name}")
        self.place.write(f"{folder}/{NOTE}", json.dumps({**note, "files": names}, sort_keys=True).encode())
        return [str(self.place.location.join(folder, name)) for name in names]

    def note(self, partition: Partition, delivery: str) -> dict[str, Any] | None:
        """What `stage` wrote beside the delivery's files: its reconciliation. None when the delivery is gone."""
        path = f"{partition.folder}/{delivery}/{NOTE}"
        if not any(file.path == path for file in self.place.list(f"{partition.folder}/{delivery}")):
            return None
        note: dict[str, Any] = json.loads(self.place.read(path))
        return note

    def staged(self, partition: Partition, delivery: str) -> list[str]:
        """Addresses of a delivery's Parquet files, be it live or not; what `revert` makes live again."""
        names = (self.note(partition, delivery) or {}).get("files", [])
        return [str(self.place.location.join(partition.folder, delivery, name)) for name in names]

    def keep_rollups(self, partition: Partition, delivery: str, files: Sequence[Path], note: Mapping[str, Any]) -> None:
        """Put roll-ups of a delivery beside the charges; those of the same delivery before are forgotten."""
        folder = _rollups(partition, delivery)
        names = [f"{file.stem}-{secrets.token_hex(6)}.parquet" for file in files]
        for file, name in zip(files, names, strict=True):
            self.place.upload(file, f"{folder}/{name}")
        self.place.write(f"{folder}/{ROLLUP_NOTE}", json.dumps({**note, "files": names}, sort_keys=True).encode())

    def rollups(self, partition: Partition, delivery: str) -> dict[str, Any] | None:
        """The note of a delivery's roll-ups, its `files` as addresses; None when there are none."""
        folder = _rollups(partition, delivery)
        try:
            note: dict[str, Any] = json.loads(self.place.read(f"{folder}/{ROLLUP_NOTE}"))
        except NotFound:
            return None
        return {**note, "files": [str(self.place.location.join(folder, name)) for name in note["files"]]}

    def rolled_up(self) -> set[tuple[Partition, str]]:
        """Partition and delivery of all roll-ups that are complete, be the delivery live or not."""
        found = set()
        for file in self.place.list(ROLLUPS):
            if file.name == ROLLUP_NOTE and (place := _parse(file.path, ROLLUPS)):
                found.add(place)
        return found

    def deliveries(self, partition: Partition | None = None) -> dict[Partition, dict[str, list[StoredFile]]]:
        """Every delivery whose files lie in the lake: live, earlier, or staged by a run that never committed."""
        found: dict[Partition, dict[str, list[StoredFile]]] = {}
        for file in self.place.list(partition.folder if partition else ROOT):
            if place := _parse(file.path):
                found.setdefault(place[0], {}).setdefault(place[1], []).append(file)
        return found

    def replace(self, partition: Partition, delivery: str, files: Sequence[str], *, expected: str | None) -> None:
        """Make `files` the whole content of `partition`, in one commit; no files empty it.

        The same delivery has the same content: when it is live already, nothing is done. `expected` is the delivery
        that was live when the run was planned. Raises Changed when another one is live by now, and Unavailable when
        other partitions' commits kept winning for two minutes. A lake without room raises DiskFull.
        """
        deadline = time.monotonic() + _COMMIT_SECONDS
        wait = 0.02
        while time.monotonic() < deadline:
            table = self.table()
            live = _live_of(table, partition)
            if live is not None and live.delivery == delivery:
                return
            if (live.delivery if live else None) != expected:
                raise Changed(
                    f"{partition.connection} {partition.period} changed meanwhile.", next="It is planned again."
                )
            if not files and live is None:
                return
            try:
                with translated(self.place.location, writing=self.place.location):
                    _commit(table, partition, delivery, files, had_files=live is not None)
            except (CommitFailedException, CommitStateUnknownException, ValidationException):
                # Another commit came first, or the answer was lost: the next round looks at what is live.
                time.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - jitter, not a secret
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            return
        raise Unavailable(
            f"The commit of {partition.connection} {partition.period} lost to others for {_COMMIT_SECONDS} seconds.",
            next="The next ingest tries again.",
        )


def _commit(table: Table, partition: Partition, delivery: str, files: Sequence[str], *, had_files: bool) -> None:
    said = {
        "outlay.connection": partition.connection,
        "outlay.period": partition.period.id,
        "outlay.delivery": delivery,
    }
    with table.transaction() as transaction:
        if had_files:
            transaction.delete(_filter(partition), snapshot_properties=said)
        if files:
            transaction.add_files(list(files), snapshot_properties=said, check_duplicate_files=False)


def _filter(partition: Partition) -> BooleanExpression:
    # The stubs know these classes as pydantic has them; their constructors take column and value.
    return And(
        EqualTo("x_Connection", partition.connection),  # type: ignore[call-arg, arg-type]
        EqualTo("x_BillingPeriod", partition.period.id),  # type: ignore[call-arg, arg-type]
    )


def _live_of(table: Table, partition: Partition) -> Live | None:
    return _by_partition(table, _filter(partition)).get(partition)


def _by_partition(table: Table, condition: BooleanExpression | None = None) -> dict[Partition, Live]:
    scan = table.scan() if condition is None else table.scan(row_filter=condition)
    found: dict[Partition, Live] = {}
    for task in scan.plan_files():
        path = unquote(task.file.file_path).removeprefix(unquote(table.location()).rstrip("/") + "/")
        place = _parse(path)
        if place is None:
            raise Bug(f"The lake has a file that no delivery wrote: {task.file.file_path}.", next="Run outlay doctor.")
        partition, delivery = place
        before = found.get(partition, Live(delivery, (), 0))
        if before.delivery != delivery:
            raise Bug(
                f"{partition.connection} {partition.period} holds two deliveries: {before.delivery} and {delivery}.",
                next="Make one of them live with outlay revert, and report this.",
            )
        found[partition] = replace(
            before, files=(*before.files, task.file.file_path), rows=before.rows + task.file.record_count
        )
    return found


def _rollups(partition: Partition, delivery: str) -> str:
    return f"{ROLLUPS}/{partition.connection}/{partition.period.id}/{delivery}"


def _parse(path: str, root: str = ROOT) -> tuple[Partition, str] | None:
    parts = path.split("/")
    if len(parts) != 5 or parts[0] != root:
        return None
    try:
        return Partition(parts[1], BillingPeriod.parse(parts[2])), parts[3]
    except ValueError:
        return None
