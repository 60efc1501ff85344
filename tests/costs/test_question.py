from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from outlay.costs.filters import Filter
from outlay.costs.names import Name
from outlay.costs.question import Question
from outlay.errors import UnknownName, UsageError


def test_a_question_without_words_asks_for_the_effective_cost_of_each_month() -> None:
    assert Question.parse() == Question("effective", (), "month", None, None, ())


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-05", "2026-05", date(2026, 5, 1), date(2026, 5, 31)),
        ("2028-02", "2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-05-03", "2026-05-04", date(2026, 5, 3), date(2026, 5, 4)),
        ("2026-05-03", "2026-12", date(2026, 5, 3), date(2026, 12, 31)),
        (date(2026, 5, 3), None, date(2026, 5, 3), None),
    ],
)
def test_a_month_as_an_end_means_to_its_last_day(
    start: str | date, end: str | None, first: date, last: date | None
) -> None:
    question = Question.parse(start=start, end=end)
    assert (question.start, question.end) == (first, last)


@pytest.mark.parametrize(
    "text", ["2026", "2026-13", "2026-02-30", "2026-5", "20260501", "", "2026-05-01T00", "9999-12", "٢٠٢٦-٠٥"]
)
def test_a_date_that_is_none_is_refused_with_its_text_and_how_to_write_it(text: str) -> None:
    for kept in ({"start": text}, {"end": text}):
        with pytest.raises(UsageError, match="no date") as caught:
            Question.parse(**kept)  # type: ignore[arg-type]
        assert repr(text) in caught.value.message
        assert "2026-05-31" in caught.value.next


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "3000-01-01", "9998-12-31", "1899-12", "3000-01"])
def test_a_day_that_no_bill_has_is_refused(day: str) -> None:
    for kept in ({"start": day}, {"end": day}):
        with pytest.raises(UsageError, match="no bills of"):
            Question.parse(**kept)  # type: ignore[arg-type]
    if len(day) == len("1899-12-31"):
        with pytest.raises(UsageError, match="no bills of"):
            Question(end=date.fromisoformat(day))


def test_a_start_after_the_end_is_refused() -> None:
    with pytest.raises(UsageError, match="2026-06-01 is after the end 2026-05-31"):
        Question.parse(start="2026-06", end="2026-05")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"metric": "efective"}, "Did you mean effective"),
        ({"metric": "profit"}, "Use one of billed, effective, contracted, list, amortized, real, quantity"),
        ({"granularity": "year"}, "none, hour, day, week, month, quarter"),
        ({"top": 3}, "by which column"),
        ({"top": 0, "by": ["ServiceName"]}, "1 or more"),
        ({"by": ["Tags"]}, "Tags.team"),
    ],
)
def test_a_wrong_word_is_refused_with_what_would_be_right(words: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Question.parse(**words)  # type: ignore[arg-type]
    assert said in caught.value.next


@pytest.mark.parametrize(
    ("name", "near"),
    [("Servicename", "ServiceName"), ("Region", "RegionId"), ("tag.team", "Tags.<key>"), ("BilledCosts", "BilledCost")],
)
def test_an_unknown_column_is_refused_with_the_nearest_names(name: str, near: str) -> None:
    with pytest.raises(UnknownName) as caught:
        Question.parse(by=[name])
    assert near in caught.value.next
    with pytest.raises(UnknownName):
        Question.parse(where=[f"{name}=1"])


def test_a_name_like_no_column_is_refused_with_an_example() -> None:
    with pytest.raises(UnknownName, match="'qqqq'") as caught:
        Name.parse("qqqq")
    assert "ServiceName" in caught.value.next


@pytest.mark.parametrize("key", ["a\0b", "\ud800"])
def test_a_key_that_is_no_text_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="is no text in UTF-8"):
        Question(by=(f"Tags.{key}",))


def test_a_column_that_is_no_map_has_no_keys() -> None:
    with pytest.raises(UnknownName, match="ServiceName has no keys"):
        Name.parse("ServiceName.x")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ServiceName", "ServiceName"),
        ("connection", "x_Connection"),
        ("Tags.team", "Tags.team"),
        ("Tags.app.kubernetes.io/name", "Tags.app.kubernetes.io/name"),
        ("x_CostCategories.Cost Centre", "x_CostCategories.Cost Centre"),
        ("SkuPriceDetails.InstanceType", "SkuPriceDetails.InstanceType"),
    ],
)
def test_a_name_is_a_column_or_all_after_the_first_dot_is_a_key(text: str, name: str) -> None:
    assert str(Name.parse(text)) == name


def test_a_column_asked_twice_is_grouped_by_once() -> None:
    assert Question.parse(by=["connection", "ServiceName", "x_Connection"]).by == ("x_Connection", "ServiceName")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("RegionId=us-east-1", ("RegionId", "=", "us-east-1")),
        ("RegionId!=us-east-1", ("RegionId", "!=", "us-east-1")),
        ("ServiceName~compute", ("ServiceName", "~", "compute")),
        ("RegionId=", ("RegionId", "=", "")),
        ("Tags.team=a=b!=c~d", ("Tags.team", "=", "a=b!=c~d")),
        ("Tags.app.io/name=x", ("Tags.app.io/name", "=", "x")),
        ("ServiceName!=~x", ("ServiceName", "!=", "~x")),
        ("connection=bills", ("x_Connection", "=", "bills")),
        ("ChargeDescription=two\nlines", ("ChargeDescription", "=", "two\nlines")),
    ],
)
def test_a_filter_is_divided_at_its_first_operator(text: str, parts: tuple[str, str, str]) -> None:
    found = Filter.parse(text)
    assert (found.column, found.operator, found.value) == parts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RegionId", "'RegionId'"),
        ("=x", "'=x'"),
        ("", "''"),
        ("BilledCost=abc", "BilledCost holds a number such as 12.5, not 'abc'"),
        ("BilledCost=NaN", "'NaN'"),
        ("BilledCost=1e30", "'1e30'"),
        ("BilledCost=1E-200000000", "'1E-200000000'"),
        ("BilledCost=0E+999999999", "'0E+999999999'"),
        ("BilledCost=1E+1000000", "'1E+1000000'"),
        ("BilledCost=1E+9999999999999999999", "'1E+9999999999999999999'"),
        ("BilledCost=" + "1" * 100_000, "a number such as 12.5, not '" + "1" * 200 + "'"),
        ("BilledCost=0.0000000000000000001", "'0.0000000000000000001'"),
        ("ChargePeriodStart=0001-01-01T00:00:00+14:00", "a time such as"),
        ("ChargePeriodStart=9999-12-31T23:59:59-14:00", "a time such as"),
        ("BilledCost~1", "BilledCost is no text"),
        ("ChargePeriodStart=May", "'May'"),
        ("x_SourceRow=1.5", "'1.5'"),
        ("x_SourceRow=99999999999999999999", "whole number"),
        ("RegionId=a\0b", "no text in UTF-8"),
        ("RegionId=\udcff", "no text in UTF-8"),
    ],
)
def test_a_filter_that_cannot_be_asked_is_refused_with_its_value(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Filter.parse(text)
    assert said in caught.value.message
    assert caught.value.next


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(UsageError, match="'<' compares nothing"):
        Filter("RegionId", "<", "x")


def test_a_question_says_which_billing_periods_it_needs() -> None:
    question = Question.parse(start="2026-05-03", end="2026-07")
    assert [str(question.first_period), str(question.last_period)] == ["20260501-20260601", "20260701-20260801"]
    assert Question.parse().first_period is None


def test_a_question_is_checked_without_importing_ibis() -> None:
    code = "import sys, outlay.costs.question; sys.exit('ibis' in sys.modules or 'pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
