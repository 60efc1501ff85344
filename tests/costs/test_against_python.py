"""Questions on random charges, answered once more by plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.costs.answer import Answer, ask
from outlay.costs.filters import Filter
from outlay.costs.question import Question
from outlay.period import BillingPeriod
from tests.costs.lake_of_charges import Charge, Engine, charge, table

ENGINE = Engine()
FIRST = datetime(2026, 1, 1, tzinfo=UTC)

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=18)
words = st.sampled_from(["web", "Web", "EU-web-1", "", "%", "_", "O'Brien", "a\\b", "=x", "ü"])
moments = st.integers(0, 120 * 86400 * 10**6 - 1).map(lambda micros: FIRST + timedelta(microseconds=micros))
days = st.integers(0, 125).map(lambda count: (FIRST + timedelta(days=count)).date())
ROWS: dict[str, Callable[[Charge], bool]] = {
    "billed": lambda row: True,
    "effective": lambda row: True,
    "real": lambda row: row["ChargeCategory"] == "Usage" and row["CommitmentDiscountStatus"] != "Unused",
}


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    moment = draw(moments)
    moved = draw(st.sampled_from([0, 0, 0, -1, 1, 2]))
    return charge(
        str(draw(amounts)),
        on=moment.isoformat(),
        period=BillingPeriod.of(moment).shift(moved).id,
        BilledCost=draw(amounts),
        BillingCurrency=draw(st.sampled_from(["USD", "EUR"])),
        ServiceName=draw(words),
        RegionId=draw(st.none() | words),
        ChargeCategory=draw(st.sampled_from(["Usage", "Tax"])),
        CommitmentDiscountStatus=draw(st.sampled_from([None, "Used", "Unused"])),
        Tags=draw(st.none() | st.dictionaries(st.sampled_from(["team", "app.io/x"]), words)),
    )


filters = st.builds(
    Filter,
    column=st.sampled_from(["ServiceName", "RegionId", "Tags.team", "Tags.app.io/x"]),
    operator=st.sampled_from(["=", "!=", "~"]),
    value=words,
)
questions = st.builds(
    lambda days, **words: Question(start=min(days) if days else None, end=max(days) if days else None, **words),
    days=st.lists(days, max_size=2),
    metric=st.sampled_from(list(ROWS)),
    by=st.lists(st.sampled_from(["ServiceName", "RegionId", "Tags.team"]), min_size=1, max_size=3).map(tuple),
    granularity=st.sampled_from(["none", "hour", "day", "week", "month", "quarter"]),
    filters=st.lists(filters, max_size=3).map(tuple),
    top=st.sampled_from([None, None, 1, 3]),
)


def value(row: Charge, name: str) -> Any:
    root, _, key = name.partition(".")
    return (row[root] or {}).get(key) if key else row[root]


def holds(row: Charge, asked: Filter) -> bool:
    found = value(row, asked.column)
    is_same = (found or "") == asked.value
    contains = found is not None and asked.value.lower() in found.lower()
    return {"=": is_same, "!=": not is_same, "~": contains}[asked.operator]


def passes(row: Charge, asked: tuple[Filter, ...]) -> bool:
    same = defaultdict(list)
    for each in asked:
        same[each.column, each.operator if each.operator == "=" else each].append(holds(row, each))
    return all(any(alternatives) for alternatives in same.values())


def counts_at(row: Charge) -> datetime:
    last = row["BillingPeriodEnd"] - timedelta(microseconds=1)
    return max(row["BillingPeriodStart"], min(last, row["ChargePeriodStart"]))  # type: ignore[no-any-return]


def period_of(moment: datetime, granularity: str, first: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "none": first,
        "hour": moment.replace(minute=0, second=0, microsecond=0),
        "day": midnight,
        "week": midnight - timedelta(days=midnight.weekday()),
        "month": midnight.replace(day=1),
        "quarter": midnight.replace(day=1, month=(moment.month - 1) // 3 * 3 + 1),
    }[granularity]


def chosen(rows: list[Charge], question: Question) -> list[Charge]:
    return [
        row
        for row in rows
        if ROWS[question.metric](row)
        and passes(row, question.filters)
        and (question.start is None or counts_at(row).date() >= question.start)
        and (question.end is None or counts_at(row).date() <= question.end)
    ]


def summed(pairs: list[tuple[Any, Decimal]]) -> dict[Any, Decimal]:
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    with localcontext(Context(prec=100)):
        for key, amount in pairs:
            sums[key] += amount
    return dict(sums)


def first_moment(rows: list[Charge], question: Question) -> datetime:
    if question.start:
        return datetime.combine(question.start, datetime.min.time(), UTC)
    return min((row["BillingPeriodStart"] for row in rows), default=FIRST)


def check(rows: list[Charge], question: Question, answer: Answer) -> None:
    kept = chosen(rows, question)
    column = question.measure.amount
    totals = summed([(row["BillingCurrency"], row[column]) for row in kept])
    assert answer.totals == totals
    assert summed([(row.unit, row.amount) for row in answer.rows]) == totals
    if question.top is None:
        first = first_moment(kept, question)
        groups = [
            (
                period_of(counts_at(row), question.granularity, first),
                tuple(value(row, name) for name in question.by),
                row["BillingCurrency"],
            )
            for row in kept
        ]
        wanted = summed([(group, row[column]) for group, row in zip(groups, kept, strict=True)])
        assert {(row.period, row.values, row.unit): row.amount for row in answer.rows} == wanted
    else:
        named = {(row.values, row.unit) for row in answer.rows if not row.is_remainder}
        assert all(sum(unit == currency for _, unit in named) <= question.top for currency in totals)
    assert len({(row.period, row.values, row.unit, row.is_remainder) for row in answer.rows}) == len(answer.rows)


@settings(max_examples=80, deadline=None)
@given(st.lists(charges(), max_size=12), questions)
def test_an_answer_is_what_plain_python_adds_up(rows: list[Charge], question: Question) -> None:
    check(rows, question, ask(table(rows), question, ENGINE))


@settings(max_examples=50, deadline=None)
@given(st.lists(charges(), max_size=12), st.lists(filters, min_size=1, max_size=4).map(tuple))
def test_filters_keep_the_charges_that_plain_python_keeps(rows: list[Charge], asked: tuple[Filter, ...]) -> None:
    question = Question(filters=asked)
    check(rows, question, ask(table(rows), question, ENGINE))


@settings(max_examples=12, deadline=None)
@given(st.lists(charges(), min_size=1, max_size=12))
def test_each_month_equals_its_bill_at_every_granularity(rows: list[Charge]) -> None:
    lake = table(rows)
    for period in {row["x_BillingPeriod"] for row in rows}:
        month = BillingPeriod.parse(period).month
        bill = summed([(row["BillingCurrency"], row["BilledCost"]) for row in rows if row["x_BillingPeriod"] == period])
        for granularity in ("hour", "day", "week", "month"):
            question = Question.parse(metric="billed", granularity=granularity, start=month, end=month)
            assert ask(lake, question, ENGINE).totals == bill
