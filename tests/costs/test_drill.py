"""From the whole down to single charges, each step adding up to the one before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from outlay.costs.answer import REMAINDER
from outlay.costs.drill import into, next_column
from outlay.costs.filters import Filter
from outlay.costs.question import Question
from outlay.errors import UsageError
from outlay.lake import Partition
from outlay.period import BillingPeriod
from tests.costs.lakes import Shop, bill


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    for month in (5, 6):
        partition = Partition("a", BillingPeriod(2026, month))
        made.bring(partition, "d1", [{**row, "RegionId": row["RegionId"] or None} for row in bill("a", month)])
        made.builder.build(partition)
    yield made
    made.close()


def test_each_step_down_adds_up_to_the_row_it_came_from(shop: Shop) -> None:
    desk = shop.desk()
    question = Question(by=("ServiceProviderName",), start=date(2026, 5, 1), end=date(2026, 6, 30), top=10)
    while question.by:
        table = desk.table(question)
        line = next(each for each in table.lines if each.unit == "USD" and not each.is_remainder)
        question = into(question, line.values)
        assert desk.ask(question).totals["USD"] == line.amount
    assert [each.column for each in question.filters] == [
        "ServiceProviderName",
        "BillingAccountId",
        "ServiceCategory",
        "ServiceName",
        "SubAccountId",
        "RegionId",
        "ResourceId",
    ]
    rows = [row for row in desk.charges(question, limit=200).rows if row["BillingCurrency"] == "USD"]
    assert sum(row["EffectiveCost"] for row in rows) == desk.ask(question).totals["USD"]


@pytest.mark.parametrize(
    ("by", "filters", "column"),
    [
        ((), (), "x_Connection"),
        (("x_Connection",), (), "ServiceProviderName"),
        (("ProviderName",), (), "BillingAccountId"),
        (("ServiceName",), (), "SubAccountId"),
        (("ServiceName", "RegionId"), (), "ResourceId"),
        (("SubAccountName",), (), "RegionId"),
        (("Tags.team",), (), "ServiceName"),
        (("Tags.team",), (Filter("ServiceName", "=", "x"), Filter("SubAccountName", "=", "y")), "RegionId"),
        (("ResourceId",), (), None),
        (("ResourceName", "ServiceName"), (), None),
    ],
)
def test_the_next_column_is_the_first_further_down_that_is_not_fixed(
    by: tuple[str, ...], filters: tuple[Filter, ...], column: str | None
) -> None:
    assert next_column(Question(by=by, filters=filters)) == column


def test_one_period_is_seen_by_shorter_ones_within_the_days_asked_for() -> None:
    asked = Question(by=("ServiceName",), start=date(2026, 5, 10), end=date(2026, 6, 20), range="x", top=3)
    drilled = into(asked, ["web"], datetime(2026, 5, 1, tzinfo=UTC))
    assert (drilled.start, drilled.end, drilled.granularity, drilled.range) == (
        date(2026, 5, 10),
        date(2026, 5, 31),
        "day",
        None,
    )
    assert drilled.filters == (Filter("ServiceName", "=", "web"),)


@pytest.mark.parametrize(
    ("granularity", "period", "first", "last", "finer"),
    [
        ("quarter", datetime(2026, 4, 1, tzinfo=UTC), date(2026, 4, 1), date(2026, 6, 30), "month"),
        ("week", datetime(2026, 5, 4, tzinfo=UTC), date(2026, 5, 4), date(2026, 5, 10), "day"),
        ("day", datetime(2026, 5, 4, tzinfo=UTC), date(2026, 5, 4), date(2026, 5, 4), "hour"),
        ("hour", datetime(2026, 5, 4, 7, tzinfo=UTC), date(2026, 5, 4), date(2026, 5, 4), "hour"),
    ],
)
def test_a_period_of_any_length_is_drilled_into(
    granularity: str, period: datetime, first: date, last: date, finer: str
) -> None:
    drilled = into(Question(by=("ServiceName",), granularity=granularity), ["web"], period)
    assert (drilled.start, drilled.end, drilled.granularity) == (first, last, finer)


def test_a_value_that_is_missing_asks_for_charges_without_one() -> None:
    assert into(Question(by=("RegionId",)), [None]).filters == (Filter("RegionId", "=", ""),)


def test_a_filter_on_the_column_makes_room_for_the_one_value() -> None:
    asked = Question(by=("RegionId",), filters=(Filter("RegionId", "=", "eu"), Filter("RegionId", "=", "us")))
    assert into(asked, ["us"]).filters == (Filter("RegionId", "=", "us"),)


def test_a_value_that_reads_as_the_remainder_is_a_value_like_others() -> None:
    assert into(Question(by=("RegionId",)), [REMAINDER]).filters == (Filter("RegionId", "=", REMAINDER),)


def test_what_is_no_group_cannot_be_drilled_into() -> None:
    with pytest.raises(UsageError, match="2 values"):
        into(Question(by=("RegionId",)), ["a", "b"])
    with pytest.raises(UsageError, match="outside"):
        into(Question(by=("RegionId",), start=date(2026, 6, 1)), ["a"], datetime(2026, 5, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match="9999-12-31 has no end"):
        into(Question(by=("RegionId",), granularity="month"), ["a"], datetime(9999, 12, 31, 12, tzinfo=UTC))
