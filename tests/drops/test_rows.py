"""Rows from whatever holds them, and the checks that they pass before anything is uploaded."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.drops import Sql, open_drops
from outlay.drops.drops import Drops
from outlay.drops.values import added, plain, total, written
from outlay.errors import DeliveryError, UsageError
from outlay.findings import CODES
from outlay.settings import Settings
from outlay.storage import open_place
from tests.drops.reading import MAY, costs, row, rows_of
from tests.ingest.world import World, put_drop

TABLE = pa.table(
    {
        "time/usage_start": pa.array([datetime(2026, 5, 1, 3, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)]),
        "cost/cost": pa.array([Decimal("1.10"), Decimal("-0.000000000000000001")], pa.decimal128(38, 18)),
        "resource/service": ["Compute", None],
    }
)
WRITTEN = [
    {"time/usage_start": "2026-05-01T03:00:00Z", "cost/cost": "1.1", "resource/service": "Compute"},
    {"time/usage_start": "2026-05-02T00:00:00Z", "cost/cost": "-0.000000000000000001"},
]
CSV = (
    "time/usage_start,cost/cost,resource/service\n2026-05-01T03:00:00Z,1.1,Compute\n2026-05-02,-0.000000000000000001,\n"
)
SELECT = """SELECT "time/usage_start", "cost/cost", "resource/service" FROM '{}' ORDER BY 1"""


class Capsule:
    """What Polars and others hand over."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]


def made(kind: str, folder: Path) -> Any:
    """The same two rows in each of the ways."""
    folder.mkdir()
    (folder / "a.csv").write_text(CSV)
    pq.write_table(TABLE, folder / "a.parquet")
    (folder / "b").mkdir()
    head, first, second, _ = CSV.split("\n")
    (folder / "b" / "1.csv.gz").write_bytes(gzip.compress(f"{head}\n{first}\n".encode()))
    (folder / "b" / "2.csv").write_text(f"{head}\n{second}\n")
    lite = sqlite3.connect(":memory:")
    lite.execute('CREATE TABLE bill ("time/usage_start", "cost/cost", "resource/service")')
    lite.executemany(
        "INSERT INTO bill VALUES (?, ?, ?)", [[each.get(name) for name in TABLE.column_names] for each in WRITTEN]
    )
    cursor = lite.execute("SELECT * FROM bill")
    view: Any = pa.string_view()
    views = TABLE.set_column(2, "resource/service", TABLE["resource/service"].cast(view))
    # As Polars has its categories.
    of_views = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.uint32()), pa.array(["Compute"], view))
    ways: dict[str, Callable[[], Any]] = {
        "mappings": lambda: iter(TABLE.to_pylist()),
        "arrow": lambda: TABLE,
        "reader": lambda: TABLE.to_reader(1),
        "capsule": lambda: Capsule(views),
        "categories": lambda: TABLE.set_column(2, "resource/service", of_views),
        "dictionary": lambda: TABLE.set_column(
            2, "resource/service", TABLE["resource/service"].combine_chunks().dictionary_encode()
        ),
        "pandas": lambda: pd.DataFrame(TABLE.to_pylist()),
        "relation": lambda: duckdb.sql(SELECT.format(folder / "a.parquet")),
        "connection": lambda: duckdb.connect().execute(SELECT.format(folder / "a.parquet")),
        "cursor": lambda: cursor,
        "sql": lambda: Sql(SELECT.format(folder / "a.parquet")),
        "csv": lambda: folder / "a.csv",
        "parquet": lambda: str(folder / "a.parquet"),
        "folder": lambda: folder / "b",
        "files": lambda: [folder / "b" / "1.csv.gz", str(folder / "b" / "2.csv")],
    }
    return ways[kind]()


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "mappings",
            "arrow",
            "reader",
            "capsule",
            "dictionary",
            "categories",
            "pandas",
            "relation",
            "connection",
            "cursor",
            "sql",
        ),
        *("csv", "parquet", "folder", "files"),
    ],
)
def test_rows_come_from_whatever_holds_them(drops: Drops, tmp_path: Path, kind: str) -> None:
    (done,) = drops.publish(made(kind, tmp_path / "given"), "2026-05").drops
    assert rows_of(drops.place) == WRITTEN
    assert done.sums["cost/cost"] == Decimal("1.099999999999999999")


@pytest.mark.parametrize("thing", [7, None, {"cost/cost": 1}, b"rows", object()])
def test_what_holds_no_rows_is_refused(drops: Drops, thing: Any) -> None:
    with pytest.raises(UsageError, match="holds no rows"):
        drops.publish(thing, "2026-05")


def test_what_cannot_be_opened_is_told(drops: Drops, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file or folder"):
        drops.publish(tmp_path / "nowhere.csv", "2026-05")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no file that ends in \.csv"):
        drops.publish(tmp_path / "empty", "2026-05")
    with pytest.raises(UsageError, match="The query failed: Catalog Error"):
        drops.publish(Sql("select * from nowhere"), "2026-05")
    with pytest.raises(UsageError, match="is not one SELECT"):
        drops.publish(Sql("drop table nowhere"), "2026-05")
    with pytest.raises(UsageError, match=r"s3://bucket/a\.csv lies in a bucket"):
        drops.publish("s3://bucket/a.csv", "2026-05")
    with pytest.raises(UsageError, match="The rows cannot be read: "):
        drops.publish(pd.DataFrame({"cost/cost": ["1", Decimal(1), 2.5]}), "2026-05")
    with pytest.raises(UsageError, match="Row 2 is a list, not a mapping"):
        drops.publish([row("1"), ["2026-05-01", "1"]], "2026-05")


def test_a_damaged_file_is_told_by_its_name(drops: Drops, tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress((CSV * 50).encode())[:-9])
    with pytest.raises(DeliveryError) as told:
        drops.publish(path, "2026-05")
    assert [each.code for each in told.value.findings] == ["file-truncated"]
    assert str(path) in told.value.message


def test_rows_are_read_as_a_stream(drops: Drops) -> None:
    """What comes first is on its way to the disk long before the last row is made."""
    alive = 0

    class Counted(dict[str, Any]):
        def __init__(self, *args: Any) -> None:
            nonlocal alive
            super().__init__(*args)
            alive += 1

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    most = 0

    def rows() -> Iterator[Any]:
        nonlocal most
        for number in range(40_000):
            most = max(most, alive)
            yield Counted(row(number, str(number)))

    drops.publish(rows(), "2026-05")
    assert 0 < most < 20_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-20"), "0.00000000000000000001"),
        (Decimal("-0.00000120"), "-0.0000012"),
        (Decimal(0), "0"),
        (10**25 // 10**6, "10000000000000000000"),
        (-7, "-7"),
        ("+1.50", "+1.50"),
        (".5", ".5"),
    ],
)
@pytest.mark.parametrize("beside", [Decimal("2.5"), "2.5", 2], ids=["decimal", "text", "int"])
def test_amounts_are_written_exactly(drops: Drops, value: Any, text: str, beside: Any) -> None:
    drops.publish([row(value), row(beside)], "2026-05")
    assert Decimal(rows_of(drops.place)[0]["cost/cost"]) == Decimal(text)
    assert "E" not in rows_of(drops.place)[0]["cost/cost"].upper()


@pytest.mark.parametrize("scale", [0, 1, 9, 18, 37, 38])
def test_decimals_of_any_scale_are_written_without_exponents(scale: int) -> None:
    unit = Decimal(1).scaleb(-scale)
    values = [unit, -unit, unit * 0, unit * 999, None, unit * 10]
    texts = written(pa.array(values, pa.decimal128(38, scale)), floats=False).texts.to_pylist()
    assert texts == [None if value is None else plain(value) for value in values]


@pytest.mark.parametrize("column", ["cost/cost", "usage/amount", "resource/account"])
@pytest.mark.parametrize("beside", [None, 1.5, "x"], ids=["blank", "float", "text"])
def test_a_float_is_refused(drops: Drops, column: str, beside: Any) -> None:
    rows = [{**row("1"), column: beside}, {**row("1"), column: 0.1}]
    with pytest.raises(DeliveryError) as told:
        drops.publish(rows, "2026-05")
    found = [each for each in told.value.findings if each.code == "float-refused"]
    assert found[-1].message == f"rows, row 2: {column} is a float."
    assert "floats=True (--floats)" in found[-1].next


@pytest.mark.parametrize("value", [Decimal("Infinity"), Decimal("-Infinity"), Decimal("NaN")])
def test_a_decimal_that_is_no_number_is_told(drops: Drops, value: Decimal) -> None:
    with pytest.raises(DeliveryError, match=r"row 1: cost/cost is .*, not a plain decimal"):
        drops.publish([row(value), row(Decimal("1.5"))], "2026-05")


def test_a_query_that_gives_a_column_twice_is_refused(drops: Drops) -> None:
    query = """SELECT '2026-05-03' AS "time/usage_start", 1 AS "cost/cost", 2 AS "cost/cost" """
    with closing(sqlite3.connect(":memory:")) as con, pytest.raises(UsageError, match="'cost/cost' 2 times"):
        drops.publish(con.execute(query), "2026-05")


@pytest.mark.parametrize("value", [np.float64(0.1), np.float32(0.1)], ids=["double", "single"])
@pytest.mark.parametrize("beside", [None, "x", Decimal(1)], ids=["blank", "text", "decimal"])
def test_a_float_of_numpy_is_a_float(drops: Drops, value: Any, beside: Any) -> None:
    with pytest.raises(DeliveryError, match="row 2: usage/amount is a float") as told:
        drops.publish([{**row("1"), "usage/amount": beside}, {**row("1"), "usage/amount": value}], "2026-05")
    assert {each.row for each in told.value.findings if each.code == "float-refused"} == {2}
    drops.publish([{**row("1"), "usage/amount": value}], "2026-05", floats=True)
    assert rows_of(drops.place)[0]["usage/amount"] == "0.1"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1e-07, "0.0000001"), (1e21, None), (100.0, "100"), (-0.30000000000000004, "-0.30000000000000004")],
)
def test_floats_that_are_allowed_are_taken_by_their_shortest_text(drops: Drops, value: float, text: str | None) -> None:
    if text is None:
        with pytest.raises(DeliveryError, match="more than 20 digits"):
            drops.publish([row(value)], "2026-05", floats=True)
        return
    drops.publish([row(value), row("2")], "2026-05", floats=True)
    assert costs(drops.place) == sorted([text, "2"])


def test_an_account_that_went_through_a_float_is_refused_all_the_same(drops: Drops) -> None:
    with pytest.raises(DeliveryError, match="resource/account is a float"):
        drops.publish(pa.table({**TABLE.to_pydict(), "resource/account": [1e11, None]}), "2026-05", floats=True)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 5, 3, 12, tzinfo=timezone(timedelta(hours=2))), "2026-05-03T10:00:00Z"),
        (datetime(2026, 5, 3, 12), "2026-05-03T12:00:00Z"),  # noqa: DTZ001
        (date(2026, 5, 3), "2026-05-03T00:00:00Z"),
        ("2026-05-03", "2026-05-03T00:00:00Z"),
        ("2026-05-03 10:00:00+00:00", "2026-05-03T10:00:00Z"),
        ("2026-05-03T10:00Z", "2026-05-03T10:00:00Z"),
        ("2026-05-03T10:00:00.500Z", "2026-05-03T10:00:00.500000Z"),
        (pd.Timestamp("2026-05-03 10:00", tz="Europe/Berlin"), "2026-05-03T08:00:00Z"),
    ],
)
def test_times_are_written_in_utc(drops: Drops, time: Any, text: str) -> None:
    drops.publish([{**row("1"), "time/usage_start": time}], "2026-05")
    assert rows_of(drops.place)[0]["time/usage_start"] == text


def test_labels_are_written_as_json(drops: Drops) -> None:
    drops.publish([row("1", **{"k8s/labels": {"app": "web", "é": None}})], "2026-05")
    assert rows_of(drops.place)[0]["k8s/labels"] in ('{"app": "web", "é": null}', '{"app": "web"}')
    maps = pa.array([[("app", "web")], None], pa.map_(pa.string(), pa.string()))
    drops.publish(TABLE.append_column("k8s/labels", maps), "2026-05")
    assert rows_of(drops.place)[0]["k8s/labels"] == '{"app": "web"}'


def test_columns_that_cbf_does_not_know_are_refused_dropped_or_kept(drops: Drops) -> None:
    rows = [row("1", **{"resource/acount": "a", "billing unit": "b"})]
    with pytest.raises(DeliveryError) as told:
        drops.publish(rows, "2026-05")
    assert {each.code for each in told.value.findings} == {"column-refused"}
    near, far = sorted(told.value.findings, key=lambda each: each.column or "", reverse=True)
    assert "resource/account is meant?" in near.message
    assert "resource/tag:billing_unit" in far.next
    drops.publish(rows, "2026-05", unknown="drop")
    assert "resource/acount" not in rows_of(drops.place)[0]
    drops.publish(rows, "2026-05", unknown="keep")
    assert rows_of(drops.place)[0]["resource/acount"] == "a"
    for name in ("", "a\0b"):
        with pytest.raises(DeliveryError, match="which CBF does not know"):
            drops.publish([row("1", **{name: "x"})], "2026-05", unknown="keep")


def test_a_value_that_is_no_text_is_refused(drops: Drops) -> None:
    with pytest.raises(DeliveryError, match="has the type list") as told:
        drops.publish(TABLE.append_column("resource/region", pa.array([["a"], None])), "2026-05")
    assert [(each.code, each.row) for each in told.value.findings] == [("type-refused", 1)]


def test_a_hundred_faults_of_a_kind_are_kept_and_all_are_counted(drops: Drops) -> None:
    with pytest.raises(DeliveryError, match=r"There are 19,999 faults more\.") as told:
        drops.publish([row("x") for _ in range(20_000)], "2026-05")
    assert len(told.value.findings) == 100
    assert [file.path for file in drops.place.list()] == []


BAD: dict[str, dict[str, Any]] = {
    "value-missing": {"cost/cost": ""},
    "number-invalid": {"cost/cost": "1e5"},
    "number-too-large": {"cost/cost": "123456789012345678901"},
    "time-invalid": {"time/usage_start": "05/03/2026"},
    "category-unknown": {"lineitem/type": "usage"},
    "outside-period": {"time/usage_start": "2026-06-01T00:00:00Z"},
    "resource-missing": {"resource/tag:team": "a"},
    "labels-invalid": {"k8s/labels": "app=web"},
    "tag-key-invalid": {"resource/id": "r", "resource/tag:a b": "x"},
    "nul-byte": {"lineitem/id": "a\0b"},
    "column-missing": {"cost/cost": None},
}


@pytest.mark.parametrize("code", BAD)
def test_what_the_ingest_rejects_is_refused_for_the_same_reason(drops: Drops, tmp_path: Path, code: str) -> None:
    good = row("1")
    bad = {**good, **BAD[code]}
    rows = [good, bad]
    if code == "column-missing":
        rows = [{name: value for name, value in each.items() if name != "cost/cost"} for each in rows]
    told: tuple[Any, ...] = ()
    if CODES[code].severity == "error":
        with pytest.raises(DeliveryError) as refused:
            drops.publish(rows, "2026-05")
        told = refused.value.findings
    else:
        told = drops.publish(rows, "2026-05").findings
    world = World(tmp_path / "home", open_place(str(tmp_path / "theirs"), create=True))
    put_drop(world.place, rows, "d1")
    result = world.one()
    world.close()
    assert code in {each.code for each in told}
    assert code in {each.code for each in result.findings}
    assert {each.row for each in told if each.code == code} == {
        each.row for each in result.findings if each.code == code
    }


def test_a_table_with_a_column_twice_is_refused(drops: Drops) -> None:
    twice = pa.Table.from_arrays([*TABLE.columns, TABLE["cost/cost"]], names=[*TABLE.column_names, "cost/cost"])
    with pytest.raises(DeliveryError, match="has the column cost/cost more than once"):
        drops.publish(twice, "2026-05")


def test_sums_are_exact_however_many_places_there_are() -> None:
    texts = ["0.1", "0.001", "0." + "0" * 29 + "1", "99999999999999999999"]
    assert plain(total(pa.array(texts))) == "99999999999999999999.101" + "0" * 26 + "1"
    assert total(pa.array(["0.1"] * 10)) == 1
    assert added([Decimal("1e30"), Decimal("1e-30"), Decimal("-1e30")]) == Decimal("1e-30")


def test_what_differs_only_in_case_is_two_columns(drops: Drops) -> None:
    tags = {"resource/id": "vm", "resource/tag:A": "1", "resource/tag:a": "2"}
    drops.publish([row("1", **tags)], "2026-05")
    assert MAY in drops.place.list()[0].path
    assert rows_of(drops.place)[0].items() >= tags.items()


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
AMOUNTS = st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=18) | st.integers(
    -(10**18), 10**18
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(AMOUNTS, TEXTS, TEXTS), min_size=1, max_size=20))
def test_rows_of_any_values_come_out_as_they_went_in(rows: list[tuple[Any, str, str]]) -> None:
    with TemporaryDirectory() as folder:
        drops = open_drops(f"{folder}/drops", settings=Settings.read(home=Path(folder)), create=True)
        given_ = [row(amount, item, resource__service=service) for amount, item, service in rows]
        (done,) = drops.publish(given_, "2026-05").drops
        found = rows_of(drops.place)
    assert [Decimal(each["cost/cost"]) for each in found] == [amount for amount, _, _ in rows]
    assert [each.get("lineitem/id", "") for each in found] == [item for _, item, _ in rows]
    assert [each.get("resource/service", "") for each in found] == [service for _, _, service in rows]
    assert done.sums["cost/cost"] == added(Decimal(amount) for amount, _, _ in rows)
