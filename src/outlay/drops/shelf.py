"""Where drops lie: `<root>/20260501-20260601/<drop_id>/data_export-0001.csv.gz` and `<root>/…/manifest.json`.

Source: CloudZero, "Configuring AnyCost Bucket File Drops".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from outlay.drops.packing import HEAD_BYTES, file_name, files_of
from outlay.errors import DeliveryError, NotFound, UnknownName, UsageError
from outlay.layouts.anycost_drop import MANIFEST
from outlay.layouts.paths import folders_of, is_hidden, is_marker, is_safe_name, shown
from outlay.period import BillingPeriod
from outlay.storage import Place, StoredFile, Version

VERSION = "1.3.0"
State = Literal["current", "earlier", "unfinished"]
_DROP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+=@-]{0,127}")
_PERIOD = re.compile(r"\d{8}-\d{8}")


@dataclass(frozen=True)
class Manifest:
    """Which drop is current, and the version of the manifest that says so.

    Neither: the period has no manifest. A version alone: it has one that names no drop.
    """

    drop_id: str | None
    version: Version | None


@dataclass(frozen=True)
class Drop:
    """A drop of a period. `at` is when its last file came; `files` are its data files, `others` what else lies there.

    `unfinished`: whoever made it was cut off, as files of it are missing. It counts nowhere and may be pruned.
    """

    period: BillingPeriod
    id: str
    state: State
    at: datetime
    files: tuple[StoredFile, ...]
    others: tuple[StoredFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes, as they are packed."""
        return sum(file.size for file in self.files)


def period_of(text: str | BillingPeriod) -> BillingPeriod:
    """Raises UsageError for what is not a billing period."""
    if isinstance(text, BillingPeriod):
        return text
    try:
        return BillingPeriod.parse(text)
    except ValueError as error:
        raise UsageError(f"{error}.", next="Write 2026-05 or 20260501-20260601.", field="period") from error


def check_root(place: Place) -> None:
    if place.location.is_root:
        raise UsageError(
            f"{place.location} is the root of the bucket, where drops may not lie.",
            next=f"Name a folder in it, such as {place.location}/simple-cloud.",
            field="to",
        )


def check_drop_id(drop_id: str) -> str:
    if not _DROP_ID.fullmatch(drop_id) or not is_safe_name(drop_id) or drop_id == MANIFEST:
        raise UsageError(
            f"{shown(drop_id)!r} cannot be the id of a drop.",
            next="Write letters, digits, '-', '_' and '.', such as 20260519T154516Z.",
            field="drop_id",
        )
    return drop_id


def ids(now: datetime) -> Iterator[str]:
    """`20260519T154516Z`, and others for what comes in the same second."""
    first = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield first
    yield from (f"{first}-{number}" for number in range(2, 10_000))


def manifest_of(drop_id: str) -> bytes:
    return (json.dumps({"version": VERSION, "current_drop_id": drop_id}, indent=2) + "\n").encode()


def manifest(place: Place, period: BillingPeriod) -> Manifest:
    found = place.versioned(f"{period.id}/{MANIFEST}")
    if found is None:
        return Manifest(None, None)
    content, version = found
    return Manifest(_current(content), version)


def _current(content: bytes) -> str | None:
    """None where the manifest cannot be read: whoever publishes replaces it."""
    try:
        read = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    drop_id = read.get("current_drop_id") if isinstance(read, dict) else None
    return drop_id if isinstance(drop_id, str) and is_safe_name(drop_id) else None


def periods(place: Place) -> list[BillingPeriod]:
    """The billing periods that have a folder here."""
    found = {file.path.partition("/")[0] for file in place.list() if "/" in file.path}
    return sorted(BillingPeriod.parse(name) for name in found if _is_period(name))


def _is_period(name: str) -> bool:
    if not _PERIOD.fullmatch(name):
        return False
    try:
        BillingPeriod.parse(name)
    except ValueError:
        return False
    return True


def drops(place: Place, period: BillingPeriod) -> list[Drop]:
    """Every drop of a period, the newest first."""
    current = manifest(place, period).drop_id
    below: dict[str, list[StoredFile]] = {}
    for file in place.list(period.id):
        drop_id, _, name = file.path.removeprefix(f"{period.id}/").partition("/")
        if name:
            below.setdefault(drop_id, []).append(file)
    found = [_drop(place, period, drop_id, files, current) for drop_id, files in below.items()]
    return sorted(found, key=lambda drop: (drop.at, drop.id), reverse=True)


def drop(place: Place, period: BillingPeriod, drop_id: str) -> Drop:
    """Raises UnknownName."""
    found = drops(place, period)
    for each in found:
        if each.id == drop_id:
            return each
    there = ", ".join(each.id for each in found) or "none"
    raise UnknownName(
        f"{period.month} has no drop {shown(drop_id)!r} at {place.location}.", next=f"There are: {there}.", field="drop"
    )


def current_drop(place: Place, period: BillingPeriod, manifest: Manifest) -> Drop | None:
    """The drop that the manifest names; None without a manifest.

    Raises DeliveryError for a manifest that names none, and when nothing is there of the one that it names.
    """
    drop_id = manifest.drop_id
    if drop_id is None:
        if manifest.version is None:
            return None
        raise DeliveryError(
            f"The manifest of {period.month} at {place.location} does not say which drop is current.",
            next="Publish the whole period with mode='replace', or point the manifest back with outlay drop revert.",
        )
    try:
        return drop(place, period, drop_id)
    except UnknownName as error:
        raise DeliveryError(
            f"The manifest of {period.month} names the drop {drop_id}, of which nothing exists.",
            next="Publish the whole period with mode='replace', or point the manifest back with outlay drop revert.",
        ) from error


def _drop(place: Place, period: BillingPeriod, drop_id: str, files: list[StoredFile], current: str | None) -> Drop:
    folder, folders = f"{period.id}/{drop_id}/", folders_of(files)
    data = tuple(
        file for file in files if not is_hidden(file.path.removeprefix(folder)) and not is_marker(file, folders)
    )
    others = tuple(file for file in files if file not in data)
    state: State = "current" if drop_id == current else "earlier" if _is_whole(place, folder, data) else "unfinished"
    return Drop(period, drop_id, state, max(file.modified for file in files), data, others)


def _is_whole(place: Place, folder: str, files: Iterable[StoredFile]) -> bool:
    """Of what others have written nobody can tell: it is taken as whole when it has a file."""
    by_name = {file.path.removeprefix(folder): file for file in files}
    first = by_name.get(file_name(1))
    if first is None or not all(file.size for file in by_name.values()):
        return (
            bool(by_name)
            and not any(name.startswith("data_export-") for name in by_name)
            and all(file.size for file in by_name.values())
        )
    try:
        expected = files_of(place.beginning(first.path, min(HEAD_BYTES, first.size)))
    except NotFound:
        # Pruned meanwhile.
        return False
    return expected is None or set(by_name) == {file_name(number) for number in range(1, expected + 1)}
