"""AnyCost drops from a folder and a real S3 API: what the documents say, and what Outlay does where they are silent."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from outlay.lake import Partition
from outlay.period import BillingPeriod
from tests.ingest.world import MAY, World, as_csv, row
from tests.services.s3 import S3

JUNE = MAY.next()


def test_a_drop_becomes_charges_that_add_up_to_the_bill(anywhere: World) -> None:
    anywhere.drop([row("12"), row("20.5"), row("-2.25", lineitem__type="Credit")])
    result = anywhere.one()
    assert (result.outcome, result.state) == ("committed", "unknown")
    assert result.reconciliation is not None
    assert result.reconciliation.holds
    assert result.reconciliation.sums["USD"]["BilledCost"] == (Decimal("30.25"), Decimal("30.25"))
    assert anywhere.total() == Decimal("30.25")


def test_a_check_that_finds_nothing_new_writes_nothing(anywhere: World) -> None:
    anywhere.drop([row("12")])
    anywhere.one()
    before = anywhere.lake.table().metadata_location
    assert anywhere.one().outcome == "unchanged"
    assert anywhere.lake.table().metadata_location == before


def test_a_check_that_finds_nothing_new_lists_once_and_reads_nothing(s3: S3, anywhere: World) -> None:
    if anywhere.place.location.is_folder:
        pytest.skip("a folder has no requests to count")
    anywhere.drop([row("12")])
    anywhere.one()
    with s3.recorded() as requests:
        anywhere.one()
    assert [request.kind for request in requests] == ["ListObjectsV2"]


def test_a_new_drop_replaces_the_whole_period(anywhere: World) -> None:
    anywhere.drop([row("12"), row("1")])
    anywhere.one()
    anywhere.drop([row("5")], "d2")
    assert anywhere.one().outcome == "committed"
    assert anywhere.total() == Decimal(5)


def test_a_new_drop_is_ignored_until_the_manifest_names_it(anywhere: World) -> None:
    anywhere.drop([row("12")])
    anywhere.one()
    anywhere.place.write(f"{MAY.id}/d2/a.csv.gz", gzip.compress(as_csv([row("99")])))
    assert anywhere.one().outcome == "unchanged"
    assert anywhere.total() == Decimal(12)


def test_pointing_the_manifest_back_reverts(anywhere: World) -> None:
    for drop_id, cost in (("d1", "12"), ("d2", "5")):
        anywhere.drop([row(cost)], drop_id)
        anywhere.one()
    anywhere.point("d1")
    assert anywhere.one().outcome == "committed"
    assert anywhere.total() == Decimal(12)


def test_other_periods_are_untouched(anywhere: World) -> None:
    anywhere.drop([row("12")])
    anywhere.drop([{**row("7"), "time/usage_start": "2026-06-01"}], period=JUNE)
    assert [result.outcome for result in anywhere.check()] == ["committed", "committed"]
    anywhere.drop([row("3")], "d2")
    outcomes = {result.period: result.outcome for result in anywhere.check()}
    assert outcomes == {MAY: "committed", JUNE: "unchanged"}
    assert anywhere.total() == Decimal(10)


def test_periods_are_brought_in_newest_first(world: World) -> None:
    for number in range(1, 5):
        period = BillingPeriod(2026, number)
        world.drop([{**row("1"), "time/usage_start": f"2026-{number:02}-02"}], period=period)
    assert [result.period.month_number for result in world.check() if result.period] == [4, 3, 2, 1]


def test_a_drop_with_a_header_alone_empties_the_period_and_says_so(anywhere: World) -> None:
    anywhere.drop([row("12")])
    anywhere.one()
    anywhere.drop([], "d2")
    result = anywhere.one()
    assert (result.outcome, [each.code for each in result.findings]) == ("committed", ["period-emptied"])
    assert anywhere.lake.live() == {}
    assert anywhere.one().outcome == "unchanged"


def test_a_drop_of_several_files_is_one_delivery(anywhere: World) -> None:
    anywhere.place.write(f"{MAY.id}/d1/b.csv.gz", gzip.compress(as_csv([row("2", resource__account="b")])))
    anywhere.drop([row("1", resource__account="a")])
    result = anywhere.one()
    assert result.reconciliation is not None
    assert (result.reconciliation.rows_in, anywhere.total()) == (2, Decimal(3))
    assert [(each["x_SourceFile"].rpartition("/")[2], each["x_SourceRow"]) for each in anywhere.rows()] == [
        ("a.csv.gz", 1),
        ("b.csv.gz", 1),
    ]


def test_files_with_different_columns_come_in_together(world: World) -> None:
    world.place.write(
        f"{MAY.id}/d1/b.csv.gz", gzip.compress(as_csv([{**row("2"), "resource/tag:x": "y", "resource/id": "r"}]))
    )
    world.drop([row("1")])
    assert world.one().outcome == "committed"
    assert [each["Tags"] and dict(each["Tags"]) for each in world.rows()] == [None, {"x": "y"}]


def test_a_drop_of_which_nothing_exists_keeps_the_live_data(anywhere: World) -> None:
    anywhere.drop([row("12")])
    anywhere.one()
    anywhere.point("gone")
    result = anywhere.one()
    assert (result.outcome, [each.code for each in result.findings]) == ("rejected", ["drop-not-found"])
    assert anywhere.total() == Decimal(12)


def test_a_missing_drop_can_be_accepted_as_empty(world: World) -> None:
    world.drop([row("12")])
    world.one()
    world.point("gone")
    (result,) = world.check(accept_empty=True)
    assert result.outcome == "committed"
    assert world.lake.live() == {}


def test_a_rejected_delivery_is_not_fetched_again(anywhere: World) -> None:
    anywhere.drop([row("12"), row("one dollar")])
    assert anywhere.one().outcome == "rejected"
    assert anywhere.one().outcome == "unchanged"
    assert anywhere.lake.live() == {}


def test_a_bad_delivery_changes_nothing_and_leaves_an_empty_spool(anywhere: World) -> None:
    anywhere.drop([row("12")])
    anywhere.one()
    anywhere.drop([row("1"), row("2"), row("1e3")], "d2")
    result = anywhere.one()
    (told,) = result.findings
    assert (told.code, told.row, told.column, told.value) == ("number-invalid", 3, "cost/cost", "1e3")
    assert told.file is not None
    assert told.file.endswith("d2/a.csv.gz")
    assert "1e3" in told.message
    assert told.next
    assert anywhere.total() == Decimal(12)
    assert [each.name for each in anywhere.settings.spool.iterdir() if not each.name.startswith("duckdb")] == []


def test_an_invoice_id_on_every_row_makes_the_period_final(world: World) -> None:
    world.drop([row("1", bill__invoice_id="I-1"), row("2", bill__invoice_id="")])
    assert world.one().state == "estimated"
    world.drop([row("1", bill__invoice_id="I-1"), row("2", bill__invoice_id="I-1")], "d2")
    assert world.one().state == "final"


def test_the_delivery_is_named_in_the_lake(world: World) -> None:
    world.drop([row("1")])
    result = world.one()
    live = world.lake.live()[Partition("acme", MAY)]
    assert live.delivery == result.delivery
    assert {each["x_Delivery"] for each in world.rows()} == {result.delivery}


def test_a_lake_that_lost_a_period_gets_it_again(world: World) -> None:
    world.drop([row("12")])
    done = world.one()
    world.lake.replace(Partition("acme", MAY), "lost", [], expected=done.delivery)
    assert world.one().outcome == "committed"
    assert world.total() == Decimal(12)
