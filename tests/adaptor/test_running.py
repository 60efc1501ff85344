"""Runs of a mapping: what is read, where it goes, what a dry run shows, and when nothing is done."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outlay.adaptor import invoice as invoices
from outlay.adaptor.retrying import Retries
from outlay.adaptor.running import open_run
from outlay.errors import Changed, DeliveryError, NotFound, OutlayError, Overtaken, SetupError, Unavailable, UsageError
from outlay.period import BillingPeriod
from outlay.settings import Settings
from tests.adaptor.conftest import HEAD, USUAL, Bench
from tests.layouts.conftest import azure_shelf, folder_shelf, s3_shelf, shelf
from tests.layouts.shelf import Shelf

__all__ = ["azure_shelf", "folder_shelf", "s3_shelf", "shelf"]

MAPPING = f"{HEAD}{USUAL}"
BILL = "day,cost\n2026-05-01,1.5\n2026-06-01,2\n2026-05-02,0.25\n"


def test_each_month_goes_to_its_own_period(bench: Bench) -> None:
    bench.invoice(BILL)
    outcome = bench.run(MAPPING).publish()
    assert outcome.publication
    assert [(each.period.month, each.rows) for each in outcome.publication.drops] == [("2026-05", 2), ("2026-06", 1)]
    assert bench.made("cost/cost", "2026-06") == ["2"]


def test_one_month_can_be_taken_alone(bench: Bench) -> None:
    bench.invoice(BILL + "2026-06-01,nonsense\n")
    outcome = bench.run(MAPPING, period=BillingPeriod(2026, 5)).publish()
    assert outcome.publication
    assert [each.period.month for each in outcome.publication.drops] == ["2026-05"]
    assert outcome.other_months == 2


def test_a_dry_run_shows_first_rows_and_sums_and_writes_nothing(bench: Bench, outlay_home: Path) -> None:
    bench.invoice(BILL)
    found = bench.rule("resource/service: {value: Widgets}").rehearse().rehearsal
    assert found
    assert {period.month: each.sums for period, each in found.periods.items()} == {
        "2026-05": {"cost/cost": Decimal("1.75")},
        "2026-06": {"cost/cost": Decimal(2)},
    }
    assert (found.rows, found.cost) == (3, Decimal("3.75"))
    assert found.first[0] == {
        "time/usage_start": "2026-05-01T00:00:00Z",
        "cost/cost": "1.5",
        "resource/service": "Widgets",
    }
    assert not (bench.folder / "drops").exists()
    assert not (outlay_home / "adaptors").exists()


def test_a_dry_run_fails_as_the_run_would(bench: Bench) -> None:
    bench.invoice("day,cost\n2026-05-01,much\n")
    with pytest.raises(DeliveryError, match="cost/cost is 'much'"):
        bench.run(MAPPING).rehearse()
    bench.invoice("day,cost\n")
    with pytest.raises(UsageError, match="There are no rows to publish"):
        bench.run(MAPPING).rehearse()
    append = MAPPING.replace("to: drops", "to: drops, mode: append")
    bench.invoice(BILL)
    with pytest.raises(DeliveryError, match="lineitem/id is blank"):
        bench.run(append).rehearse()


def test_nothing_is_done_until_something_is_new(bench: Bench) -> None:
    bench.invoice(BILL)
    assert bench.run(MAPPING).publish().status == "published"
    assert bench.run(MAPPING).publish().status == "unchanged"
    assert bench.run(MAPPING, again=True).publish().status == "published"
    assert bench.run(MAPPING + "  resource/service: {value: x}\n").publish().status == "published"
    bench.invoice(BILL + "2026-05-03,7\n")
    again = MAPPING + "  resource/service: {value: x}\n"
    assert bench.run(again).publish().status == "published"
    assert bench.run(again).publish().status == "unchanged"
    assert bench.run(again, to=str(bench.folder / "elsewhere")).publish().status == "published"


def test_rows_that_come_again_count_once_with_append(bench: Bench) -> None:
    append = MAPPING.replace("to: drops", "to: drops, mode: append, key: lineitem/id") + "  lineitem/id: id\n"
    bench.invoice("day,cost,id\n2026-05-01,1,a\n2026-05-01,2,b\n")
    bench.run(append).publish()
    bench.invoice("day,cost,id\n2026-05-01,3,b\n2026-05-02,4,c\n")
    outcome = bench.run(append).publish()
    assert outcome.publication
    assert sorted(str(each) for each in bench.made("cost/cost")) == ["1", "3", "4"]
    assert (outcome.publication.drops[0].carried, outcome.publication.drops[0].replaced) == (1, 1)


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("delimiter: ;", b"day;cost;note\r\n2026-05-01;1;\"a;\r\nb\"\r\n\r\n"),
        ('delimiter: "\\t"', b"day\tcost\tnote\n2026-05-01\t1\ta;\r\nb".replace(b"a;\r\nb", b'"a;\r\nb"')),
        ("encoding: utf-16", "day,cost,note\n2026-05-01,1,\"a;\r\nb\"\n".encode("utf-16")),
        ("skip_lines: 2", b"\xef\xbb\xbfInvoice of May\nAcme,\nday,cost,note\n2026-05-01,1,\"a;\r\nb\""),
    ],
)  # fmt: skip
def test_csv_of_other_makes_is_read(bench: Bench, source: str, content: bytes) -> None:
    mapping = MAPPING.replace("from: in.csv", f"from: in.csv, {source}") + "  lineitem/description: note\n"
    (bench.folder / "in.csv").write_bytes(content)
    bench.run(mapping).publish()
    (row,) = bench.published()
    assert (row["cost/cost"], row["lineitem/description"].replace("\r", "")) == ("1", "a;\nb")
    gzipped = mapping.replace("in.csv", "in.csv.gz")
    (bench.folder / "in.csv.gz").write_bytes(gzip.compress(content))
    assert bench.run(gzipped).publish().status == "published"


@pytest.mark.parametrize(
    ("source", "content", "said"),
    [
        ("encoding: ascii", "day,cost\n2026-05-01,é\n".encode(), "it is not text in ascii"),
        ("delimiter: ;", b'day;cost\n2026-05-01;"1\n', "in.csv, row 1"),
        ("delimiter: ;", b"", "in.csv is empty"),
        ("delimiter: ','", b"day;cost\n2026-05-01;1\n", "in.csv is separated by ';', not by commas."),
        ("delimiter: ;", b"day;cost\n2026-05-01;1;2\n", "in.csv, row 1: 3 fields instead of 2."),
    ],
)
def test_csv_that_cannot_be_read_is_told(bench: Bench, source: str, content: bytes, said: str) -> None:
    (bench.folder / "in.csv").write_bytes(content)
    with pytest.raises(DeliveryError) as caught:
        bench.run(MAPPING.replace("from: in.csv", f"from: in.csv, {source}")).publish()
    assert said in caught.value.message


def parquet(bench: Bench, **columns: Any) -> None:
    pq.write_table(pa.table(columns), bench.folder / "in.parquet")


def test_parquet_keeps_its_decimals_times_and_maps(bench: Bench) -> None:
    tags = pa.array([[("app", "web")], None], pa.map_(pa.string(), pa.string()))
    parquet(
        bench,
        day=pa.array([1777809600_000_000, 1777809600_000_000], pa.timestamp("us", "Europe/Berlin")),
        cost=[Decimal("1.000000000000000001"), Decimal(2)],
        units=pa.array([3, None], pa.int64()),
        id=["r/1", "r/2"],
        tags=tags,
    )
    mapping = MAPPING.replace("in.csv", "in.parquet") + "  usage/amount: {sql: units::INTEGER * 2}\n  resource/id: id\n"
    bench.run(f"{mapping}tags_from:\n  - json: tags\n").publish()
    assert bench.published() == [
        {
            "time/usage_start": "2026-05-03T12:00:00Z",
            "cost/cost": "1.000000000000000001",
            "usage/amount": "6",
            "resource/id": "r/1",
            "resource/tag:app": "web",
        },
        {"time/usage_start": "2026-05-03T12:00:00Z", "cost/cost": "2", "resource/id": "r/2"},
    ]


def test_times_of_parquet_without_a_zone_are_in_that_of_the_rule(bench: Bench) -> None:
    noon = pa.array([1777809600_000_000], pa.timestamp("us"))
    parquet(bench, day=noon, other=noon.cast(pa.date32()), cost=["1"])
    mapping = MAPPING.replace("in.csv", "in.parquet").replace("day", "{column: day, zone: Europe/Berlin}")
    bench.run(f"{mapping}  time/usage_end: {{column: other, zone: Asia/Tokyo}}\n").publish()
    (row,) = bench.published()
    assert row["time/usage_start"] == "2026-05-03T10:00:00Z"
    assert row["time/usage_end"] == "2026-05-02T15:00:00Z"


def test_doubles_of_parquet_are_taken_when_the_mapping_says_so(bench: Bench) -> None:
    parquet(bench, day=["2026-05-01"], cost=[0.1], unused=[0.2], parts=[[1]])
    mapping = MAPPING.replace("in.csv", "in.parquet")
    with pytest.raises(DeliveryError, match=r"in\.parquet, row 1: cost is a float"):
        bench.run(mapping).publish()
    bench.run(mapping.replace("in.parquet", "in.parquet, floats: true")).publish()
    assert bench.made("cost/cost") == ["0.1"]
    with pytest.raises(DeliveryError, match="parts has the type list"):
        bench.run(mapping.replace("in.parquet", "in.parquet, floats: true") + "  lineitem/id: parts\n").publish()


def test_files_of_a_folder_are_read_in_order(bench: Bench) -> None:
    for name, cost in (("b/2.csv", 2), ("b/1.csv", 1), ("b/notes.txt", 9), ("b/old/3.csv", 3)):
        bench.invoice(f"day,cost\n2026-05-01,{cost}\n", name)
    folder = MAPPING.replace("in.csv", "b")
    bench.run(folder).publish()
    assert bench.made("cost/cost") == ["1", "2", "3"]
    bench.run(folder.replace("from: b", "from: b, files: '[12].csv'")).publish()
    assert bench.made("cost/cost") == ["1", "2"]


@pytest.mark.parametrize("name", ["nowhere", "nowhere.csv", "empty"])
def test_an_invoice_that_is_not_there_is_told(bench: Bench, name: str) -> None:
    (bench.folder / "empty").mkdir()
    with pytest.raises(UsageError, match="There is no file"):
        bench.run(MAPPING.replace("in.csv", name)).publish()


def test_invoice_and_drops_may_lie_in_a_bucket(bench: Bench, shelf: Shelf, settings: Settings) -> None:
    """From a folder, S3 and Azure, and to them."""
    shelf.place.write("invoices/may.csv", BILL.encode())
    root = str(shelf.place.location)
    for number, source in enumerate(("invoices", "invoices/may.csv")):
        path = bench.mapping(MAPPING)
        run = open_run(path, settings=settings, source=f"{root}/{source}", to=f"{root}/drops{number}")
        outcome = run.publish()
        assert outcome.publication
        assert [each.rows for each in outcome.publication.drops] == [2, 1]
        assert run.publish().status == "unchanged"


def test_a_place_that_fails_for_a_while_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.invoice(BILL)
    waited: list[float] = []
    errors: list[Exception] = [Unavailable("The network is down."), Changed("It changed.")]
    real = invoices.find

    def find(*given: Any) -> Any:
        if errors:
            raise errors.pop(0)
        return real(*given)

    monkeypatch.setattr("outlay.adaptor.running.find", find)
    run = replace(bench.run(MAPPING), retries=Retries(pause=waited.append))
    assert run.publish().status == "published"
    assert waited == [2.0, 4.0]
    for final in (NotFound("gone"), Overtaken("another was faster")):
        errors[:] = [final]
        with pytest.raises(type(final)):
            run.publish()
    errors[:] = [Unavailable("down")] * 3
    with pytest.raises(Unavailable):
        run.publish()
    assert waited == [2.0, 4.0, 2.0, 4.0]


def test_a_damaged_state_is_told(bench: Bench, outlay_home: Path) -> None:
    bench.invoice(BILL)
    bench.run(MAPPING).publish()
    path = outlay_home / "adaptors" / "m.json"
    assert json.loads(path.read_text())["versions"].keys() == {""}
    path.write_text("{}")
    with pytest.raises(SetupError, match=r"m\.json is damaged"):
        bench.run(MAPPING).publish()


def test_a_home_that_cannot_keep_the_state_is_told_before_anything_is_published(
    bench: Bench, outlay_home: Path
) -> None:
    bench.invoice(BILL)
    outlay_home.mkdir()
    (outlay_home / "adaptors").write_text("a file, where a folder is to be")
    with pytest.raises(OutlayError, match="adaptors"):
        bench.run(MAPPING).publish()
    assert not (bench.folder / "drops").exists()


def test_a_profile_is_asked_for_credentials(bench: Bench) -> None:
    """A name stands in the mapping, never a key; what has no such profile is told."""
    bench.invoice(BILL)
    mapping = MAPPING.replace("to: drops", "to: s3://some-bucket/drops, profile: nobody")
    with pytest.raises(OutlayError, match="nobody"):
        bench.run(mapping).publish()


def test_what_is_read_lies_in_the_bucket_untouched(bench: Bench, s3_shelf: Shelf, settings: Settings) -> None:
    s3_shelf.place.write("in/may.csv", BILL.encode())
    run = open_run(bench.mapping(MAPPING), settings=settings, source=f"{s3_shelf.place.location}/in")
    run.publish()
    assert [file.path for file in s3_shelf.place.list()] == ["in/may.csv"]


@pytest.mark.parametrize(("source", "to"), [(".", "drops"), ("b", "b"), ("s3://bills/oci", "s3://bills/oci/drops")])
def test_drops_may_not_lie_among_the_files_of_the_invoice(bench: Bench, source: str, to: str) -> None:
    with pytest.raises(UsageError, match="would lie among the files of the invoice"):
        bench.run(MAPPING.replace("in.csv", source).replace("to: drops", f"to: {to}"))
