"""From a vendor's texts to those of CBF: times in UTC, plain decimals, words, JSON. One text that cannot be is a fault.

There are few different texts in a column of an invoice: each is worked out once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from outlay.adaptor.mapping import ISO, UNIX, UNIX_MS, Numbers, Round, Times
from outlay.drops.values import blank_to_null, pc
from outlay.formats.values import ANY_NUMBER, PLAIN_NUMBER

Texts: TypeAlias = Any

_SIGN = re.compile(r"[eE]")
_ANY = re.compile(ANY_NUMBER)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = {UNIX: Decimal(1), UNIX_MS: Decimal("0.001")}


class Unread(Exception):
    """A text that is not what it should be; the message says what is wrong."""


@dataclass(frozen=True)
class Faults:
    """Which rows have a text that cannot be read; `why` by the text."""

    mask: np.ndarray[Any, np.dtype[np.bool_]]
    why: dict[str, str]


def each_text(texts: Texts, read: Callable[[str], str | None]) -> tuple[Texts, Faults]:
    """`read` of every text; it raises Unread. Rows of faults are null."""
    encoded = texts.dictionary_encode()
    why: dict[str, str] = {}
    found: list[str | None] = []
    for text in encoded.dictionary.to_pylist():
        try:
            found.append(read(text))
        except Unread as error:
            found.append(None)
            why[text] = str(error)
    is_bad = pa.array([text in why for text in encoded.dictionary.to_pylist()], pa.bool_())
    mask = np.asarray(pc.fill_null(is_bad.take(encoded.indices), False)).astype(np.bool_)
    return pa.array(found, pa.string()).take(encoded.indices), Faults(mask, why)


def as_time(rule: Times) -> Callable[[str], str]:
    """A text as CBF writes times."""
    zone = ZoneInfo(rule.zone)
    readers = [_reader(name) for name in rule.formats]

    def read(text: str) -> str:
        for reader in readers:
            try:
                aware = _placed(reader(text.strip()), zone)
            except (ValueError, ArithmeticError):
                continue
            return f"{_rounded(aware, rule.round).replace(tzinfo=None).isoformat()}Z"
        raise Unread(f"it is no time of the format {' or '.join(rule.formats)}")

    return read


def _reader(name: str) -> Callable[[str], datetime]:
    if name in _SECONDS:
        unit = _SECONDS[name]
        return lambda text: _EPOCH + timedelta(microseconds=int(_number(text) * unit * 1_000_000))
    if name == ISO:
        return lambda text: datetime.fromisoformat(re.sub(r" ?UTC$", "Z", text))
    return lambda text: datetime.strptime(text, name)  # noqa: DTZ007 - its zone is the rule's


def _number(text: str) -> Decimal:
    if not _ANY.match(text):
        raise ValueError(text)
    return Decimal(text)


def _placed(time: datetime, zone: ZoneInfo) -> datetime:
    """In UTC. An hour that the clocks show twice is the first of both; one that they leave out is no time."""
    if time.tzinfo is not None:
        return time.astimezone(UTC)
    there = time.replace(tzinfo=zone)
    found = there.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) != time:
        raise Unread(f"the clocks of {zone.key} leave this hour out")
    return found


def _rounded(time: datetime, how: Round) -> datetime:
    nothing = {"microsecond": 0, "second": 0, "minute": 0}
    changes: dict[Round, dict[str, int]] = {
        "exact": {},
        "hour": nothing,
        "day": {**nothing, "hour": 0},
        "month": {**nothing, "hour": 0, "day": 1},
    }
    return time.replace(**changes[how])  # type: ignore[arg-type]


def as_plain(texts: Texts) -> Texts:
    """Plain decimals as they are, others without an exponent, to the last digit. What is none stays, to be told."""
    texts = blank_to_null(pc.utf8_trim_whitespace(texts))
    if not pc.any(pc.match_substring_regex(texts, _SIGN.pattern)).as_py():
        return texts
    plain = pa.array([_without_exponent(text) for text in texts.to_pylist()], pa.string())
    return pc.if_else(pc.match_substring_regex(texts, PLAIN_NUMBER), texts, plain)


def as_number(rule: Numbers) -> Callable[[str], str | None]:
    """A number with the signs of its land. Those between thousands have to stand there: `1.5` is not 15."""
    point, comma = re.escape(rule.decimal), re.escape(rule.thousands)
    grouped = rf"[0-9]{{1,3}}(?:{comma}[0-9]{{2,3}})*{comma}[0-9]{{3}}|" if comma else ""
    meant = re.compile(rf"[+-]?(?:{grouped}[0-9]*)(?:{point}[0-9]*)?(?:[eE][+-]?[0-9]{{1,3}})?")

    def read(text: str) -> str | None:
        text = text.strip()
        if not text:
            return None
        plain = text.replace(rule.thousands, "") if rule.thousands else text
        plain = plain.replace(rule.decimal, ".")
        if not meant.fullmatch(text) or not _ANY.match(plain):
            example = f"1{rule.thousands}234{rule.decimal}50"
            raise Unread(f"it is no number such as {example}")
        return _without_exponent(plain) if _SIGN.search(plain) else plain

    return read


def _without_exponent(text: str | None) -> str | None:
    return f"{Decimal(text):f}" if text is not None and _ANY.match(text) else text


def as_word(words: Any, otherwise: str | None) -> Callable[[str], str]:
    def read(text: str) -> str:
        found = words.get(text.strip().casefold(), otherwise)
        if found is None:
            raise Unread("no word of the mapping says what it means")
        return str(found)

    return read


def as_key(key: str) -> Callable[[str], str | None]:
    """The value that a JSON object has under a key, as text with all its digits."""

    def read(text: str) -> str | None:
        return shown(parsed(text).get(key))

    return read


class _Written(float):
    """A number of JSON that knows how it is written."""

    def __new__(cls, text: str) -> _Written:
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str


def parsed(text: str) -> dict[str, Any]:
    """A JSON object, its numbers as they are written. Raises Unread."""
    try:
        found = json.loads(text, parse_float=_Written)
    except (ValueError, RecursionError) as error:
        raise Unread("it is no JSON") from error
    if not isinstance(found, dict):
        raise Unread("it is no JSON object")
    return found


def shown(value: Any) -> str | None:
    """A value of JSON as text; blank is nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Written):
        return value.text
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # JSON can write half of a pair, which is no text.
    return text.encode("utf-8", "replace").decode()
