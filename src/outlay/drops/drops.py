"""The drops below one location, and all that is done with them. What `outlay.publish` and `outlay drop` call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from outlay.drops import shelf
from outlay.drops.carrying import DAY_AND_ITEM
from outlay.drops.checking import Unknown
from outlay.drops.publishing import Mode, Publication, Published, Publishing, Wish
from outlay.drops.steps import Observer
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place, open_place
from outlay.storage.place import CredentialProvider
from outlay.storage.spool import spool


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


@dataclass(frozen=True)
class Drops:
    """See `open_drops`. `now` gives new drops their ids."""

    place: Place
    settings: Settings
    now: Callable[[], datetime] = _now

    @contextmanager
    def _spool(self, label: str) -> Iterator[Path]:
        with spool(self.settings.spool, label) as scratch:
            yield scratch

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
            return Publishing(self.place, self.settings, scratch, wish, observer=observer, now=self.now).run(rows)

    def empty(self, period: str | BillingPeriod, *, drop_id: str | None = None) -> Published:
        """Take all rows of a period away: a new drop with a header alone becomes current. Raises as `publish`."""
        wish = Wish(shelf.period_of(period), drop_id)
        with self._spool("publish") as scratch:
            return Publishing(self.place, self.settings, scratch, wish, now=self.now).empty()
