"""What is live, and the one commit that replaces a billing period."""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, ValidationException
from pyiceberg.expressions import And, BooleanExpression, EqualTo
from pyiceberg.io.pyarrow import parquet_files_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction

from outlay.errors import Bug, Changed, NotFound, Unavailable
from outlay.lake.faults import catalog_faults
from outlay.lake.pointer import pointer
from outlay.lake.schema import MANIFESTS
from outlay.period import BillingPeriod
from outlay.storage import Place, StoredFile
from outlay.storage.faults import translated
from outlay.visit import current

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
    """The table of charges. Readers see whole deliveries only; every write goes through `replace`.

    `address` is the catalog's, as it may be shown. `renew` is called before each look at the table: keys that pyiceberg
    has for the files may end.
    """

    def __init__(
        self,
        catalog: Catalog,
        table: Table,
        place: Place,
        *,
        address: str,
        renew: Callable[[Catalog], None] = lambda _: None,
    ) -> None:
        self.catalog = catalog
        self.place = place
        self._table = table
        self._address = address
        self._renew = renew
        self._seen: Seen | None = None
        self._seen_at: str | None = None
        self._seeing = threading.Lock()

    def close(self) -> None:
        """Let go of the catalog's connections."""
        self.catalog.close()

    def table(self) -> Table:
        """The Iceberg table as it is now."""
        self._renew(self.catalog)
        with self.faults():
            return self._table.refresh()

    def load(self, name: tuple[str, str]) -> Table:
        """Another table of the same catalog. Raises pyiceberg's NoSuchTableError where it is not there."""
        self._renew(self.catalog)
        return self.catalog.load_table(name)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """What reads the catalog or commits to it stands in here: its database's errors come out as Outlay's."""
        with catalog_faults(self._address):
            yield

    def live(self) -> dict[Partition, Live]:
        """What is live, read from the paths of the live files: no expiry of snapshots can lose it."""
        table = self.table()
        return _by_partition(table, _files(table))

    def seen(self) -> Seen:
        """As `live`, but planned only when there is a new snapshot, and looked at once a visit."""
        known = current().seen
        if self not in known:
            known[self] = self._look()
        return known[self]  # type: ignore[no-any-return]

    def _look(self) -> Seen:
        with self._seeing, self.faults():
            self._renew(self.catalog)
            where = pointer(self.catalog, self._table)
            if self._seen is not None and where is not None and where == self._seen_at:
                return self._seen
            # A table of its own: one that another thread commits to is changed under its reader.
            table = self.catalog.load_table(self._table.name())
            now = table.current_snapshot()
            snapshot = now.snapshot_id if now else None
            if self._seen is None or self._seen.snapshot != snapshot:
                self._seen = Seen(snapshot, _by_partition(table, _files(table)))
            self._seen_at = where
            return self._seen

    def live_of(self, partition: Partition) -> Live | None:
        table = self.table()
        return _by_partition(table, _files(table, partition)).get(partition)

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

    def revive(self, partition: Partition, delivery: str, *, expected: str | None) -> None:
        """Make an earlier delivery live again; `expected` is the one that is live now.

        Raises Changed when the delivery is being tidied away, is gone, or another one became live meanwhile: then what
        was live stays so.
        """
        files = self._whole(partition, delivery)
        try:
            self.replace(partition, delivery, files, expected=expected)
        except NotFound as error:
            raise _gone(partition, delivery) from error
        try:
            # Whoever tidies takes the note away before looking what is live: while it is there, the files stay.
            self._whole(partition, delivery)
        except Changed:
            self.replace(
                partition, expected or "none", self.staged(partition, expected) if expected else [], expected=delivery
            )
            raise

    def _whole(self, partition: Partition, delivery: str) -> list[str]:
        """Addresses of a delivery's files. Raises Changed when its note or one of them is not there."""
        folder = f"{partition.folder}/{delivery}"
        files = self.staged(partition, delivery)
        there = {str(self.place.location.join(file.path)) for file in self.place.list(folder)}
        if not there.issuperset([*files, str(self.place.location.join(folder, NOTE))]):
            raise _gone(partition, delivery)
        return files

    def keep_rollups(self, partition: Partition, delivery: str, files: Sequence[Path], note: Mapping[str, Any]) -> None:
        """Put roll-ups of a delivery beside the charges; those of the same delivery before are forgotten."""
        folder = _rollups(partition, delivery)
        names = [f"{file.stem}-{secrets.token_hex(6)}.parquet" for file in files]
        for file, name in zip(files, names, strict=True):
            self.place.upload(file, f"{folder}/{name}")
        self.place.write(f"{folder}/{ROLLUP_NOTE}", json.dumps({**note, "files": names}, sort_keys=True).encode())

    def rollups(self, partition: Partition, delivery: str) -> dict[str, Any] | None:
        """The note of a delivery's roll-ups, its `files` as addresses; None without one that can be read."""
        folder = _rollups(partition, delivery)
        try:
            note: dict[str, Any] = json.loads(self.place.read(f"{folder}/{ROLLUP_NOTE}"))
        except (NotFound, ValueError):
            return None
        return {**note, "files": [str(self.place.location.join(folder, name)) for name in note["files"]]}

    def rolled_up(self) -> set[tuple[Partition, str]]:
        """Partition and delivery of all roll-ups that are complete, be the delivery live or not."""
        found = set()
        for file in self.place.list(ROLLUPS):
            if file.name == ROLLUP_NOTE and (place := _parse(file.path, ROLLUPS)):
                found.add(place)
        return found

    def deliveries(self, of: Partition | str | None = None) -> dict[Partition, dict[str, list[StoredFile]]]:
        """Every delivery whose files lie in the lake: live, earlier, or staged by a run that never committed.

        Of one partition, of all those of the connection of that name, or of the whole lake: by one listing.
        """
        folder = ROOT if of is None else f"{ROOT}/{of}" if isinstance(of, str) else of.folder
        found: dict[Partition, dict[str, list[StoredFile]]] = {}
        for file in self.place.list(folder):
            if place := _parse(file.path):
                found.setdefault(place[0], {}).setdefault(place[1], []).append(file)
        return found

    def replace(self, partition: Partition, delivery: str, files: Sequence[str], *, expected: str | None) -> None:
        """Make `files` the whole content of `partition`, in one commit; no files empty it.

        The same delivery has the same content: when it is live already, nothing is done. `expected` is the delivery
        that was live when the run was planned. Raises Changed when another one is live by now, and Unavailable when
        other partitions' commits kept winning for two minutes. A lake or catalog without room raises DiskFull, one that
        cannot be written to SetupError.
        """
        deadline = time.monotonic() + _COMMIT_SECONDS
        wait = 0.02
        current().seen.pop(self, None)
        while time.monotonic() < deadline:
            table = self.table()
            before = _files(table, partition)
            live = _by_partition(table, before).get(partition)
            if live is not None and live.delivery == delivery:
                return
            if (live.delivery if live else None) != expected:
                raise Changed(
                    f"{partition.connection} {partition.period} changed meanwhile.", next="It is planned again."
                )
            if not files and live is None:
                return
            try:
                with self.faults(), translated(self.place.location, writing=self.place.location):
                    _commit(table, partition, delivery, before, files)
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


def _gone(partition: Partition, delivery: str) -> Changed:
    return Changed(
        f"{partition.connection} {partition.period.month} no longer has the delivery {delivery}: it is tidied away.",
        next=f"See outlay periods {partition.connection} for those that are kept.",
    )


def _commit(
    table: Table, partition: Partition, delivery: str, before: Sequence[DataFile], files: Sequence[str]
) -> None:
    """One snapshot, so that nobody who reads the table as it was finds a period between two deliveries."""
    said = {
        "outlay.connection": partition.connection,
        "outlay.period": partition.period.id,
        "outlay.delivery": delivery,
    }
    with table.transaction() as transaction:
        if not files:
            transaction.delete(_filter(partition), snapshot_properties=said)
        elif not before:
            transaction.add_files(list(files), snapshot_properties=said, check_duplicate_files=False)
        else:
            _overwrite(transaction, table, before, files, said)


def _overwrite(
    transaction: Transaction, table: Table, before: Sequence[DataFile], files: Sequence[str], said: dict[str, str]
) -> None:
    with transaction.update_snapshot(snapshot_properties=said).overwrite() as snapshot:
        for old in before:
            snapshot.delete_data_file(old)
        for new in parquet_files_to_data_files(table.io, table.metadata, iter(files)):
            snapshot.append_data_file(new)
    if _manifests(table) >= MANIFESTS:
        # An overwrite keeps every manifest that there was. An append merges them, and one of nothing does that alone.
        with transaction.update_snapshot(snapshot_properties={"outlay.upkeep": "manifests"}).merge_append():
            pass


def _manifests(table: Table) -> int:
    current = table.current_snapshot()
    return len(current.manifests(table.io)) if current else 0


def _filter(partition: Partition) -> BooleanExpression:
    # The stubs know these classes as pydantic has them; their constructors take column and value.
    return And(
        EqualTo("x_Connection", partition.connection),  # type: ignore[call-arg, arg-type]
        EqualTo("x_BillingPeriod", partition.period.id),  # type: ignore[call-arg, arg-type]
    )


def _files(table: Table, partition: Partition | None = None) -> list[DataFile]:
    """The live files, of the whole table or of one partition."""
    scan = table.scan() if partition is None else table.scan(row_filter=_filter(partition))
    return [task.file for task in scan.plan_files()]


def _by_partition(table: Table, files: Iterable[DataFile]) -> dict[Partition, Live]:
    found: dict[Partition, Live] = {}
    for file in files:
        path = unquote(file.file_path).removeprefix(unquote(table.location()).rstrip("/") + "/")
        place = _parse(path)
        if place is None:
            raise Bug(f"The lake has a file that no delivery wrote: {file.file_path}.", next="Run outlay doctor.")
        partition, delivery = place
        before = found.get(partition, Live(delivery, (), 0))
        if before.delivery != delivery:
            raise Bug(
                f"{partition.connection} {partition.period} holds two deliveries: {before.delivery} and {delivery}.",
                next="Make one of them live with outlay revert, and report this.",
            )
        found[partition] = replace(before, files=(*before.files, file.file_path), rows=before.rows + file.record_count)
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
