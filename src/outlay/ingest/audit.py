"""One query over a batch of raw rows: how many, which are bad, dropped or split, and what they add up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.findings import KEPT_PER_CODE, Finding, finding
from outlay.formats.base import Audit, Check, Context, Format
from outlay.formats.raw import Raw

_BAD, _DROP, _SPLIT, _FACT, _SUM, _ODD = "bad", "drop", "split", "fact", "sum", "odd"

# Rows of a query that is asked of many batches: what it is known by, and how it is made the first time.
Asked = Callable[[Hashable, Callable[[], ir.Table]], list[dict[str, Any]]]


class AuditQuery:
    """The query, and how to read its answer. Column names are numbered: reasons and rules are free text."""

    def __init__(self, format_: Format, raw: Raw, context: Context, checks: Sequence[Check]) -> None:
        drops, splits = format_.drops(raw, context), format_.splits(raw, context)
        totals, facts, invoiced = format_.totals(raw, context), format_.facts(raw, context), format_.invoiced(raw)
        self._names = {_DROP: list(drops), _SPLIT: list(splits), _FACT: list(facts), _SUM: list(totals.sums)}
        self._raw = raw
        self._checks = checks
        # Several checks of a column share one suspicion.
        self._odd: dict[ir.BooleanValue, str] = {}
        for check in checks:
            if check.suspicion is not None:
                self._odd.setdefault(check.suspicion, f"{_ODD}_{len(self._odd)}")
        self._gives_invoices = invoiced is not None
        is_kept = ~_any(drops.values())
        conditions: dict[str, ir.BooleanValue] = {
            "kept": is_kept,
            "invoiced": is_kept & invoiced if invoiced is not None else ibis.literal(False),
            **{f"{_BAD}_{number}": check.is_bad for number, check in enumerate(checks) if check.suspicion is None},
            **{name: suspicion for suspicion, name in self._odd.items()},
            **_numbered(_DROP, drops.values()),
            **_numbered(_SPLIT, (is_kept & is_split for is_split in splits.values())),
        }
        amounts = _numbered(_SUM, totals.sums.values())
        self._counts = ["rows", *conditions, *_numbered(_FACT, facts)]
        # Made columns first: an absent column is a plain null, and only columns can be counted and summed.
        rows = raw.table.select(
            currency=totals.currency,
            account=totals.account,
            **{name: condition.fill_null(False) for name, condition in conditions.items()},
            **_numbered(_FACT, (fact.fill_null(False) for fact in facts.values())),
            **amounts,
        )
        self.table: ir.Table = rows.group_by("currency", "account").aggregate(
            rows=rows.count(),
            **{name: rows[name].sum() for name in self._counts if name != "rows"},
            **{name: rows[name].sum() for name in amounts},
        )

    def read(self, groups: Iterable[Mapping[str, Any]], rows: Asked) -> Audit:
        """The audit from the rows of `table`, one a currency and account.

        `rows` runs one query more when a batch has suspicious values: it runs the checks that they are suspected of.
        """
        added: dict[str, int] = defaultdict(int)
        sums: dict[tuple[str | None, str | None], dict[str, Decimal]] = {}
        for group in groups:
            for name in self._counts:
                added[name] += int(group[name] or 0)
            sums[(group["currency"], group["account"])] = {
                name: group[f"{_SUM}_{number}"] or Decimal(0) for number, name in enumerate(self._names[_SUM])
            }
        return Audit(
            added["rows"],
            added["kept"],
            added["invoiced"],
            self._gives_invoices,
            self._by_name(_DROP, added),
            self._by_name(_SPLIT, added),
            self._by_name(_FACT, added),
            sums,
            self._bad(added, rows),
        )

    def _bad(self, added: Mapping[str, int], rows: Asked) -> list[int]:
        """How many rows each check found."""
        suspected = tuple(
            number
            for number, check in enumerate(self._checks)
            if check.suspicion is not None and added[self._odd[check.suspicion]]
        )
        found: dict[str, int] = {}
        if suspected:
            (row,) = rows(suspected, lambda: self._looked(suspected))
            found = {name: int(count or 0) for name, count in row.items()}
        return [found.get(name, added.get(name, 0)) for name in (f"{_BAD}_{n}" for n in range(len(self._checks)))]

    def _looked(self, suspected: Sequence[int]) -> ir.Table:
        bad = {f"{_BAD}_{number}": self._checks[number].is_bad.fill_null(False) for number in suspected}
        looked = self._raw.table.select(**bad)
        return looked.aggregate(**{name: looked[name].sum() for name in bad})

    def _by_name(self, kind: str, added: Mapping[str, int]) -> dict[str, int]:
        return {name: added[f"{kind}_{number}"] for number, name in enumerate(self._names[kind])}


def with_control_amounts(format_: Format, raw: Raw) -> Raw:
    """The raw rows with the format's control amounts beside them.

    The join with a single row keeps them a step of their own: as a part of the totals' expressions each would be worked
    out wherever it is used.
    """
    amounts = format_.control_amounts(raw)
    if not amounts:
        return raw
    table = raw.table.mutate(**amounts)
    one = ibis.array([1]).unnest().name("_one").as_table()
    return replace(raw, table=table.cross_join(one).drop("_one"))


def bad_rows(check: Check, raw: Raw, room: int) -> ir.Table:
    """Where a check's first bad rows stand, and their values."""
    bad = raw.table.filter(check.is_bad)
    return bad.select(file=raw.file, row=raw.row, value=check.value).order_by("file", "row").limit(room)


def bad_values(check: Check, raw: Raw) -> ir.Table:
    """The most frequent values of a check that is told by count."""
    bad = raw.table.filter(check.is_bad)
    found = bad.group_by(value=check.value).aggregate(count=bad.count())
    return found.order_by(ibis.desc("count"), "value").limit(KEPT_PER_CODE)


def placed(check: Check, row: Mapping[str, Any]) -> Finding:
    return finding(check.code, column=check.column, **row, **check.fields)


def counted(check: Check, value: str | None, count: int) -> Finding:
    return finding(check.code, column=check.column, value=value, count=count, **check.fields)


def _numbered(kind: str, values: Iterable[Any]) -> dict[str, Any]:
    return {f"{kind}_{number}": value for number, value in enumerate(values)}


def _any(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    any_of: ir.BooleanValue = ibis.literal(False)
    for condition in conditions:
        any_of = any_of | condition.fill_null(False)
    return any_of
