"""What buckets do by themselves and folders do not: create what is not there yet, and replace what nobody changed.

Every change is on the disk before it counts, and a reader sees the old content or the new, never a part of either.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def create(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet; False when it is. Of several who try at once one succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # An empty file takes the name: a link would too, but not every file system has links.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except FileExistsError:
        return False
    _replace(path, content)
    return True


def swap(path: Path, content: bytes, expected: str) -> bool:
    """Replace a file whose version is `expected` ("": it is not there); False when it is another by now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent):
        if version(path) != expected:
            return False
        _replace(path, content)
    return True


def version(path: Path) -> str:
    """What is another one after each `create` and `swap`; "" where there is no file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return ""
    return f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_size}"


def read(path: Path) -> tuple[bytes, str]:
    """The content of a file and the version that it is."""
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        return file.read(), f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_size}"


def _replace(path: Path, content: bytes) -> None:
    # Hidden, and of this process, so that what a kill leaves behind disturbs nobody.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    with _opened(path.parent) as folder:
        os.fsync(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder itself is the lock: no file is left in it, and a killed process holds it no longer."""
    with _opened(folder) as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield opened
    finally:
        os.close(opened)
