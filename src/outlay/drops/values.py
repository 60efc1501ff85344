"""A column of any Arrow type as the text that CBF writes: exact decimals, times in UTC. Blank is null."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation, localcontext
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute

from outlay.formats.values import A_TIME

# Arrow's stubs do not know all that its functions take.
pc: Any = pyarrow.compute
Column: TypeAlias = Any
Texts: TypeAlias = Any
Mask = np.ndarray[Any, np.dtype[np.bool_]]

# Decimals below this are written with an exponent by Arrow, which CBF does not know.
_WIDEST = 35
_LAST_YEAR = 9999
_SUMMED = pa.decimal128(38, 18)
# Wide enough for the exact sum of any numbers that text can be.
_EXACT = Context(prec=400)


@dataclass(frozen=True)
class Written:
    """`refused` tells which values have a type that has no text of its own; `why` the type."""

    texts: Texts
    refused: Mask | None = None
    why: str = ""


def written(column: Column, *, floats: bool) -> Written:
    """A column as text. With `floats`, doubles are taken by their shortest decimal text, else they are refused."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = written(column.dictionary, floats=floats)
        refused = None if words.refused is None else np.asarray(column.is_valid())
        return Written(words.texts.take(column.indices), refused, words.why)
    if pa.types.is_struct(kind) and [kind.field(at).name for at in range(kind.num_fields)] == ["float", "text"]:
        return _either(column, floats)
    if pa.types.is_floating(kind):
        return _float(column, floats)
    write = next((write for is_it, write in _WRITERS if is_it(kind)), None)
    if write is None:
        return Written(pa.nulls(len(column), pa.string()), np.asarray(column.is_valid()), str(kind))
    return Written(write(column))


def _either(column: Column, floats: bool) -> Written:
    """A column of mappings in which some values are floats and others are not."""
    numbers = _float(column.field("float"), floats)
    return Written(pc.coalesce(blank_to_null(column.field("text")), numbers.texts), numbers.refused, numbers.why)


def _float(column: Column, floats: bool) -> Written:
    if not floats and column.null_count < len(column):
        return Written(pa.nulls(len(column), pa.string()), np.asarray(column.is_valid()), str(column.type))
    return Written(_mended(column.cast(pa.string()), "e", _plain))


def _plain(text: str) -> str:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        return text


def _mended(texts: Texts, sign: str, mend: Callable[[str], str]) -> Texts:
    """The same with those that hold `sign` written anew; the others lose what only fills places."""
    odd = pc.match_substring(texts, sign)
    whole = pc.if_else(pc.ends_with(texts, ".0"), pc.utf8_slice_codeunits(texts, 0, -2), texts)
    if not pc.any(odd).as_py():
        return whole
    mended = pa.array([mend(text) for text in texts.filter(odd).to_pylist()], pa.string())
    return pc.replace_with_mask(whole, pc.fill_null(odd, False), mended)


def blank_to_null(texts: Texts) -> Texts:
    is_blank = pc.equal(texts, "")
    if not pc.any(is_blank).as_py():
        return texts
    return pc.if_else(is_blank, pa.scalar(None, pa.string()), texts)


def _text(column: Column) -> Texts:
    return blank_to_null(column.cast(pa.string()))


def _decimal(column: Column) -> Texts:
    scale = column.type.scale
    if scale <= 0:
        return pa.array([None if value is None else f"{value:f}" for value in column.to_pylist()], pa.string())
    texts = column.cast(pa.string())
    if pc.any(pc.match_substring(texts, "E")).as_py():
        texts = _without_exponents(column, texts, scale)
    return pc.ascii_rtrim(pc.ascii_rtrim(texts, "0"), ".")


def _without_exponents(column: Column, texts: Texts, scale: int) -> Texts:
    nothing = pc.equal(column, pa.scalar(Decimal(0), column.type))
    texts = pc.if_else(nothing, "0.0", texts)
    small = pc.fill_null(pc.match_substring(texts, "E"), False)
    values = column.filter(small)
    if scale > _WIDEST:
        plain = pa.array([f"{value:f}" for value in values.to_pylist()], pa.string())
    else:
        # One more in size is never written with an exponent, and its places are the same.
        narrow = values.cast(pa.decimal128(scale + 1, scale))
        size = pc.add(pc.abs(narrow), pa.scalar(Decimal(1), pa.decimal128(1, 0))).cast(pa.string())
        signs = pc.if_else(pc.less(narrow, pa.scalar(Decimal(0), narrow.type)), "-0", "0")
        plain = pc.binary_join_element_wise(signs, pc.utf8_slice_codeunits(size, 1), "")
    return pc.replace_with_mask(texts, small, plain)


def _timestamp(column: Column) -> Texts:
    """A time without a zone is UTC, as in CBF. There are few different ones in a bill: each is written once."""
    encoded = column.cast(pa.timestamp(column.type.unit, "UTC")).dictionary_encode()
    unit = encoded.dictionary.cast(pa.timestamp("us", "UTC"), safe=False)
    return pa.array([_as_cbf(each) for each in unit.to_pylist()], pa.string()).take(encoded.indices)


def _as_cbf(time: datetime | None) -> str | None:
    if time is None:
        return None
    utc = time.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat()}Z"


def _date(column: Column) -> Texts:
    return pc.binary_join_element_wise(column.cast(pa.date32()).cast(pa.string()), "T00:00:00Z", "")


def _object(column: Column) -> Texts:
    def text(value: Any) -> str | None:
        if value is None:
            return None
        found = dict(value) if isinstance(value, list) else value
        kept = {key: each for key, each in found.items() if each is not None}
        return json.dumps(kept, ensure_ascii=False, default=str) if kept else None

    return pa.array([text(value) for value in column.to_pylist()], pa.string())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


# By type: how its values are written; the first that fits.
_WRITERS: tuple[tuple[Callable[[Any], bool], Callable[[Column], Texts]], ...] = (
    (_is_text, _text),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_integer, lambda column: column.cast(pa.string())),
    (pa.types.is_boolean, lambda column: column.cast(pa.string())),
    (pa.types.is_timestamp, _timestamp),
    (pa.types.is_date, _date),
    (pa.types.is_null, lambda column: pa.nulls(len(column), pa.string())),
    (pa.types.is_map, _object),
    (pa.types.is_struct, _object),
)


@dataclass(frozen=True)
class Times:
    """`texts` as CBF writes times, null where there is none; `months` since year 0, -1 where there is none."""

    texts: Texts
    bad: Mask
    months: np.ndarray[Any, np.dtype[np.int32]]


_TIME = re.compile(A_TIME)


def times(texts: Texts) -> Times:
    """Read times as the ingest does: with or without zone (then it is UTC), a date alone is its midnight."""
    encoded = texts.dictionary_encode()
    read = [_read(text) for text in encoded.dictionary.to_pylist()]
    written_ = pa.array([_as_cbf(time) for time in read], pa.string())
    months = np.array([-1 if time is None else time.year * 12 + time.month - 1 for time in read] + [-1], np.int32)
    places = encoded.indices.fill_null(len(read)).to_numpy(zero_copy_only=False)
    found = written_.take(encoded.indices)
    return Times(found, np.asarray(pc.and_(texts.is_valid(), found.is_null())), months[places])


def _read(text: str | None) -> datetime | None:
    if text is None or not _TIME.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text.replace(" UTC", "Z"))
        utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # The last year has no month after its last.
    return utc if utc.year < _LAST_YEAR else None


def total(texts: Texts) -> Decimal:
    """The exact sum of plain decimals; blanks add nothing."""
    if texts.null_count == len(texts):
        return Decimal(0)
    try:
        found: Decimal | None = pc.sum(texts.cast(_SUMMED)).as_py()
    except pa.ArrowInvalid:
        # More places or digits than Arrow adds up.
        return added(Decimal(text) for text in texts.drop_null().to_pylist())
    return added([found or Decimal(0)])


def totals_by(keys: Column, texts: Texts) -> list[tuple[str, int, Decimal]]:
    """By key, of which none is null: how many rows, and the exact sum of their plain decimals."""
    try:
        table = pa.table({"key": keys, "amount": texts.cast(_SUMMED)})
    except pa.ArrowInvalid:
        return _totals_by_hand(keys, texts)
    grouped = table.group_by("key").aggregate([("key", "count"), ("amount", "sum")])
    found = zip(*(grouped[name].to_pylist() for name in ("key", "key_count", "amount_sum")), strict=True)
    return [(key, rows, added([amount or Decimal(0)])) for key, rows, amount in found]


def _totals_by_hand(keys: Column, texts: Texts) -> list[tuple[str, int, Decimal]]:
    amounts: dict[str, list[Decimal]] = {}
    for key, text in zip(keys.to_pylist(), texts.to_pylist(), strict=True):
        amounts.setdefault(key, []).append(Decimal(text or 0))
    return [(key, len(each), added(each)) for key, each in amounts.items()]


def added(amounts: Iterable[Decimal]) -> Decimal:
    """Exact, without zeros that only fill places."""
    with localcontext(_EXACT):
        return Decimal(f"{sum(amounts, Decimal(0)).normalize():f}")


def plain(amount: Decimal) -> str:
    """Exact, without zeros that only fill places."""
    return f"{_EXACT.normalize(amount):f}"
