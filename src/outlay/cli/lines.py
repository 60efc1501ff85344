"""Where a row of data stands in its file, by line: fields may hold line breaks, so that rows alone do not tell."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outlay.findings import Finding


class Lines:
    """Places of findings: the file as it is found from here, and the line. A file of a bucket has no place."""

    def __init__(self, folder: str, findings: Iterable[Finding]) -> None:
        """`folder` is what the findings' files are relative to. Each file with rows is read once, as far as needed."""
        self._folder = folder.removeprefix("file://")
        rows: dict[str, set[int]] = {}
        for each in findings:
            if each.file and each.row and self._file(each.file):
                rows.setdefault(each.file, set()).add(each.row)
        self._lines = {file: lines_of(Path(self._file(file)), wanted) for file, wanted in rows.items()}

    def place(self, told: Finding) -> tuple[str, int]:
        """The file, blank where there is none on this machine, and the line, 0 where none is known."""
        row = told.row or 0
        file = self._file(told.file) if told.file else ""
        return file, self._lines.get(told.file or "", {}).get(row, row + 1 if row else 0)

    def _file(self, name: str) -> str:
        path = name if not self._folder else f"{self._folder.rstrip('/')}/{name}"
        return "" if "://" in path.removeprefix("file://") else Path(path.removeprefix("file://")).as_posix()


def lines_of(path: Path, rows: Collection[int]) -> dict[int, int]:
    """The line on which each row of data begins, the header's being 1; those that cannot be told are left out."""
    found: dict[int, int] = {}
    last = max(rows, default=0)
    opening = gzip.open if path.suffix == ".gz" else open
    try:
        with opening(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
            reader = csv.reader(file)
            begins = 1
            for row, _ in enumerate(reader):
                if row in rows:
                    found[row] = begins
                begins = reader.line_num + 1
                if row >= last:
                    break
    except (OSError, EOFError, zlib.error, csv.Error):
        # The finding says what is wrong with the file.
        return found
    return found
