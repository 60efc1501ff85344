"""Rows become CBF text, checked as the ingest checks them and more strictly: nothing is sent that would be rejected."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from outlay.drops.rows import Chunk
from outlay.drops.values import Mask, Texts, Times, Written, times, written
from outlay.engine.base import Told
from outlay.findings import KEPT_PER_CODE, finding
from outlay.formats.cbf import KNOWN, LABELS, LINE_ITEM_TYPES, NUMBERS, REQUIRED, TAG, TAG_KEY, TIMES, TITLE
from outlay.formats.values import PLAIN_NUMBER
from outlay.layouts.paths import is_plain_text
from outlay.period import BillingPeriod

Unknown = Literal["refuse", "drop", "keep"]
UNKNOWN: tuple[Unknown, ...] = ("refuse", "drop", "keep")

START, COST, RESOURCE, TYPE = "time/usage_start", "cost/cost", "resource/id", "lineitem/type"
SERVICE, ITEM = "resource/service", "lineitem/id"
_TOO_LARGE = r"^[+-]?0*[1-9][0-9]{20,}"
_EXPECTED = "a plain decimal such as -12.30"


@dataclass(frozen=True)
class Checked:
    """Rows as CBF text, with the month of each, as `months_of` counts them."""

    table: pa.Table
    months: np.ndarray[Any, np.dtype[np.int32]]


class Checker:
    """Checks rows against what CBF asks. What is wrong goes to `told`; rows with an error are not for sending."""

    def __init__(
        self, told: Told, *, period: BillingPeriod | None = None, floats: bool = False, unknown: Unknown = "refuse"
    ) -> None:
        """With a `period`, rows of other months are an error."""
        self._told = told
        self._period = period
        self._floats = floats
        self._unknown = unknown
        self._headers: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    def check(self, chunk: Chunk) -> Checked:
        self._told.extend(chunk.findings)
        for code, count in chunk.more.items():
            self._told.counts[code] = self._told.counts.get(code, 0) + count
        names = self._wanted(chunk)
        found = {name: self._written(chunk, name) for name in names}
        texts = {name: column.texts for name, column in found.items()}
        refused = {name for name, column in found.items() if column.refused is not None}
        read = {name: times(texts[name]) for name in TIMES if name in texts}
        for name, column in read.items():
            self._tell(chunk, "time-invalid", name, column.bad, texts[name])
        for check in _CHECKS:
            for name, mask in check.find(texts):
                # What has no text is told as that already.
                if name not in refused:
                    self._tell(chunk, check.code, name, mask, texts.get(name), **check.fields)
        texts |= {name: column.texts for name, column in read.items()}
        self._check_months(chunk, read.get(START), texts)
        if self._told.is_bad():
            texts |= {name: _numbers(texts[name]) for name in NUMBERS if name in texts}
        months = read[START].months if START in read else np.full(len(chunk.numbers), -1, np.int32)
        return Checked(pa.table(texts) if texts else pa.table({}), months)

    def _wanted(self, chunk: Chunk) -> tuple[str, ...]:
        """The columns to send; what is wrong with a header is told once a source."""
        columns = tuple(chunk.table.column_names)
        key = (chunk.source, columns)
        if key not in self._headers:
            self._headers[key] = self._header(chunk.source, columns) if columns or not chunk.findings else ()
        return self._headers[key]

    def _header(self, source: str, columns: Sequence[str]) -> tuple[str, ...]:
        for name, count in Counter(columns).items():
            if count > 1:
                self._told.add(finding("column-duplicate", file=source, column=name))
        for name in REQUIRED:
            if name not in columns:
                self._told.add(finding("column-missing", file=source, column=name, format=TITLE))
        unknown = [name for name in columns if name not in KNOWN and not name.startswith(TAG)]
        for name in columns:
            if name.startswith(TAG) and not TAG_KEY.fullmatch(name.removeprefix(TAG)):
                self._told.add(finding("tag-key-invalid", file=source, column=name))
        refused = [name for name in unknown if self._unknown == "refuse" or not is_plain_text(name)]
        for name in refused if self._unknown != "drop" else ():
            self._told.add(
                finding(
                    "column-refused",
                    file=source,
                    column=name,
                    hint=_hint(name),
                    tag=re.sub(r"[^\w.:/=+\-@]", "_", name),
                )
            )
        dropped = set(unknown) if self._unknown == "drop" else set()
        return tuple(dict.fromkeys(name for name in columns if name not in dropped))

    def _written(self, chunk: Chunk, name: str) -> Written:
        column = chunk.table.column(chunk.table.column_names.index(name)).combine_chunks()
        # An id that went through a float has lost digits: there it is never taken.
        found = written(column, floats=self._floats and name in NUMBERS)
        if found.refused is not None:
            code = "float-refused" if found.why in _FLOATS else "type-refused"
            self._tell(chunk, code, name, found.refused, None, type=found.why)
        return found

    def _check_months(self, chunk: Chunk, start: Times | None, texts: dict[str, Texts]) -> None:
        if start is None or self._period is None:
            return
        outside = (start.months >= 0) & (start.months != month_number(self._period))
        self._tell(chunk, "outside-period", START, outside, texts[START], period=self._period.id)

    def _tell(self, chunk: Chunk, code: str, column: str, mask: Mask, texts: Texts | None, **fields: Any) -> None:
        places = np.flatnonzero(mask)
        for at in places[:KEPT_PER_CODE]:
            value = texts[int(at)].as_py() if texts is not None else None
            row = int(chunk.numbers[at])
            self._told.add(finding(code, file=chunk.source, row=row, column=column, value=value, **fields))
        if len(places) > KEPT_PER_CODE:
            self._told.counts[code] += len(places) - KEPT_PER_CODE


_FLOATS = ("float", "double", "halffloat")


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name.casefold(), sorted(KNOWN), 1, 0.8)
    return f"; {near[0]} is meant?" if near else ""


def _mask(found: Any) -> Mask:
    return np.asarray(pc.fill_null(found, False))


Find = Callable[[dict[str, Texts]], list[tuple[str, Mask]]]


@dataclass(frozen=True)
class _Check:
    """A code, and the columns with the rows in which it is found."""

    code: str
    find: Find
    fields: dict[str, Any]


def _missing(texts: dict[str, Texts]) -> list[tuple[str, Mask]]:
    return [(name, np.asarray(texts[name].is_null())) for name in REQUIRED if name in texts and texts[name].null_count]


def _of_numbers(bad: Callable[[Texts], Any]) -> Find:
    return lambda texts: [(name, _mask(bad(texts[name]))) for name in NUMBERS if name in texts]


def _types(texts: dict[str, Texts]) -> list[tuple[str, Mask]]:
    if TYPE not in texts:
        return []
    known = pc.is_in(texts[TYPE], pa.array(list(LINE_ITEM_TYPES)))
    return [(TYPE, _mask(pc.and_not(texts[TYPE].is_valid(), known)))]


def _untagged(texts: dict[str, Texts]) -> list[tuple[str, Mask]]:
    tags = [texts[name] for name in texts if name.startswith(TAG)]
    if not tags:
        return []
    is_tagged = np.logical_or.reduce([np.asarray(tag.is_valid()) for tag in tags])
    has_none = np.asarray(texts[RESOURCE].is_null()) if RESOURCE in texts else np.ones(len(is_tagged), np.bool_)
    return [(RESOURCE, is_tagged & has_none)]


def _labels(texts: dict[str, Texts]) -> list[tuple[str, Mask]]:
    if LABELS not in texts:
        return []
    encoded = texts[LABELS].dictionary_encode()
    good = pa.array([_is_object(text) for text in encoded.dictionary.to_pylist()], pa.bool_())
    return [(LABELS, _mask(pc.invert(good.take(encoded.indices))))]


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _nul(texts: dict[str, Texts]) -> list[tuple[str, Mask]]:
    return [(name, _mask(pc.match_substring(column, "\0"))) for name, column in texts.items()]


_CHECKS: tuple[_Check, ...] = (
    _Check("value-missing", _missing, {}),
    _Check(
        "number-invalid",
        _of_numbers(lambda c: pc.invert(pc.match_substring_regex(c, PLAIN_NUMBER))),
        {"expected": _EXPECTED},
    ),
    _Check("number-too-large", _of_numbers(lambda c: pc.match_substring_regex(c, _TOO_LARGE)), {}),
    _Check("category-unknown", _types, {"allowed": ", ".join(LINE_ITEM_TYPES)}),
    _Check("resource-missing", _untagged, {}),
    _Check("labels-invalid", _labels, {}),
    _Check("nul-byte", _nul, {}),
)


def _numbers(texts: Texts) -> Texts:
    """Only what is a number: the others are told, and must not stop the sums."""
    return pc.if_else(pc.match_substring_regex(texts, PLAIN_NUMBER), texts, pa.scalar(None, pa.string()))


def month_number(period: BillingPeriod) -> int:
    return period.year * 12 + period.month_number - 1


def period_of(month: int) -> BillingPeriod:
    return BillingPeriod(month // 12, month % 12 + 1)
