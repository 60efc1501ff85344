from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from outlay.costs.answer import ask
from outlay.costs.chart import Chart, chart
from outlay.costs.question import GRANULARITIES, Question
from tests.costs.lake_of_charges import Charge, Engine, charge, table


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def drawn(engine: Engine, charges: list[Charge], **question: Any) -> Chart:
    return chart(ask(table(charges), Question.parse(**question), engine))


def test_each_series_has_an_amount_for_every_period_and_they_add_up(engine: Engine) -> None:
    charges = [
        charge(cost, on=f"2026-05-{day:02}", ServiceName=name) for cost, day, name in (("1", 2, "a"), ("5", 4, "b"))
    ]
    charges += [charge("2", on="2026-05-02", ServiceName="c"), charge("9", on="2026-05-01", BillingCurrency="EUR")]
    told = drawn(engine, charges, by=["ServiceName"], granularity="day", start="2026-05-01", end="2026-05-04", top=1)
    assert told.as_dict() == {
        "periods": ["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"],
        "series": [
            {"values": ["Compute"], "unit": "EUR", "amounts": ["9", "0", "0", "0"], "remainder": False},
            {"values": ["b"], "unit": "USD", "amounts": ["0", "0", "0", "5"], "remainder": False},
            {"values": ["(all others)"], "unit": "USD", "amounts": ["0", "3", "0", "0"], "remainder": True},
        ],
    }


@pytest.mark.parametrize(
    ("granularity", "count", "first"),
    [
        ("none", 1, "2026-02-10"),
        ("hour", 24 * 81, "2026-02-10T00:00:00Z"),
        ("day", 81, "2026-02-10"),
        ("week", 12, "2026-02-09"),
        ("month", 4, "2026-02-01"),
        ("quarter", 2, "2026-01-01"),
    ],
)
def test_periods_have_no_gap_at_any_granularity(engine: Engine, granularity: str, count: int, first: str) -> None:
    charges = [charge("1", on="2026-02-11"), charge("2", on="2026-05-01")]
    told = drawn(engine, charges, granularity=granularity, start="2026-02-10", end="2026-05-01").as_dict()
    assert (len(told["periods"]), told["periods"][0]) == (count, first)
    (series,) = told["series"]
    assert sum(map(Decimal, series["amounts"])) == 3


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_no_charges_make_no_series(engine: Engine, granularity: str) -> None:
    assert drawn(engine, [], granularity=granularity, by=["ServiceName"]).as_dict() == {"periods": [], "series": []}


def test_of_very_many_periods_those_are_drawn_that_have_charges_between_them(engine: Engine) -> None:
    charges = [charge("1", on="2024-02-11"), charge("2", on="2026-05-01")]
    told = drawn(engine, charges, granularity="week", start="1900-01", end="2999-12").as_dict()
    assert (told["periods"][0], told["periods"][-1], len(told["periods"])) == ("2024-02-05", "2026-04-27", 117)
    held = drawn(engine, [*charges, charge("3", on="1950-01-01")], granularity="week", end="2999-12").as_dict()
    assert held["periods"] == ["1949-12-26", "2024-02-05", "2026-04-27"]


def test_of_very_many_series_fewer_periods_are_drawn(engine: Engine) -> None:
    charges = [charge("1", on=f"2026-05-0{number % 2 + 1}", ServiceName=f"s{number}") for number in range(300)]
    told = drawn(engine, charges, granularity="day", by=["ServiceName"], start="2024-01-01", end="2026-05-31")
    assert [f"{period:%Y-%m-%d}" for period in told.periods] == ["2026-05-01", "2026-05-02"]
    assert len(told.series) == 300
