"""FOCUS 1.0 to 1.4 as providers write it, normalised to the lake's columns.

What the specification leaves open, and what providers do besides, is decided in `docs/formats/focus.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir

from outlay.findings import Finding, finding
from outlay.focus.columns import BY_NAME, COLUMNS, DECIMAL, FILLED_FROM, MAP, TEXT, TIME, Column
from outlay.formats import control_focus, values
from outlay.formats.base import COMMON, Check, Context, PlainFormat, Rule, Totals, assemble, at, missing_columns
from outlay.formats.cbf import number_checks, time_check
from outlay.formats.raw import FILE, Raw

TITLE = "FOCUS"
PERIOD = "BillingPeriodStart"
OTHER_PERIOD = "belongs-to-another-period"
REQUIRED = (
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "BillingCurrency",
    PERIOD,
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
)
# Blank is an error there. A blank currency has a code of its own, and a blank ContractedCost a value that stands in.
FILLED = tuple(name for name in REQUIRED if name not in ("BillingCurrency", "ContractedCost"))
# Columns that AWS adds and the lake keeps, by the lake's names, each with the names it was seen under.
AWS_COLUMNS: dict[str, tuple[str, ...]] = {
    "x_CostCategories": ("x_CostCategories",),
    "x_Discounts": ("x_Discounts", "x_Discount"),
    "x_Operation": ("x_Operation",),
    "x_ServiceCode": ("x_ServiceCode",),
    "x_UsageType": ("x_UsageType",),
}
KNOWN = (
    *(column.name for column in COLUMNS if column.is_focus),
    *(name for names in AWS_COLUMNS.values() for name in names),
)
NUMBERS = tuple(column.name for column in COLUMNS if column.is_focus and column.type == DECIMAL)
TIMES = tuple(column.name for column in COLUMNS if column.is_focus and column.type == TIME)
MAPS = (
    *(column.name for column in COLUMNS if column.is_focus and column.type == MAP),
    *AWS_COLUMNS["x_CostCategories"],
    *AWS_COLUMNS["x_Discounts"],
)
ENUMERATED = tuple(column.name for column in COLUMNS if column.values)
# How a charge is counted hangs on these; the values of other enumerations only label it.
STRICT = ("ChargeCategory", "ChargeClass", "ChargeFrequency")
# The text that stands for null where a database wrote the CSV.
NULLS = ("NULL", "null")
_CURRENCY = "^[A-Z]{3}$"


def named(columns: Sequence[str]) -> dict[str, str]:
    """The columns of FOCUS to those of a bill; Athena and others write names in lower case."""
    by_folded = {column.casefold(): column for column in reversed(columns)}
    found = {name: by_folded.get(name.casefold()) for name in KNOWN}
    return {name: name if name in columns else column for name, column in found.items() if column is not None}


@dataclass(frozen=True)
class FocusRaw(Raw):
    """A raw table in which the text `NULL` is null, whatever the column, and names may be in lower case."""

    @classmethod
    def reading(cls, raw: Raw) -> FocusRaw:
        return cls(raw.table, raw.columns, named(sorted(raw.columns)))

    def written(self, name: str) -> ir.StringValue:
        text = super().written(name)
        return ibis.cases((text.notin(NULLS), text))

    def number(self, name: str, *, scientific: bool = True) -> ir.DecimalValue:
        return super().number(name, scientific=scientific)


_READ: dict[str, tuple[str, Callable[[Raw, str], ir.Value]]] = {
    TEXT: ("as it is", lambda raw, name: raw.text(name)),
    DECIMAL: ("as an exact decimal", lambda raw, name: raw.number(name)),
    TIME: ("in UTC", lambda raw, name: raw.time(name)),
    MAP: ("a map, or a JSON object", lambda raw, name: raw.map(name)),
}


def _plain(column: Column) -> Rule:
    rule, read = _READ[column.type]
    return Rule(column.name, f"`{column.name}`", rule, lambda raw, context: read(raw, column.name))


def _listed(column: Column) -> Rule:
    rule = "in FOCUS's spelling where only capitals differ"
    return Rule(column.name, f"`{column.name}`", rule, lambda raw, context: _spelt(raw, column.name))


def _spelt(raw: Raw, name: str) -> ir.StringValue:
    text = raw.text(name)
    cases = [(text.lower() == value.lower(), ibis.literal(value)) for value in BY_NAME[name].values]
    return ibis.cases(*cases, else_=text)


def _filled(*names: str) -> Rule:
    """A text column and those that fill it where it is blank or absent."""
    rule = "as it is" if len(names) == 1 else "the first that is filled"
    return Rule(names[0], _or(names), rule, lambda raw, context: _first(raw, names))


def _entity(name: str) -> Rule:
    names = (name, *FILLED_FROM[name])
    source = f"{_or(names)}, else the connection's cloud provider"
    return Rule(name, source, "the first that is filled", lambda raw, context: _entity_of(raw, context, names))


def _or(names: Sequence[str]) -> str:
    return ", else ".join(f"`{name}`" for name in names)


def _first(raw: Raw, names: Sequence[str]) -> ir.StringValue:
    return ibis.coalesce(*(raw.text(name) for name in names))


def _entity_of(raw: Raw, context: Context, names: Sequence[str]) -> ir.StringValue:
    return ibis.coalesce(*(raw.text(name) for name in names), ibis.literal(context.cloud_provider, TEXT))


def _host(raw: Raw, context: Context) -> ir.StringValue:
    if raw.has("HostProviderName"):
        return raw.text("HostProviderName")
    return _entity_of(raw, context, FILLED_FROM["HostProviderName"])


def _category(raw: Raw) -> ir.StringValue:
    return _spelt(raw, "ServiceCategory").fill_null("Other")


def _subcategory(raw: Raw) -> ir.StringValue:
    return raw.text("ServiceSubcategory").fill_null(ibis.literal("Other (") + _category(raw) + ")")


def _map_of(name: str) -> Rule:
    names = AWS_COLUMNS[name]
    return Rule(name, _or(names), _READ[MAP][0], lambda raw, c: ibis.coalesce(*(raw.map(each) for each in names)))


# The columns with a rule of their own; every other FOCUS column is read as it is.
SPECIAL: tuple[Rule, ...] = (
    Rule(
        "ContractedCost",
        "`ContractedCost`, else `ListCost`",
        "the first that is filled: where nothing was negotiated the two are equal",
        lambda raw, context: ibis.coalesce(raw.number("ContractedCost"), raw.number("ListCost")),
    ),
    Rule("x_AmortizedCost", "`EffectiveCost`", "FOCUS has no other", lambda raw, context: raw.number("EffectiveCost")),
    _entity("ServiceProviderName"),
    _entity("ProviderName"),
    _entity("PublisherName"),
    Rule(
        "HostProviderName",
        "`HostProviderName`; without that column `ProviderName`, else `ServiceProviderName`, else the cloud provider",
        "a null in the column is kept: there is no host, or none is known",
        _host,
    ),
    Rule("ServiceCategory", "`ServiceCategory`", "`Other` when blank", lambda raw, context: _category(raw)),
    Rule(
        "ServiceSubcategory",
        "`ServiceSubcategory`",
        "`Other (<ServiceCategory>)` when blank",
        lambda raw, context: _subcategory(raw),
    ),
    _filled("SkuMeter", "x_UsageType"),
    _filled("x_UsageType", "SkuMeter"),
    _filled("x_Operation"),
    _filled("x_ServiceCode"),
    _map_of("x_CostCategories"),
    _map_of("x_Discounts"),
)


def _rules() -> Iterator[Rule]:
    special = {rule.column: rule for rule in SPECIAL}
    common = {rule.column for rule in COMMON}
    for column in COLUMNS:
        if column.name in special:
            yield special[column.name]
        elif column.is_focus and column.name not in common:
            yield _listed(column) if column.values else _plain(column)


RULES: tuple[Rule, ...] = tuple(_rules())


def _is_outside(raw: Raw, column: str, context: Context) -> ir.BooleanValue:
    """False where the column has no time: that is told by a check of its own."""
    start = raw.time(column)
    return ((start < at(context.period.start)) | (start >= at(context.period.end))).fill_null(False)


def billing_periods(table: ir.Table) -> ir.Table:
    """How many rows of each file of a raw table lie in each billing period: `_file`, `year`, `month`, `rows`.

    Year and month are null for rows whose BillingPeriodStart is blank or no time: no period may be made of such a file.
    """
    start = FocusRaw.reading(Raw.of(table)).time(PERIOD)
    months = table.select(table[FILE], year=start.year(), month=start.month())
    return months.group_by([FILE, "year", "month"]).agg(rows=months.count())


class Focus(PlainFormat):
    """The format object; see `formats.base.Format`."""

    name = "focus"
    title = TITLE
    rules = RULES

    def names(self, columns: Sequence[str]) -> dict[str, str]:
        return {name: column for name, column in named(columns).items() if name != column}

    def wanted(self, columns: Sequence[str]) -> tuple[str, ...]:
        known = set(named(columns).values())
        return tuple(column for column in columns if column in known)

    def json_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        names = named(columns)
        return tuple(names[name] for name in MAPS if name in names)

    def header(self, file: str, columns: Sequence[str]) -> list[Finding]:
        names = named(columns)
        unknown = [column for column in columns if column not in set(names.values())]
        return [
            *missing_columns(file, tuple(names), REQUIRED, TITLE),
            *(finding("column-unknown", file=file, column=column, format=TITLE) for column in unknown),
        ]

    def checks(self, raw: Raw, context: Context) -> list[Check]:
        focus = FocusRaw.reading(raw)
        found = [*_value_checks(focus), *_enumeration_checks(focus), *_period_checks(focus, context)]
        dropped = self.drops(raw, context).get(OTHER_PERIOD)
        if dropped is None:
            return found
        # What is wrong with another period's rows is that period's matter.
        return [replace(check, is_bad=check.is_bad & ~dropped) for check in found]

    def drops(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        return {OTHER_PERIOD: _is_outside(FocusRaw.reading(raw), PERIOD, context)} if context.other_periods else {}

    def totals(self, raw: Raw, context: Context) -> Totals:
        return control_focus.focus(raw.table, context)

    def invoiced(self, raw: Raw) -> ir.BooleanValue | None:
        focus = FocusRaw.reading(raw)
        return focus.text("InvoiceId").notnull() if focus.has("InvoiceId") else None

    def charges(self, raw: Raw, context: Context) -> ir.Table:
        dropped = self.drops(raw, context).get(OTHER_PERIOD)
        kept = raw if dropped is None else replace(raw, table=raw.table.filter(~dropped))
        return assemble(self.rules, FocusRaw.reading(kept), context)


def _value_checks(raw: FocusRaw) -> Iterator[Check]:
    for column in filter(raw.has, FILLED):
        yield Check("value-missing", column, raw.text(column).isnull(), values.no_text())
    for column in filter(raw.has, NUMBERS):
        yield from number_checks(raw, column, scientific=True, expected="a number such as -12.30 or 4.0E-7")
    for column in filter(raw.has, TIMES):
        yield time_check(raw, column)
    for column in filter(raw.has, MAPS):
        text = raw.text(column)
        yield Check("json-invalid", column, text.notnull() & raw.map(column).isnull(), text)
    if raw.has("BillingCurrency"):
        currency = raw.text("BillingCurrency")
        is_bad = ~currency.re_search(_CURRENCY).fill_null(False)
        yield Check("currency-invalid", "BillingCurrency", is_bad, currency)
    if raw.has("ContractedCost"):
        is_blank = raw.text("ContractedCost").isnull()
        fields = {"instead": "ListCost"}
        yield Check("cost-filled", "ContractedCost", is_blank, values.no_text(), fields, is_counted=True)


def _enumeration_checks(raw: FocusRaw) -> Iterator[Check]:
    for column in filter(raw.has, ENUMERATED):
        text, allowed = raw.text(column), BY_NAME[column].values
        is_bad = text.lower().notin([value.lower() for value in allowed]).fill_null(False)
        if column in STRICT:
            yield Check("category-unknown", column, is_bad, text, {"allowed": ", ".join(allowed)})
        else:
            yield Check("category-kept", column, is_bad, text, is_counted=True)


def _period_checks(raw: FocusRaw, context: Context) -> Iterator[Check]:
    period = {"period": context.period.id}
    if not context.other_periods:
        yield Check("outside-period", PERIOD, _is_outside(raw, PERIOD, context), raw.text(PERIOD), period)
    column = "ChargePeriodStart"
    is_outside = _is_outside(raw, column, context)
    yield Check("outside-period-allowed", column, is_outside, raw.text(column), period, is_counted=True)
