"""From the text of a bill to exact decimals, UTC times and maps, as expressions that every engine runs alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from outlay.focus.columns import DECIMAL, MAP, TEXT, TIME

PLAIN_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
ANY_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
# What every engine reads alike: hours to 23, and offsets as far as there are any.
A_TIME = (
    r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(Z| UTC|[+-](0[0-9]|1[0-4])(:?[0-9]{2})?)?)?$"
)
_TIME_AT_SIGHT = (
    r"^[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|\+00:00)?)?$"
)
PLACES = 18
# Below 0.001, with 18 places at most: 10^18 times the double is less than 2^53 and rounds to the very number. Engines
# read such text as a double far faster than as a decimal, and bills in Parquet are full of it.
_SMALL = r"^-?[0-9](\.[0-9]{1,9})?[eE]-0?[4-9]$"
# The longest text that cannot have more than 18 places: a point and 18 digits.
_SURELY_SHORT = PLACES + 1
# Most amounts fit a narrow decimal, which engines read ten times faster; the pattern makes sure that no place is lost.
_ORDINARY = r"^-?[0-9]{1,6}(\.[0-9]{1,12})?$"
_NARROW = "decimal(18, 12)"
_AT_SIGHT = r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$"
_AT_SIGHT_SCIENTIFIC = r"^-?([0-9]{1,20}(\.[0-9]{1,18})?|[0-9](\.[0-9]{1,8})?[eE]-0?[1-9])$"
_UNIT = ibis.literal(Decimal("0.000000000000000001"), DECIMAL)
_NOTHING = ibis.literal(Decimal(0), DECIMAL)
# The digits of the largest number: one unit more does not fit, and adding it would stop the query.
_DIGITS = 38
_LARGEST = "9" * _DIGITS


@ibis.udf.scalar.builtin(name="map_from_entries")  # type: ignore[untyped-decorator]
def _map_from_entries(entries: dt.Array[dt.Struct({"key": dt.string, "value": dt.string})]) -> dt.Map[str, str]:
    """A map of entries with keys that differ; the name is the same in DuckDB and Spark."""
    raise NotImplementedError


def blank_to_null(text: ir.StringValue) -> ir.StringValue:
    """Blank is absent: no value, or the empty text. White space alone is a value, and mostly a faulty one."""
    return text.nullif("")


def is_number(text: ir.StringValue, *, scientific: bool) -> ir.BooleanValue:
    return text.re_search(ANY_NUMBER if scientific else PLAIN_NUMBER)


def number(text: ir.StringValue, *, scientific: bool = False) -> ir.DecimalValue:
    """Exact for up to 18 places and 20 digits before the point; more places are rounded half to even.

    Null for what is no number; scientific notation is one only where `scientific` says so.
    """
    short = text.try_cast(DECIMAL)
    small = [(text.re_search(_SMALL), text.try_cast("float64").try_cast(DECIMAL))] if scientific else []
    exact = ibis.cases(*small, (_may_be_long(text, scientific), _rounded(text)), else_=short)
    ordinary = text.try_cast(_NARROW).cast(DECIMAL)
    return ibis.cases((text.re_search(_ORDINARY), ordinary), (is_number(text, scientific=scientific), exact))


def has_more_places(text: ir.StringValue, *, scientific: bool = False) -> ir.BooleanValue:
    """Is `text` a number that `number` has to round? Zeros beyond the 18th place are nothing to round."""
    longer = _may_be_long(text, scientific) & is_number(text, scientific=scientific)
    tail = _let(_parts(text), lambda parts: _cut(parts)["tail"])
    return ibis.cases((text.re_search(_ORDINARY), False), (longer, tail.re_search("[1-9]")), else_=False)


def _may_be_long(text: ir.StringValue, scientific: bool) -> ir.BooleanValue:
    is_long = text.length() > _SURELY_SHORT
    return is_long | text.re_search("[eE]") if scientific else is_long


def _let(value: ir.Value, then: Callable[[ir.Value], ir.Value]) -> ir.Value:
    """`then(value)`, with `value` written into the query once, however often `then` uses it."""
    return ibis.array([value]).map(then)[0]


def _parts(text: ir.StringValue) -> ir.StructValue:
    """Sign, digits without the point, and how many places there are (zeros at the end are none)."""
    exponent = text.re_extract(r"[eE]([+-]?[0-9]+)$", 1).nullif("").cast("int64").fill_null(0)
    whole = text.re_extract(r"^[+-]?([0-9]*)", 1)
    fraction = text.re_extract(r"^[+-]?[0-9]*\.([0-9]*?)0*([eE]|$)", 1)
    return ibis.struct(
        {
            "negative": text.startswith("-"),
            "digits": whole + fraction,
            "places": fraction.length().cast("int64") - exponent,
        }
    )


def _rounded(text: ir.StringValue) -> ir.DecimalValue:
    """Digit by digit, because engines differ in how they round text, and none rounds half to even."""
    return _let(_parts(text), lambda parts: _let(_cut(parts), _signed))


def _cut(parts: ir.Value) -> ir.StructValue:
    """The digits kept, 18 of them after the point, and those cut off."""
    zero = ibis.literal("0")
    cut = ibis.greatest(parts["places"] - PLACES, 0)
    scaled = parts["digits"] + zero.repeat(ibis.greatest(PLACES - parts["places"], 0))
    padded = zero.repeat(ibis.greatest(cut + PLACES + 1 - scaled.length(), 0)) + scaled
    return ibis.struct(
        {
            "negative": parts["negative"],
            "kept": padded.left(padded.length() - cut),
            "tail": padded.right(cut),
            "half": ibis.literal("5") + zero.repeat(ibis.greatest(cut - 1, 0)),
        }
    )


def _signed(number: ir.Value) -> ir.DecimalValue:
    kept, tail, half = number["kept"], number["tail"], number["half"]
    is_odd = kept.right(1).isin(["1", "3", "5", "7", "9"])
    is_up = (tail != "") & ((tail > half) | ((tail == half) & is_odd))
    whole = kept.left(kept.length() - PLACES)
    overflows = is_up & (kept.right(_DIGITS) == _LARGEST)
    exact = ibis.cases((~overflows, (whole + "." + kept.right(PLACES)).try_cast(DECIMAL)))
    size = exact + ibis.cases((is_up & ~overflows, _UNIT), else_=_NOTHING)
    return ibis.cases((number["negative"], -size), else_=size).cast(DECIMAL)


def is_odd_number(text: ir.StringValue, *, scientific: bool) -> ir.BooleanValue:
    """Is there a value that is not at first sight a number which is kept whole? Costs one pattern."""
    return text.notnull() & ~text.re_search(_AT_SIGHT_SCIENTIFIC if scientific else _AT_SIGHT)


def is_odd_time(text: ir.StringValue) -> ir.BooleanValue:
    """Is there a value that is not at first sight a time? The 29th of February is looked at closely."""
    return text.notnull() & ~text.re_search(_TIME_AT_SIGHT)


def is_time(text: ir.StringValue) -> ir.BooleanValue:
    return text.re_search(A_TIME)


def time(text: ir.StringValue) -> ir.TimestampValue:
    """In UTC; a text without zone is UTC, a date alone is its midnight. Null for what is no time."""
    return ibis.cases((is_time(text), _with_seconds(text).try_cast(TIME)))


def _with_seconds(text: ir.StringValue) -> ir.StringValue:
    """`2026-05-01T13:00Z`, as Azure and Oracle write times, is one that engines do not read without its seconds."""
    lacks_them = (text.length() > len("2026-05-01")) & (text.substr(len("2026-05-01T13:00"), 1) != ":")
    return ibis.cases((lacks_them, text.left(16) + ":00" + text.substr(16)), else_=text)


def to_map(entries: Sequence[tuple[str, ir.StringValue]]) -> ir.MapValue:
    """A map of those entries that have a value; null when none has. The first value counts of those with one key."""
    if not entries:
        return ibis.null(MAP)
    pairs = ibis.array(
        [ibis.struct({"key": ibis.literal(key), "value": value}) for key, value in first_of_each(entries).items()]
    )
    kept = pairs.filter(lambda pair: pair["value"].notnull())
    return ibis.cases((ibis.coalesce(*(value for _, value in entries)).notnull(), _map_from_entries(kept)))


def first_of_each(entries: Sequence[tuple[str, ir.StringValue]]) -> dict[str, ir.StringValue]:
    """By key the value, or of several the first that is not null."""
    by_key: dict[str, list[ir.StringValue]] = {}
    for key, value in entries:
        by_key.setdefault(key, []).append(value)
    return {key: texts[0] if len(texts) == 1 else ibis.coalesce(*texts) for key, texts in by_key.items()}


def map_of(entries: ir.ArrayValue) -> ir.MapValue:
    """A map of an array of (key, value); null when there are none. Keys have to differ."""
    return ibis.cases((entries.length() > 0, _map_from_entries(entries)))


def first_entries(entries: ir.ArrayValue) -> ir.ArrayValue:
    """Of the (key, value) with one key only the first; costs little where all keys differ."""
    keys = entries.map(lambda entry: entry["key"])
    firsts = entries.filter(lambda entry, place: keys.index(entry["key"]) == place)
    return ibis.cases((keys.unique().length() == entries.length(), entries), else_=firsts)


def empty_map() -> ir.MapValue:
    return ibis.null(MAP)


def no_text() -> ir.StringValue:
    return ibis.null(TEXT)
