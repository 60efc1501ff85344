"""The whole question in an address, and back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.costs import ranges
from outlay.costs.filters import Filter
from outlay.costs.question import Question
from outlay.errors import UnknownName, UsageError

TODAY = date(2026, 11, 21)


def read(params: Any, **more: Any) -> Question:
    return Question.from_query(params, today=TODAY, **more)


def test_an_address_without_words_is_the_effective_cost_of_each_month_of_all_there_is() -> None:
    assert read("") == Question()
    assert Question().to_query() == ""
    assert read("range=all") == Question()


def test_every_word_of_a_question_has_its_place() -> None:
    question = read(
        "metric=billed&by=connection&by=Tags.team&granularity=day&range=last-30-days&compare=before&category=Tax"
        "&category=Usage&top=5&is.RegionId=us-east-1&is.RegionId=eu-west-1&not.ServiceName=Support"
        "&contains.Tags.app=web&contains.Tags.app=api&empty.Tags.team=1&filled.ResourceId=1"
    )
    assert question == Question(
        metric="billed",
        by=("x_Connection", "Tags.team"),
        granularity="day",
        start=date(2026, 10, 22),
        end=date(2026, 11, 20),
        filters=(
            Filter("RegionId", "=", "eu-west-1"),
            Filter("RegionId", "=", "us-east-1"),
            Filter("ServiceName", "!=", "Support"),
            Filter("Tags.app", "~", "api", ("web",)),
            Filter("Tags.team", "=", ""),
            Filter("ResourceId", "!=", ""),
        ),
        top=5,
        categories=("Usage", "Tax"),
        range="last-30-days",
        compare=True,
    )
    assert read(question.to_query()) == question


def test_the_order_of_words_and_words_said_twice_do_not_matter() -> None:
    one = read("is.RegionId=a&is.RegionId=b&category=Tax&category=Usage&not.ServiceName=x")
    other = read("not.ServiceName=x&category=Usage&is.RegionId=b&category=Tax&is.RegionId=a&is.RegionId=b")
    assert one == other
    assert one.to_query() == other.to_query()


def test_filters_as_a_command_has_them_are_taken_too() -> None:
    assert read("where=RegionId%3Dus&where=ServiceName!%3Dx") == read("is.RegionId=us&not.ServiceName=x")


def test_two_texts_that_must_both_be_contained_are_not_two_of_which_one_will_do() -> None:
    both = read("where=ServiceName~a&where=ServiceName~b")
    either = read("contains.ServiceName=a&contains.ServiceName=b")
    assert (len(both.filters), len(either.filters)) == (2, 1)
    assert read(both.to_query()) == both
    assert read(either.to_query()) == either


def test_values_a_form_left_blank_are_as_if_not_there() -> None:
    assert read("metric=&by=&from=&is.RegionId=&top=") == Question()


def test_parameters_of_the_page_are_no_part_of_the_question() -> None:
    assert read("chart=bars&page=2&metric=list", besides=["chart", "page"]) == Question(metric="list")


def test_a_question_by_columns_has_ten_series_unless_it_says_so() -> None:
    assert read("by=ServiceName").top == 10
    assert read("by=ServiceName&top=3").top == 3
    every = read("by=ServiceName&top=all")
    assert every.top is None
    assert read(every.to_query()) == every
    assert read("top=3").top is None


def test_pairs_and_mappings_are_read_as_a_query_string_is() -> None:
    text = "by=ServiceName&is.RegionId=a&is.RegionId=b"
    assert read(parse_qsl(text)) == read({"by": "ServiceName", "is.RegionId": ["a", "b"]}) == read("?" + text)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
filters = st.builds(
    Filter,
    column=st.sampled_from(["ServiceName", "RegionId", "Tags.team", "Tags.a=b&c.d e/ü", "connection"]),
    operator=st.sampled_from(["=", "!="]),
    value=texts | st.just(""),
) | st.builds(Filter, column=st.sampled_from(["ServiceName", "Tags.team"]), operator=st.just("~"), value=texts)
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@settings(max_examples=150, deadline=None)
@given(
    question=st.builds(
        lambda days, by, top, **words: Question(
            by=by, top=top if by else None, start=min(days), end=min(max(days), min(days) + timedelta(20)), **words
        ),
        days=st.lists(days, min_size=1, max_size=2),
        by=st.lists(st.sampled_from(["ServiceName", "Tags.team", "x_Connection"]), max_size=2).map(tuple),
        top=st.sampled_from([None, 1, 10, 100]),
        metric=st.sampled_from(["billed", "effective", "quantity"]),
        granularity=st.sampled_from(["none", "hour", "day", "week", "month", "quarter"]),
        filters=st.lists(filters, max_size=4).map(tuple),
        categories=st.sampled_from([(), ("Usage",), ("Usage", "Tax")]),
        compare=st.booleans(),
    )
)
def test_every_question_survives_its_address(question: Question) -> None:
    query = question.to_query()
    again = read(query)
    assert again.to_query() == query
    assert set(again.filters) == set(question.filters)
    assert (again.by, again.start, again.end, again.top) == (question.by, question.start, question.end, question.top)
    assert read(again.to_query()) == again


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("metric=efective", "metric", "Did you mean effective"),
        ("metric=billed&metric=list", "metric", "Give it once"),
        ("by=Servicename", "by", "Did you mean ServiceName"),
        ("by=Tags", "by", "Name one key"),
        ("by=ServiceName&by=RegionId&by=ResourceId", "by", "at most 2"),
        ("granularity=year", "granularity", "none, hour, day"),
        ("granularity=hour&from=2026-05-01&to=2026-06-01", "granularity", "granularity day"),
        ("granularity=hour", "granularity", "granularity day"),
        ("granularity=day&from=2025-01-01&to=2026-01-02", "granularity", "granularity week"),
        ("granularity=day&from=2025-01-01", "granularity", "granularity week"),
        ("range=lastmonth", "range", "last-month"),
        ("range=last-month&from=2026-05", "range", "Leave one of them out"),
        ("from=May", "from", "2026-05-31"),
        ("to=2026-02-30", "to", "2026-05-31"),
        ("from=2026-06&to=2026-05", "to", "Exchange them"),
        ("compare=yes", "compare", "compare=before"),
        ("compare=before", "compare", "last-month"),
        ("compare=before&from=1900-01&to=1900-01", "compare", "later range"),
        ("compare=before&from=1900-01-20&to=2999-12-31&granularity=week", "compare", "later range"),
        ("from=0001-01", "from", "1900-01-01"),
        ("to=9998-12-31", "to", "2999-12-31"),
        ("category=Taxes", "category", "Tax"),
        ("by=ServiceName&top=0", "top", "all"),
        ("by=ServiceName&top=101", "top", "all"),
        ("by=ServiceName&top=٣", "top", "all"),
        ("is.Servicename=x", "is.Servicename", "ServiceName"),
        ("is.=x", "is.", "is.<column>"),
        ("contains.BilledCost=1", "contains.BilledCost", "BilledCost=value"),
        ("is.BilledCost=x", "is.BilledCost", "12.5"),
        ("not.ServiceName=%00", "not.ServiceName", "UTF-8"),
        ("where=nothing", "where", "Column=value"),
        ("grannularity=day", "grannularity", "Did you mean granularity"),
        ("is.ServiceName=" + "x" * 2001, "is.ServiceName", "at most 2,000"),
        ("&".join(f"is.ServiceName={number}" for number in range(201)), "where", "at most 200"),
        ("metric=%ff", "", "anew"),
        ("&".join("a=1" for _ in range(1001)), "", "anew"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_parameter_and_what_would_be_right(
    query: str, field: str, said: str
) -> None:
    with pytest.raises(UsageError) as told:
        read(query)
    assert told.value.field == field
    assert said in told.value.next


def test_an_unknown_column_in_an_address_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName):
        read("by=Nothing")


# Ranges


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("this-month", date(2026, 11, 1), date(2026, 11, 30)),
        ("last-month", date(2026, 10, 1), date(2026, 10, 31)),
        ("month-to-date", date(2026, 11, 1), date(2026, 11, 21)),
        ("last-7-days", date(2026, 11, 14), date(2026, 11, 20)),
        ("last-30-days", date(2026, 10, 22), date(2026, 11, 20)),
        ("last-90-days", date(2026, 8, 23), date(2026, 11, 20)),
        ("this-quarter", date(2026, 10, 1), date(2026, 12, 31)),
        ("last-quarter", date(2026, 7, 1), date(2026, 9, 30)),
        ("year-to-date", date(2026, 1, 1), date(2026, 11, 21)),
        ("last-12-months", date(2025, 12, 1), date(2026, 11, 30)),
    ],
)
def test_a_named_range_is_that_of_the_day_it_is_asked_on(name: str, first: date, last: date) -> None:
    question = read(f"range={name}")
    assert (question.start, question.end) == (first, last)
    assert question.to_query() == f"range={name}"


def test_every_named_range_but_all_can_be_seen_by_day_on_any_day() -> None:
    day = date(2026, 1, 1)
    while day < date(2028, 12, 31):
        for each in ranges.RANGES.values():
            if each.days:
                ranges.check_length("day", *each.days(day))
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (date(2026, 11, 1), date(2026, 11, 30), date(2026, 10, 1), date(2026, 10, 31)),
        (date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 1, 1), date(2026, 3, 31), date(2025, 10, 1), date(2025, 12, 31)),
        (date(2025, 12, 1), date(2026, 11, 30), date(2024, 12, 1), date(2025, 11, 30)),
        (date(2026, 11, 1), date(2026, 11, 21), date(2026, 10, 1), date(2026, 10, 21)),
        (date(2026, 3, 1), date(2026, 3, 30), date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 11, 14), date(2026, 11, 20), date(2026, 11, 7), date(2026, 11, 13)),
        (date(2026, 1, 1), date(2026, 11, 21), date(2025, 2, 10), date(2025, 12, 31)),
        (date(2026, 11, 21), date(2026, 11, 21), date(2026, 11, 20), date(2026, 11, 20)),
    ],
)
def test_the_period_before_is_of_the_same_length_or_as_many_calendar_months(
    start: date, end: date, first: date, last: date
) -> None:
    question = Question(start=start, end=end, compare=True, range="x").before()
    assert (question.start, question.end, question.compare, question.range) == (first, last, False, None)
