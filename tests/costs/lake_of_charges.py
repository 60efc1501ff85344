"""Charges for the tests of questions: rows in, an Ibis table and the engine's function out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from outlay.focus.columns import COLUMNS, DECIMAL, INTEGER, MAP, TEXT, TIME
from outlay.period import BillingPeriod

_ARROW: dict[str, pa.DataType] = {
    TEXT: pa.string(),
    DECIMAL: pa.decimal128(38, 18),
    TIME: pa.timestamp("us", "UTC"),
    MAP: pa.map_(pa.string(), pa.string()),
    INTEGER: pa.int64(),
}
SCHEMA = pa.schema([(column.name, _ARROW[column.type]) for column in COLUMNS])

Charge = dict[str, Any]


def charge(cost: str = "1", *, on: str = "2026-05-10", period: str | None = None, **values: Any) -> Charge:
    """A charge of an hour; `period` is its billing period where that is not the month of its day."""
    start = datetime.fromisoformat(on)
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    billed = BillingPeriod.parse(period) if period else BillingPeriod.of(start)
    amount = Decimal(cost)
    return {
        "BillingCurrency": "USD",
        "BilledCost": amount,
        "EffectiveCost": amount,
        "ContractedCost": amount,
        "ListCost": amount,
        "x_AmortizedCost": amount,
        "ChargeCategory": "Usage",
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + timedelta(hours=1),
        "BillingPeriodStart": billed.start,
        "BillingPeriodEnd": billed.end,
        "x_BillingPeriod": billed.id,
        "x_Connection": "bills",
        "ServiceName": "Compute",
        **values,
    }


def arrow(charges: Iterable[Mapping[str, Any]]) -> pa.Table:
    rows = [{name: _entries(each.get(name)) for name in SCHEMA.names} for each in charges]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _entries(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


def table(charges: Iterable[Mapping[str, Any]]) -> ir.Table:
    return ibis.memtable(arrow(charges))


class Engine:
    """DuckDB as the engine sets it up: in UTC, and through Arrow, which needs no pytz."""

    def __init__(self) -> None:
        self.connection = ibis.duckdb.connect()
        self.connection.raw_sql("SET TimeZone = 'UTC'")

    def __call__(self, expression: ir.Table) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.connection.to_pyarrow(expression).to_pylist()
        return rows
