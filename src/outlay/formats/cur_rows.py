"""CUR rows made ready for the rules: their kind's attributes beside them, their costs, and what the look-ups found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from outlay.focus.columns import COSTS, DECIMAL
from outlay.focus.services import SERVICES
from outlay.formats import cur_maps, cur_tables, values
from outlay.formats.cur_amounts import READ, ZERO, Amount, number
from outlay.formats.cur_kinds import SPLITS, Kind, kind_of
from outlay.formats.cur_names import NUMBERS
from outlay.formats.raw import Raw

# Cost column → which of a kind's four costs it is, and whether from the net columns.
_COST_OF = {
    "BilledCost": ("billed", True),
    "EffectiveCost": ("effective", True),
    "ListCost": ("list", True),
    "ContractedCost": ("contracted", True),
    "x_AmortizedCost": ("effective", False),
}
_FIRST_OF = {second: first for first, second in SPLITS.values()}


def prepared(raw: Raw, kept: ir.BooleanValue, kinds: Mapping[str, Kind], amounts: Mapping[str, Amount]) -> Raw:
    """The kept rows, those of a split twice, with columns that begin with `_` for the rules to read."""
    present = [name for name in NUMBERS if raw.has(name)]
    region = ibis.coalesce(cur_maps.product(raw, "region_code"), cur_maps.product(raw, "region"))
    table = raw.table.mutate(
        _kept=kept,
        _key=kind_of(raw),
        _code=raw.text("line_item_product_code"),
        _region_id=region,
        _aws_unit=raw.text("pricing_unit"),
        _numbers=ibis.array([raw.text(name) for name in present]).map(_number),
    )
    table = table.filter(table["_kept"])
    table = cur_tables.join(table, table["_key"], _kinds(kinds), "_for")
    table = cur_tables.join(table, table["_code"], _SERVICES, "_for_code")
    table = cur_tables.join(table, table["_aws_unit"], _UNITS, "_for_unit")
    table = cur_tables.join(table, table["_region_id"], _REGIONS, "_for_region")
    table = table.mutate(**{READ + name: table["_numbers"][place] for place, name in enumerate(present)})
    raw = replace(raw, table=table)
    costs = {f"_{cost}": _cost(raw, cost, kinds, amounts) for cost in COSTS}
    return replace(raw, table=table.mutate(_quantity=_quantity(raw), _unit=_unit(raw), **costs))


def _number(text: ir.StringValue) -> ir.DecimalValue:
    """How a number is read takes a page of SQL: over a list of a row's numbers it is written once, not twenty times."""
    return values.number(text, scientific=True)


def _cost(raw: Raw, cost: str, kinds: Mapping[str, Kind], amounts: Mapping[str, Amount]) -> ir.DecimalValue:
    attribute, net = _COST_OF[cost]
    used = dict.fromkeys(getattr(kind, attribute) for kind in kinds.values())
    named = raw.table[f"_{attribute}"]
    return ibis.cases(*((named == name, amounts[name](raw, net)) for name in used), else_=ZERO).cast(DECIMAL)


def _quantity(raw: Raw) -> ir.DecimalValue:
    of = raw.table["_quantity_of"]
    return ibis.cases(
        (of == "usage", number(raw, "line_item_usage_amount")),
        (of == "unused", number(raw, "reservation_unused_quantity")),
    )


def _unit(raw: Raw) -> ir.StringValue:
    by_usage = cur_tables.by_first_found(raw.text("line_item_usage_type"), cur_tables.UNITS_BY_USAGE)
    written = raw.table["_aws_unit"]
    return ibis.cases((written.isnull(), by_usage), else_=ibis.coalesce(raw.table["_focus_unit"], written))


def _kinds(kinds: Mapping[str, Kind]) -> list[dict[str, str | None]]:
    """One row for each kind; the second of a split stands under the first one's name, so that the join doubles it."""
    return [
        {
            "_for": _FIRST_OF.get(name, name),
            "_category": kind.category,
            "_frequency": kind.frequency,
            "_pricing": kind.pricing,
            "_billed": kind.billed,
            "_effective": kind.effective,
            "_contracted": kind.contracted,
            "_list": kind.list,
            "_commitment": kind.commitment,
            "_status": kind.status,
            "_quantity_of": kind.quantity,
            "_refund": "refund" if kind.is_refund else None,
        }
        for name, kind in kinds.items()
    ]


_SERVICES: list[dict[str, str | None]] = [
    {
        "_for_code": service.code,
        "_service": service.name,
        "_service_category": service.category,
        "_service_subcategory": service.subcategory,
    }
    for service in SERVICES
]
_UNITS: list[dict[str, str | None]] = [
    {"_for_unit": aws, "_focus_unit": focus} for aws, focus in cur_tables.UNITS.items()
]
_REGIONS: list[dict[str, str | None]] = [
    {"_for_region": code, "_region_name": name} for code, name in cur_tables.REGIONS.items()
]
