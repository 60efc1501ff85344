"""One segment of CSV as an Arrow table of text, strictly: what is not as RFC 4180 has it is told with its row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from outlay.engine.segments import Places, Segment
from outlay.findings import Finding, finding

# The column with the row's number in its file, from 1.
NUMBER = "_number"
_COMMA, _LINE_END = ord(","), ord("\n")


@dataclass(frozen=True)
class Parsed:
    """The good rows of a segment, numbered; findings about the others; how many rows there were of both."""

    table: pa.Table
    findings: tuple[Finding, ...]
    rows: int


def parse(segment: Segment, wanted: Sequence[str], *, file: str, before: int, longest: int) -> Parsed:
    """Parse a segment's records. `before` is how many rows of the file come before them.

    After a fault in the quotes nothing can be said of the rows that follow, so none of the segment is kept.
    """
    content, columns = segment.content, segment.columns
    if not content:
        return Parsed(_numbered(_empty(wanted), before, ()), (), 0)
    if fault := _bad_quote(content, segment.quotes):
        row, reason = fault
        return Parsed(
            _numbered(_empty(wanted), before, ()),
            (finding("quote-unclosed", file=file, row=before + row, reason=reason),),
            row,
        )
    ragged: dict[int, str] = {}

    def skip(row: pa_csv.InvalidRow) -> Literal["skip"]:
        # Known because one thread reads from the start.
        assert row.number is not None  # noqa: S101
        ragged[row.number] = f"{row.actual_columns} fields instead of {row.expected_columns}"
        return "skip"

    table = pa_csv.read_csv(
        pa.BufferReader(content),  # type: ignore[arg-type]
        # One block and one thread: rows keep their numbers, and the other core has work of its own.
        pa_csv.ReadOptions(column_names=list(columns), block_size=len(content) + 1, use_threads=False),
        pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
        pa_csv.ConvertOptions(
            include_columns=list(wanted),
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            check_utf8=False,
        ),
    )
    findings = [
        finding("row-ragged", file=file, row=before + row, reason=reason) for row, reason in sorted(ragged.items())
    ]
    numbered = _numbered(table, before, list(ragged))
    findings += _too_long(numbered, file, longest)
    return Parsed(numbered, tuple(findings), table.num_rows + len(ragged))


def _empty(wanted: Sequence[str]) -> pa.Table:
    return pa.schema([(name, pa.string()) for name in wanted]).empty_table()


def _numbered(table: pa.Table, before: int, left_out: Sequence[int]) -> pa.Table:
    numbers = np.arange(1, table.num_rows + len(left_out) + 1, dtype=np.int64)
    kept = np.delete(numbers, [number - 1 for number in left_out]) if left_out else numbers
    return table.append_column(NUMBER, pa.array(kept + before))


def _bad_quote(content: memoryview, quotes: Places) -> tuple[int, str] | None:
    """The row of the first quote that neither opens, closes nor doubles, and why; or of one that stays open."""
    if not len(quotes):
        return None
    bytes_ = np.frombuffer(content, np.uint8)
    opens, closes = quotes[0::2], quotes[1::2]
    doubles = np.zeros(len(quotes), bool)
    doubles[1:] = np.diff(quotes) == 1
    before = np.where(opens > 0, bytes_[opens - 1], _LINE_END)
    bad_open = ~((before == _COMMA) | (before == _LINE_END) | doubles[0::2])
    last = len(content) - 1
    after = np.where(closes < last, bytes_[np.minimum(closes + 1, last)], _LINE_END)
    is_doubled = np.zeros(len(closes), bool)
    is_doubled[: len(doubles[2::2])] = doubles[2::2]
    bad_close = ~((after == _COMMA) | (after == _LINE_END) | is_doubled)
    faults = [
        *((int(opens[at]), "a quote inside a field that is not quoted") for at in np.flatnonzero(bad_open)[:1]),
        *((int(closes[at]), "text after a closing quote") for at in np.flatnonzero(bad_close)[:1]),
    ]
    if not faults and len(quotes) % 2:
        faults = [(int(quotes[-1]), "a quote stays open")]
    if not faults:
        return None
    at, reason = min(faults)
    return _row_of(content, at), reason


def _row_of(content: memoryview, at: int) -> int:
    """The number, from 1, of the record that holds the byte `at`: line breaks inside quotes end none."""
    text = str(content[:at], "utf-8", "replace")
    ended = sum(1 for _ in csv.reader(io.StringIO(text + '"' * (text.count('"') % 2))))
    return ended + (1 if not text or text.endswith("\n") else 0) or 1


def _too_long(table: pa.Table, file: str, longest: int) -> list[Finding]:
    found = []
    for name in table.column_names:
        if name == NUMBER or table[name].nbytes <= longest:
            continue
        lengths = np.asarray(pc.fill_null(pc.call_function("binary_length", [table[name]]), 0))
        for at in np.flatnonzero(lengths > longest)[:1]:
            row = table[NUMBER][int(at)].as_py()
            found.append(finding("field-too-long", file=file, row=row, column=name, limit=longest))
    return found
