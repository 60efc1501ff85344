"""CSV in segments, cut at the end of a record: each is parsed by itself, and memory stays bounded.

What concerns the file as a whole is settled here, byte by byte: encoding, NUL bytes, line ends, the header. The rest
(ragged rows, quotes) is found when a segment is parsed.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from outlay.engine.base import Input, Limits
from outlay.engine.unpack import Unreadable
from outlay.findings import finding

SEGMENT = 8 * 1024 * 1024
_QUOTE = ord('"')
Places = np.ndarray[Any, np.dtype[np.intp]]
_DELIMITERS = ("\t", ";", "|", "\x01")


@dataclass(frozen=True)
class Segment:
    """Whole records of one file, without the header. `number` counts the file's segments from 0.

    `quotes` are the places of all its quotes, which tell where records end and whether they are well formed.
    """

    columns: tuple[str, ...]
    content: bytes
    number: int
    quotes: Places


class BadByte(Exception):
    """A byte that text may not have, at `position` of the unpacked file."""

    def __init__(self, code: str, position: int, value: bytes) -> None:
        super().__init__(code)
        self.code = code
        self.position = position
        self.value = value


def segments(file: Input, blocks: Iterator[bytes], limits: Limits) -> Iterator[Segment]:
    """Cut the blocks of a file. Raises Unreadable for what makes the file unreadable as a whole."""
    clean = _cleaned(blocks)
    columns, rest = _header(file, clean, limits)
    number = 0
    held: list[bytes] = [rest]
    length = len(rest)
    for block in clean:
        held.append(block)
        length += len(block)
        if length < SEGMENT:
            continue
        content = b"".join(held)
        quotes = quotes_in(content)
        cut = _last_record_end(content, quotes)
        if cut == 0:
            if length > SEGMENT + limits.row:
                raise Unreadable(finding("quote-unclosed", file=file.name, row=None, reason="a quote stays open"))
            held = [content]
            continue
        yield Segment(columns, content[:cut], number, quotes[: np.searchsorted(quotes, cut)])
        number += 1
        held, length = [content[cut:]], len(content) - cut
    content = b"".join(held)
    yield Segment(columns, content, number, quotes_in(content))


def quotes_in(content: bytes) -> Places:
    """Where the quotes are, in order."""
    return np.flatnonzero(np.frombuffer(content, np.uint8) == _QUOTE)


def _cleaned(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-8 without BOM and NUL, lines ended by LF."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_first, carried, position = True, b"", 0
    for block in blocks:
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            raise BadByte("not-utf8", position + max(error.start, 0), block[error.start : error.end]) from error
        if (nul := block.find(b"\0")) >= 0:
            raise BadByte("nul-byte", position + nul, b"\0")
        position += len(block)
        if is_first:
            block, is_first = block.removeprefix(codecs.BOM_UTF8), False
        if carried or b"\r" in block:
            block = carried + block
            carried = b"\r" if block.endswith(b"\r") else b""
            block = block.removesuffix(carried).replace(b"\r\n", b"\n") if carried else block.replace(b"\r\n", b"\n")
        yield block
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise BadByte("not-utf8", position, b"") from error
    if carried:
        yield b"\n"


def _header(file: Input, blocks: Iterator[bytes], limits: Limits) -> tuple[tuple[str, ...], bytes]:
    """The columns and what follows them in the blocks read so far. A header may hold quoted line breaks."""
    held = b""
    for block in blocks:
        held += block
        end = _first_record_end(held)
        if end:
            return _columns(file, held[:end], limits), held[end:]
        if len(held) > limits.row + limits.columns * 300:
            break
    return _columns(file, held, limits), b""


def _columns(file: Input, record: bytes, limits: Limits) -> tuple[str, ...]:
    text = record.decode().rstrip("\n")
    columns = _one_record(text)
    if not any(columns):
        raise Unreadable(finding("header-missing", file=file.name, value=text))
    if len(columns) == 1 and (other := next((each for each in _DELIMITERS if each in text), None)):
        raise Unreadable(finding("delimiter-wrong", file=file.name, value=other))
    if len(columns) > limits.columns:
        raise Unreadable(finding("columns-too-many", file=file.name, value=str(len(columns)), limit=limits.columns))
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise Unreadable(finding("column-duplicate", file=file.name, column=twice[0]))
    return tuple(columns)


def _one_record(text: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text), strict=True), [])
    except csv.Error:
        return []


def _first_record_end(content: bytes) -> int:
    """Where the first record ends, 0 when it has not ended: the first line break with no quote open."""
    end = content.find(b"\n")
    while end >= 0:
        if content.count(b'"', 0, end) % 2 == 0:
            return end + 1
        end = content.find(b"\n", end + 1)
    return 0


def _last_record_end(content: bytes, quotes: Places) -> int:
    """The last line break with no quote open. An even count of quotes before it means that none is."""
    end = content.rfind(b"\n")
    while end >= 0:
        if np.searchsorted(quotes, end) % 2 == 0:
            return end + 1
        end = content.rfind(b"\n", 0, end)
    return 0


def row_at(blocks: Iterator[bytes], position: int) -> int:
    """The row of data that holds the byte at `position`: how many records, the header among them, end before it."""
    ended, is_quoted = 0, False
    for block in blocks:
        block = block[: max(position, 0)]
        position -= len(block)
        for number, part in enumerate(block.split(b'"')):
            is_quoted ^= number > 0
            ended += 0 if is_quoted else part.count(b"\n")
        if position <= 0:
            break
    return ended
