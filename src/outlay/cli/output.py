"""What commands print: tables for people, one JSON document or CSV for programs."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_GAP = 2
_LEAST = 14
_PIPED_WIDTH = 140


def _console(*, is_stderr: bool) -> Console:
    from rich.console import Console as RichConsole

    class OurConsole(RichConsole):
        def on_broken_pipe(self) -> None:
            """Told like any other, by `failing.run`."""
            raise BrokenPipeError

    file = sys.stderr if is_stderr else sys.stdout
    # Nobody has to scroll a file sideways, but a table in it should not be folded to the width of no terminal.
    width = None if file.isatty() or os.environ.get("COLUMNS", "").isdecimal() else _PIPED_WIDTH
    return OurConsole(stderr=is_stderr, width=width, highlight=False, emoji=False, markup=False)


def out() -> Console:
    return _console(is_stderr=False)


def err() -> Console:
    return _console(is_stderr=True)


def text(value: object, style: str = "") -> Text:
    """Text as it is: nothing in it is markup, and nothing in it moves the cursor."""
    from rich.text import Text as RichText

    return RichText(clean(str(value)), style=style)


def clean(value: str) -> str:
    """Bills are written by others: control characters are shown, not obeyed."""
    return "".join(
        "�" if unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n" else letter for letter in value
    )


def say(*values: object, style: str = "") -> None:
    out().print(text(" ".join(map(str, values)), style), soft_wrap=not out().is_terminal)


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=_is_limited(), allow_nan=False) + "\n")


def _is_limited() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"


@dataclass(frozen=True)
class Column:
    """`is_number` columns stand to the right and are never folded."""

    title: str
    is_number: bool = False


Cell = object


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, total: int = 0) -> None:
    """A table, or, where the terminal is too narrow for it, one block a row. The last `total` rows are sums."""
    cells = [[cell_text(cell) for cell in row] for row in rows]
    if needed_width(columns, cells) > out().width:
        _blocks(columns, cells)
    else:
        _table(columns, cells, total)


def fits(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> bool:
    """Can these rows be shown as a table in this terminal?"""
    return needed_width(columns, [[cell_text(cell) for cell in row] for row in rows]) <= out().width


def needed_width(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> int:
    """How wide a table has to be when texts may be folded and numbers may not."""
    from rich.cells import cell_len

    widths = [
        max(cell_len(line) for text in (column.title, *(row[place] for row in cells)) for line in text.split("\n"))
        for place, column in enumerate(columns)
    ]
    shrunk = [width if column.is_number else min(width, _LEAST) for width, column in zip(widths, columns, strict=True)]
    return sum(shrunk) + _GAP * (len(columns) - 1)


def cell_text(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return clean(str(cell))


def _table(columns: Sequence[Column], cells: Sequence[Sequence[str]], total: int) -> None:
    from rich.box import Box
    from rich.table import Table

    line = Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n")
    made = Table(box=line, show_edge=False, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(
            text(column.title),
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number,
            overflow="fold",
        )
    for number, row in enumerate(cells, start=1):
        is_last = number == len(cells) - total
        is_sum = number > len(cells) - total
        made.add_row(*map(text, row), end_section=is_last and total > 0, style="bold" if is_sum else "")
    out().print(made)


def _blocks(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    width = max(len(column.title) for column in columns)
    for row in cells:
        for column, cell in zip(columns, row, strict=True):
            out().print(text(f"{column.title.ljust(width)}  ", "bold") + text(cell), soft_wrap=not out().is_terminal)
        out().print()


def facts(pairs: Sequence[tuple[str, Cell]]) -> None:
    """Names and values, one a line."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        out().print(text(f"{name.ljust(width)}  ", "bold") + text(cell_text(value)), soft_wrap=True)


def money(amount: Decimal) -> str:
    """For people: two places, more only where two would show nothing. Exact amounts are in the JSON."""
    if amount and abs(amount) < Decimal("0.005"):
        return f"{amount:.2g}" if abs(amount) >= Decimal("0.000001") else ("<" if amount > 0 else ">-") + "0.000001"
    return f"{amount:,.2f}"


def month(period: str) -> str:
    """`2026-05` for the id `20260501-20260601`."""
    return f"{period[:4]}-{period[4:6]}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
