"""The numbers of the first page, and the line that says how fresh they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from outlay.costs.filters import Filter
from outlay.costs.freshness import Bill, freshness
from outlay.costs.overview import Overview, overview, projection
from outlay.costs.question import Question
from outlay.lake import Partition
from outlay.period import BillingPeriod
from tests.costs.lake_of_charges import charge
from tests.costs.lakes import Shop

TODAY = date(2026, 11, 21)


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    yield made
    made.close()


def spent(shop: Shop, month: int, *charges: tuple[str, int, dict[str, Any]]) -> None:
    rows = [
        charge(cost, on=f"2026-{month:02}-{day:02}", x_Connection="a", **{"ServiceProviderName": "Cloud", **more})
        for cost, day, more in charges
    ]
    shop.bring(Partition("a", BillingPeriod(2026, month)), f"d{month}", rows)


def seen(shop: Shop, today: date = TODAY) -> Overview:
    desk = shop.desk()
    return overview(desk.ask, desk.table, today)


def test_this_month_stands_beside_the_same_days_of_last_month(shop: Shop) -> None:
    spent(shop, 10, ("100", 1, {}), ("1", 21, {}), ("50", 22, {}))
    spent(shop, 11, ("90", 1, {}), ("3", 20, {}), ("8", 21, {"BillingCurrency": "EUR"}))
    euro, dollar = seen(shop).months
    assert (dollar.unit, dollar.so_far, dollar.before, dollar.change) == ("USD", Decimal(93), Decimal(101), Decimal(-8))
    assert dollar.change_percent == Decimal("-7.9")
    assert (euro.unit, euro.so_far, euro.before, euro.change_percent) == ("EUR", Decimal(8), Decimal(0), None)


def test_both_months_end_at_the_last_day_with_charges_and_the_tables_too(shop: Shop) -> None:
    spent(shop, 10, ("100", 1, {}), ("1", 19, {}), ("70", 20, {}))
    spent(shop, 11, ("90", 1, {}), ("3", 19, {}))
    found = seen(shop)
    (month,) = found.months
    assert found.through == date(2026, 11, 19)
    assert (month.so_far, month.before) == (Decimal(93), Decimal(101))
    assert [(line.amount, line.before) for line in found.services.lines] == [(Decimal(93), Decimal(101))]
    assert (found.question.start, found.question.end) == (date(2026, 11, 1), date(2026, 11, 19))


def test_before_the_first_charges_of_a_month_nothing_is_compared(shop: Shop) -> None:
    spent(shop, 10, ("100", 1, {}), ("1", 30, {}))
    found = seen(shop, date(2026, 11, 2))
    (month,) = found.months
    assert (found.through, month.so_far, month.before, found.movers) == (None, Decimal(0), Decimal(0), ())
    assert month.projection is not None


def test_a_connection_that_lags_leaves_days_incomplete_unless_it_has_ended(shop: Shop) -> None:
    spent(shop, 11, *(("10", day, {}) for day in range(1, 21)))
    for name, last in (("slow", 15), ("ended", 4)):
        rows = [charge("4", on=f"2026-11-{day:02}", x_Connection=name) for day in range(1, last + 1)]
        shop.bring(Partition(name, BillingPeriod(2026, 11)), "d1", rows)
    found = seen(shop)
    (month,) = found.months
    assert found.through == date(2026, 11, 20)
    assert month.projection is not None
    assert (month.projection.through, month.projection.mean) == (date(2026, 11, 14), Decimal(14))


def test_a_long_month_stands_beside_all_of_a_short_one(shop: Shop) -> None:
    spent(shop, 2, ("1", 1, {}), ("2", 28, {}))
    spent(shop, 3, ("10", 30, {}))
    (month,) = seen(shop, date(2026, 3, 31)).months
    assert (month.so_far, month.before) == (Decimal(10), Decimal(3))


def test_the_projection_is_the_mean_of_the_last_seven_complete_days_for_each_day_left(shop: Shop) -> None:
    spent(shop, 11, ("100", 1, {}), *((str(day), day, {}) for day in range(13, 21)), ("5", 21, {}))
    (month,) = seen(shop).months
    told = month.projection
    assert told is not None
    # The 21st is not over: the days are the 14th to the 20th, and ten are left with it.
    assert (told.through, told.days, told.mean, told.left) == (date(2026, 11, 20), 7, Decimal(17), 10)
    assert told.so_far == 100 + sum(range(13, 21))
    assert told.total == told.so_far + 17 * 10
    assert told.formula == (
        "232.00 USD up to 2026-11-20 + 17.00 (the mean of the last 7 complete days) × 10 days left = 402.00 USD"
    )


def test_a_bill_that_is_two_days_behind_is_projected_from_the_days_it_has() -> None:
    days = {date(2026, 11, day): Decimal(7) for day in range(1, 20)}
    told = projection(days, (min(days), max(days)), TODAY, "USD")
    assert told is not None
    assert (told.through, told.left, told.total) == (date(2026, 11, 18), 12, Decimal(7 * 30))


def test_the_first_days_of_a_month_are_projected_from_the_last_ones_of_the_month_before() -> None:
    days = {date(2026, 10, day): Decimal(3) for day in range(1, 32)} | {date(2026, 11, 1): Decimal(1)}
    told = projection(days, (min(days), max(days)), date(2026, 11, 1), "USD")
    assert told is not None
    assert (told.so_far, told.left, told.total) == (Decimal(0), 30, Decimal(90))


def test_a_fee_of_the_first_is_not_projected_as_if_it_came_each_day() -> None:
    known = (date(2026, 10, 1), date(2026, 11, 21))
    told = projection({date(2026, 11, 1): Decimal(100)}, known, TODAY, "EUR")
    assert told is not None
    assert told.total == 100


def test_without_a_complete_day_there_is_no_projection(shop: Shop) -> None:
    spent(shop, 11, ("5", 21, {}))
    (month,) = seen(shop).months
    assert month.projection is None
    assert seen(shop).as_dict()["months"][0]["projection"] is None


def test_providers_and_movers_are_told_with_their_change(shop: Shop) -> None:
    spent(shop, 10, ("10", 1, {"ServiceName": "web"}), ("10", 2, {"ServiceName": "db", "ServiceProviderName": "Other"}))
    spent(shop, 11, ("30", 1, {"ServiceName": "web"}), ("9", 2, {"ServiceName": "new"}))
    told = seen(shop).as_dict()
    assert [(row["ServiceProviderName"], row["cost"], row["change"]) for row in told["providers"]] == [
        ("Cloud", "39", "29"),
        ("Other", "0", "-10"),
    ]
    assert [(row["ServiceName"], row["change"]) for row in told["movers"]] == [
        ("web", "20"),
        ("db", "-10"),
        ("new", "9"),
    ]


def test_an_empty_lake_has_an_overview_with_nothing_in_it(shop: Shop) -> None:
    told = seen(shop).as_dict()
    assert told == {"today": "2026-11-21", "through": None, "months": [], "providers": [], "movers": []}


# Freshness

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def of(connection: str, month: int, state: str, hours: float | None = None) -> Bill:
    at = None if hours is None else NOW - timedelta(hours=hours)
    return Bill(connection, BillingPeriod(2026, month), state, at)


BILLS = [
    *(of("aws", month, "final", 900) for month in range(1, 10)),
    of("aws", 11, "estimated", 3),
    of("acme", 9, "estimated", 800),
    of("acme", 10, "unknown", 26),
    of("acme", 11, "unknown", 5.5),
]
STATUSES = [("aws", "healthy"), ("acme", "late"), ("broken", "failing"), ("old", "paused")]


def test_one_line_says_how_fresh_and_how_final_the_bills_are() -> None:
    told = freshness(Question(), BILLS, STATUSES)
    assert told.text(NOW) == (
        "Newest delivery 3 hours ago (2026-11-21 09:00 UTC). Estimated: 2026-09, 2026-11. Not known whether final: "
        "2026-10. Final: 2026-01 to 2026-08. Late: acme. Failing: broken."
    )
    assert told.as_dict() == {
        "newest": "2026-11-21T09:00:00Z",
        "estimated": ["2026-09", "2026-11"],
        "unknown": ["2026-10"],
        "final": [f"2026-{month:02}" for month in range(1, 9)],
        "behind": [{"connection": "acme", "status": "late"}, {"connection": "broken", "status": "failing"}],
    }


def test_only_bills_that_the_question_may_have_charges_of_are_told() -> None:
    days = Question(start=date(2026, 10, 5), end=date(2026, 10, 6))
    assert freshness(days, BILLS, STATUSES).unknown == (BillingPeriod(2026, 10),)
    aws = Question(filters=(Filter("x_Connection", "=", "aws"),))
    told = freshness(aws, BILLS, STATUSES)
    assert (told.behind, told.unknown) == ((), ())
    assert told.text(NOW).endswith("Estimated: 2026-11. Final: 2026-01 to 2026-09.")


def test_days_without_bills_are_told_and_who_is_behind() -> None:
    told = freshness(Question(start=date(2027, 1, 1)), BILLS, STATUSES)
    assert told.text(NOW) == "There are no bills for these days. Late: acme. Failing: broken."


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0, "just now"), (1 / 60, "1 minute ago"), (1.5, "1 hour ago"), (23.9, "23 hours ago"), (49, "2 days ago")],
)
def test_an_age_is_said_in_its_largest_unit(hours: float, said: str) -> None:
    assert said in freshness(Question(), [of("aws", 11, "final", hours)], []).text(NOW)
