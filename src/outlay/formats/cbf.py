"""The Common Bill Format, as an AnyCost Bucket delivers it.

Sources: CloudZero's AnyCost pages and its public CBF reference. What they leave open is decided in
`docs/formats/cbf.md`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from outlay.findings import Finding, finding
from outlay.focus.columns import COSTS, TEXT
from outlay.formats import control, values
from outlay.formats.base import Audit, Check, Context, PlainFormat, Rule, Totals, assemble, at, missing_columns
from outlay.formats.raw import Raw

TITLE = "CBF"
TAG = "resource/tag:"
REQUIRED = ("time/usage_start", "cost/cost")
NUMBERS = (
    "cost/cost",
    "cost/discounted_cost",
    "cost/amortized_cost",
    "cost/discounted_amortized_cost",
    "cost/on_demand_cost",
    "usage/amount",
)
TIMES = ("time/usage_start", "time/usage_end")
K8S = ("k8s/cluster", "k8s/namespace", "k8s/deployment")
LABELS = "k8s/labels"
TEXTS = (
    "resource/id",
    "lineitem/type",
    "resource/account",
    "resource/service",
    "usage/units",
    "resource/region",
    "lineitem/id",
    "lineitem/description",
    "lineitem/cloud_provider",
    "resource/usage_family",
    "action/operation",
    "action/usage_type",
    "bill/invoice_id",
    *K8S,
    LABELS,
    "action/region",
    "action/account",
)
KNOWN = frozenset((*NUMBERS, *TIMES, *TEXTS))
TAG_KEY = re.compile(r"[A-Za-z0-9_.:/=+\-@]+")


@dataclass(frozen=True)
class LineItemType:
    """How one `lineitem/type` reads in FOCUS."""

    category: str
    frequency: str
    pricing: str | None
    is_commitment: bool = False
    status: str | None = None


LINE_ITEM_TYPES: dict[str, LineItemType] = {
    "Usage": LineItemType("Usage", "Usage-Based", "Standard"),
    "Tax": LineItemType("Tax", "Recurring", None),
    "Support": LineItemType("Purchase", "Recurring", "Standard"),
    "Purchase": LineItemType("Purchase", "One-Time", "Standard"),
    "CommittedUsePurchase": LineItemType("Purchase", "One-Time", "Standard", is_commitment=True),
    "CommittedUseVacancy": LineItemType("Usage", "Usage-Based", "Committed", is_commitment=True, status="Unused"),
    "CommittedUseRecurringFee": LineItemType("Purchase", "Recurring", "Standard", is_commitment=True),
    "Discount": LineItemType("Usage", "Usage-Based", "Standard"),
    "Credit": LineItemType("Credit", "One-Time", "Other"),
    "Fee": LineItemType("Purchase", "One-Time", "Standard"),
    "Adjustment": LineItemType("Adjustment", "One-Time", "Other"),
}


def _type(raw: Raw) -> ir.StringValue:
    return raw.text("lineitem/type").fill_null("Usage")


def _by_type(raw: Raw, attribute: str) -> ir.StringValue:
    known = {name: getattr(entry, attribute) for name, entry in LINE_ITEM_TYPES.items()}
    cases = [(_type(raw) == name, ibis.literal(value)) for name, value in known.items() if value is not None]
    return ibis.cases(*cases, else_=ibis.null(TEXT))


def _is_commitment(raw: Raw) -> ir.BooleanValue:
    return _type(raw).isin([name for name, entry in LINE_ITEM_TYPES.items() if entry.is_commitment])


def _commitment(raw: Raw, value: ir.Value) -> ir.Value:
    return ibis.cases((_is_commitment(raw), value))


def _first_number(raw: Raw, *columns: str) -> ir.DecimalValue:
    return ibis.coalesce(*(raw.number(column) for column in columns))


def _first_text(raw: Raw, *columns: str) -> ir.StringValue:
    return ibis.coalesce(*(raw.text(column) for column in columns))


def _provider(raw: Raw, context: Context) -> ir.StringValue:
    return raw.text("lineitem/cloud_provider").fill_null(context.cloud_provider or context.connection)


def _unit(raw: Raw) -> ir.StringValue:
    return ibis.cases((raw.text("usage/amount").notnull(), raw.text("usage/units")))


def _on_usage(raw: Raw, value: ir.Value) -> ir.Value:
    return ibis.cases((_type(raw) == "Usage", value))


def _end(raw: Raw) -> ir.TimestampValue:
    return ibis.coalesce(raw.time("time/usage_end"), raw.time("time/usage_start") + ibis.interval(hours=1))


def _tag_columns(columns: Sequence[str]) -> list[str]:
    return sorted(column for column in columns if column.startswith(TAG))


def _keyed(columns: Collection[str]) -> list[tuple[str, str]]:
    """(key, column) of what becomes a tag."""
    tags = [(column.removeprefix(TAG), column) for column in sorted(columns) if column.startswith(TAG)]
    return [*tags, *((column, column) for column in (*K8S, LABELS) if column in columns)]


def _tags(raw: Raw) -> ir.MapValue:
    """Tags, the `k8s/…` columns under their own names, and each label as `k8s/labels/<name>` besides."""
    tags = raw.tags(_keyed(raw.columns))
    if not raw.has(LABELS):
        return tags
    labels = raw.map(LABELS)
    prefixed = ibis.map(labels.keys().map(lambda key: ibis.literal(f"{LABELS}/") + key), labels.values())
    return ibis.cases((labels.notnull(), tags + prefixed), else_=tags)


_Y = "only on commitment rows"

RULES: tuple[Rule, ...] = (
    Rule("BilledCost", "`cost/cost`", "as it is", lambda r, c: r.number("cost/cost")),
    Rule(
        "EffectiveCost",
        "`cost/discounted_amortized_cost`, else `cost/amortized_cost`, else `cost/discounted_cost`, else `cost/cost`",
        "the first that is not blank; an explicit 0 is kept",
        lambda r, c: _first_number(
            r, "cost/discounted_amortized_cost", "cost/amortized_cost", "cost/discounted_cost", "cost/cost"
        ),
    ),
    Rule(
        "ListCost",
        "`cost/on_demand_cost`, else `cost/cost`",
        "the first that is not blank",
        lambda r, c: _first_number(r, "cost/on_demand_cost", "cost/cost"),
    ),
    Rule(
        "ContractedCost",
        "`cost/discounted_cost`, else `cost/cost`",
        "the first that is not blank",
        lambda r, c: _first_number(r, "cost/discounted_cost", "cost/cost"),
    ),
    Rule(
        "x_AmortizedCost",
        "`cost/amortized_cost`, else `cost/cost`",
        "the first that is not blank",
        lambda r, c: _first_number(r, "cost/amortized_cost", "cost/cost"),
    ),
    Rule(
        "BillingCurrency",
        "the connection",
        "US dollars unless it says otherwise",
        lambda r, c: ibis.literal(c.currency),
    ),
    Rule(
        "BillingAccountId",
        "the connection",
        "its name: CBF has no billing account",
        lambda r, c: ibis.literal(c.connection),
    ),
    Rule(
        "SubAccountId",
        "`resource/account`, else `action/account`",
        "the first that is not blank",
        lambda r, c: _first_text(r, "resource/account", "action/account"),
    ),
    Rule("ProviderName", "`lineitem/cloud_provider`, else the connection's cloud provider", "", _provider),
    Rule("ServiceProviderName", "as ProviderName", "", _provider),
    Rule("PublisherName", "as ProviderName", "", _provider),
    Rule("HostProviderName", "as ProviderName", "", _provider),
    Rule("InvoiceIssuerName", "as ProviderName", "", _provider),
    Rule("ServiceName", "`resource/service`", "as it is", lambda r, c: r.text("resource/service")),
    Rule(
        "ServiceCategory",
        "none",
        "`Other`: services of other vendors have no common list",
        lambda r, c: ibis.literal("Other"),
    ),
    Rule("ServiceSubcategory", "none", "`Other (Other)`", lambda r, c: ibis.literal("Other (Other)")),
    Rule("ChargePeriodStart", "`time/usage_start`", "in UTC", lambda r, c: r.time("time/usage_start")),
    Rule("ChargePeriodEnd", "`time/usage_end`", "else one hour after the start", lambda r, c: _end(r)),
    Rule("ChargeCategory", "`lineitem/type`", "see the table below", lambda r, c: _by_type(r, "category")),
    Rule("ChargeFrequency", "`lineitem/type`", "see the table below", lambda r, c: _by_type(r, "frequency")),
    Rule("PricingCategory", "`lineitem/type`", "see the table below", lambda r, c: _by_type(r, "pricing")),
    Rule("ChargeDescription", "`lineitem/description`", "as it is", lambda r, c: r.text("lineitem/description")),
    Rule("CommitmentDiscountId", "`resource/id`", _Y, lambda r, c: _commitment(r, r.text("resource/id"))),
    Rule(
        "CommitmentDiscountStatus",
        "`lineitem/type`",
        "`Unused` on CommittedUseVacancy",
        lambda r, c: _by_type(r, "status"),
    ),
    Rule(
        "CommitmentDiscountCategory",
        "`lineitem/type`",
        f"`Usage`, {_Y}",
        lambda r, c: _commitment(r, ibis.literal("Usage")),
    ),
    Rule(
        "CommitmentDiscountType",
        "`lineitem/type`",
        f"`Committed Use`, {_Y}",
        lambda r, c: _commitment(r, ibis.literal("Committed Use")),
    ),
    Rule(
        "RegionId",
        "`resource/region`, else `action/region`",
        "the first that is not blank",
        lambda r, c: _first_text(r, "resource/region", "action/region"),
    ),
    Rule("ResourceId", "`resource/id`", "whole", lambda r, c: r.text("resource/id")),
    Rule(
        "ResourceType",
        "`resource/id`",
        "what stands before the first `/` or `:`; null without one",
        lambda r, c: r.text("resource/id").re_extract("^([^/:]+)[/:]", 1).nullif(""),
    ),
    Rule("ConsumedQuantity", "`usage/amount`", "on Usage rows", lambda r, c: _on_usage(r, r.number("usage/amount"))),
    Rule("ConsumedUnit", "`usage/units`", "on Usage rows with an amount", lambda r, c: _on_usage(r, _unit(r))),
    Rule("PricingQuantity", "`usage/amount`", "as it is", lambda r, c: r.number("usage/amount")),
    Rule("PricingUnit", "`usage/units`", "where there is an amount", lambda r, c: _unit(r)),
    Rule("SkuMeter", "`action/usage_type`", "as it is", lambda r, c: r.text("action/usage_type")),
    Rule("InvoiceId", "`bill/invoice_id`", "as it is", lambda r, c: r.text("bill/invoice_id")),
    Rule(
        "Tags",
        "`resource/tag:…`, `k8s/…`",
        "tag keys bare, `k8s/` keys with their prefix, each label as `k8s/labels/<name>`",
        lambda r, c: _tags(r),
    ),
    Rule("x_LineItemId", "`lineitem/id`", "as it is", lambda r, c: r.text("lineitem/id")),
    Rule("x_LineItemType", "`lineitem/type`", "`Usage` when blank", lambda r, c: _type(r)),
    Rule("x_Operation", "`action/operation`", "as it is", lambda r, c: r.text("action/operation")),
    Rule("x_UsageFamily", "`resource/usage_family`", "as it is", lambda r, c: r.text("resource/usage_family")),
    Rule("x_UsageType", "`action/usage_type`", "as it is", lambda r, c: r.text("action/usage_type")),
)


class Cbf(PlainFormat):
    """The format object; see `formats.base.Format`."""

    name = "cbf"
    title = TITLE
    rules = RULES
    max_rows_a_file: int | None = 1_000_000

    def wanted(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(column for column in columns if column in KNOWN or column.startswith(TAG))

    def json_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(column for column in columns if column == LABELS)

    def tags(self, columns: Sequence[str]) -> Sequence[tuple[str, str]]:
        return _keyed(columns)

    def header(self, file: str, columns: Sequence[str]) -> list[Finding]:
        found = missing_columns(file, columns, REQUIRED, TITLE)
        for column in columns:
            if column.startswith(TAG):
                if not TAG_KEY.fullmatch(column.removeprefix(TAG)):
                    found.append(finding("tag-key-invalid", file=file, column=column))
            elif column not in KNOWN:
                found.append(finding("column-unknown", file=file, column=column, format=TITLE))
        return found

    def checks(self, raw: Raw, context: Context) -> list[Check]:
        types = ibis.literal(None, TEXT) if not raw.has("lineitem/type") else raw.text("lineitem/type")
        no_text = values.no_text()
        found = [Check("value-missing", column, raw.text(column).isnull(), no_text) for column in REQUIRED]
        for column in filter(raw.has, NUMBERS):
            found += number_checks(raw, column, scientific=False, expected="a plain decimal such as -12.30")
        for column in filter(raw.has, TIMES):
            found.append(time_check(raw, column))
        found.append(
            Check(
                "category-unknown",
                "lineitem/type",
                types.notnull() & types.notin(list(LINE_ITEM_TYPES)),
                types,
                {"allowed": ", ".join(LINE_ITEM_TYPES)},
            )
        )
        found.append(outside(raw, "time/usage_start", context, "outside-period"))
        if tags := raw.starting_with(TAG):
            is_tagged = ibis.coalesce(*(raw.text(tag) for tag in tags)).notnull()
            found.append(
                Check("resource-missing", "resource/id", is_tagged & raw.text("resource/id").isnull(), no_text)
            )
        if raw.has(LABELS):
            labels = raw.text(LABELS)
            found.append(Check("labels-invalid", LABELS, labels.notnull() & raw.map(LABELS).isnull(), labels))
        return found

    def totals(self, raw: Raw, context: Context) -> Totals:
        return control.cbf(raw.table, context.currency)

    def invoiced(self, raw: Raw) -> ir.BooleanValue | None:
        return raw.text("bill/invoice_id").notnull() if raw.has("bill/invoice_id") else None

    def charges(self, raw: Raw, context: Context) -> ir.Table:
        return assemble(self.rules, raw, context)

    def remarks(self, audit: Audit, context: Context) -> list[Finding]:
        """Billed, discounted, amortised and discounted amortised redistribute: over a whole bill they are equal."""
        currency = context.currency
        billed = audit.total("BilledCost", currency)
        alike = [name for name in COSTS if name not in ("BilledCost", "ListCost")]
        return [
            finding("totals-differ", column=name, value=f"{total:f}", expected=f"{billed:f}", currency=currency)
            for name in alike
            if (total := audit.total(name, currency)) != billed
        ]


def number_checks(raw: Raw, column: str, *, scientific: bool, expected: str) -> list[Check]:
    """A number column's three faults: not a number, too large, more places than are kept (a warning)."""
    text = raw.text(column)
    good = values.is_number(text, scientific=scientific)
    unread = raw.number(column, scientific=scientific).isnull()
    rounded = values.has_more_places(text, scientific=scientific)
    odd = values.is_odd_number(text, scientific=scientific)
    return [
        Check("number-invalid", column, text.notnull() & ~good, text, {"expected": expected}, suspicion=odd),
        Check("number-too-large", column, good & unread, text, suspicion=odd),
        Check("number-rounded", column, rounded, text, is_counted=True, suspicion=odd),
    ]


def time_check(raw: Raw, column: str) -> Check:
    text = raw.text(column)
    is_bad = text.notnull() & raw.time(column).isnull()
    return Check("time-invalid", column, is_bad, text, suspicion=values.is_odd_time(text))


def outside(raw: Raw, column: str, context: Context, code: str, *, is_counted: bool = False) -> Check:
    """Rows whose time lies outside the billing period. One written in UTC with the period's month surely does not."""
    text, time = raw.text(column), raw.time(column)
    is_outside = (time < at(context.period.start)) | (time >= at(context.period.end))
    is_surely_inside = text.startswith(f"{context.period.month}-") & text.endswith("Z")
    fields = {"period": context.period.id}
    suspicion = text.notnull() & ~is_surely_inside
    return Check(code, column, is_outside, text, fields, is_counted, suspicion)
