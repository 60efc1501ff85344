"""What the reader makes of files, good and bad: every fault is told with its place, and nothing is passed over."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outlay.engine import Engine, Input, Limits, Shape, Told
from outlay.engine import reader as reading
from outlay.engine import segments as cutting
from outlay.engine import unpack as unpacking
from outlay.engine.duckdb import DuckDb

EVERYTHING = Shape(header=lambda file, columns: [], wanted=lambda columns: columns, json=lambda columns: ())
LIMITS = Limits(unpacked=10**9, ratio=200, columns=50, row=20_000)


def no_progress(done: int, of: int) -> None:
    pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDb]:
    made = DuckDb(memory_limit=256 * 1024**2, threads=2, spool=tmp_path)
    yield made
    made.close()


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SEGMENT", 200)


class Read:
    """What came of reading some files."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        *files: tuple[str, bytes],
        shape: Shape = EVERYTHING,
        limits: Limits = LIMITS,
    ) -> None:
        self.told = Told()
        self.rows: list[dict[str, Any]] = []
        inputs = []
        for number, (name, content) in enumerate(files):
            path = folder / f"in-{number}"
            path.write_bytes(content)
            inputs.append(Input(path, name, len(content)))
        for table in engine.batches(inputs, shape, limits, folder, self.told, no_progress):
            self.rows += engine.rows(engine.prepare(table.order_by("_row")))

    @property
    def faults(self) -> list[tuple[str, str | None, int | None]]:
        return [(finding.code, finding.file, finding.row) for finding in self.told.findings]


def zipped(content: bytes, *names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names or ("a.csv",):
            archive.writestr(name, content)
    return out.getvalue()


GOOD = b"a,b\n1,x\n2,y\n"

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "f.csv.gz": gzip.compress,
    "f.csv": lambda content: content,
    "f.csv.zip": zipped,
}


@pytest.mark.parametrize("name", PACKINGS)
def test_a_csv_file_gives_its_rows_as_text_with_file_and_row_number(engine: DuckDb, tmp_path: Path, name: str) -> None:
    read = Read(engine, tmp_path, (name, PACKINGS[name](GOOD)))
    assert read.rows == [
        {"a": "1", "b": "x", "_file": name, "_row": 1},
        {"a": "2", "b": "y", "_file": name, "_row": 2},
    ]
    assert read.faults == []


GOOD_VARIANTS = {
    "bom": b"\xef\xbb\xbf" + GOOD,
    "crlf": GOOD.replace(b"\n", b"\r\n"),
    "mixed line ends": b"a,b\r\n1,x\n2,y\r\n",
    "no last line end": GOOD.rstrip(b"\n"),
    "quoted header": b'"a","b"\n1,x\n2,y\n',
    "quoted fields": b'a,b\n"1","x"\n"2","y"\n',
    "blank last line": GOOD + b"\n",
    "two gzip members": GOOD,
}


@pytest.mark.parametrize("variant", GOOD_VARIANTS)
def test_harmless_variants_read_the_same(engine: DuckDb, tmp_path: Path, variant: str) -> None:
    content = GOOD_VARIANTS[variant]
    packed = gzip.compress(content[:5]) + gzip.compress(content[5:]) if "gzip" in variant else gzip.compress(content)
    read = Read(engine, tmp_path, ("f.csv.gz", packed))
    assert [(row["a"], row["b"], row["_row"]) for row in read.rows] == [("1", "x", 1), ("2", "y", 2)]
    assert read.faults == []


def test_quoted_line_breaks_commas_and_quotes_stay_in_their_field(engine: DuckDb, tmp_path: Path) -> None:
    read = Read(engine, tmp_path, ("f.csv", b'a,b\n"1\n,""2""","x\r\ny"\n3,z\n'))
    assert [(row["a"], row["b"]) for row in read.rows] == [('1\n,"2"', "x\ny"), ("3", "z")]


@pytest.mark.usefixtures("small_segments")
def test_rows_keep_their_numbers_however_the_file_is_cut(
    engine: DuckDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outlay.engine.unpack.BLOCK", 64)
    body = "".join(f'{number},"line {number}\nand ""more"", {number}"\n' for number in range(1, 400))
    read = Read(engine, tmp_path, ("f.csv.gz", gzip.compress(b"a,b\n" + body.encode())))
    assert [(int(row["a"]), row["_row"]) for row in read.rows] == [(number, number) for number in range(1, 400)]
    assert read.rows[6]["b"] == 'line 7\nand "more", 7'
    assert read.faults == []


def test_columns_that_nobody_wants_are_left_out(engine: DuckDb, tmp_path: Path) -> None:
    shape = Shape(header=lambda file, columns: [], wanted=lambda columns: ["b"], json=lambda columns: ())
    assert Read(engine, tmp_path, ("f.csv", GOOD), shape=shape).rows[0] == {"b": "x", "_file": "f.csv", "_row": 1}


def test_a_json_object_comes_as_a_map_too_and_anything_else_as_none(engine: DuckDb, tmp_path: Path) -> None:
    shape = Shape(header=lambda file, columns: [], wanted=lambda columns: columns, json=lambda columns: ["b"])
    body = b'a,b\n1,"{""k"": ""v"", ""n"": 1.5, ""x"": null}"\n2,\n3,nonsense\n4,"[1]"\n5,"{broken"\n6,{}\n'
    read = Read(engine, tmp_path, ("f.csv", body), shape=shape)
    maps = [None if row["b@map"] is None else dict(row["b@map"]) for row in read.rows]
    assert maps == [{"k": "v", "n": "1.5", "x": None}, None, None, None, None, {}]
    assert [row["b"] for row in read.rows][2:5] == ["nonsense", "[1]", "{broken"]


def test_details_come_once_per_key_as_json(engine: DuckDb, tmp_path: Path) -> None:
    shape = Shape(
        header=lambda file, columns: [],
        wanted=lambda columns: ["k"],
        json=lambda columns: (),
        details=lambda columns: [("x_size", "size"), ("x_os", "os")],
        detail_key=lambda columns: "k",
    )
    read = Read(engine, tmp_path, ("f.csv", b"k,size,os\ns1,big,\ns1,big,\ns2,,\n,small,x\n"), shape=shape)
    rows = sorted(read.rows, key=lambda row: row["_row"])
    assert [row["_details"] for row in rows] == ['{"x_size":"big"}', '{"x_size":"big"}', None, None]


@pytest.mark.parametrize("packing", ["csv", "parquet"])
def test_details_that_lie_in_a_map_come_with_their_entries(engine: DuckDb, tmp_path: Path, packing: str) -> None:
    shape = Shape(
        header=lambda file, columns: [],
        wanted=lambda columns: ["k"],
        json=lambda columns: ["product"],
        details=lambda columns: [("Family", "family"), ("x_", "product")],
        detail_key=lambda columns: "k",
    )
    content = b'k,family,product\ns1,Compute,"{""os"": ""Linux"", ""size"": """"}"\ns2,,\n'
    if packing == "parquet":
        products = pa.array([[("os", "Linux"), ("size", "")], None], pa.map_(pa.string(), pa.string()))
        table = pa.table({"k": ["s1", "s2"], "family": ["Compute", None], "product": products})
        pq.write_table(table, tmp_path / "t.parquet")
        content = (tmp_path / "t.parquet").read_bytes()
    read = Read(engine, tmp_path, (f"f.{packing}", content), shape=shape)
    assert [row["_details"] for row in read.rows] == ['{"Family":"Compute","x_os":"Linux"}', None]


# What is wrong with the file: its name, its bytes, and what must be told of it (code, row).
BAD: dict[str, tuple[str, bytes, str, int | None]] = {
    "empty": ("f.csv", b"", "file-empty", None),
    "empty gzip": ("f.csv.gz", gzip.compress(b""), "file-empty", None),
    "plain text named gzip": ("f.csv.gz", GOOD, "compression-wrong", None),
    "gzip named csv": ("f.csv", gzip.compress(GOOD), "compression-wrong", None),
    "bzip2 named gzip": ("f.csv.gz", b"BZh91AY", "compression-wrong", None),
    "truncated gzip": ("f.csv.gz", gzip.compress(GOOD * 2000)[:-12], "file-truncated", None),
    "gzip with a wrong checksum": ("f.csv.gz", gzip.compress(GOOD)[:-8] + b"\0" * 8, "file-truncated", None),
    "zip cut off": ("f.csv.zip", zipped(GOOD)[:-30], "file-truncated", None),
    "zip of two": ("f.csv.zip", zipped(GOOD, "a.csv", "b.csv"), "format-unknown", None),
    "not utf-8": ("f.csv", b"a,b\n1,x\n2,\xff\n3,z\n", "not-utf8", 2),
    "not utf-8 after a quoted line break": ("f.csv", b'a,b\n1,"x\ny"\n2,z\n3,\xe9\n', "not-utf8", 3),
    "cut-off character": ("f.csv", b"a,b\n1,x\n2,\xc3", "not-utf8", 2),
    "nul byte": ("f.csv", b"a,b\n1,x\n2,y\n3,\0\n", "nul-byte", 3),
    "no header": ("f.csv", b"\n1,2\n", "header-missing", None),
    "tabs": ("f.csv", b"a\tb\n1\t2\n", "delimiter-wrong", None),
    "semicolons": ("f.csv", b"a;b\n1;2\n", "delimiter-wrong", None),
    "ctrl-a": ("f.csv", b"a\x01b\n1\x012\n", "delimiter-wrong", None),
    "a column twice": ("f.csv", b"a,b,a\n1,2,3\n", "column-duplicate", None),
    "short row": ("f.csv", b"a,b\n1,x\n2\n3,z\n", "row-ragged", 2),
    "long row": ("f.csv", b"a,b\n1,x\n2,y\n3,z,!\n", "row-ragged", 3),
    "open quote": ("f.csv", b'a,b\n1,x\n2,"y\n3,z\n', "quote-unclosed", 2),
    "text after a quote": ("f.csv", b'a,b\n1,x\n2,"y"!\n3,z\n', "quote-unclosed", 2),
    "too long a row": ("f.csv", b"a,b\n1,x\n2," + b"y" * 30_000 + b"\n3,z\n", "field-too-long", 2),
    "too many columns": (
        "f.csv",
        ",".join(f"c{number}" for number in range(60)).encode() + b"\n",
        "columns-too-many",
        None,
    ),
    "not parquet": ("f.parquet", b"PAR1 but nothing more", "file-truncated", None),
    "csv named parquet": ("f.parquet", GOOD, "compression-wrong", None),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_is_told_with_its_place(engine: DuckDb, tmp_path: Path, fault: str) -> None:
    name, content, code, row = BAD[fault]
    read = Read(engine, tmp_path, (name, content))
    assert read.faults == [(code, name, row)]
    assert read.told.is_bad()


def test_a_bad_file_does_not_hide_the_next_one(engine: DuckDb, tmp_path: Path) -> None:
    read = Read(engine, tmp_path, ("bad.csv", b"a,b\n1\n"), ("worse.csv.gz", b"no"), ("good.csv", GOOD))
    assert {code for code, _, _ in read.faults} == {"row-ragged", "compression-wrong"}
    assert [row["_file"] for row in read.rows] == ["good.csv", "good.csv"]


def test_faults_far_into_a_file_have_their_own_row_number(
    engine: DuckDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "SEGMENT", 1000)
    monkeypatch.setattr("outlay.engine.unpack.BLOCK", 100)
    rows = [f'{number},"x\n{number}"' for number in range(1, 1001)]
    rows[776] = "777,x,too many"
    read = Read(engine, tmp_path, ("f.csv", ("a,b\n" + "\n".join(rows) + "\n").encode()))
    assert read.faults == [("row-ragged", "f.csv", 777)]


def test_only_the_first_hundred_faults_of_a_kind_are_kept_and_all_are_counted(engine: DuckDb, tmp_path: Path) -> None:
    read = Read(engine, tmp_path, ("f.csv", b"a,b\n" + b"1\n" * 250))
    assert len(read.told.findings) == 100
    assert read.told.counts == {"row-ragged": 250}


def test_a_delivery_may_not_unpack_to_more_than_the_limit(engine: DuckDb, tmp_path: Path) -> None:
    limits = Limits(unpacked=100_000, ratio=10**6, columns=50, row=20_000)
    read = Read(engine, tmp_path, ("f.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 50_000)), limits=limits)
    assert read.faults == [("delivery-too-large", "f.csv.gz", None)]


def test_a_file_may_not_unpack_to_more_times_its_size_than_the_limit(
    engine: DuckDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outlay.engine.unpack._RATIO_FROM", 1000)
    read = Read(engine, tmp_path, ("f.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 500_000)))
    assert read.faults == [("ratio-too-high", "f.csv.gz", None)]


def test_a_file_has_no_more_rows_than_its_format_allows(engine: DuckDb, tmp_path: Path) -> None:
    shape = Shape(header=lambda f, c: [], wanted=lambda columns: columns, json=lambda columns: (), max_rows_a_file=1)
    assert Read(engine, tmp_path, ("f.csv", GOOD), shape=shape).faults == [("rows-too-many", "f.csv", None)]


def test_parquet_values_come_as_their_text_and_maps_as_maps(engine: DuckDb, tmp_path: Path) -> None:
    table = pa.table(
        {
            "money": pa.array([0.1, 1e-7, None]),
            "exact": pa.array([Decimal("1.10"), None, Decimal("-2.00")], pa.decimal128(10, 2)),
            "whole": pa.array([1, 2, 3], pa.int64()),
            "when": pa.array([1_700_000_000_123, None, 0], pa.timestamp("ms")),
            "zoned": pa.array([1_700_000_000_000_000, None, 0], pa.timestamp("us", "UTC")),
            "day": pa.array([0, None, 1], pa.date32()),
            "tags": pa.array([[("k", "v")], None, []], pa.map_(pa.string(), pa.string())),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    read = Read(engine, tmp_path, ("t.parquet", (tmp_path / "t.parquet").read_bytes()))
    assert [row["money"] for row in read.rows] == ["0.1", "1e-07", None]
    assert [row["exact"] for row in read.rows] == ["1.10", None, "-2.00"]
    assert [row["whole"] for row in read.rows] == ["1", "2", "3"]
    assert read.rows[0]["when"] == "2023-11-14T22:13:20.123000Z"
    assert read.rows[0]["zoned"] == "2023-11-14T22:13:20.000000Z"
    assert [row["day"] for row in read.rows] == ["1970-01-01", None, "1970-01-02"]
    assert [None if row["tags@map"] is None else dict(row["tags@map"]) for row in read.rows] == [{"k": "v"}, None, {}]
    assert [row["_row"] for row in read.rows] == [1, 2, 3]


def test_rows_of_a_large_parquet_file_keep_their_numbers(
    engine: DuckDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outlay.engine.reader.ROWS", 2000)
    pq.write_table(pa.table({"n": list(range(1, 5001))}), tmp_path / "t.parquet", row_group_size=1500)
    read = Read(engine, tmp_path, ("t.parquet", (tmp_path / "t.parquet").read_bytes()))
    assert all(int(row["n"]) == row["_row"] for row in read.rows)
    assert len(read.rows) == 5000


def test_the_spool_holds_no_segment_afterwards(engine: DuckDb, tmp_path: Path) -> None:
    Read(engine, tmp_path, ("f.csv.gz", gzip.compress(GOOD)))
    assert [path.name for path in tmp_path.iterdir() if "segment" in path.name] == []


def test_several_batches_are_written_at_once_and_each_row_once(
    tmp_path: Path, small_segments: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "BLOCK", 300)
    monkeypatch.setattr(reading, "ROWS", 50)
    path = tmp_path / "in"
    path.write_bytes(b"n\n" + b"".join(b"%d\n" % number for number in range(5_000)))
    engine = DuckDb(memory_limit=256 * 1024**2, threads=2, spool=tmp_path, writings=3)
    staged = tmp_path / "staged"
    staged.mkdir()
    writing: deque[Future[list[Path]]] = deque()
    files: list[Path] = []
    batches = engine.batches(
        [Input(path, "f.csv", path.stat().st_size)], EVERYTHING, LIMITS, tmp_path, Told(), no_progress
    )
    for number, table in enumerate(batches):
        if len(writing) == engine.writings:
            files += writing.popleft().result()
        writing.append(engine.write(engine.prepare(table.select("n")), staged, f"{number:05}"))
    files += [file for each in writing for file in each.result()]
    engine.close()
    assert sorted(staged.iterdir()) == files
    assert sorted(int(str(text)) for file in files for text in pq.read_table(file)["n"].to_pylist()) == [*range(5_000)]
    assert len(files) > 20
