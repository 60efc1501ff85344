"""Rows of bodies as compressed CBF files, and back."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

# A CBF file may have so many rows.
MOST_ROWS = 1_000_000
_LEVEL = 1
# How long a field may be is the ingest's to say.
csv.field_size_limit(sys.maxsize)


def packed(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """A CSV file with a header, in UTF-8, compressed. What a row does not have is blank."""
    held = io.BytesIO()
    with gzip.GzipFile(fileobj=held, mode="wb", compresslevel=_LEVEL, mtime=0) as zipped:
        text = io.TextIOWrapper(zipped, encoding="utf-8", newline="")
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        text.flush()
        text.detach()
    return held.getvalue()


def unpacked(content: bytes) -> Iterator[dict[str, str]]:
    """Each row without its blanks, as it was sent."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as zipped:
        for row in csv.DictReader(io.TextIOWrapper(zipped, encoding="utf-8", newline="")):
            yield {name: value for name, value in row.items() if value}
