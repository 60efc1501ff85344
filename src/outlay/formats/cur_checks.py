"""What is checked on a CUR's rows, and what is told about the bill as a whole."""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from outlay.findings import Finding, finding
from outlay.formats import values
from outlay.formats.base import Audit, Check, Context
from outlay.formats.cbf import outside, time_check
from outlay.formats.cur_amounts import NET, PUBLIC, RATE, UNBLENDED
from outlay.formats.cur_kinds import COVERED, LINE_ITEM_TYPES, TYPE, is_type
from outlay.formats.cur_names import NUMBERS, TAGS, TIMES
from outlay.formats.raw import Raw

RESOURCE_IDS, MERGED_TAGS = "resource-ids", "merged-tags"
# Column that amortises, canonical and in legacy CSV → the line item types whose effective cost is made of it.
_AMORTISING: dict[tuple[str, str], tuple[str, ...]] = {
    ("reservation_effective_cost", "reservation/EffectiveCost"): ("DiscountedUsage",),
    (
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
    ): ("RIFee",),
    ("reservation_unused_recurring_fee", "reservation/UnusedRecurringFee"): ("RIFee",),
    ("savings_plan_savings_plan_effective_cost", "savingsPlan/SavingsPlanEffectiveCost"): (COVERED,),
    ("savings_plan_total_commitment_to_date", "savingsPlan/TotalCommitmentToDate"): ("SavingsPlanRecurringFee",),
    ("savings_plan_used_commitment", "savingsPlan/UsedCommitment"): ("SavingsPlanRecurringFee",),
}
_WITHOUT = "without "
_ALWAYS_FILLED = ("bill_payer_account_id", TYPE, "line_item_usage_start_date")


def checks(raw: Raw, context: Context) -> list[Check]:
    """Columns are told under the bill's own names."""
    found = [
        Check("value-missing", _own(raw, name), raw.text(name).isnull(), values.no_text()) for name in _ALWAYS_FILLED
    ]
    found.append(Check("value-missing", _own(raw, UNBLENDED), _has_no_cost(raw), values.no_text()))
    for name in filter(raw.has, NUMBERS):
        found += _number_checks(raw, name)
    for name in filter(raw.has, TIMES):
        found.append(replace(time_check(raw, name), column=_own(raw, name)))
    return [*found, _currency(raw), _unknown_type(raw), _outside(raw, context)]


def _own(raw: Raw, name: str) -> str:
    return raw.names.get(name, name)


def _has_no_cost(raw: Raw) -> ir.BooleanValue:
    return ibis.coalesce(raw.text(NET).nullif(_NO_VALUE), raw.text(UNBLENDED).nullif(_NO_VALUE)).isnull()


# How some tools write a number that is not there.
_NO_VALUE = "None"
_TOO_LARGE = 1e20


def _number_checks(raw: Raw, name: str) -> list[Check]:
    """A number column's three faults: not a number, too large, more places than are kept (a warning)."""
    text, column = raw.text(name).nullif(_NO_VALUE), _own(raw, name)
    odd = values.is_odd_number(text, scientific=True)
    is_number = values.is_number(text, scientific=True)
    is_large = text.try_cast("float64").abs() >= _TOO_LARGE
    is_rounded = values.has_more_places(text, scientific=True)
    rounded = Check("number-rounded", column, is_rounded, text, is_counted=True, suspicion=odd)
    if name in (PUBLIC, RATE):
        is_unread = ~is_number | is_large
        return [Check("public-price-unreadable", column, is_unread, text, is_counted=True, suspicion=odd), rounded]
    expected = {"expected": "a number such as -12.30 or 4.0E-7"}
    return [
        Check("number-invalid", column, ~is_number, text, expected, suspicion=odd),
        Check("number-too-large", column, is_number & is_large, text, suspicion=odd),
        rounded,
    ]


def _currency(raw: Raw) -> Check:
    text = raw.text("line_item_currency_code")
    is_bad = ~text.fill_null("").re_search("^[A-Z]{3}$")
    return Check("currency-invalid", _own(raw, "line_item_currency_code"), is_bad, text)


def _unknown_type(raw: Raw) -> Check:
    text = raw.text(TYPE)
    return Check(
        "line-item-type-unknown", _own(raw, TYPE), text.notnull() & text.notin(LINE_ITEM_TYPES), text, is_counted=True
    )


def _outside(raw: Raw, context: Context) -> Check:
    name = "line_item_usage_start_date"
    return replace(outside(raw, name, context, "outside-period-allowed", is_counted=True), column=_own(raw, name))


def facts(raw: Raw) -> dict[str, ir.BooleanValue]:
    has_merged_tags = any(column.startswith(f"{TAGS}_") for column in raw.columns)
    return {
        RESOURCE_IDS: raw.text("line_item_resource_id").notnull(),
        MERGED_TAGS: ibis.literal(has_merged_tags),
        **{_WITHOUT + column: is_type(raw, *types) for column, types in _not_amortised(raw).items()},
    }


def _not_amortised(raw: Raw) -> dict[str, tuple[str, ...]]:
    """The amortising columns that the bill lacks, as it would spell them, and the line item types that need them."""
    is_legacy_csv = any("/" in column for column in raw.columns)
    return {
        legacy if is_legacy_csv else name: types for (name, legacy), types in _AMORTISING.items() if not raw.has(name)
    }


def remarks(audit: Audit) -> list[Finding]:
    found = []
    if audit.rows and not audit.facts.get(RESOURCE_IDS):
        found.append(finding("resource-ids-off"))
    if audit.facts.get(MERGED_TAGS):
        found.append(finding("tags-merged"))
    lacking = {name: count for name, count in audit.facts.items() if name.startswith(_WITHOUT) and count}
    return [
        *found,
        *(finding("amortisation-missing", column=name.removeprefix(_WITHOUT), count=n) for name, n in lacking.items()),
    ]
