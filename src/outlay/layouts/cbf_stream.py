"""What was sent over HTTP: `<period>/stream.json` says which bodies beside it make up the month.

Outlay writes these files itself. A month is a few parts, each the rows of a body as a compressed CBF file; whoever adds
to a month or replaces some of it writes new parts and then the list of those that count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from outlay.errors import Changed, DeliveryError
from outlay.layouts.base import Bucket, Candidate, Delivery, Export, Survey, delivery_id, fingerprint, rejected
from outlay.layouts.manifest import MIB, invalid, read_manifest
from outlay.period import BillingPeriod
from outlay.storage import StoredFile

MONTH = "stream.json"
PARTS = "parts"
# What a part's list of hours and the keys of its requests take, with room to spare.
LIMIT = 64 * MIB
_VERSION = 1


@dataclass(frozen=True)
class Part:
    """The rows of one body. `hours` are those that they touch, counted from the month's first: `0-23,48`."""

    name: str
    rows: int
    hours: str

    def path(self, period: BillingPeriod) -> str:
        return f"{period.id}/{PARTS}/{self.name}"


@dataclass(frozen=True)
class Month:
    """What counts of a month. `number` rises with each change, `keys` tells the requests that made the last ones.

    A key's value is what was answered, the drop's id and its rows, and when.
    """

    drop_id: str
    number: int
    parts: tuple[Part, ...] = ()
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def as_json(self) -> bytes:
        parts = [{"name": each.name, "rows": each.rows, "hours": each.hours} for each in self.parts]
        told = {"version": _VERSION, "drop_id": self.drop_id, "number": self.number, "parts": parts, "keys": self.keys}
        return json.dumps(told, separators=(",", ":")).encode()

    @classmethod
    def of(cls, told: dict[str, Any]) -> Month:
        """Raises ValueError for what Outlay has not written."""
        try:
            if told["version"] != _VERSION:
                raise ValueError(f"its version is {told['version']!r}")
            parts = tuple(Part(each["name"], each["rows"], each["hours"]) for each in told["parts"])
            return cls(told["drop_id"], told["number"], parts, told["keys"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is not one of Outlay's: {error}") from error


def month_path(period: BillingPeriod) -> str:
    return f"{period.id}/{MONTH}"


class CbfStream:
    name = "CBF over HTTP"

    def exports(self, bucket: Bucket) -> tuple[Export, ...]:
        months = _months(bucket)
        if not months:
            return ()
        candidates = tuple(
            Candidate(period, fingerprint([file]), partial(_load, bucket, period, file))
            for period, file in sorted(months.items())
        )
        return (Export(bucket.name, "", self.name, lambda: Survey(candidates)),)


def _months(bucket: Bucket) -> dict[BillingPeriod, StoredFile]:
    found: dict[BillingPeriod, StoredFile] = {}
    for file in bucket.files:
        folder, _, name = file.path.partition("/")
        if name == MONTH:
            found[BillingPeriod.parse(folder)] = file
    return found


def _load(bucket: Bucket, period: BillingPeriod, file: StoredFile) -> Delivery:
    try:
        month = _read(bucket, file)
    except DeliveryError as error:
        return rejected(period, "cbf", file, error.findings)
    files = _files(bucket, period, month, file)
    version = delivery_id(f"{month.drop_id}.{month.number}", file.etag, file.modified.isoformat())
    return Delivery(period, version, "cbf", files)


def _read(bucket: Bucket, file: StoredFile) -> Month:
    try:
        return Month.of(read_manifest(bucket.place, file, limit=LIMIT))
    except ValueError as error:
        raise invalid(file, str(error)) from error


def _files(bucket: Bucket, period: BillingPeriod, month: Month, file: StoredFile) -> tuple[StoredFile, ...]:
    there = bucket.by_path()
    paths = [part.path(period) for part in month.parts]
    if missing := [path for path in paths if path not in there]:
        # A folder is listed file by file: the list may be newer than what was seen of its parts.
        raise Changed(f"{bucket.place.location.join(missing[0])} was not listed.", next="It is planned again.")
    return tuple(there[path] for path in paths)
