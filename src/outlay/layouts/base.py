"""What every layout yields: the billing periods it sees in one listing, and, when asked, what each is made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from outlay.findings import Finding
from outlay.period import BillingPeriod
from outlay.storage import Place, StoredFile

FormatName = Literal["cbf", "cur", "focus"]


@dataclass(frozen=True)
class Delivery:
    """The current content of one billing period.

    `id` names this version of it: the same content has the same id, a new version has a new one. `files` are those to
    read, with the ETags they had when they were listed. `findings` with an error mean that there is nothing to read:
    the delivery is rejected. `other_periods` says that the files may hold rows of other periods too, which belong
    elsewhere.
    """

    period: BillingPeriod
    id: str
    format: FormatName
    files: tuple[StoredFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    other_periods: bool = False


@dataclass(frozen=True)
class Candidate:
    """A billing period that a listing shows.

    `fingerprint` is made of the listing alone and changes whenever the delivery may have changed. `load` reads the
    manifest, where there is one, and is called only then.
    """

    period: BillingPeriod
    fingerprint: str
    load: Callable[[], Delivery]


@dataclass(frozen=True)
class Survey:
    """What one listing of a connection's location shows. `findings` are about the location as a whole."""

    candidates: tuple[Candidate, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Bucket:
    """What a layout is given: a place, its one listing, the export that the connection names, and two readers.

    `periods_of` tells which billing periods the rows of a loose FOCUS file belong to, `columns_of` what the columns of
    a data file are called. Both remember files by ETag, so that an unchanged file is not opened again.
    """

    place: Place
    files: tuple[StoredFile, ...]
    export: str | None = None
    periods_of: Callable[[StoredFile], frozenset[BillingPeriod]] = field(default=lambda _: frozenset())
    columns_of: Callable[[StoredFile], frozenset[str]] = field(default=lambda _: frozenset())

    def by_path(self) -> dict[str, StoredFile]:
        return {file.path: file for file in self.files}

    @property
    def name(self) -> str:
        """The last part of the location: what an export is called when nothing else says so."""
        return self.place.location.path.rpartition("/")[2] or self.place.location.bucket


@dataclass(frozen=True)
class Export:
    """One bill that lies at a location: what a connection can name.

    `name` is the source's own, `home` its folder relative to the place; with the layout's name they tell any two apart.
    """

    name: str
    home: str
    layout: str
    survey: Callable[[], Survey]

    @property
    def path(self) -> str:
        return self.home or self.name


class Layout(Protocol):
    """How bills lie in a bucket. No exports: nothing of this layout lies there."""

    @property
    def name(self) -> str: ...

    def exports(self, bucket: Bucket) -> tuple[Export, ...]: ...


def fingerprint(files: Iterable[StoredFile]) -> str:
    """A short text that changes when any file's path, ETag, size or time does."""
    lines = sorted(f"{file.path}\n{file.etag}\n{file.size}\n{file.modified.isoformat()}" for file in files)
    return _digest("\n\n".join(lines), 32)


def delivery_id(label: str, *version: str) -> str:
    """An id that people can recognise and that is safe as a folder's name: the label and a digest of the version."""
    readable = re.sub(r"[^A-Za-z0-9_.=]+", "-", label).strip("-.")[:60] or "delivery"
    return f"{readable}-{_digest(chr(10).join(version), 12)}"


def rejected(period: BillingPeriod, format: FormatName, manifest: StoredFile, findings: Iterable[Finding]) -> Delivery:
    """A delivery that cannot be read. Its id changes with its manifest and with what is wrong."""
    findings = tuple(findings)
    version = (manifest.etag, manifest.modified.isoformat(), *(each.message for each in findings))
    return Delivery(period, delivery_id(f"rejected-{period.month}", *version), format, findings=findings)


def _digest(text: str, length: int) -> str:
    # A JSON text can hold half a surrogate pair, which has no UTF-8 of its own.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
