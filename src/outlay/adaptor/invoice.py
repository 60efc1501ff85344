"""The files of a vendor's invoice: found below a place, and read as text, a few ten thousand rows at a time."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa

from outlay.adaptor.mapping import Access, Mapping, Source
from outlay.drops.reading import local
from outlay.drops.rows import ENDINGS, Chunk, from_files
from outlay.engine.base import Input, Limits
from outlay.engine.unpack import Meter, Unreadable, blocks, packing_of
from outlay.errors import UsageError
from outlay.findings import finding
from outlay.settings import Settings
from outlay.storage import Place, StoredFile, open_place
from outlay.storage.faults import translated
from outlay.storage.url import Location


@dataclass(frozen=True)
class Invoice:
    """Files in the order of their paths."""

    place: Place
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def version(self, mapping: Mapping) -> str:
        """Another one whenever a file, the mapping or the target changes."""
        parts = [mapping.fingerprint, mapping.source.location, mapping.target.location]
        parts += [f"{file.path}\0{file.etag}\0{file.size}" for file in self.files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def credentials_of(access: Access, location: str) -> Any:
    """What S3 is reached with; None where nothing is said, or for other places."""
    if not location.startswith("s3://"):
        return None
    from outlay.aws.sessions import Credentials

    return Credentials(profile=access.profile, role_arn=access.role_arn)


def find(source: Source, settings: Settings) -> Invoice:
    """Raises UsageError where there is no file, and AccessError."""
    location, name = _parted(Location.parse(source.location))
    place = open_place(
        location,
        credentials=credentials_of(source.access, source.location),
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
    )
    found = [file for file in place.list() if _is_meant(file, source.files, name)]
    if not found:
        what = name or source.files or f"file that ends in {', '.join(ENDINGS)}"
        raise UsageError(f"There is no {what} at {location}.", next="Correct from: and files: of the source.")
    return Invoice(place, tuple(found))


def _parted(location: Location) -> tuple[Location, str]:
    """The folder, and the name of the one file that is meant, if one is."""
    folder, _, name = location.path.rpartition("/")
    is_file = Path(location.path).is_file() if location.is_folder else name.lower().endswith(ENDINGS)
    if not is_file:
        if location.is_folder and not Path(location.path).is_dir():
            raise UsageError(f"There is no file or folder {location.path}.", next="Correct from: of the source.")
        return location, ""
    return Location(location.scheme, location.bucket, folder or ("/" if location.is_folder else "")), name


def _is_meant(file: StoredFile, pattern: str, name: str) -> bool:
    if name:
        return file.path == name
    if pattern:
        return fnmatch(file.path, pattern) or fnmatch(file.name, pattern)
    return file.name.lower().endswith(ENDINGS)


def chunks(invoice: Invoice, source: Source, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    """Every row. What is wrong with a file comes as findings. Raises Changed when one changes meanwhile."""
    for file in invoice.files:
        with local(invoice.place, file, scratch) as here:
            yield from _of_file(here, source, settings, scratch)


def _of_file(file: Input, source: Source, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    try:
        if not source.is_plain and packing_of(file) != "parquet":
            file = _rewritten(file, source, settings, scratch / "plain")
    except Unreadable as unreadable:
        yield Chunk(file.name, pa.table({}), _NO_NUMBERS, (unreadable.told,))
        return
    yield from from_files([file], settings)


_NO_NUMBERS = pa.array([], pa.int64()).to_numpy()


def _rewritten(file: Input, source: Source, settings: Settings, to: Path) -> Input:
    """The same rows as RFC 4180 and UTF-8 have them. Raises Unreadable."""
    limits = Limits(settings.max_unpacked, settings.max_ratio, settings.max_columns, settings.max_field)
    content = blocks(file, packing_of(file), Meter(limits))
    with translated(to, writing=to), to.open("w", encoding="utf-8", newline="") as out:
        write = csv.writer(out, lineterminator="\n").writerow
        reader = csv.reader(_lines(content, source), delimiter=source.delimiter, strict=True)
        try:
            # A line without any field is none; the writer would make a field of it.
            for fields in filter(None, reader):
                write(fields)
        except UnicodeError as error:
            raise Unreadable(
                finding("format-unknown", file=file.name, reason=f"it is not text in {source.encoding}")
            ) from error
        except csv.Error as error:
            raise Unreadable(
                finding("quote-unclosed", file=file.name, row=reader.line_num - 1, reason=str(error))
            ) from error
    return Input(to, _plain_name(file.name), to.stat().st_size)


def _plain_name(name: str) -> str:
    """Without what says how it was packed: it is plain by now."""
    return name.removesuffix(".gz").removesuffix(".zip")


def _lines(content: Iterator[bytes], source: Source) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(source.encoding)()
    left, skip, is_first = "", source.skip_lines, True
    for block in _decoded(content, decoder):
        text = left + (block.removeprefix("\ufeff") if is_first else block)
        is_first = is_first and not text
        *lines, left = text.split("\n")
        for line in lines:
            if skip:
                skip -= 1
                continue
            yield f"{line}\n"
    if left and not skip:
        yield left


def _decoded(content: Iterator[bytes], decoder: codecs.IncrementalDecoder) -> Iterator[str]:
    for block in content:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)
