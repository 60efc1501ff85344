"""Files of CBF are checked as an ingest reads them: what it would reject, what it would warn of, and more."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay.engine import Engine, Input, open_engine
from outlay.findings import Finding
from outlay.formats.cbf_lint import CbfLint
from outlay.ingest.checking import CheckResult, check_files
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import open_place
from tests.ingest.world import MAY, World, as_csv, row


class Desk:
    """Files to be checked, and what was found in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings.read({}, home=folder / "home", threads=2)
        self.engine: Engine = open_engine(self.settings)

    def file(self, content: bytes, name: str = "a.csv") -> Input:
        path = self.folder / name
        path.write_bytes(content)
        return Input(path, name, len(content))

    def check(self, *rows: dict[str, str], period: BillingPeriod | None = MAY, **how: Any) -> CheckResult:
        return self.check_files(self.file(as_csv(rows)), period=period, **how)

    def check_files(self, *inputs: Input, period: BillingPeriod | None = MAY, **how: Any) -> CheckResult:
        return check_files(self.engine, self.settings, inputs, period, **how)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    made.engine.close()


def codes(result: CheckResult) -> list[str]:
    return [each.code for each in result.findings]


def test_a_good_file_is_told_with_its_rows_and_sums(desk: Desk) -> None:
    result = desk.check(row("12"), row("20.5"), row("-2.25", lineitem__type="Credit"))
    assert not result.is_bad
    assert (result.findings, result.rows, result.files) == ((), 3, ("a.csv",))
    assert result.sums["USD"]["BilledCost"] == Decimal("30.25")
    assert result.as_dict()["sums"]["USD"]["EffectiveCost"] == "30.25"


def test_sums_are_in_the_currency_that_is_given(desk: Desk) -> None:
    assert list(desk.check(row("1"), currency="EUR").sums) == ["EUR"]


def test_nothing_is_left_in_the_spool(desk: Desk) -> None:
    desk.check(row("12"), period=None)
    assert [each.name for each in desk.settings.spool.iterdir() if not each.name.startswith("duckdb")] == []


def test_the_month_is_that_of_most_rows_when_none_is_given(desk: Desk) -> None:
    stray = {**row("1"), "time/usage_start": "2026-04-30T23:00:00Z"}
    result = desk.check(stray, row("2"), row("3"), period=None)
    assert result.period == MAY
    assert [(each.code, each.row) for each in result.findings] == [("outside-period", 1)]


def test_a_file_without_any_time_has_no_month(desk: Desk) -> None:
    result = desk.check(
        {**row("1"), "time/usage_start": "soon"}, {**row("1"), "time/usage_start": "9999-05-01"}, period=None
    )
    assert result.period is None
    assert "time-invalid" in codes(result)


def test_a_drop_without_rows_is_told(desk: Desk) -> None:
    assert codes(desk.check_files(desk.file(as_csv([])))) == ["drop-empty"]
    assert codes(desk.check_files()) == ["drop-empty"]


def test_the_warnings_are_told_once_with_their_count(desk: Desk) -> None:
    result = desk.check(
        {**row("1"), "time/usage_start": "2026-05-03T10:30:00"},
        {**row("1"), "time/usage_start": "2026-05-03T10:00:00"},
        {**row("1"), "time/usage_start": "2026-05-03T10:00:00-07:00"},
    )
    assert not result.is_bad
    assert result.counts == {"time-not-on-hour": 1, "time-zone-missing": 2, "time-zone-local": 1}
    assert {each.message.partition(" ")[0] for each in result.findings} == {"1", "2"}


def test_dates_of_a_spreadsheet_are_told_by_their_shape(desk: Desk) -> None:
    dates = ["5/1/2026", "5/2/2026", "46143"]
    result = desk.check(*({**row("1"), "time/usage_start": date} for date in dates))
    assert {each.message for each in result.findings if each.code == "date-of-spreadsheet"} == {
        "1 values of time/usage_start look as a spreadsheet writes dates, such as 46143.",
        "2 values of time/usage_start look as a spreadsheet writes dates, such as 5/1/2026.",
    }
    assert result.counts["time-invalid"] == 3


def test_cost_sums_that_should_be_equal_are_told(desk: Desk) -> None:
    result = desk.check(row("10", cost__amortized_cost="9"))
    assert {(each.code, each.column) for each in result.findings} == {
        ("totals-differ", "x_AmortizedCost"),
        ("totals-differ", "EffectiveCost"),
    }


def test_a_discount_that_counts_twice_is_told(desk: Desk) -> None:
    result = desk.check(
        row("10", cost__discounted_cost="8", lineitem__type="Usage"),
        row("-2", cost__discounted_cost="", lineitem__type="Discount"),
    )
    (told,) = (each for each in result.findings if each.code == "discount-twice")
    assert told.message == (
        "1 Discount rows count in cost/discounted_cost, which is less than the full cost in 1 other rows already."
    )


def test_ids_that_merge_elsewhere_are_told(desk: Desk) -> None:
    ids = ["disk:eu:a", "disk:eu:b", "vm/1"]
    result = desk.check(*(row("1", resource__id=each) for each in ids))
    assert [(each.code, each.value) for each in result.findings] == [("ids-merge", "disk:eu")]
    assert not result.is_bad


def test_a_file_near_the_most_rows_is_told_and_one_beyond_is_an_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CbfLint, "many_rows_a_file", 3)
    monkeypatch.setattr(CbfLint, "max_rows_a_file", 4)
    told = [[(each.code, each.file, each.value) for each in desk.check(*[row("1")] * n).findings] for n in (2, 3, 4, 5)]
    assert told == [
        [],
        [("rows-many", "a.csv", "3")],
        [("rows-many", "a.csv", "4")],
        [("rows-too-many", "a.csv", "more than 4")],
    ]


def test_rows_are_counted_to_the_limits_of_the_documents() -> None:
    assert (CbfLint().many_rows_a_file, CbfLint().max_rows_a_file) == (950_000, 1_000_000)


def test_warnings_are_told_beside_errors(desk: Desk) -> None:
    result = desk.check(row("x", resource__id="a:b:c"), row("1", resource__id="a:b:d"))
    assert set(codes(result)) == {"number-invalid", "ids-merge"}
    assert result.is_bad


def test_without_lint_only_what_an_ingest_tells_is_told(desk: Desk) -> None:
    bad = {**row("x", resource__id="a:b:c"), "time/usage_start": "2026-05-03T10:30:00"}
    assert codes(desk.check(bad, row("1", resource__id="a:b:d"), lint=False)) == ["number-invalid"]


HEADER = b"time/usage_start,cost/cost,resource/id,resource/tag:team,lineitem/type,k8s/labels,cost/discounted_cost\n"
START = b"2026-05-03T10:00:00Z"
# What is wrong with a drop: the bytes of its files by name.
BROKEN: dict[str, dict[str, bytes]] = {
    "nothing": {"a.csv.gz": gzip.compress(HEADER + START + b",1,vm/1,web,Usage,,\n")},
    "no rows": {"a.csv.gz": gzip.compress(HEADER)},
    "blanks": {"a.csv.gz": gzip.compress(HEADER + b",,,,,,\n" + START + b",,,,,,\n")},
    "numbers": {
        "a.csv.gz": gzip.compress(
            HEADER + b"".join(START + b"," + each + b",,,,,\n" for each in (b"1e3", b"$5", b"1" * 21, b"NaN", b" 1"))
        )
    },
    "times": {
        "a.csv.gz": gzip.compress(
            HEADER + b"".join(each + b",1,,,,,\n" for each in (b"5/1/2026", b"46143", b"2026-04-30T23:00:00Z", b"soon"))
        )
    },
    "many": {"a.csv.gz": gzip.compress(HEADER + b"".join(b"soon,%d,,,,,\n" % n for n in range(250)))},
    "types and tags": {"a.csv.gz": gzip.compress(HEADER + START + b",1,,web,Refund,{,\n" + START + b",1,,,,[],x\n")},
    "rounding": {"a.csv.gz": gzip.compress(HEADER + START + b",0.1234567890123456789,,,,,2\n")},
    "ragged": {"a.csv.gz": gzip.compress(HEADER + START + b",1,2\n" + START + b",1,,,,,\n" + START + b",1,,,,,,,\n")},
    "quotes": {"a.csv.gz": gzip.compress(HEADER + START + b',1,a"b,,,,\n' + START + b',"1,,,,,\n')},
    "columns": {"a.csv.gz": gzip.compress(b"cost/cost,cost/colour,resource/tag:a b\n1,2,3\n")},
    "column twice": {"a.csv.gz": gzip.compress(b"time/usage_start,cost/cost,cost/cost\n")},
    "delimiter": {"a.csv.gz": gzip.compress(b"time/usage_start;cost/cost\n")},
    "no header": {"a.csv.gz": gzip.compress(b"\n1,2\n")},
    "empty": {"a.csv.gz": b"", "b.csv.gz": gzip.compress(b"")},
    "not packed": {"a.csv.gz": HEADER, "b.csv.gz": b"{}"},
    "cut off": {"a.csv.gz": gzip.compress(HEADER + START + b",1,,,,,\n")[:-6]},
    "no UTF-8": {"a.csv.gz": gzip.compress(HEADER + START + b",1,,,,,\n" + START + b",1,\xff,,,,\n")},
    "NUL": {"a.csv.gz": gzip.compress(HEADER + START + b",1,\0,,,,\n")},
    "two files": {
        "a.csv.gz": gzip.compress(HEADER + START + b",x,,,,,\n"),
        "b.csv.gz": gzip.compress(HEADER + START + b",y,,,,,\n" + START + b",z\n"),
    },
}


@pytest.fixture(scope="module")
def told_by_ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Each broken drop in a month of its own would have times outside it: each is a connection of its own."""
    folder = tmp_path_factory.mktemp("equal")
    made = {}
    world = World(folder / "home", open_place(str(folder / "none"), create=True))
    try:
        for name, files in BROKEN.items():
            world.place = open_place(str(folder / name.replace(" ", "-")), create=True)
            world.source = world.source.__class__(name.replace(" ", "-"), "anycost", world.place.location)
            for file, content in files.items():
                world.place.write(f"{MAY.id}/d1/{file}", content)
            world.point("d1")
            made[name] = world.one()
        yield made
    finally:
        world.close()


@pytest.mark.parametrize("name", BROKEN)
def test_the_errors_of_a_check_are_those_of_the_ingest(desk: Desk, told_by_ingest: dict[str, Any], name: str) -> None:
    ingested = told_by_ingest[name]
    inputs = [
        Input((desk.file(content, file)).path, f"{MAY.id}/d1/{file}", len(content))
        for file, content in BROKEN[name].items()
    ]
    checked = desk.check_files(*inputs)
    assert errors(checked.findings) == errors(ingested.findings)
    assert counts(checked.counts, checked.findings) == counts(ingested.counts, ingested.findings)
    assert checked.is_bad == ingested.is_bad
    assert {each.code for each in ingested.findings} - {"period-emptied"} <= {each.code for each in checked.findings}


def errors(findings: tuple[Finding, ...]) -> list[Finding]:
    return [each for each in findings if each.is_error]


def counts(counted: Mapping[str, int], findings: tuple[Finding, ...]) -> dict[str, int]:
    return {each.code: counted[each.code] for each in findings if each.is_error}


def test_a_check_writes_no_charges(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.engine.__class__, "write", lambda *_: pytest.fail("charges were written"))
    assert desk.check(row("1")).rows == 1
