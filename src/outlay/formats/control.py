"""Control totals: what a bill's rows add up to, worked out without the mapping.

Nothing here calls a rule, a helper or a reading of numbers that the mapping uses: a fault there must show as a
difference. Amounts are read by the engine's own cast. Where a bill has more than 18 places, which the mapping rounds
half to even, a total may differ by one unit of the 18th place for each such value, and by nothing otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir

from outlay.formats.base import Totals

_AMOUNT = "decimal(38, 18)"


def _reader(table: ir.Table) -> Callable[[str], ir.DecimalValue]:
    present = set(table.columns)

    def amount(column: str) -> ir.DecimalValue:
        return table[column].try_cast(_AMOUNT) if column in present else ibis.null(_AMOUNT)

    return amount


def _text(table: ir.Table, *columns: str) -> ir.StringValue:
    """The first of the columns that holds something."""
    present = [table[column].nullif("") for column in columns if column in table.columns]
    return ibis.coalesce(*present) if present else ibis.null("string")


# CBF: each cost type and the columns it is read from, the first that is filled counts.
_CBF: Mapping[str, tuple[str, ...]] = {
    "BilledCost": ("cost/cost",),
    "ContractedCost": ("cost/discounted_cost", "cost/cost"),
    "x_AmortizedCost": ("cost/amortized_cost", "cost/cost"),
    "EffectiveCost": ("cost/discounted_amortized_cost", "cost/amortized_cost", "cost/discounted_cost", "cost/cost"),
    "ListCost": ("cost/on_demand_cost", "cost/cost"),
}


def cbf(table: ir.Table, currency: str) -> Totals:
    amount = _reader(table)
    return Totals(
        ibis.literal(currency),
        _text(table, "resource/account", "action/account"),
        {name: ibis.coalesce(*(amount(column) for column in columns)) for name, columns in _CBF.items()},
    )
