"""The drops below one location, and all that is done with them. What `outlay.publish` and `outlay drop` call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from outlay.drops import shelf
from outlay.drops.carrying import DAY_AND_ITEM
from outlay.drops.checking import Unknown
from outlay.drops.comparing import Difference, compare
from outlay.drops.packing import Sizes
from outlay.drops.publishing import Mode, Publication, Published, Publishing, Wish, point
from outlay.drops.reading import Contents, contents
from outlay.drops.shelf import Drop
from outlay.drops.steps import Observer
from outlay.drops.values import plain
from outlay.errors import (
    Changed,
    DeliveryError,
    HomeError,
    OutlayError,
    Overtaken,
    SetupError,
    Unavailable,
    UnknownName,
    Unsure,
)
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place, open_place
from outlay.storage.place import CredentialProvider
from outlay.storage.spool import spool, sweep

# How many earlier drops of a period a prune keeps, and how young is too young for it.
KEPT = 3
GRACE = timedelta(hours=24)


def _now() -> datetime:
    return datetime.now(UTC)


def open_drops(
    to: str | Place,
    *,
    settings: Settings | None = None,
    credentials: CredentialProvider | None = None,
    create: bool = False,
    now: Callable[[], datetime] = _now,
) -> Drops:
    """The drops below a folder of a bucket, `s3://bucket/path`, or a folder of this machine. Nothing is read yet.

    Without `credentials` S3 is reached as the AWS tools reach it. `create` makes a folder that is not there.
    Raises UsageError for a location that drops may not have, such as the root of a bucket.
    """
    settings = settings or Settings.read()
    place = to if isinstance(to, Place) else _opened(to, settings, credentials, create)
    shelf.check_root(place)
    return Drops(place, settings, now)


def _opened(to: str, settings: Settings, credentials: CredentialProvider | None, create: bool) -> Place:
    if credentials is None and to.startswith("s3://"):
        from outlay.aws.sessions import Credentials

        credentials = Credentials()
    return open_place(
        to, credentials=credentials, endpoint=settings.s3_endpoint, region=settings.s3_region, create=create
    )


_STILL = "What was current before is current still."
# What to do next is another thing than for a bill that is brought in; the first that fits.
_NEXT: tuple[tuple[type[OutlayError], str], ...] = (
    (Overtaken, ""),
    (HomeError, ""),
    (Unsure, ""),
    (Unavailable, f"Try again. {_STILL}"),
    (Changed, "Do it again: somebody changed the drop meanwhile."),
    (
        SetupError,
        "Let whoever runs this write there (on S3: s3:PutObject, and s3:DeleteObject to prune), or name another place. "
        + _STILL,
    ),
)


@contextmanager
def _said() -> Iterator[None]:
    """The errors of storage, with what to do about them here."""
    try:
        yield
    except OutlayError as error:
        error.next = next((said for kind, said in _NEXT if isinstance(error, kind)), "") or error.next
        raise


@dataclass(frozen=True)
class Period:
    """A billing period, and the id of the drop that is current; None where the manifest names none."""

    period: BillingPeriod
    current: str | None


@dataclass(frozen=True)
class Listed:
    """A drop, and what is in it, where it was read."""

    drop: Drop
    contents: Contents | None

    def as_dict(self) -> dict[str, Any]:
        drop, read = self.drop, self.contents
        return {
            "period": drop.period.id,
            "drop_id": drop.id,
            "state": drop.state,
            "at": f"{drop.at:%Y-%m-%dT%H:%M:%SZ}",
            "files": [{"path": file.path, "bytes": file.size} for file in drop.files],
            "bytes": drop.size,
            "rows": read and read.rows,
            "sums": read and {name: plain(amount) for name, amount in read.sums.items()},
            "columns": read and list(read.columns),
            "services": read
            and [
                {"service": name or None, "rows": rows, "cost": plain(cost)}
                for name, (rows, cost) in read.services.items()
            ],
            "findings": read and [finding.as_dict() for finding in read.findings],
        }


@dataclass(frozen=True)
class Reverted:
    """The drop that is current now, what is in it, and the one that was before."""

    drop: Drop
    contents: Contents
    before: str | None

    def as_dict(self) -> dict[str, Any]:
        return {**Listed(self.drop, self.contents).as_dict(), "state": "current", "before": self.before}


@dataclass(frozen=True)
class Drops:
    """See `open_drops`. `now` gives new drops their ids; `sizes` are what their files may have."""

    place: Place
    settings: Settings
    now: Callable[[], datetime] = _now
    sizes: Sizes = field(default_factory=Sizes)

    @contextmanager
    def _spool(self, label: str) -> Iterator[Path]:
        # What a killed one has left: where only drops are published, nobody else looks there.
        sweep(self.settings.spool)
        with spool(self.settings.spool, label) as scratch:
            yield scratch

    @_said()
    def publish(
        self,
        rows: Any,
        period: str | BillingPeriod | None = None,
        *,
        drop_id: str | None = None,
        mode: Mode = "replace",
        key: Sequence[str] = DAY_AND_ITEM,
        floats: bool = False,
        unknown: Unknown = "refuse",
        observer: Observer | None = None,
    ) -> Publication:
        """See `outlay.publish`."""
        wish = Wish(None if period is None else shelf.period_of(period), drop_id, mode, key, floats, unknown)
        with self._spool("publish") as scratch:
            return self._publishing(scratch, wish, observer).run(rows)

    @_said()
    def empty(self, period: str | BillingPeriod, *, drop_id: str | None = None) -> Published:
        """Take all rows of a period away: a new drop with a header alone becomes current. Raises as `publish`."""
        wish = Wish(shelf.period_of(period), drop_id)
        with self._spool("publish") as scratch:
            return self._publishing(scratch, wish).empty()

    def _publishing(self, scratch: Path, wish: Wish, observer: Observer | None = None) -> Publishing:
        return Publishing(self.place, self.settings, scratch, wish, observer=observer, sizes=self.sizes, now=self.now)

    @_said()
    def periods(self) -> list[Period]:
        """Every billing period that has a folder here, with the drop that is current."""
        return [Period(each, shelf.manifest(self.place, each).drop_id) for each in shelf.periods(self.place)]

    @_said()
    def of(self, period: str | BillingPeriod, *, read: bool = True) -> list[Listed]:
        """Every drop of a period, the newest first; with `read` their rows and sums, for which each is read whole."""
        found = shelf.drops(self.place, shelf.period_of(period))
        with self._spool("drops") as scratch:
            return [Listed(drop, self._contents(drop, scratch) if read else None) for drop in found]

    @_said()
    def show(self, period: str | BillingPeriod, drop_id: str | None = None) -> Listed:
        """One drop with what is in it; without an id the current one. Raises UnknownName."""
        drop = self._drop(shelf.period_of(period), drop_id)
        with self._spool("drops") as scratch:
            return Listed(drop, self._contents(drop, scratch))

    @_said()
    def diff(self, period: str | BillingPeriod, first: str, second: str | None = None) -> Difference:
        """What differs between two drops; without a second id it is the current one. Raises UnknownName."""
        of = shelf.period_of(period)
        one, other = self._drop(of, first), self._drop(of, second)
        with self._spool("drops") as scratch:
            return compare(self.place, one, other, self.settings, scratch)

    @_said()
    def revert(self, period: str | BillingPeriod, drop_id: str) -> Reverted:
        """Make an earlier drop current again, once it has been read and found good.

        Raises UnknownName, DeliveryError for a drop that is unfinished or that an ingest would reject, and Overtaken.
        """
        of = shelf.period_of(period)
        before = shelf.manifest(self.place, of)
        drop = shelf.drop(self.place, of, drop_id)
        if drop.state == "unfinished":
            raise DeliveryError(
                f"The drop {drop_id} of {of.month} is unfinished: files of it are missing.",
                next="Make another one current, or publish the period anew.",
            )
        with self._spool("drops") as scratch:
            contents = self._contents(drop, scratch)
        if faults := [each for each in contents.findings if each.is_error]:
            raise DeliveryError(
                f"The drop {drop_id} of {of.month} would be rejected: {faults[0].message}",
                next="Make another one current, or publish the period anew.",
                findings=contents.findings,
            )
        if drop.state != "current":
            point(self.place, of, drop_id, before)
        return Reverted(drop, contents, before.drop_id)

    @_said()
    def prunable(
        self, period: str | BillingPeriod | None = None, *, keep: int = KEPT, older_than: timedelta = GRACE
    ) -> list[Drop]:
        """The drops that `prune` would remove: not current, none of the newest `keep` whole ones, and old enough.

        What is younger may be one that is being published.
        """
        of = [each.period for each in self.periods()] if period is None else [shelf.period_of(period)]
        before = self.now() - older_than
        found = []
        for each in of:
            drops = shelf.drops(self.place, each)
            kept = {drop.id for drop in [drop for drop in drops if drop.state == "earlier"][:keep]}
            found += [drop for drop in drops if drop.state != "current" and drop.id not in kept and drop.at <= before]
        return found

    def prune(self, drops: Sequence[Drop]) -> Iterator[Drop]:
        """Remove drops, one after another; each is given when it is gone. One that is current by now stays."""
        for drop in drops:
            if self._prune(drop):
                yield drop

    @_said()
    def _prune(self, drop: Drop) -> bool:
        if shelf.manifest(self.place, drop.period).drop_id == drop.id:
            return False
        # The first file first: what is cut off is seen to be unfinished.
        self.place.delete([file.path for file in (*drop.files, *drop.others)])
        return True

    def _drop(self, period: BillingPeriod, drop_id: str | None) -> Drop:
        if drop_id is not None:
            return shelf.drop(self.place, period, drop_id)
        current = shelf.current_drop(self.place, period, shelf.manifest(self.place, period))
        if current is None:
            raise UnknownName(
                f"{period.month} has no current drop at {self.place.location}.",
                next="See what there is with outlay drop list.",
            )
        return current

    def _contents(self, drop: Drop, scratch: Path) -> Contents:
        return contents(self.place, drop, self.settings, scratch)
