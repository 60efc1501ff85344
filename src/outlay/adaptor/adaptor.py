"""The base of an adaptor in code: which billing periods there are, and the rows of each."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from outlay.adaptor.rehearsing import Rehearsal, rehearse
from outlay.adaptor.retrying import Retries
from outlay.adaptor.state import State
from outlay.drops.carrying import DAY_AND_ITEM
from outlay.drops.checking import Unknown
from outlay.drops.drops import open_drops
from outlay.drops.publishing import Mode, Publication
from outlay.drops.shelf import period_of
from outlay.drops.steps import Observer
from outlay.errors import OutlayError, PartlyPublished
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage.spool import spool

Status = Literal["published", "unchanged", "rehearsed"]


@dataclass(frozen=True)
class Outcome:
    """What came of one billing period; `period` is None where a run takes all of them in one."""

    period: BillingPeriod | None
    status: Status
    publication: Publication | None = None
    rehearsal: Rehearsal | None = None
    left_out: int = 0
    other_months: int = 0

    def as_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"period": self.period.id if self.period else None, "status": self.status}
        for part in (self.publication, self.rehearsal):
            told |= part.as_dict() if part else {}
        return {**told, "left_out": self.left_out, "other_months": self.other_months}


@dataclass(frozen=True)
class Report:
    """What a run did, in the order of the periods."""

    name: str
    outcomes: tuple[Outcome, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"adaptor": self.name, "outcomes": [each.as_dict() for each in self.outcomes]}


class Adaptor(ABC):
    """Brings a vendor's bill into AnyCost drops. A class of its own says `name`, `to`, `periods` and `rows`:

        class Gateway(Adaptor):
            name = "llm-gateway"
            to = "s3://bills/llm-gateway"

            def periods(self):
                return ["2026-10", "2026-11"]

            def rows(self, period):
                for entry in fetch_spend(period.start, period.end):
                    yield {"time/usage_start": entry.hour, "cost/cost": Decimal(entry.spend), …}

        Gateway().run()

    `mode`, `key`, `floats` and `unknown` are those of `outlay.publish`. `retries` says after which errors of `periods`
    and `rows` a period is tried again, as a whole: rows that came before the error count for nothing. `log` is a
    logger named `outlay.adaptor.<name>`; `state.values` keeps texts from run to run, saved after each period.
    """

    name: str
    to: str
    mode: Mode = "replace"
    key: Sequence[str] = DAY_AND_ITEM
    floats: bool = False
    unknown: Unknown = "refuse"
    retries: Retries = Retries()

    def __init__(self, *, settings: Settings | None = None, credentials: Any = None) -> None:
        """`credentials` are for a target on S3; without them it is reached as the AWS tools reach it."""
        self.settings = settings or Settings.read()
        self.credentials = credentials
        self.log = logging.getLogger(f"outlay.adaptor.{self.name}")

    @abstractmethod
    def periods(self) -> Iterable[str | BillingPeriod]:
        """The billing periods that the vendor has a bill for, such as `2026-11`."""

    @abstractmethod
    def rows(self, period: BillingPeriod) -> Any:
        """The rows of one period in CBF, in any form that `outlay.publish` takes; best a generator of mappings."""

    def version(self, period: BillingPeriod) -> str | None:
        """What changes when the period's bill does, such as an ETag: as long as it does not, nothing is published.

        None: publish at every run.
        """
        return None

    @cached_property
    def state(self) -> State:
        return State.of(self.settings.home, self.name, self.to)

    def run(
        self,
        periods: Iterable[str | BillingPeriod] | None = None,
        *,
        dry_run: bool = False,
        again: bool = False,
        observer: Observer | None = None,
    ) -> Report:
        """Publish each period, of all or of those given; `again` also what has not changed. A dry run writes nothing.

        A period that fails keeps no other from being published. Raises its error, or PartlyPublished where there were
        several periods.
        """
        wanted = self.retries.call(lambda: list(self.periods() if periods is None else periods), "periods", self.log)
        done: list[Outcome] = []
        failed: dict[str, OutlayError] = {}
        for period in sorted({period_of(each) for each in wanted}):
            try:
                done.append(self._one(period, dry_run=dry_run, again=again, observer=observer))
            except OutlayError as error:
                if len(wanted) == 1:
                    raise
                self.log.error("%s: %s", period.month, error)
                failed[period.month] = error
        if failed:
            raise _partly(done, failed)
        return Report(self.name, tuple(done))

    def _one(self, period: BillingPeriod, *, dry_run: bool, again: bool, observer: Observer | None) -> Outcome:
        if dry_run:
            return Outcome(period, "rehearsed", rehearsal=self.rehearse(period))
        version = self.retries.call(lambda: self.version(period), period.month, self.log)
        if version is not None and not again and self.state.versions.get(period.id) == version:
            self.log.info("%s has not changed.", period.month)
            return Outcome(period, "unchanged")
        publication = self.retries.call(lambda: self._publish(period, observer), period.month, self.log)
        if version is not None:
            self.state.versions[period.id] = version
        if version is not None or self.state.values:
            self.state.save()
        for drop in publication.drops:
            self.log.info("%s: %s is current, with %d rows.", drop.period.month, drop.drop_id, drop.rows)
        return Outcome(period, "published", publication)

    def rehearse(self, period: str | BillingPeriod) -> Rehearsal:
        """Read and check the rows of a period, and write nothing."""
        of = period_of(period)

        def read() -> Rehearsal:
            with spool(self.settings.spool, "adaptor") as scratch:
                return rehearse(
                    self.rows(of),
                    self.settings,
                    scratch,
                    period=of,
                    mode=self.mode,
                    key=self.key,
                    floats=self.floats,
                    unknown=self.unknown,
                )

        return self.retries.call(read, of.month, self.log)

    def _publish(self, period: BillingPeriod, observer: Observer | None) -> Publication:
        drops = open_drops(self.to, settings=self.settings, credentials=self.credentials, create=True)
        return drops.publish(
            self.rows(period),
            period,
            mode=self.mode,
            key=self.key,
            floats=self.floats,
            unknown=self.unknown,
            observer=observer,
        )


def _partly(done: Sequence[Outcome], failed: dict[str, OutlayError]) -> PartlyPublished:
    good = [each.period.month for each in done if each.period]
    reasons = " ".join(f"{month}: {error.message}" for month, error in failed.items())
    first = next(iter(failed.values()))
    published = tuple(drop for each in done if each.publication for drop in each.publication.drops)
    error = PartlyPublished(
        f"{', '.join(good) or 'No period'} went well, {', '.join(failed)} did not. {reasons}",
        next=f"{first.next} Then run the adaptor again.".strip(),
        published=published,
        failed=failed,
    )
    error.__cause__ = first
    return error
