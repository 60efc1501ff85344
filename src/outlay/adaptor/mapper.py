"""Rows of an invoice become rows of CBF, as a mapping says. What cannot be made is told with its row and the rule."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from outlay.adaptor.document import At, Value
from outlay.adaptor.mapping import Mapping as Rules
from outlay.adaptor.mapping import Rule, TagsFrom
from outlay.adaptor.values import Faults, as_key, as_number, as_plain, as_time, as_word, each_text, parsed, shown
from outlay.drops.rows import Chunk
from outlay.drops.values import blank_to_null, pc, written
from outlay.engine.expressions import BadExpression, Bound, Expressions, Kind, Made, Parsed, Unbound
from outlay.errors import UsageError
from outlay.findings import KEPT_PER_CODE, Finding, finding
from outlay.formats.cbf import KNOWN, TAG
from outlay.period import BillingPeriod

Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Texts: TypeAlias = Any

_WHERE = "where"
_START = "time/usage_start"
_NO_KEY_LETTER = re.compile(r"[^A-Za-z0-9_.:/=+\-@]")


@dataclass(frozen=True)
class _Plan:
    """A mapping for files with certain columns: which column each name means, and expressions ready to run."""

    columns: Mapping[str, str]
    bound: Bound
    prefixed: tuple[tuple[str, str], ...]
    needed: tuple[str, ...]


@dataclass
class Mapper:
    """Maps the rows of one run. `left_out` counts rows that `where` leaves out, `other_months` those of other months.

    Raises UsageError, with its place, for an expression that cannot be run.
    """

    mapping: Rules
    expressions: Expressions
    floats: bool = False
    period: BillingPeriod | None = None
    most_columns: int = 4096
    left_out: int = 0
    other_months: int = 0
    _given: dict[str, int] = field(default_factory=dict)
    _plans: dict[tuple[str, ...], _Plan] = field(default_factory=dict)
    _lacking: set[str] = field(default_factory=set)
    _keys: dict[str, tuple[At, str]] = field(default_factory=dict)
    _seen: int = 0

    def __post_init__(self) -> None:
        self._sql: dict[str, Value] = {rule.target: rule.sql for rule in self.mapping.rules if rule.sql}
        if self.mapping.where:
            self._sql[_WHERE] = self.mapping.where
        kinds = {rule.target: _kind(rule) for rule in self.mapping.rules} | {_WHERE: "condition"}
        self._parsed: dict[str, Parsed] = {}
        for name, value in self._sql.items():
            try:
                self._parsed[name] = self.expressions.parse(value.text, kinds[name])
            except BadExpression as error:
                raise _bad(name, value, error) from error

    def chunks(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The rows that could be made; the others are in the findings."""
        for chunk in chunks:
            names = tuple(chunk.table.column_names)
            if not names:
                yield chunk
                continue
            told = _Told(chunk, self._given)
            plan = self._plan(chunk, names, told)
            if plan is None:
                yield told.without_rows()
            else:
                yield self._mapped(chunk, plan, told)

    def _plan(self, chunk: Chunk, names: tuple[str, ...], told: _Told) -> _Plan | None:
        """None where columns are missing, which is told once a file, by its own name."""
        if names not in self._plans and chunk.source not in self._lacking:
            plan = self._planned(names, told)
            if plan is None:
                self._lacking.add(chunk.source)
            else:
                self._plans[names] = plan
        return self._plans.get(names)

    def _planned(self, names: tuple[str, ...], told: _Told) -> _Plan | None:
        columns, is_whole = {}, True
        for value in self._read():
            found = _column(value.text, names)
            if found is None:
                is_whole = False
                hint = _hint(value.text, names)
                told.once("invoice-column-missing", column=value.text, where=value.at, hint=hint)
            else:
                columns[value.text] = found
        if not is_whole:
            return None
        try:
            bound = self.expressions.bind(self._parsed, names)
        except Unbound as unbound:
            raise _bad(unbound.name, self._sql[unbound.name], unbound.error) from unbound
        prefixed = tuple(self._prefixed(names, told))
        needed = {*columns.values(), *bound.used, *(name for _, name in prefixed)}
        # One at least: a table without columns has no rows.
        wanted = tuple(name for name in names if name in needed) or names[:1]
        return _Plan(columns, bound, prefixed, wanted)

    def _read(self) -> list[Value]:
        """What names a column of the invoice."""
        named = [rule.column for rule in self.mapping.rules if rule.column]
        return named + [each.json for each in self.mapping.tags_from if each.json]

    def _prefixed(self, names: Sequence[str], told: _Told) -> Iterator[tuple[str, str]]:
        """(tag, column) of the columns that become tags by how their names begin."""
        for each in self.mapping.tags_from:
            if each.prefix is None:
                continue
            for name in names:
                key = name.removeprefix(each.prefix.text)
                is_meant = name.startswith(each.prefix.text) and key and each.wants(key)
                if is_meant and (target := self._tag(each, key, told)):
                    yield target, name

    def _tag(self, each: TagsFrom, own: str, told: _Told) -> str | None:
        """The column of CBF for a key that the invoice names; None for one that the mapping makes itself."""
        key = f"{each.add}{own}"
        target = f"{TAG}{_NO_KEY_LETTER.sub('_', key)}"
        if any(rule.target == target for rule in self.mapping.rules):
            return None
        most = self.most_columns - len(self.mapping.rules)
        given = self._keys.setdefault(target, (each.at, key))
        if given != (each.at, key):
            told.once("tag-keys-merged", column=target, value=given[1], other=key, where=each.at)
            return None
        if len(self._keys) > self._seen:
            self._seen += 1
            if target != f"{TAG}{key}":
                told.once("tag-key-changed", column=target, value=key, where=each.at)
            if self._seen == most + 1:
                told.once("columns-too-many", value=f"more than {self.most_columns}", limit=self.most_columns)
        return target if self._seen <= most else None

    def _mapped(self, chunk: Chunk, plan: _Plan, told: _Told) -> Chunk:
        rows = self._as_text(chunk, plan, told)
        if self.mapping.where and rows.count:
            rows = self._wanted(rows, plan, told)
        made = self.expressions.make(plan.bound, rows.table, [name for name in plan.bound.texts if name != _WHERE])
        columns: dict[str, Texts] = {}
        faults: list[_Fault] = []
        for rule in self.mapping.rules:
            columns[rule.target] = self._column(rule, rows, plan, made, faults)
        columns |= self._tags(rows, plan, told, faults)
        kept = self._of_period(columns, faults, rows.count)
        for fault in faults:
            told.rows(fault, rows, kept)
        self.other_months += int(rows.count - kept.sum())
        good = kept & ~np.logical_or.reduce([fault.mask for fault in faults], initial=False) & ~rows.refused
        table = pa.table(columns)
        is_all = bool(good.all())
        numbers = rows.numbers if is_all else rows.numbers[good]
        return replace(told.chunk(), table=table if is_all else table.filter(pa.array(good)), numbers=numbers)

    def _of_period(self, columns: Mapping[str, Texts], faults: Sequence[_Fault], count: int) -> Mask:
        """Rows of the wished month, and those of which nobody can say."""
        if self.period is None:
            return np.ones(count, np.bool_)
        start = columns[_START]
        same = pc.starts_with(start, self.period.month)
        return np.asarray(pc.fill_null(same, True)).astype(np.bool_)

    def _as_text(self, chunk: Chunk, plan: _Plan, told: _Told) -> _Rows:
        """The columns that are needed, as text; a value that has none is told, and its row is not made."""
        refused = np.zeros(len(chunk.numbers), np.bool_)
        texts: dict[str, Texts] = {}
        for name in plan.needed:
            column: Any = chunk.table.column(chunk.table.column_names.index(name)).combine_chunks()
            found = written(column, floats=self.floats)
            texts[name] = _in_no_zone(column.type, found.texts)
            if found.refused is not None:
                is_float = found.why in ("float", "double", "halffloat")
                fields = {} if is_float else {"type": found.why}
                code = "float-refused" if is_float else "type-refused"
                fault = _Fault(code, name, found.refused, None, lambda at: {}, fields)
                told.rows(fault, _Rows(chunk.table, chunk.numbers, refused), np.ones(len(refused), np.bool_))
                refused = refused | found.refused
        return _Rows(pa.table(texts), chunk.numbers, refused)

    def _wanted(self, rows: _Rows, plan: _Plan, told: _Told) -> _Rows:
        made = self.expressions.make(plan.bound, rows.table, [_WHERE])[_WHERE]
        everything = np.ones(rows.count, np.bool_)
        told.rows(self._failed(_WHERE, self._sql[_WHERE].at, rows, plan, made), rows, everything)
        keep = np.asarray(pc.fill_null(made.values, False)).astype(np.bool_)
        self.left_out += int((~keep & ~made.failed).sum())
        return rows if keep.all() else rows.filtered(keep)

    def _failed(self, name: str, at: At, rows: _Rows, plan: _Plan, made: Made) -> _Fault:
        def why(place: int) -> dict[str, Any]:
            return {"reason": self.expressions.reason(plan.bound, rows.table.slice(place, 1), name)}

        return _Fault("expression-failed", name, made.failed, None, why, {"where": at})

    def _column(self, rule: Rule, rows: _Rows, plan: _Plan, made: Mapping[str, Made], faults: list[_Fault]) -> Texts:
        """The text of one column of CBF, step by step; each step tells what it cannot read."""
        if rule.value:
            texts: Texts = pa.repeat(pa.scalar(rule.value.text or None, pa.string()), rows.count)
        elif rule.sql:
            faults.append(self._failed(rule.target, rule.sql.at, rows, plan, made[rule.target]))
            texts = written(made[rule.target].values, floats=False).texts
        else:
            assert rule.column is not None  # noqa: S101 - a rule has one of the three
            texts = rows.table.column(plan.columns[rule.column.text]).combine_chunks()
        steps: list[tuple[str, Callable[[str], str | None]]] = []
        if rule.key:
            steps.append(("invoice-json-invalid", as_key(rule.key)))
        if rule.words is not None:
            steps.append(("invoice-word-unknown", as_word(rule.words, rule.otherwise)))
        if rule.numbers and not rule.numbers.is_plain:
            steps.append(("invoice-number-unread", as_number(rule.numbers)))
        for code, read in steps:
            texts = self._step(code, read, texts, rule, faults)
        if rule.numbers:
            texts = as_plain(texts)
        if rule.default is not None:
            texts = pc.fill_null(texts, rule.default)
        if rule.times:
            texts = self._step("invoice-time-unread", as_time(rule.times), texts, rule, faults)
        return blank_to_null(texts)

    def _step(
        self, code: str, read: Callable[[str], str | None], texts: Texts, rule: Rule, faults: list[_Fault]
    ) -> Texts:
        found, wrong = each_text(texts, read)
        faults.append(_unread(code, rule.target, rule.at, texts, wrong))
        return found

    def _tags(self, rows: _Rows, plan: _Plan, told: _Told, faults: list[_Fault]) -> dict[str, Texts]:
        found: dict[str, Texts] = {name: rows.table.column(column) for name, column in plan.prefixed}
        found = {name: texts.combine_chunks() for name, texts in found.items()}
        for each in self.mapping.tags_from:
            if each.json:
                texts = rows.table.column(plan.columns[each.json.text]).combine_chunks()
                found |= self._of_json(each, each.json, texts, told, faults)
        return found

    def _of_json(
        self, each: TagsFrom, source: Value, texts: Texts, told: _Told, faults: list[_Fault]
    ) -> dict[str, Texts]:
        encoded = texts.dictionary_encode()
        objects: list[dict[str, Any]] = []

        def read(text: str) -> None:
            objects.append({})
            objects[-1] = parsed(text)

        _, wrong = each_text(encoded.dictionary, read)
        faults.append(_unread("invoice-json-invalid", source.text, each.at, texts, _spread(wrong, texts)))
        keys = dict.fromkeys(key for one in objects for key in one if each.wants(key))
        named = {key: self._tag(each, key, told) for key in keys}
        return {
            target: pa.array([shown(one.get(key)) for one in objects], pa.string()).take(encoded.indices)
            for key, target in named.items()
            if target
        }


@dataclass(frozen=True)
class _Rows:
    """Rows as text, with their numbers; `refused` are those that have a value without a text."""

    table: pa.Table
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    refused: Mask

    @property
    def count(self) -> int:
        return len(self.numbers)

    def filtered(self, keep: Mask) -> _Rows:
        return _Rows(self.table.filter(pa.array(keep)), self.numbers[keep], self.refused[keep])


@dataclass(frozen=True)
class _Fault:
    """What is wrong with some rows: a code, the column, the values where they are texts, and how to say why."""

    code: str
    column: str
    mask: Mask
    texts: Texts | None
    why: Callable[[int], Mapping[str, Any]]
    fields: Mapping[str, Any]


class _Told:
    """The findings of one chunk: a hundred of each code in the whole run, the others are counted."""

    def __init__(self, chunk: Chunk, given: dict[str, int]) -> None:
        self._chunk = chunk
        self._given = given
        self._findings = list(chunk.findings)
        self._more = dict(chunk.more)

    def once(self, code: str, **fields: Any) -> None:
        self._findings.append(finding(code, file=self._chunk.source, **fields))

    def rows(self, fault: _Fault, rows: _Rows, kept: Mask) -> None:
        places = np.flatnonzero(fault.mask & kept)
        room = max(KEPT_PER_CODE - self._given.get(fault.code, 0), 0)
        for at in places[:room]:
            self._findings.append(self._finding(fault, rows, int(at)))
        self._given[fault.code] = self._given.get(fault.code, 0) + len(places)
        if len(places) > room:
            self._more[fault.code] = self._more.get(fault.code, 0) + len(places) - room

    def _finding(self, fault: _Fault, rows: _Rows, at: int) -> Finding:
        value = fault.texts[at].as_py() if fault.texts is not None else None
        said = {**fault.fields, **fault.why(at)}
        row = int(rows.numbers[at])
        return finding(fault.code, file=self._chunk.source, row=row, column=fault.column, value=value, **said)

    def chunk(self) -> Chunk:
        return replace(self._chunk, findings=tuple(self._findings), more=self._more)

    def without_rows(self) -> Chunk:
        return replace(self.chunk(), table=pa.table({}), numbers=np.zeros(0, np.int64))


def _unread(code: str, column: str, at: At, texts: Texts, wrong: Faults) -> _Fault:
    return _Fault(
        code, column, wrong.mask, texts, lambda place: {"reason": wrong.why[texts[place].as_py()]}, {"where": at}
    )


def _spread(wrong: Faults, texts: Texts) -> Faults:
    """Of the rows, what is known of their different texts."""
    is_bad = pc.is_in(texts, pa.array(list(wrong.why), pa.string()))
    return Faults(np.asarray(pc.and_(is_bad, texts.is_valid())).astype(np.bool_), wrong.why)


def _in_no_zone(kind: pa.DataType, texts: Texts) -> Texts:
    """Times that have no zone, and days: in which they are is for the rule to say."""
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return pc.ascii_rtrim(texts, "Z")
    return pc.utf8_slice_codeunits(texts, 0, len("2026-05-01")) if pa.types.is_date(kind) else texts


def _kind(rule: Rule) -> Kind:
    return "number" if rule.numbers else "time" if rule.times else "text"


def _column(name: str, names: Sequence[str]) -> str | None:
    """The column that is meant: itself, or the only one that differs by case alone."""
    if name in names:
        return name
    near = [each for each in names if each.casefold() == name.casefold()]
    return near[0] if len(near) == 1 else None


def _hint(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, 1, 0.6)
    return f" ({near[0]} is meant?)" if near else ""


def _bad(name: str, value: Value, error: BadExpression) -> UsageError:
    return UsageError(
        f"{value.within(error.at)}: the expression of {name} cannot be run: {error.reason}.".replace("?.", "?"),
        next=error.next or "Correct it: an expression in DuckDB's SQL over the fields of one row.",
    )


def located(told: Iterable[Finding], mapping: Rules) -> tuple[Finding, ...]:
    """Findings about columns of CBF, with the place of the rule that makes them."""
    return tuple(
        replace(each, message=f"{each.message} It is made by {mapping.place(each.column)}.")
        if each.column and (each.column in KNOWN or each.column.startswith(TAG)) and mapping.at.file not in each.message
        else each
        for each in told
    )


__all__ = ["Mapper", "located"]
