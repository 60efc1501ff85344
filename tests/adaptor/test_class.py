"""Adaptors in code: periods, rows, retries, state, dry runs, and what tests of them use."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from outlay.adaptor import Adaptor, Retries
from outlay.adaptor.testing import try_out
from outlay.errors import DeliveryError, PartlyPublished, Unavailable, UsageError
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import open_place
from tests.drops.reading import costs

JUNE = "20260601-20260701"


class Vendor(Adaptor):
    """A vendor that is asked for pages, and fails as often as `errors` has something."""

    name = "vendor"
    pages: ClassVar[dict[str, list[str]]] = {"2026-05": ["1.25", "2.50"], "2026-06": ["4"]}

    def __init__(self, to: Path, **given: Any) -> None:
        super().__init__(**given)
        self.to = str(to)
        self.errors: list[Exception] = []
        self.waited: list[float] = []
        self.asked: list[str] = []
        self.versions: dict[str, str] = {}
        self.retries = Retries(pause=self.waited.append)

    def periods(self) -> list[str]:
        return list(self.pages)

    def version(self, period: BillingPeriod) -> str | None:
        return self.versions.get(period.month)

    def rows(self, period: BillingPeriod) -> Iterator[dict[str, Any]]:
        self.asked.append(period.month)
        for number, cost in enumerate(self.pages[period.month]):
            yield {"time/usage_start": period.start, "cost/cost": Decimal(cost), "lineitem/id": str(number)}
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture
def vendor(tmp_path: Path, settings: Settings) -> Vendor:
    return Vendor(tmp_path / "drops", settings=settings)


def published(vendor: Vendor, period: str = "20260501-20260601") -> list[str]:
    return costs(open_place(vendor.to), period)


def test_each_period_is_published(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "outlay.adaptor.vendor"):
        report = vendor.run()
    assert [(each.period and each.period.month, each.status) for each in report.outcomes] == [
        ("2026-05", "published"),
        ("2026-06", "published"),
    ]
    assert (published(vendor), published(vendor, JUNE)) == (["1.25", "2.5"], ["4"])
    assert [record.message.partition(":")[0] for record in caplog.records] == ["2026-05", "2026-06"]
    assert report.as_dict()["outcomes"][0]["drops"][0]["sums"] == {"cost/cost": "3.75"}


def test_periods_can_be_named(vendor: Vendor) -> None:
    vendor.run(["2026-06"])
    assert vendor.asked == ["2026-06"]


def test_a_dry_run_reads_and_writes_nothing(vendor: Vendor, outlay_home: Path) -> None:
    report = vendor.run(dry_run=True)
    may = report.outcomes[0].rehearsal
    assert may
    assert (may.rows, may.cost) == (2, Decimal("3.75"))
    assert not Path(vendor.to).exists()
    assert not (outlay_home / "adaptors").exists()


def test_rows_that_break_off_are_asked_for_again_as_a_whole(vendor: Vendor) -> None:
    vendor.errors = [ConnectionError("reset"), Unavailable("503")]
    vendor.run(["2026-05"])
    assert vendor.asked == ["2026-05"] * 3
    assert vendor.waited == [2.0, 4.0]
    assert published(vendor) == ["1.25", "2.5"]


def test_a_vendor_that_stays_away_is_told_and_keeps_no_other_period_waiting(vendor: Vendor) -> None:
    vendor.errors = [TimeoutError("no answer")] * 3
    with pytest.raises(PartlyPublished, match=r"2026-05: The vendor or the network failed: no answer\.") as caught:
        vendor.run()
    assert isinstance(caught.value.failed["2026-05"], Unavailable)
    assert published(vendor, JUNE) == ["4"]


def test_what_is_no_matter_of_time_is_not_tried_again(vendor: Vendor) -> None:
    vendor.errors = [KeyError("spend")]
    with pytest.raises(KeyError):
        vendor.run(["2026-05"])
    assert vendor.waited == []


def test_a_period_that_fails_keeps_no_other_from_being_published(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vendor, "pages", {"2026-05": ["much"], "2026-06": ["4"]})
    monkeypatch.setattr("tests.adaptor.test_class.Decimal", str)
    with pytest.raises(
        PartlyPublished, match=r"2026-06 went well, 2026-05 did not\. 2026-05: The rows cannot"
    ) as caught:
        vendor.run()
    assert [each.period.month for each in caught.value.published] == ["2026-06"]
    assert isinstance(caught.value.failed["2026-05"], DeliveryError)
    with pytest.raises(DeliveryError):
        vendor.run(["2026-05"])


def test_a_period_that_has_not_changed_is_left_alone(vendor: Vendor) -> None:
    vendor.versions = {"2026-05": "etag-1"}
    assert [each.status for each in vendor.run().outcomes] == ["published", "published"]
    again = Vendor(Path(vendor.to), settings=vendor.settings)
    again.versions = {"2026-05": "etag-1"}
    assert [each.status for each in again.run().outcomes] == ["unchanged", "published"]
    assert [each.status for each in again.run(["2026-05"], again=True).outcomes] == ["published"]
    again.versions = {"2026-05": "etag-2"}
    assert [each.status for each in again.run(["2026-05"]).outcomes] == ["published"]


def test_values_of_the_adaptor_last(vendor: Vendor) -> None:
    vendor.state.values["cursor"] = "page-7"
    vendor.run(["2026-06"])
    again = Vendor(Path(vendor.to), settings=vendor.settings)
    assert again.state.values == {"cursor": "page-7"}


def test_a_trial_leaves_the_adaptor_as_it_was(vendor: Vendor, tmp_path: Path, outlay_home: Path) -> None:
    vendor.versions = {"2026-05": "etag-1"}
    before = dict(vars(vendor))
    tried = try_out(vendor, tmp_path / "trial")
    assert (tried.rows, tried.cost, tried.months["2026-06"].cost) == (3, Decimal("7.75"), Decimal(4))
    assert {name: vars(vendor)[name] for name in before} == before
    assert not Path(vendor.to).exists()
    assert not outlay_home.exists()


def test_a_trial_finds_what_counts_twice(vendor: Vendor, tmp_path: Path) -> None:
    vendor.mode = "append"
    try_out(vendor, tmp_path / "good")

    class Forgetful(Vendor):
        runs = 0

        def rows(self, period: BillingPeriod) -> Iterator[dict[str, Any]]:
            self.runs += 1
            for row in super().rows(period):
                yield {**row, "lineitem/id": f"{self.runs}-{row['lineitem/id']}"}

    forgetful = Forgetful(tmp_path / "drops", settings=vendor.settings)
    forgetful.mode = "append"
    with pytest.raises(AssertionError, match=r"2 rows and cost/cost 3\.75 after one run, but 4 rows"):
        try_out(forgetful, tmp_path / "bad")


def test_a_trial_wants_a_period(vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vendor, "pages", {})
    with pytest.raises(AssertionError, match="periods\\(\\) is empty"):
        try_out(vendor, tmp_path / "trial")


def test_a_period_that_is_none_is_told(vendor: Vendor) -> None:
    with pytest.raises(UsageError, match="'May' is not a billing period"):
        vendor.run(["May"])
