"""What a format is: the columns it needs, the checks on its rows, the accounting of its rows, and the mapping.

A format never reads files. It is given the raw table, where every value is the text that the bill wrote (or a map), and
answers with Ibis expressions that run on any engine. Raw tables have columns more: `_file`, the path of the file in its
delivery, `_row`, the number of the row of data in it, from 1, and, where a format asks for details, `_details`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import ibis
import ibis.expr.types as ir

from outlay.findings import CODES, Finding, finding
from outlay.focus.columns import BY_NAME, COLUMNS, TIME
from outlay.formats.raw import Raw
from outlay.period import BillingPeriod


@dataclass(frozen=True)
class Context:
    """What a format is told besides the rows: whose bill it is, and which delivery of which period."""

    connection: str
    period: BillingPeriod
    delivery: str
    cloud_provider: str | None = None
    currency: str = "USD"
    other_periods: bool = False


@dataclass(frozen=True)
class Rule:
    """One line of a mapping: a FOCUS column, where it comes from, the rule in words, and the expression itself."""

    column: str
    source: str
    rule: str
    of: Callable[[Raw, Context], ir.Value]

    def expression(self, raw: Raw, context: Context) -> ir.Value:
        return self.of(raw, context).cast(BY_NAME[self.column].type).name(self.column)


@dataclass(frozen=True)
class Check:
    """A predicate that is true of bad rows, and how such a row is told: a code, the column, its value, more fields."""

    code: str
    column: str
    is_bad: ir.BooleanValue
    value: ir.StringValue
    fields: Mapping[str, Any] = field(default_factory=dict)
    # Told once with a count instead of row by row.
    is_counted: bool = False
    # A cheap test that no bad row passes: the check itself is run only where some row of a batch fails it.
    suspicion: ir.BooleanValue | None = None

    @property
    def tells_values(self) -> bool:
        """Does its message name the value? Then it is told once for each."""
        return "value" in CODES[self.code].fields


@dataclass(frozen=True)
class Audit:
    """What reading the raw rows found, a batch at a time; audits of batches add up.

    `rows` counts all of them, `kept` those not dropped, `invoiced` those kept that have an invoice id; `gives_invoices`
    is false when the bill has no place for one. `bad` counts the rows that each check of the batch found.
    """

    rows: int = 0
    kept: int = 0
    invoiced: int = 0
    gives_invoices: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)
    split: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)
    sums: Mapping[tuple[str | None, str | None], Mapping[str, Decimal]] = field(default_factory=dict)
    bad: Sequence[int] = ()

    def plus(self, other: Audit) -> Audit:
        keys = self.sums.keys() | other.sums.keys()
        return Audit(
            self.rows + other.rows,
            self.kept + other.kept,
            self.invoiced + other.invoiced,
            self.gives_invoices or other.gives_invoices,
            _added(self.dropped, other.dropped),
            _added(self.split, other.split),
            _added(self.facts, other.facts),
            {key: _added(self.sums.get(key, {}), other.sums.get(key, {})) for key in keys},
        )

    def total(self, column: str, currency: str | None) -> Decimal:
        """The control total of one cost column in one currency; exact."""
        found = (sums[column] for (each, _), sums in self.sums.items() if each == currency)
        return sum(found, Decimal(0))


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Name by name, in the order of first mention; what one side lacks is zero."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


@dataclass(frozen=True)
class Totals:
    """Control totals as expressions on the raw table, which share nothing with the mapping's rules.

    `sums` gives the amount of a row for each cost column; a dropped row counts as zero. `currency` and `account` group.
    """

    currency: ir.StringValue
    account: ir.StringValue
    sums: Mapping[str, ir.DecimalValue]


@dataclass(frozen=True)
class Settlement:
    """What only the whole bill shows: charges that no single row gives, how many by which split rule, what is told."""

    charges: Sequence[Mapping[str, Any]] = ()
    split: Mapping[str, int] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


class Format(Protocol):
    """A meaning of rows. A new one is a module with such an object and a line in `formats.registry`.

    A bill is read in batches: every method that takes a `Raw` sees some of the rows, and what it says adds up.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]
    max_rows_a_file: int | None
    many_rows_a_file: int | None

    def names(self, columns: Sequence[str]) -> dict[str, str]:
        """The name that the mapping uses → the bill's own, where they differ."""
        ...

    def wanted(self, columns: Sequence[str]) -> Sequence[str]:
        """Those of a file's columns that the mapping and the checks read. The others are not kept."""
        ...

    def json_columns(self, columns: Sequence[str]) -> Sequence[str]:
        """Wanted columns whose text is a JSON object: the raw table has them as `<name>@map` too."""
        ...

    def detail_key(self, columns: Sequence[str]) -> str | None:
        """The wanted column that the details depend on."""
        ...

    def details(self, columns: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Columns, with the names they get, that come as one JSON object in the raw column `_details`."""
        ...

    def tags(self, columns: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Wanted columns that are tags, (key, column). Where they are text the raw table has their map: `raw.tags`."""
        ...

    def header(self, file: str, columns: Sequence[str]) -> list[Finding]:
        """Findings about a file's columns: missing, unknown, ill-named."""
        ...

    def checks(self, raw: Raw, context: Context) -> list[Check]: ...

    def drops(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        """Reason → which rows have no charge. No row may have two reasons."""
        ...

    def splits(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        """Rule → which kept rows become two charges. No row may be split twice."""
        ...

    def control_amounts(self, raw: Raw) -> dict[str, ir.Value]:
        """Columns for the raw table that `totals` is given: what it needs several times over and is dear to read."""
        ...

    def totals(self, raw: Raw, context: Context) -> Totals: ...

    def facts(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        """Which rows are to be counted for `remarks`, by a name of its own."""
        ...

    def invoiced(self, raw: Raw) -> ir.BooleanValue | None:
        """Which rows have an invoice id; None when the format or the bill never gives any."""
        ...

    def charges(self, raw: Raw, context: Context) -> ir.Table:
        """The charges, in the lake's columns and their order."""
        ...

    def open_items(self, raw: Raw, context: Context) -> ir.Table | None:
        """A small table to be seen over the whole bill, such as sums per Savings Plan; None when there is none."""
        ...

    def settle(self, items: Sequence[Mapping[str, Any]], context: Context) -> Settlement:
        """What follows from the open items of all batches. A charge made here counts as added by its split rule."""
        ...

    def remarks(self, audit: Audit, context: Context) -> list[Finding]:
        """Warnings about the bill as a whole."""
        ...


class PlainFormat:
    """What a format has that needs none of the finer points; formats derive from it and say only what differs."""

    max_rows_a_file: int | None = None
    many_rows_a_file: int | None = None

    def names(self, columns: Sequence[str]) -> dict[str, str]:
        return {}

    def json_columns(self, columns: Sequence[str]) -> Sequence[str]:
        return ()

    def detail_key(self, columns: Sequence[str]) -> str | None:
        return None

    def details(self, columns: Sequence[str]) -> Sequence[tuple[str, str]]:
        return ()

    def tags(self, columns: Sequence[str]) -> Sequence[tuple[str, str]]:
        return ()

    def drops(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        return {}

    def splits(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        return {}

    def control_amounts(self, raw: Raw) -> dict[str, ir.Value]:
        return {}

    def facts(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        return {}

    def open_items(self, raw: Raw, context: Context) -> ir.Table | None:
        return None

    def settle(self, items: Sequence[Mapping[str, Any]], context: Context) -> Settlement:
        return Settlement()

    def remarks(self, audit: Audit, context: Context) -> list[Finding]:
        return []


def missing_columns(file: str, columns: Sequence[str], needed: Sequence[str], title: str) -> list[Finding]:
    return [
        finding("column-missing", file=file, column=name, format=title) for name in needed if name not in set(columns)
    ]


def assemble(rules: Sequence[Rule], raw: Raw, context: Context) -> ir.Table:
    """The mapping applied: the lake's columns in their order, null where the format has no rule."""
    by_column = {rule.column: rule for rule in (*rules, *COMMON)}
    return raw.table.select(
        *(
            by_column[column.name].expression(raw, context)
            if column.name in by_column
            else ibis.null(column.type).name(column.name)
            for column in COLUMNS
        )
    )


# What every format has in common: where a charge came from, and the period that it counts in.
COMMON: tuple[Rule, ...] = (
    Rule("BillingPeriodStart", "the delivery", "first moment of the billing period", lambda r, c: at(c.period.start)),
    Rule("BillingPeriodEnd", "the delivery", "first moment after it", lambda r, c: at(c.period.end)),
    Rule("x_BillingPeriod", "the delivery", "the billing period's id", lambda r, c: ibis.literal(c.period.id)),
    Rule("x_Connection", "the connection", "its name", lambda r, c: ibis.literal(c.connection)),
    Rule("x_Delivery", "the delivery", "its id", lambda r, c: ibis.literal(c.delivery)),
    Rule("x_SourceFile", "the delivery", "the file that holds the row", lambda r, c: r.file),
    Rule("x_SourceRow", "the delivery", "the row's number in the file", lambda r, c: r.row),
)


def at(moment: datetime) -> ir.TimestampScalar:
    return ibis.literal(moment.isoformat()).cast(TIME)
