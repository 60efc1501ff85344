"""CBF as it should be: what a reader of AnyCost buckets may take amiss though Outlay brings it in. All are warnings.

Sources: CloudZero's AnyCost pages and its public CBF reference. An error is never added here: what `outlay check` calls
one is what an ingest rejects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.engine import Told
from outlay.findings import KEPT_PER_CODE, Finding, finding
from outlay.focus.columns import DECIMAL
from outlay.formats.base import Audit, Check, Context
from outlay.formats.cbf import TIMES, Cbf
from outlay.formats.raw import Raw

_START = "time/usage_start"
ID = "resource/id"
# A time in UTC at the full hour, or a date alone: nothing is to be said of it.
_WELL = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:00(:00(\.0{1,9})?)?(Z| UTC|[+-]00(:?00)?))?$"
)
_OFFSET = r"[T ].*[+-][0-9]{2}(:?[0-9]{2})?$"
_OFFSET_OF_UTC = r"[+-]00(:?00)?$"
_WITHOUT_ZONE = r"[T ][0-9:.]+$"
# How a spreadsheet writes dates: the pattern, and an example of it.
_SPREADSHEET: tuple[tuple[str, str], ...] = (
    (r"^[0-9]{1,4}([/.])[0-9]{1,2}[/.][0-9]{2,4}([ T].*)?$", "5/1/2026"),
    (r"^[0-9]{5}([.,][0-9]+)?$", "46143"),
    (r"^([0-9]{1,2}[- ])?[A-Za-z]{3,9}[- ]([0-9]{1,2},?[- ])?[0-9]{2,4}([ T].*)?$", "1-May-26"),
)
# A resource id's first two segments, and an id that has more.
_TWO_SEGMENTS = r"^([^/:]*[/:][^/:]*)"
_THIRD_SEGMENT = r"^[^/:]*[/:][^/:]*[/:]"
# First two segments that are looked at: more need too much memory.
_MOST = 100_000
# By column that holds discounts: the columns that the amount without them is in, the first that is filled.
_DISCOUNTED: Mapping[str, tuple[str, ...]] = {
    "cost/discounted_cost": ("cost/cost",),
    "cost/discounted_amortized_cost": ("cost/amortized_cost", "cost/cost"),
}
_TWICE, _LESS = "twice", "less"


class CbfLint(Cbf):
    """The format, with the warnings besides."""

    many_rows_a_file: int | None = 950_000

    def checks(self, raw: Raw, context: Context) -> list[Check]:
        found = super().checks(raw, context)
        for column in filter(raw.has, TIMES):
            found += _time_checks(raw, column)
        return found

    def facts(self, raw: Raw, context: Context) -> dict[str, ir.BooleanValue]:
        """Of each discounted column: discounts that count in it, and other rows that have less in it."""
        if not raw.has("lineitem/type"):
            return {}
        is_discount = raw.text("lineitem/type").fill_null("Usage") == "Discount"
        found: dict[str, ir.BooleanValue] = {}
        for column, others in _DISCOUNTED.items():
            if raw.has(column):
                own, full = _amount(raw, column), ibis.coalesce(*(_amount(raw, each) for each in others))
                found[f"{_TWICE} {column}"] = is_discount & (ibis.coalesce(own, full) != 0)
                found[f"{_LESS} {column}"] = ~is_discount & (own < full)
        return found

    def remarks(self, audit: Audit, context: Context) -> list[Finding]:
        return [*super().remarks(audit, context), *_discounts_twice(audit)]


def _amount(raw: Raw, column: str) -> ir.DecimalValue:
    """Read as the control totals read it, which costs nothing more; null where it is no number."""
    return raw.table[column].try_cast(DECIMAL) if raw.has(column) else ibis.null(DECIMAL)


def by_two_segments(raw: Raw) -> ir.Table:
    """By first two segments of the ids: one id, another one if there is any, and how many rows.

    Only where an id has a third segment.
    """
    text = raw.text(ID)
    rows = raw.table.select(id=text, key=text.re_extract(_TWO_SEGMENTS, 1), is_deep=text.re_search(_THIRD_SEGMENT))
    rows = rows.filter(rows.id.notnull() & (rows.key != ""))
    found = rows.group_by("key").aggregate(
        first=rows.id.min(), last=rows.id.max(), count=rows.count(), is_deep=rows.is_deep.any()
    )
    return found.filter(found.is_deep).drop("is_deep")


class MergingIds:
    """Ids that become one where only their first two segments are kept, over all batches of a bill.

    An id of two segments is seen beside longer ones only within a batch, where the rows of an hour mostly are.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, str, int]] = {}

    @property
    def is_full(self) -> bool:
        """Memory is bounded: of a bill with so many beginnings the rest is not looked at."""
        return len(self._seen) >= _MOST

    def take(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows of `by_two_segments`."""
        for row in rows:
            first, last, count = self._seen.get(row["key"], (row["first"], row["last"], 0))
            self._seen[row["key"]] = (min(first, row["first"]), max(last, row["last"]), count + row["count"])

    def tell(self, told: Told) -> None:
        """Those with the most rows first; all are counted."""
        merging = [(key, *each) for key, each in self._seen.items() if each[0] != each[1]]
        if merging:
            told.counts["ids-merge"] = len(merging)
        merging.sort(key=lambda each: (-each[3], each[0]))
        told.keep(
            [
                finding("ids-merge", column=ID, value=key, first=first, last=last, count=count)
                for key, first, last, count in merging[:KEPT_PER_CODE]
            ]
        )


def _time_checks(raw: Raw, column: str) -> list[Check]:
    """Read alike by Outlay, but perhaps not by others; and dates that no reader can tell the meaning of."""
    text, time = raw.text(column), raw.time(column)
    odd = text.notnull() & ~text.re_search(_WELL)
    is_time = time.notnull()
    # code, which rows, fields
    rows: list[tuple[str, ir.BooleanValue, dict[str, str]]] = [
        ("time-zone-local", is_time & text.re_search(_OFFSET) & ~text.re_search(_OFFSET_OF_UTC), {}),
        ("time-zone-missing", is_time & text.re_search(_WITHOUT_ZONE), {}),
        *(("date-of-spreadsheet", text.re_search(pattern), {"example": example}) for pattern, example in _SPREADSHEET),
    ]
    if column == _START:
        off = (time.minute() != 0) | (time.second() != 0) | (time.microsecond() != 0)
        rows.append(("time-not-on-hour", off, {}))
    return [Check(code, column, is_bad, text, fields, is_counted=True, suspicion=odd) for code, is_bad, fields in rows]


def _discounts_twice(audit: Audit) -> Sequence[Finding]:
    counts = {
        column: (audit.facts.get(f"{_TWICE} {column}", 0), audit.facts.get(f"{_LESS} {column}", 0))
        for column in _DISCOUNTED
    }
    return [
        finding("discount-twice", column=column, discounts=discounts, count=less)
        for column, (discounts, less) in counts.items()
        if discounts and less
    ]
