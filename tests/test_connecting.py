"""What pages and the API do with connections, without either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay import connecting
from outlay.app import Outlay
from outlay.errors import Busy, UnknownName, UsageError
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.cli.drops import Drops
from tests.ingest.bills import FOCUS_ROW
from tests.ingest.world import as_csv
from tests.services.s3 import S3

KEY = ("AKIAEXAMPLEEXAMPLE42", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYverysecretKEY")


@pytest.fixture
def o(tmp_path: Path) -> Iterator[Outlay]:
    with outlay.open(threads=1, folders=(tmp_path,)) as opened:
        yield opened


@pytest.fixture
def drops(o: Outlay, tmp_path: Path) -> Drops:
    """Of the connection `acme`."""
    folder = tmp_path / "acme"
    made = Drops(open_place(str(folder), create=True), folder)
    connecting.add(o, NewConnection("acme", "anycost", str(folder), "Acme Cloud"), by="ada")
    return made


def test_every_broken_rule_is_told_at_once_by_its_field(o: Outlay, drops: Drops) -> None:
    new = NewConnection(
        "acme", "anycost", "s3://bucket", "", currency="usd", expect_every="x", role_arn="x", check_every="1"
    )
    found = connecting.faults(o, new)
    assert set(found) == {"name", "location", "cloud_provider", "currency", "expect_every", "role_arn", "check_every"}
    assert all(error.next and error.field == field for field, error in found.items())


def test_a_test_keeps_nothing(o: Outlay, drops: Drops, tmp_path: Path) -> None:
    drops.drop("2026-05", ["1"])
    found = connecting.test(o, NewConnection("other", "anycost", str(drops.folder), "Acme"))
    assert (found.is_well, found.months) == (True, ("2026-05",))
    assert [view.row.name for view in o.connections()] == ["acme"]
    assert connecting.test_again(o, "acme").is_well


def loose(folder: Path, number: int) -> NewConnection:
    """FOCUS files of as many months, none in a folder of its own."""
    folder.mkdir()
    for ago in range(number):
        period = BillingPeriod(2026, 5).shift(-ago)
        bounds = {"BillingPeriodStart": period.start.isoformat(), "BillingPeriodEnd": period.end.isoformat()}
        (folder / f"{number:03}-{ago:03}.csv").write_bytes(as_csv([{**FOCUS_ROW, **bounds}]))
    return NewConnection(f"loose-{number}", "focus", str(folder), "Acme Cloud")


def test_tests_at_once_each_find_their_own_months(o: Outlay, tmp_path: Path) -> None:
    _ = o.memory
    places = [loose(tmp_path / f"loose{number}", number) for number in (1, 2, 3, 4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda new: connecting.test(o, new), places))
    assert [(each.is_well, len(each.months)) for each in found] == [(True, number) for number in (1, 2, 3, 4)]
    assert "engine" not in o.__dict__


def periods_step(found: Any) -> Any:
    return next(step for step in found.steps if step.name == "periods")


def test_a_test_looks_into_a_few_files_only(o: Outlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from outlay.ingest import glance

    new = loose(tmp_path / "loose", 6)
    monkeypatch.setattr(glance, "FILES", 4)
    found = connecting.test(o, new)
    assert (found.is_well, len(found.months)) == (True, 4)
    assert "2 files were not looked into" in periods_step(found).said
    monkeypatch.setattr(glance, "SECONDS", -1.0)
    found = connecting.test(o, new)
    assert (found.is_well, found.months) == (True, ())
    assert "6 files were not looked into" in periods_step(found).said


def test_a_test_too_many_is_told_to_come_again(o: Outlay, drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outlay.app._WAIT_TO_TRY", 0.01)
    with o.trying(), o.trying(), pytest.raises(Busy, match="being tested"):
        connecting.test_again(o, "acme")
    assert connecting.test_again(o, "acme").steps


def test_a_report_given_as_its_bucket_is_told_when_it_is_tried(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a good name of a bucket, but of one that is not there."""
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    with outlay.open(threads=1, s3_endpoint=s3.endpoint) as o:
        for export, is_told in (("daily-cur", True), ("another", False)):
            found = connecting.test(o, NewConnection("payer", "aws", "s3://daily-cur/x", export=export))
            (failed,) = [step for step in found.steps if step.state == "failed"]
            assert "does not exist" in failed.said
            assert ("given as bucket and as report" in failed.next) == is_told


def test_a_folder_that_became_a_way_out_is_read_no_more(o: Outlay, tmp_path: Path, drops: Drops) -> None:
    drops.drop("2026-05", ["1"])
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    drops.folder.rename(elsewhere)
    drops.folder.symlink_to(elsewhere)
    (result,) = o.ingest(["acme"])
    assert result.outcome == "failed"
    assert "outside" in result.findings[0].message


def test_a_link_in_a_folder_that_leads_out_is_not_read(o: Outlay, drops: Drops, tmp_path: Path) -> None:
    drops.drop("2026-05", ["1"])
    outside = tmp_path.parent / f"{tmp_path.name}-outside.csv"
    outside.write_text("not for you")
    (drops.folder / "20260501-20260601" / "d1" / "b.csv").symlink_to(outside)
    (result,) = o.ingest(["acme"])
    assert result.outcome == "failed"
    assert "leads out" in result.findings[0].message
    assert "not for you" not in str(result.findings)


def asked(look: Callable[[], Any]) -> int:
    """How many questions the database is asked."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        look()
    return len(queries)


def test_many_connections_and_runs_ask_as_much_as_one(o: Outlay, drops: Drops, tmp_path: Path) -> None:
    from outlay.state import changes

    def look() -> None:
        found, has_costs = connecting.summaries(o)
        assert (len(found), has_costs) == (len(o.connections()), True)
        changes.note_all(datetime.now(UTC))
        view = connecting.period(o, "acme", "2026-05")
        connecting.deliveries(o, "acme", view)
        connecting.compare(o, "acme", view, view.delivery or "", view.delivery or "")

    def brings(name: str, *costs: str, drop: str = "d1") -> None:
        if name != "acme":
            connecting.add(o, NewConnection(name, "anycost", str(tmp_path / name), "Acme Cloud"))
        place = open_place(str(tmp_path / name), create=True)
        Drops(place, tmp_path / name).drop("2026-05", list(costs), drop)

    brings("acme", "1")
    brings("bad", "x")
    list(o.ingest())
    look()
    before = asked(look)
    brings("acme", "2", drop="d2")
    brings("more", "5", "6")
    brings("worse", "x")
    list(o.ingest())
    statuses = {view.row.name: view.status.status for view in o.connections()}
    assert statuses == {"acme": "healthy", "more": "healthy", "bad": "failing", "worse": "failing"}
    assert asked(look) == before
    found, _ = connecting.summaries(o)
    assert {name: (each.rows, bool(each.delivered_at)) for name, each in found.items()} == {
        "acme": (1, True),
        "more": (2, True),
        "bad": (0, False),
        "worse": (0, False),
    }


def test_two_deliveries_are_compared_whichever_is_live(o: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["100", "20"])
    list(o.ingest())
    drops.drop("2026-05", ["100", "25", "1"], "d2")
    list(o.ingest())
    view = connecting.period(o, "acme", "2026-05")
    found = connecting.compare(o, "acme", view, view.earlier[0], view.delivery or "")
    assert [(each.name, each.change) for each in found.services] == [("Storage", Decimal(5)), ("Network", Decimal(1))]
    assert [(each.before, each.after) for each in found.totals] == [(Decimal(120), Decimal(126))]
    assert found.unchanged == 1
    connecting.make_live(o, "acme", "2026-05", view.earlier[0], by="ada")
    back = connecting.compare(o, "acme", connecting.period(o, "acme", "2026-05"), view.delivery or "", view.earlier[0])
    assert [each.change for each in back.totals] == [-6]
    assert [(each.who, each.what) for each in connecting.acts(o, "acme", month="2026-05")] == [("ada", "reverted")]
    with pytest.raises(UnknownName, match="not kept"):
        connecting.compare(o, "acme", view, "nothing", view.delivery or "")


def test_an_invoice_on_paper_is_kept_exactly_and_explained(o: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["100", "20.005"], bill__invoice_id="INV-1")
    list(o.ingest())
    connecting.enter_invoice(o, "acme", "2026-05", "INV-1", "USD", "100.00", by="ada")
    connecting.enter_invoice(o, "acme", "2026-05", "INV-2", "USD", "123456789012345678.91", by="ada")
    one, two = connecting.invoices(o, "acme", connecting.period(o, "acme", "2026-05"))
    assert (one.number, one.charges, one.difference) == ("INV-1", Decimal("120.005"), Decimal("20.01"))
    assert [part.value for part in one.parts if part.is_it] == ["Storage"]
    assert (two.charges, two.on_paper) == (Decimal(0), Decimal("123456789012345678.91"))
    connecting.enter_invoice(o, "acme", "2026-05", "INV-2", "USD", "", by="ada")
    assert len(connecting.invoices(o, "acme", connecting.period(o, "acme", "2026-05"))) == 1


def test_a_move_that_cannot_be_done_changes_nothing(o: Outlay, drops: Drops, tmp_path: Path) -> None:
    new = NewConnection("acme-2", "anycost", str(tmp_path), "Acme Cloud")
    with pytest.raises(UsageError, match="not a month") as told:
        connecting.move(o, "acme", new, "June")
    assert told.value.field == "month"
    o.set_counted("acme", "2026-06", "")
    with pytest.raises(UsageError, match="counts from 2026-06 on only"):
        connecting.move(o, "acme", new, "2026-05")
    assert [view.row.name for view in o.connections()] == ["acme"]
    assert o.connection("acme").row.paused_at is None


def test_a_move_takes_the_access_along_and_its_month_can_be_changed(o: Outlay, tmp_path: Path) -> None:
    old = NewConnection(
        "acme", "anycost", "s3://bucket/a", "Acme", access_key_id=KEY[0], secret_access_key=KEY[1], expect_every=24
    )
    connecting.add(o, old)
    new = replace(old, name="acme-2", location="s3://bucket/b", access_key_id="", secret_access_key="")
    connecting.move(o, "acme", new, "2026-06", keeps_access=True, untested=True, by="ada")
    assert o.connection("acme-2").access_key == "…LE42"
    assert (o.connection("acme").row.count_to, o.connection("acme-2").row.count_from) == ("2026-05", "2026-06")
    assert o.connection("acme").status.status == "pending-data"
    connecting.change_month(o, "acme-2", "2026-05")
    assert (o.connection("acme").row.count_to, o.connection("acme-2").row.count_from) == ("2026-04", "2026-05")
    (move,) = connecting.moves(o, "acme")
    assert (move.old, move.new, move.month, move.overlaps) == ("acme", "acme-2", "2026-05", ())


def test_the_place_of_a_connection_is_not_changed_and_the_way_is_told(o: Outlay, drops: Drops) -> None:
    from outlay.state.changing import Settings

    with pytest.raises(UsageError, match="stay where they are") as told:
        connecting.change(o, "acme", Settings("s3://other/place", "Acme Cloud"))
    assert "pause this one" in told.value.next


def test_an_export_is_named_while_there_is_none_or_it_is_not_found(o: Outlay) -> None:
    from outlay.findings import finding
    from outlay.ingest.result import RunResult
    from outlay.state.changing import Settings
    from outlay.state.models import Connection

    def wants(export: str | None) -> list[str]:
        return connecting.change(o, "payer", Settings("s3://bucket/a", export=export), by="ada")

    connecting.add(o, NewConnection("payer", "aws", "s3://bucket/a"))
    Connection.objects.filter(name="payer").update(next_check_at="2999-01-01T00:00:00Z")
    assert wants("daily") == ["export"]
    assert o.connection("payer").row.next_check_at is None
    with pytest.raises(UsageError, match="brings in the export daily") as told:
        wants("hourly")
    assert told.value.field == "export"
    with pytest.raises(UsageError, match="brings in the export daily"):
        o.set_export("payer", "")
    assert (wants("daily"), wants(None)) == ([], [])
    missing = finding("export-not-found", location="s3://bucket/a", export="daily", exports="hourly")
    o.memory.record(RunResult("payer", "rejected", findings=(missing,)))
    assert "connections set --export" in o.connection("payer").status.next
    assert wants("hourly") == ["export"]
    assert o.connection("payer").row.export == "hourly"


def test_access_is_changed_as_a_whole_and_the_old_secret_goes(o: Outlay) -> None:
    connecting.add(
        o, NewConnection("payer", "aws", "s3://bucket/a", access_key_id=KEY[0], secret_access_key=KEY[1]), by="ada"
    )
    from outlay.state.changing import Settings
    from outlay.state.models import Connection

    role = "arn:aws:iam::123456789012:role/outlay"
    wanted = Settings("s3://bucket/a", check_every="30", keeps_access=False, role_arn=role)
    changed = connecting.change(o, "payer", wanted, untested=True, by="ada")
    assert changed == ["how often it is checked", "access"]
    row = Connection.objects.get(name="payer")
    assert (row.role_arn, row.access_key_id, row.secret) == (role, "", "")
    assert KEY[1] not in " ".join(each.sentence for each in connecting.acts(o, "payer"))


def test_what_was_done_to_an_earlier_connection_of_the_name_is_not_told(o: Outlay, drops: Drops) -> None:
    connecting.pause(o, "acme", by="ada")
    connecting.remove(o, "acme", by="ada")
    connecting.add(o, NewConnection("acme", "anycost", str(drops.folder), "Acme Cloud"), by="bob")
    assert [(each.who, each.what) for each in connecting.acts(o, "acme")] == [("bob", "added")]
