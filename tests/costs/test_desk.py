"""Questions at a desk: from many threads, in few slots, bounded, and each once a snapshot."""

from __future__ import annotations

import csv
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from outlay.costs.charges import LAST, MOST_EXPORTED
from outlay.costs.desk import Asked, Desk
from outlay.costs.filters import Filter
from outlay.costs.question import MAX_AMOUNTS, MAX_VALUES, Question
from outlay.engine import Session
from outlay.errors import Busy, CatalogError, TooSlow, UnknownName, UsageError
from outlay.focus.columns import COLUMNS
from outlay.lake import Partition
from outlay.period import BillingPeriod
from outlay.visit import visit
from tests.costs.lake_of_charges import Charge, charge
from tests.costs.lakes import Shop, bill

MAY, JUNE = (Partition("a", BillingPeriod(2026, month)) for month in (5, 6))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Two months, the first with roll-ups."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    made.bring(MAY, "d5", bill("a", 5))
    made.bring(JUNE, "d6", [*bill("a", 6, count=30), *odd()])
    made.builder.build(MAY)
    yield made
    made.close()


def odd() -> list[Charge]:
    return [
        charge("5", on="2026-06-03", ServiceName="=evil", x_Connection="a", Tags={"=k": "@v"}, x_SourceRow=1),
        charge("-2.50", on="2026-06-04", ServiceName="credit", x_Connection="a", ChargeCategory="Credit"),
    ]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "home")
    yield made
    made.close()


class Held:
    """Holds each question at the engine's door until it is let go, and counts how many are inside."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.most, self.asked = 0, 0, 0
        self.entered, self.let_go = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        asking = shop.engine.asking

        @contextmanager
        def held(limited: AbstractContextManager[None]) -> Iterator[None]:
            with self._lock:
                self.inside += 1
                self.asked += 1
                self.most = max(self.most, self.inside)
            self.entered.set()
            assert self.let_go.wait(20)
            try:
                with limited:
                    yield
            finally:
                with self._lock:
                    self.inside -= 1

        @contextmanager
        def asked() -> Iterator[Session]:
            with asking() as session:
                limited = session.limited
                monkeypatch.setattr(session, "limited", lambda seconds: held(limited(seconds)))
                yield session

        monkeypatch.setattr(shop.engine, "asking", asked)


# Slots


def test_thirty_two_threads_get_right_answers_from_one_desk(shop: Shop) -> None:
    desk = shop.desk(slots=2, waiting=32)
    asked = [
        Question.parse(by=[column], granularity=granularity, metric=metric)
        for column in ("ServiceName", "RegionId", "ResourceId", "Tags.team")
        for granularity in ("day", "month")
        for metric in ("billed", "real", "quantity", "list")
    ]
    expected = [shop.desk().ask(question) for question in asked]
    with ThreadPoolExecutor(32) as threads:
        assert list(threads.map(desk.ask, asked)) == expected


def test_no_more_questions_are_answered_at_once_than_there_are_slots(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(shop, monkeypatch)
    held.let_go.set()
    desk = shop.desk(slots=2)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda top: desk.ask(Question(by=("ServiceName",), top=top)), range(1, 17)))
    assert held.most <= 2
    assert held.asked == 16


def test_a_question_that_gets_no_slot_in_time_is_told_when_to_ask_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(shop, monkeypatch)
    desk = shop.desk(wait=0.05)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(desk.ask, Question())
        assert held.entered.wait(20)
        with pytest.raises(Busy) as told:
            desk.ask(Question(metric="list"))
        held.let_go.set()
        assert first.result(20).rows
    assert told.value.retry_after >= 1
    assert "OUTLAY_QUESTION_SLOTS" in told.value.next
    assert desk.ask(Question(metric="list")).rows


def test_no_more_questions_wait_than_may_and_the_others_are_told_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(shop, monkeypatch)
    desk = shop.desk(wait=300, waiting=1)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(desk.ask, Question())
        assert held.entered.wait(20)
        others = [threads.submit(desk.ask, Question(metric=metric)) for metric in ("list", "billed", "real")]
        refused = list(islice(as_completed(others, 20), 2))
        held.let_go.set()
        assert all(isinstance(each.exception(), Busy) for each in refused)
        assert [each.result(20).rows != () for each in (first, *others) if each not in refused] == [True, True]


def test_the_questions_of_one_visit_wait_no_longer_together_than_one_may(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(shop, monkeypatch)
    desk = shop.desk(wait=300)
    with ThreadPoolExecutor(1) as threads, visit() as ours:
        first = threads.submit(desk.ask, Question())
        assert held.entered.wait(20)
        ours.waited = 300
        with pytest.raises(Busy):
            desk.ask(Question(metric="list"))
        held.let_go.set()
        assert first.result(20).rows
        assert desk.ask(Question(metric="list")).rows


def test_the_questions_of_one_visit_take_no_longer_together_than_one_may(shop: Shop) -> None:
    desk = shop.desk(seconds=60)
    with visit() as ours:
        assert desk.ask(Question()).rows
        assert 0 < ours.answering < 60
        ours.answering = 60
        assert desk.ask(Question()).rows, "is remembered"
        with pytest.raises(TooSlow):
            slowly(shop, desk, threading.Event())
    assert desk.ask(Question(metric="list")).rows


def test_one_visit_sees_the_lake_as_it_was_at_first_but_for_its_own_doings(small: Shop, tmp_path: Path) -> None:
    def costing(cost: str) -> list[Charge]:
        return [charge(cost, on="2026-05-02", x_Connection="a")]

    small.bring(MAY, "d1", costing("1"))
    elsewhere, desk = Shop(tmp_path / "home"), small.desk()
    with visit():
        assert desk.ask(Question()).totals == {"USD": Decimal(1)}
        elsewhere.bring(MAY, "d2", costing("2"))
        assert desk.ask(Question()).totals == {"USD": Decimal(1)}
        small.bring(JUNE, "d1", june(web="5"))
        assert desk.ask(Question()).totals == {"USD": Decimal(7)}
    elsewhere.bring(MAY, "d3", costing("3"))
    assert desk.ask(Question()).totals == {"USD": Decimal(8)}
    elsewhere.close()


def test_the_same_question_from_many_at_once_is_answered_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(shop, monkeypatch)
    held.let_go.set()
    desk = shop.desk()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: desk.ask(Question()), range(8)))
    assert all(answer == answers[0] for answer in answers)
    # Each thread that missed the answer takes the slot in turn, and finds it there.
    assert len({id(answer.rows) for answer in answers}) == 1


def test_a_question_that_takes_too_long_is_stopped_and_frees_its_slot(shop: Shop) -> None:
    with pytest.raises(TooSlow) as told:
        slowly(shop, shop.desk(seconds=0.2), started=threading.Event())
    assert "OUTLAY_QUESTION_SECONDS" in told.value.next
    assert shop.desk().ask(Question()).rows


def slowly(shop: Shop, desk: Desk, started: threading.Event) -> Any:
    """Ask for what takes the engine minutes: every charge with every other, thrice."""
    slow = shop.engine.charges([file for live in shop.lake.live().values() for file in live.files])

    def worked_out(session: Session, _: Any) -> Asked[Any]:
        files = [file for live in shop.lake.live().values() for file in live.files]
        charges = session.files(files, slow.schema())
        product = charges.select("BilledCost")
        for name in "abc":
            product = product.cross_join(charges.select(**{name: charges.BilledCost}))
        text = session.text(product.agg(total=(product.BilledCost + product.a + product.b + product.c).max()))
        started.set()
        return Asked(lambda: session.run(text), lambda rows: rows)

    return desk._once(("slow",), worked_out, lambda _: 0)  # noqa: SLF001 - no question is slow on a test's charges


def test_closing_stops_what_is_being_answered_and_takes_no_more(shop: Shop) -> None:
    desk, started = shop.desk(seconds=300), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(slowly, shop, desk, started)
        assert started.wait(20)
        until = time.monotonic() + 20
        while not slow.done() and time.monotonic() < until:
            desk.close()
            time.sleep(0.02)
        with pytest.raises(TooSlow):
            slow.result(0)
    with pytest.raises(Busy):
        desk.ask(Question())


# Remembering


def test_an_answer_is_remembered_until_the_lake_has_another_snapshot(
    small: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.bring(MAY, "d1", [charge("1", on="2026-05-02", x_Connection="a")])
    held = Held(small, monkeypatch)
    held.let_go.set()
    desk = small.desk()
    question = Question(by=("ServiceName",))
    assert [desk.ask(question).totals for _ in range(3)] == [{"USD": Decimal(1)}] * 3
    assert held.asked == 1
    small.bring(MAY, "d2", [charge("2", on="2026-05-02", x_Connection="a")])
    assert desk.ask(question).totals == {"USD": Decimal(2)}
    assert held.asked == 2


def test_a_catalog_that_fails_is_told_when_a_question_looks_at_it(small: Shop, tmp_path: Path) -> None:
    small.bring(MAY, "d1", [charge("1", on="2026-05-02", x_Connection="a")])
    catalog = next((tmp_path / "home").rglob("catalog.db"))
    with closing(sqlite3.connect(catalog)) as connection:
        connection.execute("ALTER TABLE iceberg_tables RENAME TO away")
    with pytest.raises(CatalogError, match="no such table") as told:
        small.desk().ask(Question())
    assert told.value.next


def test_the_lake_is_planned_once_a_snapshot(small: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    small.bring(MAY, "d1", [charge("1", on="2026-05-02", x_Connection="a")])
    first = small.lake.seen()
    assert small.lake.seen() is first
    small.bring(MAY, "d2", [charge("2", on="2026-05-02", x_Connection="a")])
    assert small.lake.seen() is not first


def test_a_named_range_and_the_same_days_are_one_answer_but_each_keeps_its_question(shop: Shop) -> None:
    desk = shop.desk()
    named = Question(start=date(2026, 5, 1), end=date(2026, 5, 31), range="last-month", compare=True)
    plain = replace(named, range=None, compare=False)
    assert desk.ask(named).rows is desk.ask(plain).rows
    assert (desk.ask(named).question, desk.ask(plain).question) == (named, plain)


def test_months_that_do_not_count_are_in_no_answer_and_counted_again_at_once(shop: Shop) -> None:
    months: dict[str, tuple[str, str]] = {}
    desk = Desk(shop.lake, shop.engine, None, lambda: months)
    both = desk.ask(Question()).totals
    months["a"] = ("2026-06", "")
    june = desk.ask(Question(start=date(2026, 6, 1), end=date(2026, 6, 30))).totals
    assert desk.ask(Question()).totals == june != both
    months["a"] = ("", "2026-04")
    assert desk.ask(Question()).rows == ()
    assert desk.charges(Question()).rows == ()
    months.clear()
    assert desk.ask(Question()).totals == both


def test_an_empty_lake_answers_every_question_with_nothing(small: Shop, tmp_path: Path) -> None:
    desk = small.desk()
    month = Question(by=("ServiceName",), start=date(2026, 5, 1), end=date(2026, 5, 31), compare=True)
    assert desk.ask(month).as_dict()["rows"] == []
    assert desk.table(month).as_dict()["rows"] == []
    assert desk.values("ServiceName") == ()
    assert desk.keys() == ()
    assert desk.charges(month).rows == ()
    for format in ("csv", "parquet"):
        assert desk.export(month, tmp_path / format, format=format) == 0
    assert pq.read_table(tmp_path / "parquet").num_rows == 0
    assert (tmp_path / "csv").read_text().count("\n") == 1


# Tables


def costs(**services: str) -> list[Charge]:
    return [charge(cost, on="2026-05-02", x_Connection="a", ServiceName=name) for name, cost in services.items()]


def june(**services: str) -> list[Charge]:
    return [{**charge(cost, on="2026-06-02", x_Connection="a", ServiceName=name)} for name, cost in services.items()]


def test_a_table_has_total_change_and_share_of_each_group_even_of_one_that_is_gone(small: Shop) -> None:
    small.bring(MAY, "d5", costs(web="10", gone="5", same="1"))
    small.bring(JUNE, "d6", june(web="12.5", new="6.5", same="1"))
    asked = Question(by=("ServiceName",), start=date(2026, 6, 1), end=date(2026, 6, 30), compare=True)
    told = small.desk().table(asked).as_dict()
    assert told["totals"] == [
        {"currency": "USD", "cost": "20", "share": "100", "before": "16", "change": "4", "change_percent": "25"}
    ]
    columns = ("ServiceName", "cost", "before", "change", "change_percent", "share")
    rows = [[row[name] for name in columns] for row in told["rows"]]
    assert rows == [
        ["web", "12.5", "10", "2.5", "25", "62.5"],
        ["new", "6.5", "0", "6.5", None, "32.5"],
        ["same", "1", "1", "0", "0", "5"],
        ["gone", "0", "5", "-5", "-100", "0"],
    ]
    assert [line.values[0] for line in small.desk().table(asked).movers(2)] == ["new", "gone"]


def test_a_table_without_comparing_tells_of_no_change(shop: Shop) -> None:
    row = shop.desk().table(Question(by=("ServiceName",))).as_dict()["rows"][0]
    assert set(row) == {"ServiceName", "currency", "cost", "share"}


def test_past_ten_thousand_values_a_table_has_the_dearest_and_one_remainder(small: Shop) -> None:
    count = MAX_VALUES + 5
    rows = [
        charge(str(number), on="2026-05-02", x_Connection="a", ResourceId=f"r{number:06}") for number in range(count)
    ]
    small.bring(MAY, "d1", rows)
    question = Question(by=("ResourceId",), start=date(2026, 5, 1), end=date(2026, 5, 31), compare=True)
    table = small.desk().table(question)
    assert len(table.lines) == MAX_VALUES + 1
    assert (table.lines[-1].is_remainder, table.lines[-1].amount) == (True, Decimal(0 + 1 + 2 + 3 + 4))
    assert sum(line.amount for line in table.lines) == table.totals[0].amount == sum(range(count))
    answer = small.desk().ask(question)
    assert len(answer.rows) == MAX_VALUES + 1
    assert answer.totals == {"USD": Decimal(sum(range(count)))}


def test_an_answer_of_many_periods_names_fewer_groups_and_still_adds_up(small: Shop) -> None:
    rows = [
        charge(str(number), on=f"2026-05-02T{number % 24:02}:00", x_Connection="a", ResourceId=f"r{number:06}")
        for number in range(200)
    ]
    small.bring(MAY, "d1", rows)
    hours = Question(by=("ResourceId",), granularity="hour", start=date(2026, 5, 1), end=date(2026, 5, 31))
    answer = small.desk().ask(hours)
    assert len({row.values for row in answer.rows if not row.is_remainder}) == MAX_AMOUNTS // (31 * 24) == 134
    assert any(row.is_remainder for row in answer.rows)
    assert answer.totals == {"USD": Decimal(sum(range(200)))}
    assert len({row.values for row in small.desk().ask(replace(hours, granularity="month")).rows}) == 200


def test_an_answer_that_is_too_large_even_so_is_refused_with_what_to_ask_instead(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outlay.costs.answer.MOST_ROWS", 5)
    with pytest.raises(UsageError, match="more than 5 amounts") as told:
        shop.desk().ask(Question(by=("ServiceName",), granularity="day"))
    assert "smaller top" in told.value.next


# Values and keys


def test_values_are_found_by_a_part_of_them_in_capitals_or_not_dearest_first(shop: Shop) -> None:
    found = shop.desk().values("ServiceName", search="S", limit=50)
    assert {each.value for each in found} == {"s0", "s1", "s2", "s3"}
    usd = [each.amount for each in found if each.unit == "USD"]
    assert usd == sorted(usd, reverse=True)
    assert len(shop.desk().values("ServiceName", limit=1)) == 2  # one in each currency


def test_values_within_a_question_keep_its_other_filters_but_not_those_on_the_column(shop: Shop) -> None:
    within = Question(filters=(Filter("ServiceName", "=", "s0"), Filter("SubAccountId", "=", "1")))
    assert {each.value for each in shop.desk().values("SubAccountId", within=within)} == {"0"}
    assert {each.value for each in shop.desk().values("ServiceName", within=within)} == {"s1", "s3"}


def test_values_of_a_tag_and_of_a_column_that_is_no_text_can_be_searched_too(shop: Shop) -> None:
    assert {each.value for each in shop.desk().values("Tags.team", search="T1")} == {"t1"}
    assert {each.value for each in shop.desk().values("x_SourceRow", search="29")} == {"29"}
    assert None in {each.value for each in shop.desk().values("Tags.team")}


def test_values_and_keys_that_cannot_be_listed_are_told(shop: Shop) -> None:
    desk = shop.desk()
    with pytest.raises(UnknownName):
        desk.values("Nothing")
    with pytest.raises(UsageError, match="501 values"):
        desk.values("ServiceName", limit=501)
    with pytest.raises(UsageError, match="has no keys"):
        desk.keys("ServiceName")


# Single charges


def test_charges_come_a_page_at_a_time_each_once_the_dearest_first(shop: Shop) -> None:
    desk, question = shop.desk(), Question(filters=(Filter("BillingCurrency", "=", "USD"),))
    columns = ["EffectiveCost", "x_SourceRow", "x_BillingPeriod"]
    pages = [desk.charges(question, columns=columns, offset=offset, limit=40) for offset in range(0, 240, 40)]
    rows = [tuple(row.items()) for page in pages for row in page.rows]
    amounts = [dict(row)["EffectiveCost"] for row in rows]
    assert amounts == sorted(amounts, reverse=True)
    assert sum(amounts) == desk.ask(question).totals["USD"]
    assert [page.has_more for page in pages] == [len(rows) > 40 * number for number in range(1, 7)]


def test_each_currency_of_charges_has_its_own_order(shop: Shop) -> None:
    page = shop.desk().charges(Question(), limit=200)
    currencies = [row["BillingCurrency"] for row in page.rows]
    assert currencies == sorted(currencies)


def test_a_charge_has_every_column_and_its_values_as_json(shop: Shop) -> None:
    asked = Question(filters=(Filter("ServiceName", "=", "=evil"),))
    page = shop.desk().charges(asked, columns=["*"]).as_dict()
    (row,) = page["rows"]
    assert len(row) == len(COLUMNS)
    assert (row["ChargePeriodStart"], row["EffectiveCost"], row["Tags"]) == ("2026-06-03T00:00:00Z", "5", {"=k": "@v"})
    assert (row["RegionId"], row["x_SourceRow"], page["more"]) == (None, 1, False)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"limit": 0}, "1 to 200"),
        ({"limit": 201}, "1 to 200"),
        ({"offset": -1}, "export"),
        ({"offset": LAST - 49}, "export"),
        ({"columns": ["Nothing"]}, "ServiceName"),
    ],
)
def test_a_page_that_cannot_be_shown_is_told(shop: Shop, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as told:
        shop.desk().charges(Question(), **asked)
    assert said in told.value.next


def test_exported_charges_are_exact_and_harmless_in_a_spreadsheet(shop: Shop, tmp_path: Path) -> None:
    desk, question = shop.desk(), Question(categories=("Usage", "Credit"))
    columns = ["ServiceName", "ChargePeriodStart", "EffectiveCost", "BillingCurrency", "Tags", "RegionId"]
    count = desk.export(question, tmp_path / "c.csv", columns=columns)
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))
    assert len(rows) == count
    total = sum(Decimal(row["EffectiveCost"]) for row in rows if row["BillingCurrency"] == "USD")
    assert total == desk.ask(question).totals["USD"]
    (evil,) = [row for row in rows if "evil" in row["ServiceName"]]
    assert (evil["ServiceName"], evil["EffectiveCost"], evil["RegionId"]) == ("'=evil", "5", "")
    assert (evil["ChargePeriodStart"], evil["Tags"]) == ("2026-06-03T00:00:00Z", '{"=k": "@v"}')
    (credit,) = [row for row in rows if row["ServiceName"] == "credit"]
    assert credit["EffectiveCost"] == "-2.5"
    assert desk.export(question, tmp_path / "c.parquet", format="parquet", columns=columns) == count
    parquet = pq.read_table(tmp_path / "c.parquet")
    assert parquet.column_names == columns
    assert "=evil" in parquet["ServiceName"].to_pylist()


TINY = [f"{sign}{digits}E-{places}" for sign in ("", "-") for digits in ("1", "20", "123") for places in range(1, 19)]
EXACT = ["0", "0E-18", "-0.5", "100", "10.10", "99999999999999999999.999999999999999999", *TINY]


def test_exported_amounts_are_written_out_to_their_last_place_however_small(small: Shop, tmp_path: Path) -> None:
    rows = [charge(cost, on="2026-05-02", x_Connection="a", x_SourceRow=place) for place, cost in enumerate(EXACT)]
    small.bring(MAY, "d1", [*rows, charge(on="2026-05-02", x_Connection="a", x_SourceRow=-1, ConsumedQuantity=None)])
    desk, columns = small.desk(), ["x_SourceRow", "BilledCost", "ConsumedQuantity"]
    for format in ("csv", "parquet"):
        desk.export(Question(), tmp_path / format, format=format, columns=columns)
    told = {int(row["x_SourceRow"]): row for row in csv.DictReader((tmp_path / "csv").read_text().splitlines())}
    exact = {row["x_SourceRow"]: row["BilledCost"] for row in pq.read_table(tmp_path / "parquet").to_pylist()}
    assert {number: Decimal(row["BilledCost"]) for number, row in told.items()} == exact
    assert not any("E" in row["BilledCost"] for row in told.values())
    assert {row["ConsumedQuantity"] for row in told.values()} == {""}
    assert [told[place]["BilledCost"] for place in range(5)] == ["0", "0", "-0.5", "100", "10.1"]


def test_more_charges_than_a_file_takes_are_refused_before_any_is_written(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MOST_EXPORTED, "csv", 10)
    with pytest.raises(UsageError) as told:
        shop.desk().export(Question(), tmp_path / "c.csv")
    assert told.value.field == "format"
    assert not (tmp_path / "c.csv").exists()
    with pytest.raises(UsageError, match="no format 'xlsx'"):
        shop.desk().export(Question(), tmp_path / "c.xlsx", format="xlsx")


def test_an_answer_is_written_as_parquet(shop: Shop, tmp_path: Path) -> None:
    answer = shop.desk().ask(Question(by=("ServiceName",)))
    with (tmp_path / "a.parquet").open("wb") as out:
        answer.write_parquet(out)
    assert pq.read_table(tmp_path / "a.parquet") == answer.to_arrow()


ODD = ["a'b", "'", "''", "\\'", "\ue0000\ue001", "\ue0001\ue001", "'\ue0001\ue001'", "$p0", "\\", "é"]


def test_questions_with_other_texts_are_one_query_and_each_gets_its_own_answer(small: Shop) -> None:
    small.bring(MAY, "d1", [charge(str(1 << place), on="2026-05-02", RegionId=odd) for place, odd in enumerate(ODD)])
    desk = small.desk()
    for place, odd in enumerate(ODD):
        answer = desk.ask(Question.parse(by=["RegionId"], where=[f"RegionId={odd}", f"ServiceName!={ODD[place - 1]}"]))
        assert [(row.values, row.amount) for row in answer.rows] == [((odd,), Decimal(1 << place))]
        table = desk.table(Question.parse(by=["RegionId"], where=[f"RegionId!={odd}"]))
        assert sum(line.amount for line in table.lines) == (1 << len(ODD)) - 1 - (1 << place)
