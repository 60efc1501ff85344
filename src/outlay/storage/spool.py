"""Folders of the spool: each is of one process, is gone when its work ends, and is swept when its process is gone."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outlay.storage.place import made_folder


@contextmanager
def spool(root: Path, label: str) -> Iterator[Path]:
    """A folder of its own in the spool `root`, which is gone when the block ends, however it ends."""
    folder = root / f"{label}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        yield made_folder(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def left_over(root: Path) -> list[Path]:
    """What was killed has left in the spool: folders whose process is gone."""
    return sorted(folder for folder in root.glob("*-*-*") if folder.is_dir() and not _is_alive(folder))


def sweep(root: Path) -> list[Path]:
    """Remove what is left over; returns what that was."""
    left = left_over(root)
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return left


def _is_alive(folder: Path) -> bool:
    process = folder.name.split("-")[-2]
    if not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
