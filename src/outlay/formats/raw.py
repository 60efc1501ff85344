"""The raw table as formats see it: columns by name, absent ones as null, text read as numbers, times and maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir

from outlay.engine.maps import TAGS
from outlay.engine.twins import real
from outlay.focus.columns import DECIMAL, MAP, TEXT
from outlay.formats import values

FILE, ROW = "_file", "_row"
MAP_SUFFIX = "@map"


@dataclass(frozen=True)
class Raw:
    """A raw table and the names of the columns that the bill has (a subset of the table's).

    `names` maps the name a format uses to the column's name in this bill, where the two differ.
    """

    table: ir.Table
    columns: frozenset[str]
    names: dict[str, str]

    @classmethod
    def of(cls, table: ir.Table, names: dict[str, str] | None = None) -> Raw:
        columns = frozenset(real(name).removesuffix(MAP_SUFFIX) for name in table.columns if name not in (FILE, ROW))
        return cls(table, columns, names or {})

    @cached_property
    def _own(self) -> dict[str, str]:
        """The bill's column → its name in the table, which differs where two differ by case alone."""
        return {real(name): name for name in self.table.columns}

    def has(self, name: str) -> bool:
        return self.names.get(name, name) in self.columns

    def written(self, name: str) -> ir.StringValue:
        """The column's text as the bill wrote it; null where the column is absent or blank."""
        column = self._own.get(self.names.get(name, name))
        if column is None or not isinstance(self.table[column], ir.StringValue):
            return ibis.null(TEXT)
        return values.blank_to_null(self.table[column])

    def text(self, name: str) -> ir.StringValue:
        return self.written(name)

    def number(self, name: str, *, scientific: bool = False) -> ir.DecimalValue:
        """The column as an exact decimal, places beyond 18 rounded half to even; null where blank or no number."""
        if not self.has(name):
            return ibis.null(DECIMAL)
        return values.number(self.written(name), scientific=scientific)

    def time(self, name: str) -> ir.TimestampValue:
        """The column as a time in UTC; null where it is blank or no time."""
        return values.time(self.written(name))

    def map(self, name: str) -> ir.MapValue:
        """A map column, or one whose text is a JSON object; null where it is absent, blank or not an object."""
        column = self.names.get(name, name)
        found = (self.table[self._own[each]] for each in (column, f"{column}{MAP_SUFFIX}") if each in self._own)
        return next((each for each in found if isinstance(each, ir.MapValue)), ibis.null(MAP))

    def tags(self, columns: Iterable[tuple[str, str]]) -> ir.MapValue:
        """The map of the format's tag columns, given as (key, column), which the reader mostly has made already."""
        return self.table[TAGS] if TAGS in self.table.columns else self.map_of(columns)

    def map_of(self, columns: Iterable[tuple[str, str]]) -> ir.MapValue:
        """A map made of columns, given as (key, column); blank values have no key; no keys at all is null.

        Where columns have one key, the first that is filled counts.
        """
        return values.to_map([(key, self.written(column)) for key, column in columns])

    def starting_with(self, prefix: str) -> Sequence[str]:
        return sorted(name for name in self.columns if name.startswith(prefix))

    @property
    def file(self) -> ir.StringValue:
        return self.table[FILE]

    @property
    def row(self) -> ir.IntegerValue:
        return self.table[ROW]
