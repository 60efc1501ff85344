from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from outlay.errors import SetupError, UsageError
from outlay.settings import Settings
from outlay.state.opening import close_state, database, open_state


def test_a_new_database_gets_its_tables_and_an_old_one_keeps_its_rows(settings: Settings) -> None:
    for number in range(2):
        open_state(settings)
        from outlay.state import connections
        from outlay.state.new import NewConnection

        connections.add(NewConnection(f"acme-{number}", "focus", "/bills/acme"))
        assert [row.name for row in connections.every()] == [f"acme-{each}" for each in range(number + 1)]
        close_state()


def test_models_and_migrations_agree(state: Settings) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "state", check=True, dry_run=True, verbosity=0)


def test_an_open_installation_is_not_mixed_up_with_a_second(state: Settings, tmp_path: Path) -> None:
    other = Settings.read({}, home=tmp_path / "other", database_url=f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(UsageError, match="Another installation is open"):
        open_state(other)
    close_state()
    open_state(other)
    from outlay.state import connections

    assert connections.every() == []


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://someone:hush@127.0.0.1:1/outlay"
    with pytest.raises(SetupError) as told:
        open_state(Settings.read({}, home=tmp_path, database_url=url))
    close_state()
    assert "postgresql://someone@127.0.0.1:1/outlay" in told.value.message
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u:hush@h/d", "oracle://u:hush@h/d"])
def test_other_kinds_of_databases_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as told:
        database(url)
    assert "hush" not in str(told.value)


WRITER = """
import sys
from pathlib import Path
from outlay.settings import Settings
from outlay.state.opening import open_state
open_state(Settings.read({}, home=Path(sys.argv[1]), database_url=sys.argv[2]))
from outlay.state import connections
from outlay.state.new import NewConnection
for number in range(20):
    connections.add(NewConnection(f"{sys.argv[3]}-{number}", "focus", "/bills"))
"""


def test_processes_that_make_the_database_and_write_at_once_do_not_fail(settings: Settings, tmp_path: Path) -> None:
    words = [sys.executable, "-c", WRITER, str(tmp_path), settings.database_url]
    writers = [subprocess.Popen([*words, name], stderr=subprocess.PIPE, text=True) for name in ("a", "b", "c")]
    said = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    open_state(settings)
    from outlay.state import connections

    assert len(connections.every()) == 60
    close_state()
