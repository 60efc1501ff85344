"""AWS Cost and Usage Reports: legacy CSV, legacy Parquet and CUR 2.0, through one mapping.

Needed are the line item's type, start, product code, currency and unblended cost, and the payer's and user's account;
AWS leaves out what a bill does not use, so any other column may be absent. How a row reads is decided by its kind
(`cur_kinds`), its costs are made of the amounts of `cur_amounts`. Sources: AWS's Data Exports dictionary, the SQL of
its Cloud Intelligence Dashboards, the FOCUS specification; what they leave open is decided in `docs/formats/cur.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.findings import Finding, finding
from outlay.formats import control_cur, cur_checks, cur_maps, cur_names, cur_remainder
from outlay.formats.base import Audit, Check, Context, PlainFormat, Settlement, Totals, assemble
from outlay.formats.cur_amounts import AMOUNTS, NET, ZERO, Amount, number
from outlay.formats.cur_kinds import DISCOUNT_TYPES, KINDS, NEGATION, SPLITS, Kind, is_split_cost, is_type
from outlay.formats.cur_rows import prepared
from outlay.formats.cur_rules import RULES
from outlay.formats.raw import Raw

TITLE = "AWS Cost and Usage Report"


def _drops(raw: Raw) -> dict[str, ir.BooleanValue]:
    has_no_net_cost = ibis.coalesce(number(raw, NET) == ZERO, ibis.literal(False))
    return {
        "split-cost-allocation": is_split_cost(raw),
        "savings-plan-negation": is_type(raw, NEGATION),
        "discount-in-net-cost": is_type(raw, *DISCOUNT_TYPES) & has_no_net_cost,
    }


class Cur(PlainFormat):
    """The format object; see `formats.base.Format`. A test gives it tables of its own, to spoil one entry."""

    name = "cur"
    title = TITLE
    rules = RULES

    def __init__(self, kinds: Mapping[str, Kind] = KINDS, amounts: Mapping[str, Amount] = AMOUNTS) -> None:
        self.kinds = kinds
        self.amounts = amounts

    def names(self, columns: Sequence[str]) -> dict[str, str]:
        return cur_names.names_of(columns)

    def wanted(self, columns: Sequence[str]) -> Sequence[str]:
        return cur_names.wanted(columns)

    def json_columns(self, columns: Sequence[str]) -> Sequence[str]:
        return [column for column in columns if column in cur_names.MAPS]

    def detail_key(self, columns: Sequence[str]) -> str | None:
        return cur_names.names_of(columns).get("product_sku")

    def details(self, columns: Sequence[str]) -> Sequence[tuple[str, str]]:
        return cur_names.details(columns)

    def tags(self, columns: Sequence[str]) -> Sequence[tuple[str, str]]:
        return () if cur_names.TAGS in columns else cur_maps.tag_columns(columns)

    def header(self, file: str, columns: Sequence[str]) -> list[Finding]:
        return [finding("column-missing", file=file, column=name, format=TITLE) for name in cur_names.missing(columns)]

    def checks(self, raw: Raw, context: Context) -> list[Check]:
        return cur_checks.checks(raw, context)

    def drops(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        return _drops(raw)

    def splits(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        return {rule: is_type(raw, type_) for rule, (type_, _) in SPLITS.items()}

    def control_amounts(self, raw: Raw) -> dict[str, ir.Value]:
        return control_cur.amounts(raw.table)

    def totals(self, raw: Raw, context: Context) -> Totals:
        return control_cur.cur(raw.table)

    def facts(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        return cur_checks.facts(raw)

    def invoiced(self, raw: Raw) -> ir.BooleanValue | None:
        return raw.text("bill_invoice_id").notnull() if raw.has("bill_invoice_id") else None

    def charges(self, raw: Raw, context: Context) -> ir.Table:
        """The rows that have charges, those of a split twice."""
        kept = ~reduce(or_, _drops(raw).values())
        return assemble(self.rules, prepared(raw, kept, self.kinds, self.amounts), context)

    def open_items(self, raw: Raw, context: Context) -> ir.Table | None:
        return cur_remainder.open_items(raw)

    def settle(self, items: Sequence[Mapping[str, Any]], context: Context) -> Settlement:
        return cur_remainder.settle(items, context)

    def remarks(self, audit: Audit, context: Context) -> list[Finding]:
        return cur_checks.remarks(audit)
