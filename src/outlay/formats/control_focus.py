"""Control totals of a FOCUS bill: its four costs, worked out without the mapping, as `formats.control` says."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from outlay.formats.base import Context, Totals

_AMOUNT = "decimal(38, 18)"
_MOMENT = "timestamp('UTC')"

# Each cost of a charge, and the columns of the bill that it has to be equal to, the first that is filled.
_COSTS: dict[str, tuple[str, ...]] = {
    "BilledCost": ("billedcost",),
    "EffectiveCost": ("effectivecost",),
    "ListCost": ("listcost",),
    "ContractedCost": ("contractedcost", "listcost"),
    "x_AmortizedCost": ("effectivecost",),
}


def focus(table: ir.Table, context: Context) -> Totals:
    counts = _counts(table, context)
    return Totals(
        _value(table, "billingcurrency"),
        _value(table, "subaccountid"),
        {cost: ibis.cases((counts, _amount(table, *columns)), else_=_zero()) for cost, columns in _COSTS.items()},
    )


def _value(table: ir.Table, name: str) -> ir.StringValue:
    """A column by its name in lower case. Columns of FOCUS come first where a bill has both spellings."""
    found = sorted((column for column in table.columns if column.lower() == name), key=lambda column: column == name)
    if not found:
        return ibis.null("string")
    text = table[found[0]].cast("string")
    return ibis.cases((text.isin(["", "NULL", "null"]), ibis.null("string")), else_=text)


def _amount(table: ir.Table, *columns: str) -> ir.DecimalValue:
    return ibis.coalesce(*(_value(table, column).try_cast(_AMOUNT) for column in columns))


def _zero() -> ir.DecimalValue:
    return ibis.literal(0).cast(_AMOUNT)


def _counts(table: ir.Table, context: Context) -> ir.BooleanValue:
    """Is the row one of the delivery's period? Where no other periods are expected, every row is."""
    if not context.other_periods:
        return ibis.literal(True)
    text = _value(table, "billingperiodstart")
    start = ibis.coalesce(text.try_cast(_MOMENT), text.left(len("2026-05-01")).try_cast(_MOMENT))
    first, end = (ibis.literal(each.isoformat()).cast(_MOMENT) for each in (context.period.start, context.period.end))
    return ((start >= first) & (start < end)).fill_null(False)
