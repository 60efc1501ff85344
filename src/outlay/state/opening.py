"""Django for the state alone: no settings module, no site, one database that is brought up to date when opened."""

from __future__ import annotations

import random
import time
from typing import Any

import dj_database_url
import django
from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from outlay.databases import fault
from outlay.errors import OutlayError, SetupError, UsageError
from outlay.settings import Settings, without_password


def database(url: str) -> dict[str, Any]:
    """Django's description of a database address.

    SQLite runs in WAL mode with immediate transactions: with deferred ones, a reader that goes on to write fails
    whenever another process writes, whatever the time-out.
    """
    try:
        described: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as error:
        raise _unknown(url) from error
    if not described["ENGINE"].endswith(("sqlite3", "postgresql")):
        raise _unknown(url)
    if described["ENGINE"].endswith("sqlite3"):
        described["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    return described


def _unknown(url: str) -> UsageError:
    scheme = url.partition("://")[0] if "://" in url else ""
    return UsageError(
        f"DATABASE_URL begins with {scheme}://, which Outlay does not know."
        if scheme
        else "DATABASE_URL is no address.",
        next="Write sqlite:////folder/state.db or postgresql://user:password@host/name.",
    )


_open: list[str] = []
_TRIES = 10


def open_state(settings: Settings) -> None:
    """Set Django up and bring the database up to date. Raises SetupError when it cannot be used, DiskFull without room.

    Django knows one database a process: a second one has to wait until `close_state`.
    """
    if _open and _open != [settings.database_url]:
        raise UsageError("Another installation is open in this process.", next="Close it first.")
    described = database(settings.database_url)
    if not django_settings.configured:
        django_settings.configure(
            DATABASES={"default": described}, INSTALLED_APPS=["outlay.state"], USE_TZ=True, TIME_ZONE="UTC"
        )
    if not apps.ready:
        django.setup()
    connections.close_all()
    connections.settings["default"] = connections.configure_settings({"default": described})["default"]
    # A thread has the connections it has used: one that has used none must not fail here.
    _ = connections["default"]
    del connections["default"]
    _migrate(settings)
    _open[:] = [settings.database_url]


def close_state() -> None:
    connections.close_all()
    _open.clear()


def _migrate(settings: Settings) -> None:
    """Several processes may meet at a new database: the one whose tables are there already looks again."""
    for attempt in range(_TRIES):
        try:
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return
        except DatabaseError as error:
            raise _unusable(settings, error) from error
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except DatabaseError as error:
            if attempt == _TRIES - 1:
                raise _unusable(settings, error) from error
            connections.close_all()
            time.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - jitter, not a secret


def _unusable(settings: Settings, error: DatabaseError) -> OutlayError:
    shown = without_password(settings.database_url)
    return fault(error.__cause__, f"The database {shown}") or SetupError(
        f"The database {shown} cannot be used: {str(error).splitlines()[0]}.",
        next="Check DATABASE_URL, that the server runs, and that the folder can be written to.",
    )
