"""Raw rows written by hand, and what a format makes of them on the embedded engine."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from outlay.formats.base import Context, Format
from outlay.formats.raw import FILE, MAP_SUFFIX, ROW, Raw
from outlay.period import BillingPeriod

MAY = BillingPeriod(2026, 5)
CONTEXT = Context(connection="simple", period=MAY, delivery="d1", cloud_provider="Simple Cloud")

Row = Mapping[str, Any]


@functools.cache
def engine() -> Any:
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET timezone = 'UTC'")
    return connection


def evaluate(table: ir.Table) -> list[dict[str, Any]]:
    found = engine().to_pyarrow(table)
    maps = [field.name for field in found.schema if pa.types.is_map(field.type)]
    return [
        {name: dict(value) if name in maps and value is not None else value for name, value in row.items()}
        for row in found.to_pylist()
    ]


def of(format: Format, rows: Sequence[Row], file: str = "bill.csv") -> Raw:
    """A raw table of texts, and of maps where a row gives a dictionary; absent keys are null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = dict(_column(name, [row.get(name) for row in rows]) for name in names)
    for name in format.json_columns([name for name in names if name in columns]):
        columns.update([_column(name, [_read(row.get(name)) for row in rows], is_map=True)])
    columns[FILE] = pa.array([file] * len(rows), pa.string())
    columns[ROW] = pa.array(range(1, len(rows) + 1), pa.int64())
    return Raw.of(ibis.memtable(pa.table(columns)), format.names(names))


def _column(name: str, values: Sequence[Any], *, is_map: bool = False) -> tuple[str, Any]:
    if is_map or any(isinstance(value, dict) for value in values):
        entries = [None if value is None else list(value.items()) for value in values]
        return name + MAP_SUFFIX, pa.array(entries, pa.map_(pa.string(), pa.string()))
    return name, pa.array(values, pa.string())


def _read(text: str | None) -> dict[str, str] | None:
    try:
        value = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    return {key: each if isinstance(each, str) else json.dumps(each) for key, each in value.items()}


def charges(format: Format, rows: Sequence[Row], *columns: str, context: Context = CONTEXT) -> list[dict[str, Any]]:
    table = format.charges(of(format, rows), context).order_by("x_SourceRow")
    return evaluate(table.select(*columns) if columns else table)


def charge(format: Format, row: Row, *columns: str, context: Context = CONTEXT) -> dict[str, Any]:
    [found] = charges(format, [row], *columns, context=context)
    return found


def told(format: Format, rows: Sequence[Row], context: Context = CONTEXT) -> list[tuple[str, str, int, str | None]]:
    """Code, column, row and value of each row that a check finds bad."""
    raw = of(format, rows)
    checks = format.checks(raw, context)
    cells = {f"bad{n}": check.is_bad for n, check in enumerate(checks)}
    cells |= {f"value{n}": check.value for n, check in enumerate(checks)}
    found = evaluate(raw.table.select(ROW, **cells))
    return [
        (check.code, check.column, row[ROW], row[f"value{n}"])
        for n, check in enumerate(checks)
        for row in found
        if row[f"bad{n}"]
    ]


Sums = dict[tuple[str | None, str | None], dict[str, Decimal]]


def in_the_bill(format: Format, rows: Sequence[Row], context: Context = CONTEXT) -> Sums:
    """The format's control totals, by currency and account."""
    raw = of(format, rows)
    totals = format.totals(raw, context)
    return _sums(raw.table.select(currency=totals.currency, account=totals.account, **totals.sums))


def in_the_charges(format: Format, rows: Sequence[Row], context: Context = CONTEXT) -> Sums:
    raw = of(format, rows)
    costs = format.totals(raw, context).sums
    mapped = format.charges(raw, context)
    return _sums(mapped.select(*costs, currency=mapped.BillingCurrency, account=mapped.SubAccountId))


def _sums(table: ir.Table) -> Sums:
    costs = [name for name in table.columns if name not in ("currency", "account")]
    grouped = table.group_by(["currency", "account"]).agg(**{name: table[name].sum() for name in costs})
    found = {
        (row["currency"], row["account"]): {name: row[name] or Decimal(0) for name in costs}
        for row in evaluate(grouped)
    }
    return {key: sums for key, sums in found.items() if any(sums.values())}
