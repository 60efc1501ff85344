"""Single charges: the last step of a drill, a page at a time, and all of them into a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from outlay.costs.answer import FORMULA, plain, text_of, utc
from outlay.costs.question import Question
from outlay.errors import UnknownName, UsageError
from outlay.focus.columns import BY_NAME, COLUMNS

MOST_ON_A_PAGE = 200
LAST = 10_000
# Rows of an exported file: a spreadsheet takes 1,048,576.
MOST_EXPORTED = {"csv": 1_000_000, "parquet": 10_000_000}

# Where each charge comes from, and what tells charges of one raw row apart: with these an order is always the same.
_PLACE = ("ChargePeriodStart", "x_Connection", "x_BillingPeriod", "x_SourceFile", "x_SourceRow")
_APART = ("ChargeCategory", "ServiceName", "SubAccountId", "ResourceId", "BilledCost", "EffectiveCost", "ListCost")

USUAL = (
    "ChargePeriodStart",
    "ServiceName",
    "ResourceId",
    "SubAccountId",
    "RegionId",
    "ChargeCategory",
    "ChargeDescription",
    "ConsumedQuantity",
    "ConsumedUnit",
)


@dataclass(frozen=True)
class Page:
    """Charges of a question, of each currency the dearest first. `rows` are by column, amounts exact, times aware."""

    question: Question
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    offset: int
    limit: int
    has_more: bool

    def as_dict(self) -> dict[str, Any]:
        """Values as texts, maps as objects."""
        return {
            "columns": list(self.columns),
            "offset": self.offset,
            "limit": self.limit,
            "more": self.has_more,
            "rows": [{name: _told(row[name]) for name in self.columns} for row in self.rows],
        }


def columns_of(question: Question, asked: Iterable[str]) -> tuple[str, ...]:
    """The columns to show: those asked for, or the usual ones with the amount. `*` is every one. Raises UnknownName."""
    asked = tuple(dict.fromkeys(asked))
    if asked == ("*",):
        return tuple(column.name for column in COLUMNS)
    for name in asked:
        if name not in BY_NAME:
            raise UnknownName(f"A charge has no column {name!r}.", next="Use a FOCUS column such as ServiceName.")
    measure = question.measure
    return asked or tuple(dict.fromkeys((*USUAL, measure.amount, measure.unit, "x_Connection")))


def check_page(offset: int, limit: int) -> None:
    """Raises UsageError for a page that is not there."""
    if not 1 <= limit <= MOST_ON_A_PAGE:
        raise UsageError(
            f"A page of {limit} charges cannot be shown.", next=f"Ask for 1 to {MOST_ON_A_PAGE}.", field="limit"
        )
    if not 0 <= offset <= LAST - limit:
        raise UsageError(
            f"Charges are listed up to number {LAST:,}, so not {limit} from {offset:,} on.",
            next="Filter them, or export them all.",
            field="offset",
        )


def page(rows: ir.Table, question: Question, columns: Sequence[str], offset: int, limit: int) -> ir.Table:
    """One more charge than the page has, to see whether there are more."""
    measure = question.measure
    first = (measure.unit, measure.amount)
    others = [name for name in (*_PLACE, *_APART) if name not in first]
    order = [
        rows[measure.unit].asc(),
        rows[measure.amount].desc(nulls_first=False),
        *(rows[name].asc() for name in others),
    ]
    wanted = dict.fromkeys((*columns, *first, *others))
    return rows.select(*wanted).order_by(order).limit(limit + 1, offset=offset).select(*columns)


def paged(
    question: Question, columns: Sequence[str], found: Sequence[Mapping[str, Any]], offset: int, limit: int
) -> Page:
    rows = tuple({name: _value(row[name]) for name in columns} for row in found[:limit])
    return Page(question, tuple(columns), rows, offset, limit, len(found) > limit)


def count(rows: ir.Table) -> ir.Table:
    return rows.agg(count=rows.count())


def check_count(charges: int, format: str) -> None:
    """Raises UsageError when there are too many for one file."""
    if charges > MOST_EXPORTED[format]:
        raise UsageError(
            f"These are {charges:,} charges; a {format} file takes {MOST_EXPORTED[format]:,}.",
            next="Choose fewer days or filters, take Parquet, or use outlay export.",
            field="format",
        )


def write(batches: Iterator[pa.RecordBatch], schema: pa.Schema, path: Path, format: str) -> None:
    """Write charges as they come; text of a CSV that a spreadsheet would take for a formula gets an apostrophe."""
    if format == "parquet":
        with pq.ParquetWriter(path, schema, compression="zstd") as parquet:
            for batch in batches:
                parquet.write_batch(batch.cast(schema))
        return
    texts = pa.schema([(name, pa.string()) for name in schema.names])
    with pyarrow.csv.CSVWriter(path, texts) as csv:
        for batch in batches:
            csv.write_batch(pa.RecordBatch.from_arrays([_cells(column) for column in batch.columns], schema=texts))


def schema_of(columns: Sequence[str]) -> pa.Schema:
    found: pa.Schema = ibis.schema({name: BY_NAME[name].type for name in columns}).to_pyarrow()
    return found


def _cells(column: Any) -> Any:
    """An Arrow column as the texts of a CSV."""
    kind = column.type
    if pa.types.is_decimal(kind):
        return _plain(column)
    if pa.types.is_timestamp(kind):
        return pc.strftime(column.cast(pa.timestamp("us")).cast(pa.timestamp("s"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_map(kind):
        texts = [None if value is None else json.dumps(dict(value), sort_keys=True) for value in column.to_pylist()]
        return _harmless(pa.array(texts, pa.string()))
    return _harmless(column) if pa.types.is_string(kind) else column.cast(pa.string())


def _plain(amounts: Any) -> Any:
    """As `answer.plain`, for a column. Arrow writes an amount below a millionth with an exponent."""
    texts = pc.if_else(pc.equal(amounts, pa.scalar(0, amounts.type)), "0.", amounts.cast(pa.string()))
    has_exponent: Any = pc.match_substring(texts, "E")
    written_out = [plain(Decimal(text)) for text in texts.filter(has_exponent).to_pylist()]
    trimmed = pc.utf8_rtrim(pc.utf8_rtrim(texts, "0"), ".")
    return pc.replace_with_mask(trimmed, has_exponent, pa.array(written_out, pa.string()))


def _harmless(texts: Any) -> Any:
    """As `answer.harmless`, for a column."""
    is_formula = pc.is_in(pc.utf8_slice_codeunits(texts, 0, 1), pa.array(FORMULA))
    with_apostrophe: Any = pc.binary_join_element_wise(pa.scalar("'"), texts, pa.scalar(""))
    return pc.if_else(is_formula, with_apostrophe, texts)


def _value(value: Any) -> Any:
    """Arrow gives maps as pairs."""
    if isinstance(value, list):
        return dict(value)
    return utc(value) if isinstance(value, datetime) else value


def _told(value: Any) -> Any:
    return value if isinstance(value, dict | int) else text_of(value)
