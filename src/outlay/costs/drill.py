"""From a bar or a row of an answer to what it is made of: by the next column, down to resources and single charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from outlay.costs.address import USUAL_TOP
from outlay.costs.answer import text_of
from outlay.costs.filters import Filter
from outlay.costs.question import CLOCK, WHOLE, Question
from outlay.errors import UsageError
from outlay.period import BillingPeriod

# From the whole to its parts. A column that is not here goes on to the first that is.
PATH = (
    "x_Connection",
    "ServiceProviderName",
    "BillingAccountId",
    "ServiceCategory",
    "ServiceName",
    "SubAccountId",
    "RegionId",
    "ResourceId",
)
# Columns that say the same as one of the path, so that the next one is asked for.
_SAME = {
    "ProviderName": "ServiceProviderName",
    "PublisherName": "ServiceProviderName",
    "InvoiceIssuerName": "ServiceProviderName",
    "BillingAccountName": "BillingAccountId",
    "ServiceSubcategory": "ServiceCategory",
    "SubAccountName": "SubAccountId",
    "RegionName": "RegionId",
    "ResourceName": "ResourceId",
}
_SERVICE = "ServiceName"
# What a period of an answer is seen by when it is the whole range.
_FINER = {"quarter": "month", "month": "day", "week": "day", "day": "hour"}


def next_column(question: Question) -> str | None:
    """The column to group by after the question's last; None after resources, where single charges come."""
    fixed = {_SAME.get(each.column, each.column) for each in question.filters if each.operator == "="}
    names = [_SAME.get(name, name) for name in question.by]
    if "ResourceId" in names:
        return None
    places = [PATH.index(name) + 1 for name in names if name in PATH]
    start = max(places, default=PATH.index(_SERVICE) if names else 0)
    return next((name for name in PATH[start:] if name not in fixed and name not in names), None)


def into(question: Question, values: Sequence[Any], period: datetime | None = None) -> Question:
    """The question about one group, and one period if that is given: its parts by `next_column`.

    Without a next column it has no groups: its charges are to be listed. A value that is missing asks for charges that
    have none, be it nothing or an empty text. The remainder is no one group, and not to be asked for.
    """
    if len(values) != len(question.by):
        raise UsageError(
            f"{len(values)} values do not name a group by {len(question.by)} columns.",
            next="Give one for each column.",
            field="values",
        )
    own = [Filter(name, "=", text_of(value) or "") for name, value in zip(question.by, values, strict=True)]
    others = [each for each in question.filters if each.operator != "=" or each.column not in question.by]
    column = next_column(question)
    drilled = replace(
        question,
        by=(column,) if column else (),
        filters=(*others, *own),
        top=(question.top or USUAL_TOP) if column else None,
    )
    return _within(drilled, period) if period and question.steps.kind != WHOLE else drilled


def _within(question: Question, period: datetime) -> Question:
    """The days of one period of an answer, seen by shorter periods."""
    first, last = _days(question, period)
    start = max(first, question.start) if question.start else first
    end = min(last, question.end) if question.end else last
    if start > end:
        raise UsageError(f"{first} lies outside the question's days.", next="Choose another period.", field="period")
    return replace(
        question,
        start=start,
        end=end,
        range=None,
        granularity=_FINER.get(question.granularity, question.granularity),
    )


def _days(question: Question, period: datetime) -> tuple[date, date]:
    steps = question.steps
    try:
        period = period.astimezone(UTC)
        if steps.kind == CLOCK:
            return period.date(), (period + timedelta(seconds=steps.seconds - 1)).date()
        return period.date(), (BillingPeriod.of(period).shift(steps.months).start - timedelta(days=1)).date()
    except (OverflowError, ValueError) as error:
        raise UsageError(f"{period:%Y-%m-%d} has no end.", next="Choose another period.", field="period") from error
