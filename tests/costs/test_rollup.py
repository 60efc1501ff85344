"""Answers from roll-ups are those from the charges, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.costs.answer import answered, ask
from outlay.costs.filters import Filter
from outlay.costs.plan import needed, plan
from outlay.costs.query import summed, values
from outlay.costs.question import Question
from outlay.costs.rollup import MONTHLY, OF_USUAL, RESOURCES, USUAL, VERSION, Kind, find, of_key, rolled_up
from outlay.costs.rollup import MONTHS as WHOLE_MONTHS
from outlay.lake import Partition, tidy
from outlay.period import BillingPeriod
from outlay.storage.spool import sweep
from tests.costs.lake_of_charges import Charge, Engine, charge, table
from tests.costs.lakes import Shop, bill

ENGINE = Engine()
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MONTHS = 3
KINDS = (USUAL, WHOLE_MONTHS, *OF_USUAL, RESOURCES, of_key(0, "Tags.team"))

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=18)
words = st.sampled_from(["web", "Web", "EU-web-1", "", "O'Brien", "ü"])
moments = st.integers(0, 89 * 86400 * 10**6).map(lambda micros: FIRST + timedelta(microseconds=micros))
days = st.integers(0, 95).map(lambda count: (FIRST + timedelta(days=count)).date())
GROUPS = ["ServiceName", "RegionId", "SubAccountId", "ResourceId", "Tags.team", "x_Connection", "ChargeCategory"]


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    moment = draw(moments)
    moved = draw(st.sampled_from([0, 0, 0, -1, 1]))
    return charge(
        str(draw(amounts)),
        on=moment.isoformat(),
        period=BillingPeriod.of(moment).shift(moved).id,
        BilledCost=draw(amounts),
        BillingCurrency=draw(st.sampled_from(["USD", "EUR"])),
        ServiceName=draw(words),
        RegionId=draw(st.none() | words),
        SubAccountId=draw(st.sampled_from([None, "1", "2"])),
        ResourceId=draw(st.sampled_from([None, "r1", "r2"])),
        ChargeCategory=draw(st.sampled_from(["Usage", "Tax"])),
        CommitmentDiscountStatus=draw(st.sampled_from([None, "Used", "Unused"])),
        x_LineItemType=draw(st.sampled_from([None, "Usage", "EdpDiscount"])),
        ConsumedQuantity=draw(st.none() | amounts),
        ConsumedUnit=draw(st.sampled_from([None, "GB", "Hours"])),
        Tags=draw(st.none() | st.dictionaries(st.sampled_from(["team", "app.io/x"]), words)),
    )


filters = st.builds(
    Filter,
    column=st.sampled_from(["ServiceName", "RegionId", "Tags.team", "ResourceId", "x_Connection"]),
    operator=st.sampled_from(["=", "!=", "~"]),
    value=words,
)
questions = st.builds(
    lambda days, **words: Question(start=min(days) if days else None, end=max(days) if days else None, **words),
    days=st.lists(days, max_size=2) | st.just([date(2026, 1, 1), date(2026, 2, 28)]),
    metric=st.sampled_from(["billed", "effective", "real", "quantity"]),
    by=st.lists(st.sampled_from(GROUPS), max_size=2).map(tuple),
    granularity=st.sampled_from(["none", "day", "week", "month", "quarter"]),
    filters=st.lists(filters, max_size=2).map(tuple),
    categories=st.sampled_from([(), ("Usage",), ("Tax", "Credit")]),
)


def able(kind: Kind, question: Question) -> bool:
    """Has a roll-up the columns and the days of a question?"""
    names = {str(name) for name in needed(question)}
    needs_days = question.granularity in ("day", "week") or question.start is not None or question.end is not None
    return names <= set(kind.names) and not (needs_days and kind.grain == MONTHLY)


@settings(max_examples=40, deadline=None)
@given(st.lists(charges(), max_size=10), questions)
def test_a_roll_up_that_has_the_columns_gives_the_answer_of_the_charges(rows: list[Charge], question: Question) -> None:
    lake = table(rows)
    expected = ask(lake, question, ENGINE)
    for kind in KINDS:
        if able(kind, question):
            rolled = rolled_up(lake, kind)
            found = answered(question, ENGINE(summed([values(rolled, question)], question)))
            assert found == expected, kind.name


@settings(max_examples=8, deadline=None)
@given(st.lists(charges(), max_size=10))
def test_a_roll_up_of_a_roll_up_is_that_of_the_charges(rows: list[Charge]) -> None:
    lake = table(rows)
    for kind in (WHOLE_MONTHS, *OF_USUAL):
        direct, through = (ENGINE(rolled_up(each, kind)) for each in (lake, rolled_up(lake, USUAL)))
        assert sorted(map(str, direct)) == sorted(map(str, through))


# In a lake


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    for connection in "ab":
        for month in range(1, MONTHS + 1):
            made.bring(
                Partition(connection, BillingPeriod(2026, month)), f"d-{connection}{month}", bill(connection, month)
            )
    # One partition stays without.
    for connection, month in (("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2)):
        assert made.builder.build(Partition(connection, BillingPeriod(2026, month)))
    yield made
    made.close()


def of_lake(shop: Shop, partition: Partition, delivery: str) -> Any:
    return find(shop.lake, partition, delivery)


ASKED = [
    Question.parse(by=["ServiceName"], granularity="day", top=2),
    Question.parse(by=["Tags.team"], granularity="month"),
    Question.parse(by=["Tags.squad", "ServiceName"], granularity="week", where=["Tags.team="]),
    Question.parse(by=["Tags.nowhere"]),
    Question.parse(by=["ResourceId"], start="2026-01", end="2026-02"),
    Question.parse(by=["ResourceId"], start="2026-01-10", end="2026-03-05", granularity="none"),
    Question.parse(by=["x_Connection", "RegionId"], metric="real", granularity="quarter"),
    Question.parse(by=["SubAccountId"], metric="quantity", where=["x_Connection!=a", "ServiceName~S"]),
    Question.parse(by=["RegionId"], where=["x_Connection=a", "x_Connection=b", "RegionId="]),
    Question.parse(by=["x_SourceRow"], start="2026-02-03", end="2026-02-04", granularity="hour"),
    Question.parse(metric="billed", granularity="none", categories=["Tax"]),
    Question.parse(by=["SkuPriceDetails.CoreCount", "Tags.team"]),
]


@pytest.mark.parametrize("question", ASKED, ids=str)
def test_a_lake_with_roll_ups_gives_the_answers_of_its_charges(shop: Shop, question: Question) -> None:
    live = shop.lake.live()
    every = shop.engine.charges([file for each in live.values() for file in each.files])
    expected = ask(every, question, lambda asked: shop.engine.rows(shop.engine.prepare(asked)))
    assert shop.desk().ask(question) == expected
    assert expected.rows


def kinds(shop: Shop, question: Question) -> list[str]:
    parts = plan(question, shop.lake.live(), lambda partition, delivery: find(shop.lake, partition, delivery))
    return sorted(part.kind.name if part.kind else "charges" for part in parts)


@pytest.mark.parametrize(
    ("question", "used"),
    [
        (Question.parse(by=["ServiceName"], granularity="day"), ["charges", "services"]),
        (Question.parse(by=["ServiceName"]), ["charges", "resources"]),
        (Question.parse(by=["RegionId"], granularity="week", where=["x_Connection=a"]), ["regions"]),
        (Question.parse(by=["ResourceId"], where=["x_Connection=a"]), ["resources"]),
        (Question.parse(by=["ResourceId"], where=["x_Connection=a"], end="2026-02-10"), ["charges", "resources"]),
        (Question.parse(by=["Tags.team"], granularity="day", end="2026-02"), ["key-00", "services"]),
        (Question.parse(by=["ServiceName"], granularity="hour", where=["x_Connection=a"]), ["charges"]),
        (Question.parse(by=["SkuId"], where=["x_Connection=a"]), ["charges"]),
        (Question.parse(by=["PricingCategory"], granularity="day", where=["x_Connection=a"]), ["usual"]),
        (Question.parse(by=["ServiceName"], start="2026-01", end="2026-01-30"), ["services"]),
        (Question.parse(by=["ServiceName"], where=["x_Connection=c"]), []),
    ],
    ids=str,
)
def test_each_partition_is_answered_from_its_smallest_roll_up_or_its_charges(
    shop: Shop, question: Question, used: list[str]
) -> None:
    assert kinds(shop, question) == used


def test_the_keys_of_charges_are_known_from_roll_ups_and_charges(shop: Shop) -> None:
    assert shop.desk().keys() == ("squad", "team")
    assert shop.desk().keys(search="TEA") == ("team",)


def test_keys_to_choose_from_are_taken_from_roll_ups_even_where_those_do_not_know_all(small: Shop) -> None:
    small.bring(MAY, "d1", bill("a", 5))
    small.builder.build(MAY)
    note = {"version": VERSION, "tables": [], "keys": {"Tags": {"some": 1}}, "knows_keys": []}
    small.lake.keep_rollups(MAY, "d1", [], note)
    desk = small.desk()
    assert desk.keys() == ("team",)
    assert desk.offered_keys(10)["Tags"] == ("some",)


def test_a_table_compares_with_the_period_before_from_one_asking(shop: Shop) -> None:
    asked = Question.parse(by=["ServiceName"], start="2026-02", end="2026-02")
    found = shop.desk().table(replace(asked, compare=True))
    now, before = (
        {(row.values, row.unit): row.amount for row in shop.desk().ask(each).rows} for each in (asked, asked.before())
    )
    assert {(line.values, line.unit): line.amount for line in found.lines} == now
    assert {(line.values, line.unit): line.before for line in found.lines} == before


# Made, kept and swept


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "home")
    yield made
    made.close()


MAY = Partition("a", BillingPeriod(2026, 5))


def test_a_roll_up_is_used_only_while_its_delivery_is_live(small: Shop) -> None:
    small.bring(MAY, "d1", bill("a", 5))
    assert small.builder.build(MAY)
    assert not small.builder.build(MAY)
    desk = small.desk()
    first = desk.ask(Question(by=("ServiceName",)))
    small.bring(MAY, "d2", bill("a", 5, "d2", count=30))
    assert kinds(small, Question(granularity="day")) == ["charges"]
    second = desk.ask(Question(by=("ServiceName",)))
    assert second.totals != first.totals
    small.bring(MAY, "d1", [])
    assert kinds(small, Question(granularity="day")) == ["services"]
    assert desk.ask(Question(by=("ServiceName",))) == first


def test_a_small_partition_gets_no_roll_ups(small: Shop) -> None:
    small.bring(MAY, "d1", bill("a", 5))
    assert not replace(small.builder, smallest=20_000).build(MAY)
    assert small.lake.rolled_up() == set()


def test_what_is_missing_is_made_newest_first(small: Shop) -> None:
    others = [MAY, Partition("a", BillingPeriod(2026, 6))]
    for partition in others:
        small.bring(partition, "d1", bill("a", partition.period.month_number))
    assert list(small.builder.build_missing()) == others[::-1]
    assert list(small.builder.build_missing()) == []


class Sweeping:
    """An engine beside which somebody sweeps the spool, as every check of a bill does."""

    def __init__(self, engine: Any, root: Path) -> None:
        self._engine, self._root = engine, root

    def __getattr__(self, name: str) -> Any:
        assert sweep(self._root) == []
        return getattr(self._engine, name)


def test_the_spool_of_roll_ups_is_not_swept_while_they_are_made(small: Shop) -> None:
    small.bring(MAY, "d1", bill("a", 5))
    assert replace(small.builder, engine=Sweeping(small.engine, small.spool)).build(MAY)
    assert small.lake.rolled_up() == {(MAY, "d1")}
    assert not any(path.is_dir() for path in small.spool.glob("*rollups*"))


def test_a_month_whose_charges_cannot_be_read_does_not_keep_others_from_their_roll_ups(
    small: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    june = Partition("a", BillingPeriod(2026, 6))
    for partition in (MAY, june):
        small.bring(partition, "d1", bill("a", partition.period.month_number))
    for file in small.lake.live()[june].files:
        Path(file.removeprefix("file://")).unlink()
    assert list(small.builder.build_missing()) == [MAY]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No roll-ups of a 2026-06" in caplog.text


def test_roll_ups_whose_note_cannot_be_read_are_as_good_as_none_and_made_anew(small: Shop) -> None:
    small.bring(MAY, "d1", bill("a", 5))
    small.builder.build(MAY)
    # No code of ours writes such a note.
    small.lake.place.write(f"rollups/{MAY.connection}/{MAY.period.id}/d1/rollups.json", b"half")
    assert small.desk().ask(Question(by=("ServiceName",))).rows
    assert list(small.builder.build_missing()) == [MAY]
    assert kinds(small, Question(granularity="day")) == ["services"]


def test_roll_ups_go_with_the_delivery_they_are_of(small: Shop) -> None:
    for delivery in ("d1", "d2", "d3"):
        small.bring(MAY, delivery, bill("a", 5, delivery))
        small.builder.build(MAY)

    def tidied(days: int) -> set[str]:
        tidy(
            small.lake,
            lambda _, delivery: delivery == "d2",
            now=datetime.now(UTC) + timedelta(days=days),
            grace=timedelta(days=1),
        )
        return {delivery for _, delivery in small.lake.rolled_up()}

    assert tidied(0) == {"d1", "d2", "d3"}
    assert tidied(2) == {"d2", "d3"}
    assert find(small.lake, MAY, "d3")
    assert small.desk().ask(Question(by=("ServiceName",))).rows


def test_files_that_a_cut_off_building_left_are_swept(small: Shop) -> None:
    small.bring(MAY, "d1", bill("a", 5))
    small.builder.build(MAY)
    place = small.lake.place
    place.write(f"rollups/{MAY.connection}/{MAY.period.id}/d1/services-left.parquet", b"half")
    tidy(small.lake, lambda *_: False, now=datetime.now(UTC) + timedelta(days=2), grace=timedelta(days=1))
    assert not any("left" in file.path for file in place.list("rollups"))
    assert kinds(small, Question(granularity="day")) == ["services"]
