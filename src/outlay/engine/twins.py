"""Columns whose names differ by case alone, as tag keys may: in tables the later ones go by another name.

A twin's name in tables ends in marks that no bill writes and nobody sees; `real` takes them away.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

# INVISIBLE SEPARATOR: neither AWS nor CBF allows it in a tag key.
_MARK = "\u2063"


def apart(columns: Sequence[str]) -> list[str]:
    """The same names, with marks where one would be taken for an earlier one."""
    taken: set[str] = set()
    names = []
    for name in columns:
        while name.casefold() in taken:
            name += _MARK
        taken.add(name.casefold())
        names.append(name)
    return names


def real(name: str) -> str:
    """The column's name in the bill; the suffix that a map's name has stays."""
    return name.replace(_MARK, "")


def told_apart(table: pa.Table) -> pa.Table:
    return table.rename_columns(apart(table.column_names))


def own_names(table: pa.Table) -> dict[str, str]:
    """The bill's column → its name in a table that was told apart."""
    return {real(name): name for name in table.column_names}
