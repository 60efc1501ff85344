"""Somewhere to lay bills down and to look at them, the same for a folder, S3 and Azure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from outlay.layouts import Bucket, Delivery, Survey, survey
from outlay.period import BillingPeriod
from outlay.storage import Place, StoredFile, open_place

PeriodsOf = Callable[[StoredFile], frozenset[BillingPeriod]]
ColumnsOf = Callable[[StoredFile], frozenset[str]]


def no_periods(file: StoredFile) -> frozenset[BillingPeriod]:
    return frozenset()


def no_columns(file: StoredFile) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True)
class Shelf:
    """`mark` makes a folder that is empty, in the way of the store: a real folder, or a marker object."""

    place: Place
    mark: Callable[[str], None]

    def put(self, path: str, content: bytes = b"rows") -> None:
        self.place.write(path, content)

    def remove(self, *paths: str) -> None:
        self.place.delete(paths)

    def bucket(
        self,
        export: str | None = None,
        *,
        below: str = "",
        periods_of: PeriodsOf = no_periods,
        columns_of: ColumnsOf = no_columns,
    ) -> Bucket:
        place = self.below(below)
        return Bucket(place, tuple(place.list()), export, periods_of, columns_of)

    def below(self, folder: str) -> Place:
        return open_place(self.place.location.join(folder)) if folder else self.place

    def survey(self, kind: str, export: str | None = None, *, periods_of: PeriodsOf = no_periods) -> Survey:
        return survey(kind, self.bucket(export, periods_of=periods_of))

    def delivery(self, kind: str, export: str | None = None, *, periods_of: PeriodsOf = no_periods) -> Delivery:
        """The one delivery of the one month that is there."""
        (candidate,) = self.survey(kind, export, periods_of=periods_of).candidates
        return candidate.load()


def names(delivery: Delivery) -> list[str]:
    return [file.path for file in delivery.files]


def codes(told: Delivery | Survey) -> list[str]:
    return [each.code for each in told.findings]


def wait_for_a_later_time() -> None:
    """S3's listings may tell times by the second; what is written next has a later one."""
    time.sleep(1.01)
