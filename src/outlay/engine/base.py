"""What runs expressions: reading raw rows in batches, mapping them to Parquet, and answering questions."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from outlay.findings import KEPT_PER_CODE, Finding


@dataclass(frozen=True)
class Limits:
    """What a delivery may be at most: bytes unpacked in all, times its packed size, columns, bytes of a row."""

    unpacked: int
    ratio: int
    columns: int
    row: int


@dataclass(frozen=True)
class Shape:
    """What a format wants of a file, told when its columns are known.

    `header` gives the findings about the columns; with an error the file's rows are not read. `wanted` names the
    columns to keep, `json` those of them whose text is a JSON object. `details` are columns that depend on the column
    `detail_key` alone, with the names they get: they come as one JSON object a row in the column `_details`, made once
    per key. A detail that is a map gives all its entries, their names prefixed with the name it gets. `tags` are wanted
    columns with keys, which come as the map `engine.maps.TAGS` besides, where they are text. A file of more rows than
    `max_rows_a_file` is told as an error, and one of `many_rows_a_file` or more as a warning.
    """

    header: Callable[[str, Sequence[str]], list[Finding]]
    wanted: Callable[[Sequence[str]], Sequence[str]]
    json: Callable[[Sequence[str]], Sequence[str]]
    details: Callable[[Sequence[str]], Sequence[tuple[str, str]]] = lambda _: ()
    detail_key: Callable[[Sequence[str]], str | None] = lambda _: None
    tags: Callable[[Sequence[str]], Sequence[tuple[str, str]]] = lambda _: ()
    max_rows_a_file: int | None = None
    many_rows_a_file: int | None = None


@dataclass(frozen=True)
class Input:
    """A file of a delivery: where it lies in the spool, and the path by which the user knows it."""

    path: Path
    name: str
    size: int


@dataclass
class Told:
    """Findings as they come: the first hundred of each code are kept, all are counted."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, finding: Finding, count: int = 1) -> None:
        self.counts[finding.code] = self.counts.get(finding.code, 0) + count
        if sum(each.code == finding.code for each in self.findings) < KEPT_PER_CODE:
            self.findings.append(finding)

    def keep(self, findings: Sequence[Finding]) -> None:
        """Keep findings that were counted already, as far as there is room."""
        for finding in findings:
            self.add(finding, 0)

    def extend(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self.add(finding)

    def is_bad(self) -> bool:
        """Is there an error among them, so that the delivery cannot come in?"""
        return any(finding.is_error for finding in self.findings)


# A query as its engine keeps it: text for one, a plan for another.
Query = Any


class Session(Protocol):
    """Questions on a connection of their own, so that several threads can ask one engine at once.

    Raises TooSlow when a question of it takes longer than it may, or was interrupted.
    """

    def limited(self, seconds: float) -> AbstractContextManager[None]:
        """What is asked within it may take so long in all."""
        ...

    def files(self, addresses: Sequence[str], schema: ibis.Schema) -> ir.Table:
        """Parquet files of one shape as a table, for this session alone."""
        ...

    # Is what `text` gives good for other sessions, too, with other files of the same shapes in the same order?
    texts_last: bool

    def text(self, table: ir.Table) -> str:
        """The query as the engine runs it."""
        ...

    def run(self, text: str, marks: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """As `rows`. Where a literal of the query is a key of `marks`, the text that it stands for is meant.

        There are marks only where texts last.
        """
        ...

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """A small result: exact decimals, aware times, None for null."""
        ...

    def batches(self, table: ir.Table) -> Iterator[pa.RecordBatch]:
        """A large result, a bit at a time."""
        ...

    def interrupt(self) -> None:
        """Stop what is running. For any thread."""
        ...


class Engine(Protocol):
    """Runs Ibis expressions. `duckdb` is the default; `spark` for what outgrows one machine."""

    name: str
    writings: int

    def batches(
        self,
        files: Sequence[Input],
        shape: Shape,
        limits: Limits,
        spool: Path,
        told: Told,
        progress: Callable[[int, int], None],
    ) -> Generator[ir.Table, None, None]:
        """The raw rows of a delivery, as tables that fit in memory; each is gone when the next is asked for.

        Whoever stops before the end closes it: only then may another delivery be read.

        Every column of a bill is text as it was written, or, in `<name>@map`, a map; `_file` and `_row` say where a row
        stands. What is wrong with the files goes to `told`, and the rows concerned are left out.
        """
        ...

    def prepare(self, table: ir.Table) -> Query:
        """Work out a query once. It stays good for the next batches of the same columns."""
        ...

    def rows(self, query: Query) -> list[dict[str, Any]]:
        """A small result: exact decimals, aware times, None for null."""
        ...

    def write(self, charges: Query, into: Path, name: str) -> Future[list[Path]]:
        """Write charges as Parquet files. No rows, no files.

        It may go on while the next batches are read and checked, but no more than `writings` may be under way.
        """
        ...

    def charges(self, addresses: Sequence[str]) -> ir.Table:
        """The charges in Parquet files of the lake, by their addresses."""
        ...

    def table_of(self, charges: Sequence[Mapping[str, Any]]) -> ir.Table:
        """A few charges made by hand, by lake column; what is left out is null."""
        ...

    def write_file(self, table: ir.Table, path: Path, format: str) -> None:
        """Write any table into one file, `parquet` or `csv`."""
        ...

    def query(self, sql: str, addresses: Sequence[str], where: str = "") -> pa.Table:
        """One read-only statement over the table `charges`, made of the lake's files at `addresses`.

        Raises UsageError for any other statement, and with the engine's words for a bad one.
        """
        ...

    def asking(self) -> AbstractContextManager[Session]:
        """For any thread."""
        ...

    def versions(self) -> str:
        """What runs, for a person who looks for a fault. Raises SetupError when parts do not fit together."""
        ...

    def close(self) -> None: ...
