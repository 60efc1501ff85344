"""From a file in the spool to blocks of bytes: what packs it is told by its first bytes, limits are kept on the way."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Literal, cast

from isal import igzip
from isal.igzip_lib import error as IsalError

from outlay.engine.base import Input, Limits
from outlay.findings import Finding, finding

Packing = Literal["gzip", "zip", "plain", "parquet"]
BLOCK = 4 * 1024 * 1024
# A ratio means nothing before a file has unpacked to some size: a header repeated a few hundred times packs very well.
_RATIO_FROM = 64 * 1024 * 1024

_MAGIC: tuple[tuple[bytes, Packing], ...] = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"PAR1", "parquet"))
_BY_ENDING: tuple[tuple[str, Packing], ...] = (
    (".gz", "gzip"),
    (".zip", "zip"),
    (".parquet", "parquet"),
    (".csv", "plain"),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"{", "JSON"),
    (b"<", "XML or HTML"),
)


# What unpacking raises of bytes that are cut off or changed.
_DAMAGED = (EOFError, IsalError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, NotImplementedError)


class Unreadable(Exception):
    """A file cannot be read; the finding says why."""

    def __init__(self, told: Finding) -> None:
        super().__init__(told.message)
        self.told = told


@dataclass
class Meter:
    """Counts what a delivery unpacks to, against its limits."""

    limits: Limits
    unpacked: int = 0

    def count(self, file: Input, size: int, of_this_file: int) -> None:
        self.unpacked += size
        if self.unpacked > self.limits.unpacked:
            raise Unreadable(finding("delivery-too-large", file=file.name, limit=self.limits.unpacked))
        if of_this_file > max(_RATIO_FROM, file.size * self.limits.ratio):
            raise Unreadable(finding("ratio-too-high", file=file.name, limit=self.limits.ratio))


def packing_of(file: Input) -> Packing:
    """By its first bytes; Unreadable when they are not what its name says."""
    with file.path.open("rb") as opened:
        first = opened.read(8)
    if not first:
        raise Unreadable(finding("file-empty", file=file.name))
    found = next((packing for magic, packing in _MAGIC if first.startswith(magic)), "plain")
    expected = next((packing for ending, packing in _BY_ENDING if file.name.lower().endswith(ending)), None)
    if expected is not None and expected != found:
        raise Unreadable(finding("compression-wrong", file=file.name, expected=expected, value=_shown(first, found)))
    return found  # type: ignore[return-value]


def _shown(first: bytes, found: str) -> str:
    if found != "plain":
        return found
    return next((name for magic, name in _OTHERS if first.startswith(magic)), repr(first)[1:])


def blocks(file: Input, packing: Packing, meter: Meter) -> Iterator[bytes]:
    """The unpacked bytes of a CSV file, a few MiB at a time."""
    seen = 0
    try:
        with _open(file, packing) as opened:
            while block := opened.read(BLOCK):
                seen += len(block)
                meter.count(file, len(block), seen)
                yield block
    except _DAMAGED as error:  # type: ignore[misc]
        raise Unreadable(finding("file-truncated", file=file.name, reason=str(error).rstrip("."))) from error
    if not seen:
        raise Unreadable(finding("file-empty", file=file.name))


@contextmanager
def _open(file: Input, packing: Packing) -> Iterator[IO[bytes]]:
    if packing == "gzip":
        with igzip.IGzipFile(file.path, "rb") as opened:  # type: ignore[no-untyped-call]
            yield cast(IO[bytes], opened)
    elif packing == "zip":
        with zipfile.ZipFile(file.path) as archive, archive.open(_only_member(file.name, archive)) as member:
            yield member
    else:
        with file.path.open("rb") as plain:
            yield plain


def _only_member(name: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise Unreadable(finding("format-unknown", file=name, reason=f"the zip holds {len(members)} files, not one"))
    if members[0].flag_bits & 1:
        raise Unreadable(finding("format-unknown", file=name, reason="the zip is encrypted"))
    return members[0]
