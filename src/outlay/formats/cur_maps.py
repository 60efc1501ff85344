"""The key-value columns of a charge from a CUR's maps, or from its columns with a key at their end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import ibis
import ibis.expr.types as ir

from outlay.focus.columns import TEXT
from outlay.formats import values
from outlay.formats.cur_names import (
    COST_CATEGORIES,
    COST_CATEGORY_COLUMNS,
    DISCOUNT_COLUMNS,
    DISCOUNTS,
    PRODUCT,
    TAG_COLUMNS,
    TAGS,
    snake,
)
from outlay.formats.raw import Raw

DETAILS = "_details"


def tag_key(key: str) -> str:
    """`user:team` and `user_team` are `team`; `aws:createdBy` stays and `aws_created_by` is `aws:created_by`."""
    if key.startswith(("user:", "user_")):
        return key[5:]
    return "aws:" + key[4:] if key.startswith("aws_") else key


def _tag_key(key: ir.StringValue) -> ir.StringValue:
    """`tag_key` for the keys of a map."""
    return ibis.cases(
        (key.startswith("user:") | key.startswith("user_"), key.substr(5)),
        (key.startswith("aws_"), ibis.literal("aws:") + key.substr(4)),
        else_=key,
    )


def tag_columns(columns: Iterable[str]) -> list[tuple[str, str]]:
    """(key, column) of a bill that has a column for each tag."""
    return [(tag_key(key), column) for column, key in TAG_COLUMNS.of(columns).items()]


def tags(raw: Raw) -> ir.MapValue:
    if raw.has(TAGS):
        # `user_team` and `user:team` are one key: where AWS gives both, the first counts.
        return values.map_of(values.first_entries(_entries(raw.map(TAGS), _tag_key)))
    return raw.tags(tag_columns(raw.columns))


def cost_categories(raw: Raw) -> ir.MapValue:
    if raw.has(COST_CATEGORIES):
        return values.map_of(_entries(raw.map(COST_CATEGORIES)))
    return raw.map_of((key, column) for column, key in COST_CATEGORY_COLUMNS.of(raw.columns).items())


def discounts(raw: Raw) -> ir.MapValue:
    """Amounts that are not 0, by name in lower case; CUR 2.0 has two of them as columns of their own beside the map."""
    columns = {column: snake(key) for column, key in DISCOUNT_COLUMNS.of(raw.columns).items()}
    beside = values.first_of_each([(key, raw.text(column)) for column, key in columns.items()])
    pairs = [ibis.struct({"key": ibis.literal(key), "value": text}) for key, text in beside.items()]
    entries = ibis.array(pairs) if pairs else None
    if raw.has(DISCOUNTS):
        inside = _entries(raw.map(DISCOUNTS)).filter(lambda entry: entry["key"].notin([*columns.values(), ""]))
        entries = inside if entries is None else inside.concat(entries)
    if entries is None:
        return values.empty_map()
    return values.map_of(entries.filter(lambda entry: (entry["value"].try_cast("float64") != 0).fill_null(False)))


def product(raw: Raw, name: str) -> ir.StringValue:
    """An attribute of the product: its own column, or the product map's."""
    own = raw.text(f"product_{name}")
    return ibis.coalesce(own, values.blank_to_null(raw.map(PRODUCT).get(name))) if raw.has(PRODUCT) else own


def sku_price_details(raw: Raw) -> ir.StringValue:
    """A JSON object of what the SKU's price depends on, which the reader makes once for each SKU."""
    return raw.table[DETAILS] if DETAILS in raw.table.columns else ibis.null(TEXT)


def _as_it_is(key: ir.StringValue) -> ir.StringValue:
    return key


def _entries(given: ir.MapValue, rename: Callable[[ir.StringValue], ir.StringValue] = _as_it_is) -> ir.ArrayValue:
    """The map's entries whose value is not blank; none for no map."""
    pairs = given.keys().map(lambda key: ibis.struct({"key": rename(key), "value": given.get(key)}))
    return pairs.filter(lambda entry: (entry["value"] != "").fill_null(False))
