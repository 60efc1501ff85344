"""What databases really say when they cannot go on, and what becomes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from outlay.databases import fault
from outlay.errors import DiskFull, OutlayError, SetupError


def made(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as con, con:
        con.execute("CREATE TABLE kept (text TEXT UNIQUE)")
    return path


def full(path: Path) -> None:
    with closing(sqlite3.connect(made(path))) as con:
        con.execute("PRAGMA max_page_count = 1")
        con.execute("INSERT INTO kept VALUES (?)", ["x" * 100_000])


def read_only(path: Path) -> None:
    with closing(sqlite3.connect(f"file:{made(path)}?mode=ro", uri=True)) as con:
        con.execute("INSERT INTO kept VALUES ('x')")


def locked(path: Path) -> None:
    with closing(sqlite3.connect(made(path))) as first, closing(sqlite3.connect(path, timeout=0)) as second:
        first.execute("BEGIN EXCLUSIVE")
        second.execute("INSERT INTO kept VALUES ('x')")


def missing(path: Path) -> None:
    sqlite3.connect(path / "no" / "such.db")


def no_database(path: Path) -> None:
    path.write_bytes(b"something else" * 100)
    with closing(sqlite3.connect(path)) as con:
        con.execute("SELECT * FROM kept")


@pytest.mark.parametrize(
    ("bring_about", "kind", "said"),
    [
        (full, DiskFull, "It has no space left to grow."),
        (read_only, SetupError, "It cannot be written to."),
        (locked, SetupError, "It is locked by another process and stayed so."),
        (missing, SetupError, "It cannot be reached."),
        (no_database, SetupError, "It is damaged, or its disk is."),
    ],
)
def test_what_sqlite_cannot_do_is_told_with_what_to_do(
    tmp_path: Path, bring_about: Callable[[Path], None], kind: type[OutlayError], said: str
) -> None:
    with pytest.raises(sqlite3.Error) as raised:
        bring_about(tmp_path / "a.db")
    ours = fault(raised.value, "It")
    assert isinstance(ours, kind)
    assert ours.message == said
    assert ours.next


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("BEGIN READ ONLY; CREATE TABLE more (text TEXT)", "It cannot be written to."),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "It cannot be reached."),
    ],
)
def test_what_postgresql_cannot_do_is_told_with_what_to_do(postgres_url: str, statement: str, said: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as con, pytest.raises(psycopg.Error) as raised:
        con.execute(statement.encode())
    ours = fault(raised.value, "It")
    assert isinstance(ours, SetupError)
    assert (ours.message, bool(ours.next)) == (said, True)


def test_a_lock_that_another_holds_is_told(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as first, psycopg.connect(postgres_url) as second:
        first.execute("CREATE TABLE kept (text TEXT)")
        first.commit()
        first.execute("LOCK TABLE kept")
        with pytest.raises(psycopg.Error) as raised:
            second.execute("LOCK TABLE kept NOWAIT")
        first.rollback()
    assert str(fault(raised.value, "It")).startswith("It is locked by another process")


def test_a_broken_constraint_is_no_state_of_the_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(made(tmp_path / "a.db"))) as con:
        con.execute("INSERT INTO kept VALUES ('x')")
        with pytest.raises(sqlite3.IntegrityError) as raised:
            con.execute("INSERT INTO kept VALUES ('x')")
    assert fault(raised.value, "It") is None
    assert fault(None, "It") is None
