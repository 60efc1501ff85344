"""Reading numbers and times, against Python's own exact decimals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.formats import values
from tests.formats.rawrows import evaluate

UNIT = Decimal("1e-18")
TOO_LARGE = Decimal("1e20")
EXACT = Context(prec=2000, Emin=-999999, Emax=999999)

DIGITS = st.text("0123456789", min_size=1, max_size=40)
WHOLE = st.one_of(st.text("0123456789", min_size=1, max_size=22), st.sampled_from(["0", "00", "99999999999999999999"]))
# Ties, near ties and runs of nines are what rounding stumbles on.
TIES = st.builds(
    lambda kept, tail: kept + tail,
    st.text("0129", min_size=18, max_size=18),
    st.sampled_from(["5", "50", "500", "501", "4999", "49"]),
)
NINES = st.integers(0, 40).map(lambda places: "9" * places)
FRACTION = st.one_of(st.just(""), DIGITS, TIES, NINES)
SIGN = st.sampled_from(["", "-", "+"])


@st.composite
def plain_numbers(draw: st.DrawFn) -> str:
    whole, fraction, sign = draw(WHOLE), draw(FRACTION), draw(SIGN)
    return draw(st.sampled_from([f"{sign}{whole}.{fraction}", f"{sign}.{fraction or '0'}", f"{sign}{whole}"]))


@st.composite
def scientific_numbers(draw: st.DrawFn) -> str:
    exponent = draw(st.one_of(st.integers(-45, 45), st.sampled_from([-999, 999])))
    sign = draw(st.sampled_from(["", "+"])) if exponent >= 0 else ""
    return draw(plain_numbers()) + draw(st.sampled_from("eE")) + sign + str(exponent)


def expected(text: str) -> Decimal | None:
    rounded = EXACT.create_decimal(text).quantize(UNIT, rounding=ROUND_HALF_EVEN, context=EXACT)
    return None if rounded.copy_abs() >= TOO_LARGE else rounded


def read(texts: list[str], of: Any) -> list[Any]:
    table = ibis.memtable({"n": list(range(len(texts))), "text": texts}, schema={"n": "int64", "text": "string"})
    return [row["value"] for row in evaluate(table.select("n", value=of(table.text)).order_by("n"))]


@settings(max_examples=40, deadline=None)
@given(st.lists(plain_numbers(), min_size=1, max_size=60))
def test_a_plain_number_is_python_s_decimal_rounded_half_to_even(texts: list[str]) -> None:
    assert read(texts, values.number) == [expected(text) for text in texts]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(scientific_numbers(), plain_numbers()), min_size=1, max_size=60))
def test_a_scientific_number_is_python_s_decimal_rounded_half_to_even(texts: list[str]) -> None:
    assert read(texts, lambda text: values.number(text, scientific=True)) == [expected(text) for text in texts]


# The shortest text of a small double, of which bills in Parquet are full.
SMALL = st.builds(
    lambda sign, digit, fraction, exponent: f"{sign}{digit}{fraction}e-{exponent}",
    st.sampled_from(["", "-"]),
    st.integers(0, 9),
    st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=17).map(lambda digits: "." + digits)),
    st.sampled_from(["4", "5", "6", "7", "8", "9", "04", "09", "10"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(SMALL, min_size=1, max_size=200))
def test_a_small_number_with_an_exponent_is_exact(texts: list[str]) -> None:
    assert read(texts, lambda text: values.number(text, scientific=True)) == [expected(text) for text in texts]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(scientific_numbers(), plain_numbers()), min_size=1, max_size=60))
def test_a_number_is_said_to_be_rounded_just_when_places_beyond_18_are_not_zero(texts: list[str]) -> None:
    def is_rounded(text: str) -> bool:
        exact = EXACT.create_decimal(text)
        return bool(exact) and exact != exact.quantize(UNIT, rounding=ROUND_HALF_EVEN, context=EXACT)

    assert read(texts, lambda text: values.has_more_places(text, scientific=True)) == [
        is_rounded(each) for each in texts
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.0000000000000000005", "0"),
        ("0.0000000000000000015", "0.000000000000000002"),
        ("-0.0000000000000000015", "-0.000000000000000002"),
        ("0.0000000000000000025", "0.000000000000000002"),
        ("0.00000000000000000250000000000000000001", "0.000000000000000003"),
        ("9.9999999999999999995", "10"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
        ("007.50", "7.5"),
        (".5", "0.5"),
        ("5.", "5"),
    ],
)
def test_places_beyond_18_go_to_the_even_neighbour(text: str, value: str) -> None:
    assert read([text], values.number) == [Decimal(value)]


@pytest.mark.parametrize(
    "text",
    [
        "100000000000000000000",
        "99999999999999999999.9999999999999999999",
        "-99999999999999999999.9999999999999999995",
        "",
        " ",
        " 1",
        "1 ",
        "1,000",
        "1_000",
        "0x10",
        "NaN",
        "inf",
        "-",
        ".",
        "1.2.3",
        "--1",
        "$1",
        "१",
        "1e5",
    ],
)
def test_what_is_too_large_or_no_plain_number_is_null(text: str) -> None:
    assert read([text], values.number) == [None]


@pytest.mark.parametrize("text", ["e5", "1e", "1e+", "1e1.5", "1e1000", "1f5"])
def test_what_is_no_scientific_number_is_null(text: str) -> None:
    assert read([text], lambda each: values.number(each, scientific=True)) == [None]


THREE_PM = datetime(2026, 5, 17, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-17T15:00:00Z", THREE_PM),
        ("2026-05-17T15:00:00+00:00", THREE_PM),
        ("2026-05-17 15:00:00+00:00", THREE_PM),
        ("2026-05-17 15:00:00", THREE_PM),
        ("2026-05-17T15:00:00", THREE_PM),
        ("2026-05-17T15:00:00.000Z", THREE_PM),
        ("2026-05-17 15:00:00 UTC", THREE_PM),
        ("2026-05-17T15:00Z", THREE_PM),
        ("2026-05-17T15:00", THREE_PM),
        ("2026-05-17T17:00+02:00", THREE_PM),
        ("2026-05-17T17:00:00+02:00", THREE_PM),
        ("2026-05-17T17:00:00+0200", THREE_PM),
        ("2026-05-17T08:30:00-06:30", THREE_PM),
        ("2026-05-17", THREE_PM.replace(hour=0)),
        ("2026-05-17T15:00:00.123456Z", THREE_PM.replace(microsecond=123456)),
    ],
)
def test_every_written_form_of_a_time_is_read_in_utc(text: str, moment: datetime) -> None:
    assert read([text], values.time) == [moment]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-30",
        "2026-05-17T25:00:00Z",
        "17/05/2026",
        "20260517",
        "2026-05-17T15",
        "2026-05-17T24:00:00Z",
        "2026-05-17T15:00:00+23:45",
        "2026-05-17T15:00:00 Z",
        "0026-05-17",
        "now",
        "1747494000",
        "2026-5-1",
    ],
)
def test_what_is_no_time_is_null(text: str) -> None:
    assert read([text], values.time) == [None]


MOMENTS = st.integers(0, 99 * 365 * 86400).map(
    lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
OFFSETS = st.integers(-14 * 4, 14 * 4).map(lambda quarters: quarters * 15)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(MOMENTS, OFFSETS, st.sampled_from("T ")), min_size=1, max_size=40))
def test_a_time_with_an_offset_is_the_moment_in_utc(cases: list[tuple[datetime, int, str]]) -> None:
    def offset(minutes: int) -> str:
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    texts = [f"{moment:%Y-%m-%d}{between}{moment:%H:%M:%S}{offset(minutes)}" for moment, minutes, between in cases]
    assert read(texts, values.time) == [moment - timedelta(minutes=minutes) for moment, minutes, _ in cases]
