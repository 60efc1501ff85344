"""What the names of files tell, whatever the layout."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from outlay.storage import StoredFile

_CONTROL_OR_HALF = ("Cc", "Cs")


def is_hidden(path: str) -> bool:
    """Does any part begin with '.' or '_', as the leftovers of tools do (`_SUCCESS`, `._x.csv`, `_temporary/…`)?"""
    return any(part.startswith((".", "_")) for part in path.split("/"))


def ends_in(file: StoredFile, endings: tuple[str, ...]) -> bool:
    return file.name.lower().endswith(endings)


def folders_of(files: Iterable[StoredFile]) -> frozenset[str]:
    """Every folder that holds a file, directly or deeper."""
    folders: set[str] = set()
    for file in files:
        folder = file.path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(folders)


def is_marker(file: StoredFile, folders: frozenset[str]) -> bool:
    """Is it the zero-byte object by which buckets say that a folder is there? Listings drop the slash at its end.

    An empty file whose name has an ending is a failed upload rather than a folder, unless there are files below it.
    """
    return file.size == 0 and (file.path in folders or "." not in file.name)


def is_plain_text(text: str) -> bool:
    """Is it neither empty nor holding control characters or halves of surrogate pairs?"""
    return bool(text) and not any(unicodedata.category(each) in _CONTROL_OR_HALF for each in text)


def is_safe_name(text: str) -> bool:
    return is_plain_text(text) and "/" not in text and "\\" not in text and ".." not in text and text != "."


def is_safe_path(text: str) -> bool:
    return is_plain_text(text) and not any(part in ("", ".", "..") for part in text.split("/"))


def shown(text: str) -> str:
    """The text with its control characters escaped, so that a terminal and a database take it."""
    return "".join(each if is_plain_text(each) else each.encode("unicode_escape").decode() for each in text)
