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
from outlay.engine.unpack import BLOCK, Unreadable
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
    content: memoryview
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
    """Cut the blocks of a file; each segment is gone when the next is asked for.

    Raises Unreadable for what makes the file unreadable as a whole.
    """
    clean = _cleaned(blocks)
    columns, rest = _header(file, clean, limits)
    number, held = 0, _Held(rest)
    for block in clean:
        held.add(block)
        if held.length < SEGMENT:
            continue
        quotes = held.quotes()
        cut = held.last_record_end(quotes)
        if cut:
            yield Segment(columns, held.upto(cut), number, quotes[: np.searchsorted(quotes, cut)])
            number += 1
            held.drop(cut)
        elif held.length > SEGMENT + limits.row:
            raise Unreadable(finding("quote-unclosed", file=file.name, row=None, reason="a quote stays open"))
    yield Segment(columns, held.upto(held.length), number, held.quotes())


class _Held:
    """Bytes that wait for the end of a record, always in the same memory: new memory for each segment is dear."""

    def __init__(self, content: bytes) -> None:
        self._bytes = bytearray(max(len(content), SEGMENT + BLOCK))
        self.length = 0
        self.add(content)

    def add(self, block: bytes) -> None:
        length = self.length + len(block)
        if length > len(self._bytes):
            # What was given out before still looks at the old memory, so that it cannot grow in place.
            self._bytes = self._bytes[: self.length] + bytes(length)
        self._bytes[self.length : length] = block
        self.length = length

    def drop(self, cut: int) -> None:
        """Forget what lies before `cut`."""
        rest = self._bytes[cut : self.length]
        self._bytes[: len(rest)] = rest
        self.length = len(rest)

    def upto(self, cut: int) -> memoryview:
        return memoryview(self._bytes)[:cut]

    def quotes(self) -> Places:
        """Where the quotes are, in order."""
        return np.flatnonzero(np.frombuffer(self._bytes, np.uint8, self.length) == _QUOTE)

    def last_record_end(self, quotes: Places) -> int:
        """The last line break with no quote open. An even count of quotes before it means that none is."""
        end = self._bytes.rfind(b"\n", 0, self.length)
        while end >= 0:
            if np.searchsorted(quotes, end) % 2 == 0:
                return end + 1
            end = self._bytes.rfind(b"\n", 0, end)
        return 0


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
