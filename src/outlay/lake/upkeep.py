"""Keeping the lake small: old snapshots expire, files that nothing needs are swept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from outlay.lake.lake import NOTE, ROLLUP_NOTE, ROLLUPS, ROOT, Lake, Partition
from outlay.lake.resources import ROOT as RESOURCES
from outlay.lake.resources import Resources
from outlay.storage import StoredFile


@dataclass(frozen=True)
class Tidied:
    """What one `tidy` did. `kept_bytes` is what the lake's deliveries take now."""

    snapshots_expired: int
    deliveries_removed: tuple[tuple[Partition, str], ...]
    files_removed: int
    bytes_removed: int
    kept_bytes: int


def tidy(lake: Lake, keep: Callable[[Partition, str], bool], *, now: datetime, grace: timedelta) -> Tidied:
    """Expire snapshots older than `grace`, then remove the files that no snapshot, no kept delivery and no run needs.

    A file younger than `grace` stays: a run may be about to commit it. `keep` tells which deliveries stay for `revert`.
    One that is made live again meanwhile stays, too.
    """
    before = now - grace
    table = lake.table()
    expired = _expire(lake, table, before)
    table = lake.table()
    referenced = _referenced(table)
    root = str(lake.place.location)
    files = lake.place.list()
    unneeded: list[tuple[Partition, str]] = []
    needed = {file.path for file in files if f"{root}/{file.path}" in referenced}
    for partition, deliveries in lake.deliveries().items():
        for delivery, its_files in deliveries.items():
            if keep(partition, delivery) or any(file.path in needed for file in its_files):
                needed |= {address.removeprefix(f"{root}/") for address in lake.staged(partition, delivery)}
                needed.add(f"{partition.folder}/{delivery}/{NOTE}")
                continue
            # Those of a delivery go together, or stay: whoever stages young ones will commit the older ones, too.
            needed |= {file.path for file in its_files}
            if all(file.modified < before for file in its_files):
                unneeded.append((partition, delivery))
    needed |= _rollups(lake, needed, {f"{partition.folder}/{delivery}" for partition, delivery in unneeded})
    stray = [file for file in files if _is_ours(file) and file.path not in needed and file.modified < before]
    stray += _stray_history(lake, files, before)
    lake.place.delete(file.path for file in stray)
    removed = {each: swept for each in unneeded if (swept := _remove(lake, *each, before))}
    gone = [*stray, *(file for swept in removed.values() for file in swept)]
    size = sum(file.size for file in gone)
    return Tidied(expired, tuple(sorted(removed)), len(gone), size, sum(file.size for file in files) - size)


def _remove(lake: Lake, partition: Partition, delivery: str, before: datetime) -> list[StoredFile]:
    """Remove a delivery's files, unless it is live or staged by now. Returns what was removed.

    The note goes first: `Lake.revive` commits only what has one, and looks for it once more afterwards.
    """
    folder = f"{partition.folder}/{delivery}"
    files = lake.place.list(folder)
    note = next((file for file in files if file.name == NOTE), None)
    if any(file.modified >= before for file in files):
        return []
    content = lake.place.read(note.path) if note else b""
    if note:
        lake.place.delete([note.path])
    live = lake.live_of(partition)
    if live is not None and live.delivery == delivery:
        if note:
            lake.place.write(note.path, content)
        return []
    lake.place.delete(file.path for file in files)
    return files


def _is_ours(file: StoredFile) -> bool:
    """Data and metadata of the table; a catalog's own database lies beside them and is not touched."""
    is_metadata = file.path.startswith("metadata/") and file.path.endswith((".avro", ".metadata.json"))
    return is_metadata or file.path.startswith((f"{ROOT}/", f"{ROLLUPS}/"))


def _rollups(lake: Lake, needed: set[str], going: set[str]) -> set[str]:
    """The roll-ups of deliveries whose files stay; `going` are the folders of those that do not."""
    root = str(lake.place.location)
    folders = {path.rpartition("/")[0] for path in needed} - going
    found: set[str] = set()
    for partition, delivery in lake.rolled_up():
        if f"{partition.folder}/{delivery}" in folders and (note := lake.rollups(partition, delivery)):
            found |= {address.removeprefix(f"{root}/") for address in note["files"]}
            found.add(f"{ROLLUPS}/{partition.connection}/{partition.period.id}/{delivery}/{ROLLUP_NOTE}")
    return found


def _stray_history(lake: Lake, files: list[StoredFile], before: datetime) -> list[StoredFile]:
    """Files of the resources' table that it does not need any more, once its old snapshots have expired."""
    resources = Resources(lake)
    table = resources.there()
    if table is None or not _expire(lake, table, before):
        return []
    table = resources.there()
    referenced = _referenced(table) if table else set()
    root = str(lake.place.location)
    its = (file for file in files if file.path.startswith(f"{RESOURCES}/"))
    return [file for file in its if f"{root}/{file.path}" not in referenced and file.modified < before]


def _expire(lake: Lake, table: Table, before: datetime) -> int:
    current = table.current_snapshot()
    old = [
        snapshot.snapshot_id
        for snapshot in table.snapshots()
        if snapshot.timestamp_ms < before.timestamp() * 1000 and snapshot != current
    ]
    if old:
        try:
            with lake.faults():
                table.maintenance.expire_snapshots().by_ids(old).commit()
        except CommitFailedException:
            # A delivery was committed meanwhile: what is old stays so until the next time.
            return 0
    return len(old)


def _referenced(table: Table) -> set[str]:
    """Addresses of every file that the table's metadata still leads to."""
    found = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    for snapshot in table.snapshots():
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in found:
                continue
            found.add(manifest.manifest_path)
            found.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io))
    return found
