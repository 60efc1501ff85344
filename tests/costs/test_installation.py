"""Questions to a whole installation: bills in by `ingest`, roll-ups with them, answers for many threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connections

import outlay
from outlay.app import Outlay
from outlay.costs.question import Question
from outlay.costs.rollup import SMALLEST
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.ingest.world import put_drop, row
from tests.services.s3 import S3


class Acme:
    """An installation with one AnyCost connection."""

    def __init__(self, folder: Path) -> None:
        self.place = open_place(str(folder / "bills" / "acme"), create=True)
        self.o: Outlay = outlay.open(home=folder / "home", threads=1)
        self.o.add(NewConnection("acme", "anycost", str(folder / "bills" / "acme"), "Acme Cloud"))

    def bring(self, drop: str, *costs: str) -> str:
        put_drop(self.place, [row(cost) for cost in costs], drop)
        assert [result.outcome for result in self.o.ingest()] == ["committed"]
        delivery = self.o.periods("acme")[0].delivery
        assert delivery
        return delivery


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Acme]:
    made = Acme(tmp_path)
    yield made
    made.o.close()


SERVICES = Question(by=("ServiceName",))
# As many charges as a bill must have to get roll-ups.
MANY = SMALLEST


def test_each_delivery_has_roll_ups_of_its_own_and_a_revert_has_those_of_its_delivery(acme: Acme) -> None:
    first = acme.bring("d1", *["1.25"] * MANY)
    assert acme.o.lake.rolled_up() == set()
    assert acme.o.ask(SERVICES).totals == {"USD": Decimal("1.25") * MANY}
    assert [connection for connection, _ in acme.o.roll_up()] == ["acme"]
    assert {delivery for _, delivery in acme.o.lake.rolled_up()} == {first}
    assert acme.o.ask(SERVICES).totals == {"USD": Decimal("1.25") * MANY}
    second = acme.bring("d2", *["2"] * MANY)
    assert [connection for connection, _ in acme.o.roll_up()] == ["acme"]
    assert {delivery for _, delivery in acme.o.lake.rolled_up()} == {first, second}
    assert acme.o.ask(SERVICES).totals == {"USD": Decimal(2) * MANY}
    acme.o.revert("acme", "2026-05", first)
    assert acme.o.ask(SERVICES).totals == {"USD": Decimal("1.25") * MANY}
    assert list(acme.o.roll_up()) == []


def test_roll_ups_that_fail_do_not_fail_the_bill_and_are_made_later(
    acme: Acme, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = acme.o.settings.home / "lake" / "rollups"
    in_the_way.write_text("no folder")
    acme.bring("d1", *["2"] * MANY)
    assert list(acme.o.roll_up()) == []
    assert "No roll-ups of acme" in caplog.text
    assert acme.o.ask(SERVICES).totals == {"USD": Decimal(2) * MANY}
    in_the_way.unlink()
    assert [connection for connection, _ in acme.o.roll_up()] == ["acme"]


def test_one_installation_answers_sixteen_threads_at_once_from_the_first_on(acme: Acme) -> None:
    acme.bring("d1", "1", "2")
    acme.o.close()
    fresh = outlay.open(home=acme.o.settings.home, threads=1)
    asked = [replace(SERVICES, top=number) for number in range(1, 33)]

    def total(question: Question) -> dict[str, Decimal]:
        try:
            return fresh.ask(question).totals
        finally:
            # As the site does at the end of a request.
            connections.close_all()

    with ThreadPoolExecutor(16) as threads:
        totals = list(threads.map(total, asked))
    assert totals == [{"USD": Decimal(3)}] * 32
    fresh.close()


def test_how_fresh_and_how_final_an_answer_is_comes_from_its_bills(acme: Acme) -> None:
    assert acme.o.freshness(SERVICES).newest is None
    acme.bring("d1", "1")
    told = acme.o.freshness(SERVICES)
    assert told.newest is not None
    assert (datetime.now(UTC) - told.newest).total_seconds() < 60
    assert [period.month for period in (*told.unknown, *told.estimated, *told.final)] == ["2026-05"]
    assert acme.o.freshness(Question(start=date(2026, 6, 1))).newest is None


def test_the_overview_is_asked_of_the_installation(acme: Acme) -> None:
    acme.bring("d1", "1", "2")
    (month,) = acme.o.overview(date(2026, 5, 31)).as_dict()["months"]
    assert (month["currency"], month["so_far"]) == ("USD", "3")


def test_charges_and_roll_ups_are_read_from_a_lake_on_s3(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OUTLAY_LAKE", s3.url("lake"))
    monkeypatch.setenv("OUTLAY_CATALOG", f"sqlite:///{tmp_path}/catalog.db")
    acme = Acme(tmp_path)
    acme.bring("d1", *["1.5"] * MANY)
    assert len(list(acme.o.roll_up())) == 1
    assert acme.o.lake.rolled_up()
    with s3.recorded() as requests:
        assert acme.o.ask(SERVICES).totals == {"USD": Decimal("1.5") * MANY}
    assert not any("/charges/" in request.path for request in requests)
    assert len(acme.o.desk.charges(SERVICES).rows) == 50
    acme.o.close()
