"""From rows to a drop that is current: check, pack, upload, verify, and only then the manifest.

Until the manifest is written nothing that a reader looks at has changed, so whatever stops a publish leaves the former
drop current. The manifest is written on the condition that it is still the one that was there when the publish began:
of two who publish at once, one is told that it lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from outlay.drops import shelf
from outlay.drops.carrying import DAY_AND_ITEM, Carrier, check_filled, check_key
from outlay.drops.checking import Checked, Checker, Unknown, month_number, period_of
from outlay.drops.packing import Packer, Part, Sizes
from outlay.drops.reading import bad
from outlay.drops.rows import chunks
from outlay.drops.shelf import Manifest
from outlay.drops.steps import Observer, Quiet, step
from outlay.drops.values import plain
from outlay.engine.base import Told
from outlay.errors import AccessError, OutlayError, Overtaken, PartlyPublished, Unavailable, Unsure, UsageError
from outlay.findings import Finding, in_order
from outlay.formats.cbf import REQUIRED
from outlay.layouts.anycost_drop import MANIFEST
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place

Mode = Literal["replace", "append"]
MODES: tuple[Mode, ...] = ("replace", "append")
_NOTHING_CHANGED = "Nothing was published."


@dataclass(frozen=True)
class Published:
    """A drop that is current. `sums` are exact, by cost column; `before` is the drop that was current before it.

    With mode append `rows` counts those carried over as well: `carried` of them, while `replaced` were left behind.
    """

    period: BillingPeriod
    drop_id: str
    location: str
    files: int
    rows: int
    sums: dict[str, Decimal]
    before: str | None = None
    carried: int = 0
    replaced: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "period": self.period.id,
            "drop_id": self.drop_id,
            "location": self.location,
            "files": self.files,
            "rows": self.rows,
            "sums": {name: plain(amount) for name, amount in self.sums.items()},
            "before": self.before,
            "carried": self.carried,
            "replaced": self.replaced,
        }


@dataclass(frozen=True)
class Publication:
    """What a publish did: one drop a billing period, in their order, and what it warns of."""

    drops: tuple[Published, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def rows(self) -> int:
        return sum(drop.rows for drop in self.drops)

    def as_dict(self) -> dict[str, Any]:
        return {
            "drops": [drop.as_dict() for drop in self.drops],
            "findings": [finding.as_dict() for finding in self.findings],
        }


@dataclass(frozen=True)
class Wish:
    """How rows are to be published; see `outlay.publish`."""

    period: BillingPeriod | None = None
    drop_id: str | None = None
    mode: Mode = "replace"
    key: Sequence[str] = DAY_AND_ITEM
    floats: bool = False
    unknown: Unknown = "refuse"

    def check(self) -> None:
        """Raises UsageError."""
        if self.mode not in MODES:
            raise UsageError(f"There is no mode {self.mode!r}.", next="Choose replace or append.", field="mode")
        if self.drop_id is not None:
            shelf.check_drop_id(self.drop_id)
        check_key(self.key)


@dataclass
class _Target:
    """One billing period of a publish."""

    period: BillingPeriod
    manifest: Manifest
    packer: Packer
    carrier: Carrier | None
    drop_id: str = ""
    parts: list[Part] = field(default_factory=list)

    @property
    def month(self) -> str:
        return self.period.month


class Publishing:
    """One publish. `now` gives the ids of drops."""

    def __init__(
        self,
        place: Place,
        settings: Settings,
        scratch: Path,
        wish: Wish,
        *,
        observer: Observer | None = None,
        sizes: Sizes | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        shelf.check_root(place)
        wish.check()
        self._place = place
        self._settings = settings
        self._scratch = scratch
        self._wish = wish
        self._watch = observer or Quiet()
        self._sizes = sizes or Sizes()
        self._now = now
        self._told = Told()
        self._targets: dict[int, _Target] = {}
        self._closing = ExitStack()

    def run(self, rows: Any) -> Publication:
        """Raises what `outlay.publish` says."""
        with self._closing:
            if self._wish.period is not None:
                self._target(month_number(self._wish.period))
            self._read(rows)
            targets = [self._targets[month] for month in sorted(self._targets)]
            for target in targets:
                self._carry(target)
            for target in targets:
                target.parts = target.packer.finish()
            for target in targets:
                self._upload(target)
            return self._commit(targets)

    def empty(self) -> Published:
        """A drop without rows for the wished period: a header alone, as the documents ask for it."""
        assert self._wish.period is not None  # noqa: S101 - the command and the function ask for one
        with self._closing:
            target = self._target(month_number(self._wish.period))
            target.packer.columns += REQUIRED
            target.parts = target.packer.finish()
            self._upload(target)
            return self._commit([target]).drops[0]

    def _target(self, month: int) -> _Target:
        """What a month's rows go to, from its first row on; the manifest that is there now is the one to replace."""
        if month not in self._targets:
            period = period_of(month)
            with step(self._watch, period.month, "look"):
                manifest = shelf.manifest(self._place, period)
            packer = Packer(self._scratch / period.month, self._settings, self._sizes)
            self._closing.callback(packer.abandon)
            carrier = None
            drop = shelf.current_drop(self._place, period, manifest) if self._wish.mode == "append" else None
            if drop is not None:
                folder = self._scratch / f"{period.month}-carried"
                carrier = Carrier(self._place, drop, self._settings, folder, self._wish.key)
                self._closing.callback(carrier.close)
            self._targets[month] = _Target(period, manifest, packer, carrier)
        return self._targets[month]

    def _read(self, rows: Any) -> None:
        checker = Checker(self._told, period=self._wish.period, floats=self._wish.floats, unknown=self._wish.unknown)
        count = 0
        with step(self._watch, "", "read"):
            for chunk in chunks(rows, self._settings, self._scratch):
                checked = checker.check(chunk)
                if self._wish.mode == "append":
                    check_filled(self._wish.key, chunk, checked.table, self._told)
                count += len(chunk.numbers)
                if not self._told.is_bad():
                    self._add(checked)
                self._watch.progress("", "read", count)
        if self._told.is_bad():
            raise bad(self._told, "The rows cannot be published", _NOTHING_CHANGED)
        if not count:
            raise UsageError(
                "There are no rows to publish, and nothing was published.",
                next="Give rows. To take all rows of a period away, empty it: outlay drop empty.",
            )

    def _add(self, checked: Checked) -> None:
        months = np.unique(checked.months)
        for month in months:
            table = checked.table if len(months) == 1 else checked.table.filter(pa.array(checked.months == month))
            target = self._target(int(month))
            target.packer.add(table)
            if target.carrier:
                target.carrier.replaces(table)

    def _carry(self, target: _Target) -> None:
        if target.carrier is None:
            return
        with step(self._watch, target.month, "carry"):
            for table in target.carrier.kept():
                target.packer.add(table)
                self._watch.progress(target.month, "carry", target.carrier.carried)

    def _upload(self, target: _Target) -> None:
        """Every file under a new drop id, and then a look at what came of it."""
        with step(self._watch, target.month, "upload"):
            first, *others = target.parts
            content = first.path.read_bytes()
            target.drop_id = self._claim(target.period, first.name, content)
            folder = f"{target.period.id}/{target.drop_id}"
            sent = {first.name: _md5(content)}
            self._watch.progress(target.month, "upload", 1)
            for number, part in enumerate(others, start=2):
                content = part.path.read_bytes()
                # False when its own answer was lost and it was sent again: what lies there is verified below.
                self._place.create(f"{folder}/{part.name}", content)
                sent[part.name] = _md5(content)
                self._watch.progress(target.month, "upload", number)
        with step(self._watch, target.month, "verify"):
            self._verify(folder, target, sent)

    def _claim(self, period: BillingPeriod, name: str, content: bytes) -> str:
        """A drop id that nobody has: its first file is only made where there is none."""
        wished = self._wish.drop_id
        for drop_id in [wished] if wished else shelf.ids(self._now()):
            folder = f"{period.id}/{drop_id}"
            is_taken = self._place.has_folder(folder, self._place.list(folder))
            if not is_taken and self._place.create(f"{folder}/{name}", content):
                return drop_id
        raise UsageError(
            f"{period.month} has a drop {wished} already.",
            next="Give another drop id, or none: then it is the time of now.",
            field="drop_id",
        )

    def _verify(self, folder: str, target: _Target, sent: dict[str, str]) -> None:
        """Size and checksum of each file, as the store has it, and that there are no others.

        The rows of a file were counted when it was written; the checksum says that it is that very file.
        """
        sizes = {part.name: part.path.stat().st_size for part in target.parts}
        there = {file.path.removeprefix(f"{folder}/"): file for file in self._place.list(folder)}
        if {name: file.size for name, file in there.items()} != sizes:
            raise self._damaged(folder, "other files lie there, or files of other sizes")
        for number, (name, digest) in enumerate(sent.items(), start=1):
            file = there[name]
            # Most stores answer with the MD5 of a file that was sent in one piece; where not, it is read again.
            if file.etag.strip('"') != digest and _md5(self._place.read(file.path)) != digest:
                raise self._damaged(folder, f"{name} is not what was sent")
            self._watch.progress(target.month, "verify", number)

    def _damaged(self, folder: str, reason: str) -> Unavailable:
        return Unavailable(
            f"What was uploaded to {self._place.location.join(folder)} is not whole: {reason}.",
            next="Publish again; what was current before is current still.",
        )

    def _commit(self, targets: Sequence[_Target]) -> Publication:
        """One manifest after another. Where one fails the others are written all the same, and both are told."""
        done: list[Published] = []
        failed: dict[str, OutlayError] = {}
        for target in targets:
            try:
                done.append(self._commit_one(target))
            except OutlayError as error:
                if len(targets) == 1:
                    raise
                failed[target.month] = error
        if failed:
            raise _partly(done, failed)
        return Publication(tuple(done), in_order(self._told.findings))

    def _commit_one(self, target: _Target) -> Published:
        with step(self._watch, target.month, "commit"):
            point(self._place, target.period, target.drop_id, target.manifest)
        carrier = target.carrier
        return Published(
            target.period,
            target.drop_id,
            str(self._place.location.join(target.period.id, target.drop_id)),
            len(target.parts),
            target.packer.rows,
            dict(target.packer.sums),
            target.manifest.drop_id,
            carrier.carried if carrier else 0,
            carrier.replaced if carrier else 0,
        )


def point(place: Place, period: BillingPeriod, drop_id: str, before: Manifest) -> None:
    """Write the manifest, on the condition that it is still `before`.

    Raises Overtaken when it is not, and Unsure when the service fails so that nobody can say whether it was written.
    """
    try:
        if place.swap(f"{period.id}/{MANIFEST}", shelf.manifest_of(drop_id), before.version):
            return
    except Unavailable as error:
        if _current_now(place, period, drop_id, error) != drop_id:
            raise
        return
    now = shelf.manifest(place, period).drop_id
    # The answer of its own write may have been lost: it is tried again then, and finds itself.
    if now == drop_id and now != before.drop_id:
        return
    raise Overtaken(
        f"Another publisher changed {period.month} meanwhile: {now or 'no drop'} is current, and {drop_id} is not.",
        next=f"Nothing is lost: see outlay drop list {place.location} {period.month}; then publish again.",
    )


def _current_now(place: Place, period: BillingPeriod, drop_id: str, failed: Unavailable) -> str | None:
    """The drop that is current after a write that failed: the service may have done it all the same."""
    try:
        return shelf.manifest(place, period).drop_id
    except AccessError as error:
        raise Unsure(
            f"Whether {drop_id} is the current drop of {period.month} now is not known. {failed.message}",
            next=f"See outlay drop list {place.location} {period.month} when the service is there; what is current is "
            "whole, be it the former drop or the new one.",
        ) from error


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _partly(done: Sequence[Published], failed: dict[str, OutlayError]) -> PartlyPublished:
    reasons = " ".join(f"{month}: {error.message}" for month, error in failed.items())
    good = f"{', '.join(each.period.month for each in done)} is published" if done else "No month is published"
    first = next(iter(failed.values()))
    error = PartlyPublished(
        f"{good}, {', '.join(failed)} is not. {reasons}",
        next=f"Publish the rows of {', '.join(failed)} again. {first.next}".strip(),
        published=tuple(done),
        failed=failed,
    )
    error.__cause__ = first
    return error
